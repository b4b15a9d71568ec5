"""What the LLM says: whole and streamed give the same pieces; unknown shapes are refused."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.errors import UpstreamFailed
from guardrail.domain.exchange import Channel, Strand
from guardrail.wire.chat_answer import StreamReader, read_answer
from guardrail.wire.pieces import EndPiece, FinishPiece, Piece, TextPiece, Token

TOOLS = ("lab", "book")


def line(*choices: object, **fields: object) -> bytes:
    return b"data: " + orjson.dumps({"choices": list(choices)} | fields) + b"\n\n"


def said(
    delta: object = None, index: int = 0, finish: object = None, **fields: object
) -> dict[str, object]:
    return {"index": index, "delta": delta, "finish_reason": finish} | fields


def whole(
    message: object, finish: object = "stop", index: object = 0, **fields: object
) -> dict[str, object]:
    return {"index": index, "message": message, "finish_reason": finish} | fields


def call(name: object, arguments: object, index: object = 0, **fields: object) -> dict[str, object]:
    return {
        "index": index,
        "id": "x",
        "type": "function",
        "function": {"name": name, "arguments": arguments},
    } | fields


def streamed(*chunks: bytes, choices: int = 1) -> tuple[list[Piece], str]:
    """The pieces and the code of the failure, if any."""
    reader, pieces = StreamReader(TOOLS, choices), []
    try:
        for chunk in chunks:
            pieces.extend(reader.feed(chunk))
        pieces.extend(reader.end())
    except UpstreamFailed as error:
        return pieces, error.code
    return pieces, ""


def joined(pieces: Sequence[Piece]) -> dict[Channel, str]:
    texts: dict[Channel, str] = {}
    for piece in pieces:
        if isinstance(piece, TextPiece):
            texts[piece.channel] = texts.get(piece.channel, "") + piece.text
    return texts


DONE = b"data: [DONE]\n\n"
STOP = line(said({}, finish="stop"))
CONTENT = Channel()
CALL = Channel(0, Strand.TOOL_CALL, 0)

RECORDED: dict[str, tuple[int, bytes, list[Piece]]] = {
    "vllm, reasoning, usage": (
        1,
        line(said({"role": "assistant", "content": ""}))
        + b": keep-alive\n\n"
        + line(said({"reasoning_content": "先问", "reasoning": "先问"}))
        + line(said({"reasoning": "病史"}))
        + line(
            said(
                {"content": "请问"},
                logprobs={"content": [{"token": "请问", "logprob": -0.5, "bytes": [1]}]},
            )
        )
        + line(said({"content": "多久了？"}, stop_reason=None, vendor={"text": "leak"}))
        + line(said({}, finish="stop"))
        + line(usage={"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13, "cost": "1"})
        + DONE,
        [
            TextPiece(Channel(0, Strand.REASONING), "先问"),
            TextPiece(Channel(0, Strand.REASONING), "病史"),
            TextPiece(CONTENT, "请问", None, (Token("请问", -0.5),)),
            TextPiece(CONTENT, "多久了？"),
            FinishPiece(0, "stop"),
            EndPiece({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}),
        ],
    ),
    "llama.cpp, logprobs, timings": (
        1,
        line(said({"role": "assistant", "content": None}), created=1, system_fingerprint="b0")
        + line(
            said(
                {"content": "I"},
                logprobs={
                    "content": [
                        {"id": 57, "token": "I", "bytes": [73], "logprob": -1.5, "top_logprobs": []}
                    ]
                },
            )
        )
        + line(said({"content": "'m sorry"}), created=1)
        + line(said({}, finish="length"))
        + line(usage={"completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 40}})
        + DONE,
        [
            TextPiece(CONTENT, "I", None, (Token("I", -1.5),)),
            TextPiece(CONTENT, "'m sorry"),
            FinishPiece(0, "length"),
            EndPiece({"completion_tokens": 2}),
        ],
    ),
    "azure, filter results first, no [DONE]": (
        1,
        line(prompt_filter_results=[{"prompt_index": 0}])
        + line({"index": 0, "content_filter_offsets": {}})
        + line(
            said({"content": [{"type": "text", "text": "Rest "}, {"type": "text", "text": "well"}]})
        )
        + line(said({"refusal": "No."}, finish="content_filter")),
        [
            TextPiece(CONTENT, "Rest well"),
            TextPiece(Channel(0, Strand.REFUSAL), "No."),
            FinishPiece(0, "content_filter"),
            EndPiece(),
        ],
    ),
    "tool calls, escaped, index missing": (
        1,
        line(said({"tool_calls": [call("lab", "")]}))
        + line(said({"tool_calls": [{"index": 0, "function": {"arguments": '{"n":"\\u5f'}}]}))
        + line(
            said(
                {"tool_calls": [{"index": 0, "function": {"name": "lab", "arguments": '20"}\\u4'}}]}
            )
        )
        + line(said({"tool_calls": [{"id": "b", "function": {"name": "book", "arguments": None}}]}))
        + line(said({"tool_calls": [{"function": {"arguments": "{}"}}]}, finish="tool_calls"))
        + DONE,
        [
            TextPiece(CALL, "", "lab"),
            TextPiece(CALL, '{"n":"'),
            TextPiece(CALL, '张"}'),
            TextPiece(Channel(0, Strand.TOOL_CALL, 1), "", "book"),
            TextPiece(Channel(0, Strand.TOOL_CALL, 1), "{}"),
            TextPiece(CALL, "\\u4"),
            FinishPiece(0, "tool_calls"),
            EndPiece(),
        ],
    ),
    "two choices, confidence, data after done": (
        2,
        line(said({"content": "甲"}, 0), said({"content": "B"}, 1), confidence=0.5)
        + line(said(None, 1, "length"), confidence=1)
        + line(said({"content": "丙"}, 0), confidence=True)
        + line(said({}, 0, "eos"))
        + line(said({}, 0, "stop"), said({"content": ""}, 1))
        + DONE
        + line(said({"content": "late"}))
        + b"data: \xff\n\n",
        [
            TextPiece(Channel(0), "甲"),
            TextPiece(Channel(1), "B"),
            FinishPiece(1, "length"),
            TextPiece(Channel(0), "丙"),
            FinishPiece(0, "stop"),
            EndPiece({}, 1.0),
        ],
    ),
    "one choice of two": (
        2,
        line(said({"content": "只有一个"}, 0, "stop")) + DONE,
        [TextPiece(CONTENT, "只有一个"), FinishPiece(0, "stop"), EndPiece()],
    ),
}


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_whole_and_byte_by_byte(name: str) -> None:
    choices, data, pieces = RECORDED[name]
    assert streamed(data, choices=choices) == (pieces, "")
    assert streamed(*(data[i : i + 1] for i in range(len(data))), choices=choices) == (pieces, "")


BROKEN: dict[str, tuple[bytes, str]] = {
    "cut json": (line(said({"content": "a"})) + b'data: {"choi\n\n', "upstream_invalid_json"),
    "not an object": (b"data: [1]\n\n", "upstream_unknown_shape"),
    "not utf-8": (b"data: \xe4\xbd\n\n", "upstream_invalid_utf8"),
    "error object": (
        b'data: {"error":{"message":"' + "张三".encode() + b'"}}\n\n',
        "upstream_error",
    ),
    "error event": (b"event: error\ndata: {}\n\n", "upstream_error"),
    "audio": (line(said({"audio": {"transcript": "开药"}})), "upstream_unknown_shape"),
    "images": (line(said({"images": [{}]})), "upstream_unknown_shape"),
    "function call": (line(said({"function_call": {"name": "lab"}})), "upstream_unknown_shape"),
    "image part": (line(said({"content": [{"type": "image_url"}]})), "upstream_unknown_shape"),
    "part of no type": (line(said({"content": ["开药"]})), "upstream_unknown_shape"),
    "number as content": (line(said({"content": 5})), "upstream_unknown_shape"),
    "number in a part": (
        line(said({"content": [{"type": "text", "text": 5}]})),
        "upstream_unknown_shape",
    ),
    "object as reasoning": (line(said({"reasoning": {"text": "x"}})), "upstream_unknown_shape"),
    "choices no list": (b'data: {"choices":{}}\n\n', "upstream_unknown_shape"),
    "choice no object": (line("x"), "upstream_unknown_shape"),
    "delta no object": (line(said("x")), "upstream_unknown_shape"),
    "undeclared tool": (
        line(said({"tool_calls": [call("prescribe", "{}")]})),
        "upstream_unknown_tool",
    ),
    "unnamed tool": (line(said({"tool_calls": [call(None, "{}")]})), "upstream_unknown_tool"),
    "renamed tool": (
        line(said({"tool_calls": [call("lab", "")]}), said({"tool_calls": [call("book", "")]})),
        "upstream_unknown_shape",
    ),
    "custom tool": (
        line(said({"tool_calls": [call("lab", "", type="custom")]})),
        "upstream_unknown_shape",
    ),
    "list as type": (
        line(said({"tool_calls": [call("lab", "", type=[])]})),
        "upstream_unknown_shape",
    ),
    "object as arguments": (
        line(said({"tool_calls": [call("lab", {"药": 1})]})),
        "upstream_unknown_shape",
    ),
    "tool index too large": (
        line(said({"tool_calls": [call("lab", "", index=128)]})),
        "upstream_unknown_shape",
    ),
    "tool index negative": (
        line(said({"tool_calls": [call("lab", "", index=-1)]})),
        "upstream_unknown_shape",
    ),
    "tool index no number": (
        line(said({"tool_calls": [call("lab", "", index="0")]})),
        "upstream_unknown_shape",
    ),
    "arguments of nothing": (
        line(said({"tool_calls": [{"function": {"arguments": "{}"}}]})),
        "upstream_unknown_shape",
    ),
    "call no object": (line(said({"tool_calls": ["lab"]})), "upstream_unknown_shape"),
    "second choice": (line(said({"content": "x"}, 1)), "upstream_bad_choice"),
    "negative choice": (line(said({"content": "x"}, -1)), "upstream_bad_choice"),
    "true as choice": (line(said({}, True)), "upstream_bad_choice"),
    "text after the end": (STOP + line(said({"content": "还有"})), "upstream_unknown_shape"),
    "unknown end": (line(said({"content": "x"}, finish="network_error")), "upstream_truncated"),
    "end no word": (line(said({"content": "x"}, finish=["stop"])), "upstream_truncated"),
    "EOF without finish": (line(said({"content": "半句"})), "upstream_truncated"),
    "[DONE] without finish": (line(said({"content": "半句"})) + DONE, "upstream_truncated"),
    "finish cut off": (line(said({"content": "x"})) + STOP[:-1], "upstream_truncated"),
    "empty": (b"", "upstream_truncated"),
    "HTML": (b"<html>502</html>", "upstream_truncated"),
    "only [DONE]": (DONE, "upstream_no_choices"),
    "endless line": (b"data: " + b"x" * (1 << 20), "upstream_frame_too_large"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_streams(name: str) -> None:
    data, code = BROKEN[name]
    assert streamed(data)[1] == code


@pytest.mark.parametrize("name", [name for name in BROKEN if name != "endless line"])
def test_broken_streams_byte_by_byte(name: str) -> None:
    data, _ = BROKEN[name]
    assert streamed(*(data[i : i + 1] for i in range(len(data)))) == streamed(data)


def test_two_choices_need_two_ends_where_the_stream_just_stops() -> None:
    assert streamed(STOP, choices=2)[1] == "upstream_truncated"


def test_failures_quote_nothing() -> None:
    reader = StreamReader(TOOLS)
    with pytest.raises(UpstreamFailed) as error:
        list(reader.feed(BROKEN["error object"][0]))
    assert "张三" not in str(error.value)
    assert error.value.remedy


@given(st.sampled_from(sorted(RECORDED)), st.data())
def test_any_cut_gives_the_same_pieces(name: str, draw: st.DataObject) -> None:
    choices, data, pieces = RECORDED[name]
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=12)))
    parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert streamed(*parts, choices=choices) == (pieces, "")


@given(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30), st.data())
def test_a_stream_and_a_whole_reply_say_the_same(
    content: str, reasoning: str, arguments: str, draw: st.DataObject
) -> None:
    def parts(text: str) -> list[str]:
        cuts = sorted(draw.draw(st.lists(st.integers(0, len(text)), max_size=4)))
        return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    message = {
        "content": content,
        "reasoning_content": reasoning,
        "tool_calls": [call("lab", arguments)],
    }
    reply = read_answer(orjson.dumps({"choices": [whole(message, "tool_calls")]}), TOOLS)
    chunks = [line(said({"tool_calls": [call("lab", "")]}))]
    chunks += [line(said({"content": part})) for part in parts(content)]
    chunks += [line(said({"reasoning_content": part})) for part in parts(reasoning)]
    chunks += [line(said({"tool_calls": [call(None, part)]})) for part in parts(arguments)]
    pieces, code = streamed(*chunks, line(said({}, finish="tool_calls")), DONE)
    assert code == ""
    assert joined(pieces) == joined(reply)
    assert pieces[-2:] == list(reply[-2:])


def test_a_whole_reply() -> None:
    message = {
        "role": "assistant",
        "content": "建议复查 CT。",
        "refusal": None,
        "annotations": [{"text": "leak"}],
        "tool_calls": [call("lab", '{"a":1}'), call("lab", "{}"), call("book", "")],
    }
    body = {
        "id": "chatcmpl-upstream",
        "system_fingerprint": "fp",
        "choices": [whole(message, "tool_calls"), whole({"content": "Second."}, "stop", 1)],
        "usage": {"prompt_tokens": 1, "completion_tokens": True, "total_tokens": -3},
        "confidence": 0.97,
    }
    assert read_answer(orjson.dumps(body), TOOLS, 2) == (
        TextPiece(CONTENT, "建议复查 CT。"),
        TextPiece(CALL, '{"a":1}', "lab"),
        TextPiece(Channel(0, Strand.TOOL_CALL, 1), "{}", "lab"),
        TextPiece(Channel(0, Strand.TOOL_CALL, 2), "", "book"),
        FinishPiece(0, "tool_calls"),
        TextPiece(Channel(1), "Second."),
        FinishPiece(1, "stop"),
        EndPiece({"prompt_tokens": 1}, 0.97),
    )


def test_a_whole_reply_with_fewer_choices_than_asked() -> None:
    body = orjson.dumps({"choices": [whole({"content": ""}, index=0)]})
    assert read_answer(body, (), 2) == (FinishPiece(0, "stop"), EndPiece())


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "upstream_invalid_json"),
        (b"<html></html>", "upstream_invalid_json"),
        ('{"choices":[{"message":{"content":"半'.encode(), "upstream_invalid_json"),
        (b'{"choices":"\xff"}', "upstream_invalid_utf8"),
        (b"[]", "upstream_unknown_shape"),
        (b"{}", "upstream_no_choices"),
        (b'{"choices":[]}', "upstream_no_choices"),
        (b'{"error":"busy"}', "upstream_error"),
        (orjson.dumps({"choices": [whole({"content": "x"}, None)]}), "upstream_truncated"),
        (
            orjson.dumps({"choices": [whole({"content": "x"}), whole({"content": "偷"})]}),
            "upstream_unknown_shape",
        ),
        (orjson.dumps({"choices": [whole({"content": "x"}, index=1)]}), "upstream_bad_choice"),
        (
            orjson.dumps({"choices": [whole({"tool_calls": [call("开方", "{}")]})]}),
            "upstream_unknown_tool",
        ),
    ],
)
def test_broken_whole_replies(body: bytes, code: str) -> None:
    with pytest.raises(UpstreamFailed) as error:
        read_answer(body, TOOLS)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("logprobs", "tokens"),
    [
        (None, ()),
        ([], ()),
        ({"content": None}, ()),
        (
            {"content": [{"token": "头", "logprob": -1}, {"token": "疼", "logprob": 0.001}]},
            (Token("头", -1.0), Token("疼", 0.0)),
        ),
        ({"content": [{"token": "开药", "logprob": -1}]}, (Token("", -1.0),)),
        ({"content": [{"token": "头疼", "logprob": None}, "x", {"token": 5, "logprob": -1}]}, ()),
    ],
)
def test_token_texts_only_where_they_are_the_contents_own(
    logprobs: object, tokens: tuple[Token, ...]
) -> None:
    body = orjson.dumps({"choices": [whole({"content": "头疼"}, logprobs=logprobs)]})
    assert read_answer(body, ())[0] == TextPiece(CONTENT, "头疼", None, tokens)


def test_tokens_without_text_keep_their_probability() -> None:
    body = line(
        said({"content": ""}, finish="stop", logprobs={"content": [{"token": "�", "logprob": -2}]})
    )
    assert streamed(body)[0][0] == TextPiece(CONTENT, "", None, (Token("", -2.0),))


KEYS = """choices index delta message content tool_calls function name arguments finish_reason
logprobs token logprob type text error"""
ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.sampled_from(["", "文", "lab", "stop", "text"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(KEYS.split()),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(ODD, st.binary(max_size=20))
def test_whatever_it_says_it_is_read_or_refused(value: object, noise: bytes) -> None:
    message = orjson.dumps(
        {"choices": [{"message": value, "delta": value, "finish_reason": "stop"}]}
    )
    for body in (message, orjson.dumps(value), noise):
        _, code = streamed(b"data: " + body + b"\n\n")
        assert code == "" or code.startswith("upstream_")
        with suppress(UpstreamFailed):
            assert isinstance(read_answer(body, TOOLS)[-1], EndPiece)
