"""What the caller gets: only what was released, in shapes that OpenAI's own client accepts."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from guardrail.domain.errors import UpstreamFailed
from guardrail.domain.exchange import Caller, Channel, Exchange, Strand
from guardrail.wire import problem, sse
from guardrail.wire.chat_request import Request
from guardrail.wire.chat_writer import AnswerWriter
from guardrail.wire.pieces import Token

CONTENT = Channel()
REASONING = Channel(0, Strand.REASONING)
CALL = Channel(0, Strand.TOOL_CALL, 2)
GUARD = {"exchange": "e7", "action": "allow"}


def writer(*, usage: bool = False, extension: bool = True, **asked: Any) -> AnswerWriter:
    exchange = Exchange("e7", "诊助-1", (), Caller(extension=extension), **asked)
    return AnswerWriter(exchange, Request({}, "诊助-1", (), usage), 1700000000)


def chunks(data: bytes) -> list[dict[str, Any]]:
    """The JSON of every event; checks that the client's model takes it and that [DONE] is last."""
    frames = [frame.data for frame in sse.FrameReader().feed(data)]
    assert "[DONE]" not in frames[:-1]
    read = [orjson.loads(frame) for frame in frames if frame != "[DONE]"]
    for chunk in read:
        ChatCompletionChunk.model_validate(chunk, strict=True)
    return read


def deltas(data: bytes) -> list[Any]:
    return [[choice["delta"] for choice in chunk["choices"]] for chunk in chunks(data)]


def test_a_stream() -> None:
    out = writer()
    first = chunks(out.first())[0]
    assert first == {
        "id": "chatcmpl-e7",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "诊助-1",
        "choices": [
            {
                "index": 0,
                "delta": {"role": "assistant", "content": ""},
                "logprobs": None,
                "finish_reason": None,
            }
        ],
    }
    data = (
        out.release(REASONING, "想")
        + out.release(CONTENT, "多喝水。")
        + out.release(Channel(0, Strand.REFUSAL), "No.")
    )
    assert deltas(data) == [
        [{"reasoning_content": "想"}],
        [{"content": "多喝水。"}],
        [{"refusal": "No."}],
    ]
    end = out.close({0: "stop"}, {}, GUARD)
    assert end.endswith(sse.DONE)
    (last,) = chunks(end)
    assert last["guardrail"] == GUARD
    assert last["choices"] == [{"index": 0, "delta": {}, "logprobs": None, "finish_reason": "stop"}]


def test_nothing_to_say() -> None:
    assert writer().release(CONTENT, "", None, (Token("", -1.0),)) == b""
    assert (
        b"".join([writer(extension=False).close({0: "stop"}, {}, GUARD)]).count(b"guardrail") == 0
    )
    assert b"guardrail" not in writer().close({}, {}, None)
    assert chunks(writer().close({}, {}, None))[0]["choices"][0]["finish_reason"] == "stop"


def test_tool_calls_have_our_ids() -> None:
    out = writer()
    data = out.release(CALL, "", "lab") + out.release(CALL, '{"项":') + out.release(CALL, "1}")
    (first,), (second,), (third,) = deltas(data)
    assert first == {
        "role": "assistant",
        "tool_calls": [
            {
                "index": 2,
                "id": "call_e7_0_2",
                "type": "function",
                "function": {"name": "lab", "arguments": ""},
            }
        ],
    }
    assert second == {"tool_calls": [{"index": 2, "function": {"arguments": '{"项":'}}]}
    assert third == {"tool_calls": [{"index": 2, "function": {"arguments": "1}"}}]}
    assert deltas(writer().release(CALL, "{}"))[0][0]["tool_calls"][0]["function"]["name"] == ""


def test_usage_only_where_asked_and_choices_end_one_by_one() -> None:
    out = writer(usage=True, choices=2)
    assert chunks(out.first())[0]["usage"] is None
    out.release(Channel(1), "B")
    ends = chunks(out.close({1: "length"}, {"prompt_tokens": 3, "total_tokens": 5}, GUARD))
    assert [c["choices"][0]["finish_reason"] for c in ends[:2]] == ["stop", "length"]
    assert ["guardrail" in chunk for chunk in ends] == [False, True, False]
    assert ends[2]["choices"] == []
    assert ends[2]["usage"] == {"prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 5}


@pytest.mark.parametrize("text", ["已转交医生。", "Handed to a doctor."])
def test_a_notice_reaches_every_choice(text: str) -> None:
    out = writer(choices=2)
    out.release(Channel(1), "Cleared.")
    (notice,) = chunks(out.notice(text))
    assert [choice["delta"]["content"] for choice in notice["choices"]] == [text, f"\n\n{text}"]
    ends = chunks(out.close({0: "stop"}, {}, None))
    assert [end["choices"][0]["finish_reason"] for end in ends] == ["content_filter"] * 2


@pytest.mark.parametrize("as_bytes", [False, True])
def test_an_error_ends_the_stream(as_bytes: bool) -> None:
    error = UpstreamFailed("upstream_truncated", "中断。", "Try again.")
    data = writer().error(problem.body(error) if as_bytes else problem.shape(error))
    assert data == b"data: " + problem.body(error) + b"\n\n" + sse.DONE


TOKENS = (Token("头", -0.5), Token("疼", -1.0))


def test_logprobs_only_where_asked_and_exactly_the_text() -> None:
    told = {
        "content": [
            {"token": "头", "logprob": -0.5, "bytes": [229, 164, 180], "top_logprobs": []},
            {"token": "疼", "logprob": -1.0, "bytes": [231, 150, 188], "top_logprobs": []},
        ],
        "refusal": None,
    }

    def logprobs(channel: Channel, text: str, *, wants: bool) -> tuple[Any, Any]:
        out = writer(wants_logprobs=wants)
        out.collect(channel, text, None, TOKENS)
        whole = orjson.loads(out.whole({0: "stop"}, {}, None))["choices"][0]["logprobs"]
        return chunks(out.release(channel, text, None, TOKENS))[0]["choices"][0]["logprobs"], whole

    assert logprobs(CONTENT, "头疼", wants=True) == (told, told)
    assert logprobs(CONTENT, "头疼", wants=False) == (None, None)
    assert logprobs(CONTENT, "头痛", wants=True) == (None, None)
    assert logprobs(REASONING, "头疼", wants=True) == (None, None)


def test_a_whole_reply() -> None:
    out = writer(choices=2)
    out.collect(CONTENT, "多喝")
    out.collect(CONTENT, "水。")
    out.collect(REASONING, "想")
    out.collect(CALL, "", "lab")
    out.collect(CALL, "{}")
    out.collect(Channel(1, Strand.REFUSAL), "No.")
    data = orjson.loads(out.whole({0: "tool_calls", 1: "stop"}, {"total_tokens": 5}, GUARD))
    ChatCompletion.model_validate(data, strict=True)
    assert data == {
        "id": "chatcmpl-e7",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "诊助-1",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "多喝水。",
                    "refusal": None,
                    "reasoning_content": "想",
                    "tool_calls": [
                        {
                            "id": "call_e7_0_2",
                            "type": "function",
                            "function": {"name": "lab", "arguments": "{}"},
                        }
                    ],
                },
                "logprobs": None,
                "finish_reason": "tool_calls",
            },
            {
                "index": 1,
                "message": {"role": "assistant", "content": None, "refusal": "No."},
                "logprobs": None,
                "finish_reason": "stop",
            },
        ],
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 5},
        "guardrail": GUARD,
    }


@given(
    st.lists(
        st.tuples(st.sampled_from([CONTENT, REASONING, CALL]), st.text(min_size=1, max_size=9)),
        max_size=9,
    )
)
def test_a_stream_and_a_whole_reply_say_the_same(released: list[tuple[Channel, str]]) -> None:
    whole, stream = writer(extension=False), writer(extension=False)
    data = stream.first()
    for channel, text in released:
        whole.collect(channel, text, "lab")
        data += stream.release(channel, text, "lab")
    data += stream.close({0: "stop"}, {}, GUARD)
    message = orjson.loads(whole.whole({0: "stop"}, {}, GUARD))["choices"][0]["message"]
    said = [delta for (delta,) in deltas(data)]
    for key in ("content", "reasoning_content"):
        assert "".join(delta.get(key, "") for delta in said) == (message.get(key) or "")
    calls = [call["function"]["arguments"] for d in said for call in d.get("tool_calls", [])]
    assert "".join(calls) == "".join(
        c["function"]["arguments"] for c in message.get("tool_calls", [])
    )


@given(st.text(alphabet="药abc", min_size=1), st.text(alphabet="转醫xyz", min_size=1))
def test_with_a_notice_nothing_collected_leaves(secret: str, notice: str) -> None:
    out = writer(choices=2, wants_logprobs=True)
    out.collect(CONTENT, f"§{secret}", None, (Token(f"§{secret}", -1.0),))
    out.collect(CALL, f"§{secret}", "lab")
    data = out.whole({0: "tool_calls"}, {}, None, notice=notice)
    assert "§" not in data.decode()
    choices = orjson.loads(data)["choices"]
    assert [choice["message"]["content"] for choice in choices] == [notice, notice]
    assert [choice["finish_reason"] for choice in choices] == ["content_filter"] * 2
    assert all("tool_calls" not in choice["message"] for choice in choices)
