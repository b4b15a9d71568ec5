"""A question in, a question out: turns, flags, masked text written back in its place."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.errors import BadRequest
from guardrail.domain.exchange import Caller, Exchange, Scene, Speaker
from guardrail.wire.chat_request import Request, read_request, upstream_body

MESSAGES = [
    {"role": "system", "content": "你是护士。"},
    {"role": "user", "content": "My phone is 13800138000"},
]


def asked(caller: Caller | None = None, **fields: Any) -> tuple[Exchange, Request]:
    body = orjson.dumps({"model": "clinic-1", "messages": MESSAGES} | fields)
    return read_request(
        body,
        exchange_id="ex1",
        caller=caller or Caller(),
        scene=Scene.B,
        purpose="triage",
        cohort="30-39/f",
        at=7.5,
    )


def sent(
    request: Request, replaced: dict[int, str] | None = None, **options: Any
) -> dict[str, Any]:
    return orjson.loads(
        upstream_body(request, replaced or {}, **({"ask_logprobs": False} | options))
    )


def test_a_plain_question() -> None:
    exchange, request = asked()
    assert (exchange.id, exchange.model, exchange.scene) == ("ex1", "clinic-1", Scene.B)
    assert (exchange.purpose, exchange.cohort, exchange.asked_at) == ("triage", "30-39/f", 7.5)
    assert (exchange.stream, exchange.choices, exchange.tools) == (False, 1, ())
    assert [turn.speaker for turn in exchange.turns] == [Speaker.SYSTEM, Speaker.USER]
    assert not exchange.wants_logprobs
    assert not request.include_usage
    assert sent(request) == {"model": "clinic-1", "messages": MESSAGES}


def test_flags() -> None:
    tools = [{"type": "function", "function": {"name": "lab"}}]
    exchange, request = asked(
        stream=True,
        n=3,
        logprobs=True,
        top_logprobs=5,
        tools=tools,
        stream_options={"include_usage": True},
    )
    assert (exchange.stream, exchange.choices, exchange.wants_logprobs) == (True, 3, True)
    assert exchange.tools == ("lab",)
    assert request.include_usage
    body = sent(request)
    assert body["logprobs"] is True
    assert body["top_logprobs"] == 1
    assert (body["n"], body["tools"]) == (3, tools)


def test_what_is_added_for_the_upstream() -> None:
    _, whole = asked(stream_options={"include_usage": True})
    assert sent(whole, ask_logprobs=True, model="qwen") == {
        "model": "qwen",
        "messages": MESSAGES,
        "logprobs": True,
        "top_logprobs": 1,
    }
    assert "top_logprobs" not in sent(asked(top_logprobs=3)[1])
    _, stream = asked(stream=True)
    assert sent(stream)["stream_options"] == {"include_usage": True}


def test_texts_beside_the_messages_come_first() -> None:
    fields = {
        "user": "张三",
        "safety_identifier": "s-1",
        "metadata": {"ward": "七病区"},
        "stop": ["。", "\n"],
        "prediction": {"type": "content", "content": [{"type": "text", "text": "建议休息"}]},
    }
    exchange, request = asked(**fields)
    assert [(turn.text, turn.path, turn.speaker) for turn in exchange.turns[:-2]] == [
        ("张三", ("user",), Speaker.USER),
        ("s-1", ("safety_identifier",), Speaker.USER),
        ("七病区", ("metadata", "ward"), Speaker.USER),
        ("。", ("stop", 0), Speaker.USER),
        ("\n", ("stop", 1), Speaker.USER),
        ("建议休息", ("prediction", "content", 0, "text"), Speaker.ASSISTANT),
    ]
    assert exchange.turns[-1].path == ("messages", 1, "content")
    assert sent(request) == {"model": "clinic-1", "messages": MESSAGES} | fields
    assert asked(stop="。")[0].turns[0].path == ("stop",)


def test_masked_text_takes_its_place_and_the_rest_stays() -> None:
    fields = {"metadata": {"ward": "七", "bed": "3"}, "stop": ["张三", "x"]}
    _, request = asked(**fields)
    masked = sent(request, {0: "<W>", 2: "<姓名1>", 5: "My phone is <电话1>"})
    assert masked["metadata"] == {"ward": "<W>", "bed": "3"}
    assert masked["stop"] == ["<姓名1>", "x"]
    assert masked["messages"] == [MESSAGES[0], {"role": "user", "content": "My phone is <电话1>"}]
    assert sent(request)["messages"] == MESSAGES


@given(st.lists(st.text(min_size=1, max_size=10), min_size=1, max_size=6), st.data())
def test_a_replaced_text_never_reaches_the_upstream(texts: list[str], data: st.DataObject) -> None:
    marked = [f"<<{i}>>{text}" for i, text in enumerate(texts)]
    exchange, request = asked(messages=[{"role": "user", "content": text} for text in marked])
    replaced = data.draw(st.dictionaries(st.integers(0, len(texts) - 1), st.just("▇")))
    messages = sent(request, replaced)["messages"]
    assert [m["content"] for m in messages] == [replaced.get(i, t) for i, t in enumerate(marked)]
    assert [turn.text for turn in exchange.turns] == marked


@pytest.mark.parametrize(
    ("fields", "code", "param"),
    [
        ({"model": None}, "missing_required_parameter", "model"),
        ({"messages": None}, "missing_required_parameter", "messages"),
        ({"user": 7}, "invalid_type", "user"),
        ({"metadata": "张三"}, "invalid_type", "metadata"),
        ({"metadata": {"a": 1}}, "invalid_type", "metadata.a"),
        ({"metadata": {"姓名": "x"}}, "unknown_parameter", "metadata"),
        ({"metadata": {f"k{i}": "x" for i in range(17)}}, "invalid_value", "metadata"),
        ({"stop": 1}, "invalid_type", "stop"),
        ({"stop": ["a"] * 17}, "array_too_long", "stop"),
        ({"stop": [None]}, "invalid_type", "stop[0]"),
        ({"prediction": "x"}, "invalid_type", "prediction"),
        ({"prediction": {"type": "文"}}, "invalid_value", "prediction.type"),
        ({"prediction": {"type": "content"}}, "invalid_type", "prediction.content"),
        (
            {"prediction": {"type": "content", "content": "x", "why": "y"}},
            "unknown_parameter",
            "prediction.why",
        ),
        ({"api_base": "http://evil"}, "unsupported_parameter", "api_base"),
    ],
)
def test_refused(fields: dict[str, Any], code: str, param: str) -> None:
    with pytest.raises(BadRequest) as error:
        asked(**fields)
    assert (error.value.code, error.value.param) == (code, param)


WORDS = st.text(alphabet='甲乙丙abc123 {}"\\:', min_size=1, max_size=6).map("§".__add__)
ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
TEXT_PART = st.fixed_dictionaries({"type": st.just("text"), "text": WORDS})
EMPTY = st.sampled_from([None, [], {}, ""])
CONTENT = WORDS | st.lists(TEXT_PART, min_size=1, max_size=3)
TOOL_CALL = st.fixed_dictionaries(
    {
        "id": WORDS,
        "type": st.just("function"),
        "function": st.fixed_dictionaries({"name": st.just("lab"), "arguments": WORDS}),
    }
)
ASKING = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "developer", "user", "function"]), "content": CONTENT},
    optional={"name": WORDS, "tool_calls": EMPTY},
)
ANSWERING = st.fixed_dictionaries(
    {"role": st.just("assistant"), "content": CONTENT},
    optional={
        "refusal": WORDS,
        "reasoning_content": WORDS,
        "tool_calls": st.lists(TOOL_CALL, max_size=2),
        "annotations": EMPTY,
    },
)
TOOLING = st.fixed_dictionaries(
    {"role": st.just("tool"), "content": CONTENT, "tool_call_id": WORDS}
)
FIELDS = st.fixed_dictionaries(
    {"messages": st.lists(ASKING | ANSWERING | TOOLING, min_size=1, max_size=4)},
    optional={
        "user": WORDS,
        "safety_identifier": WORDS,
        "metadata": st.dictionaries(st.sampled_from(["ward", "bed"]), WORDS),
        "stop": WORDS | st.lists(WORDS, max_size=3),
        "prediction": st.fixed_dictionaries({"type": st.just("content"), "content": CONTENT}),
        "prompt_cache_key": WORDS,
        "prompt_cache_retention": WORDS,
    },
)


def strings(value: object) -> list[str]:
    """Every key and text of a JSON value, at all depths."""
    if isinstance(value, dict):
        return [*value, *(text for item in value.values() for text in strings(item))]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


@given(FIELDS)
def test_no_text_reaches_the_upstream_that_is_not_a_turn(fields: dict[str, Any]) -> None:
    exchange, request = asked(**fields)
    turns = [turn.text for turn in exchange.turns]
    assert sorted(text for text in strings(sent(request)) if "§" in text) == sorted(turns)
    everything = dict.fromkeys(range(len(turns)), "▇")
    assert not any("§" in text for text in strings(sent(request, everything)))


@given(FIELDS, ODD, st.data())
def test_an_odd_value_anywhere_is_refused_or_seen(
    fields: dict[str, Any], odd: object, data: st.DataObject
) -> None:
    fields["vendor"] = None
    holder: Any = (
        fields if data.draw(st.booleans()) else data.draw(st.sampled_from(fields["messages"]))
    )
    holder[data.draw(st.sampled_from([*holder, "vendor", "audio", "thinking"]))] = odd
    try:
        exchange, request = asked(**fields)
    except BadRequest as error:
        told = str(error)
    else:
        turns = {turn.text for turn in exchange.turns}
        assert {text for text in strings(sent(request)) if "§" in text} <= turns
        told = ""
    assert "§" not in told


def test_descriptions_of_tools_and_formats_are_masked_like_any_text() -> None:
    schema = {
        "type": "object",
        "properties": {"description": {"type": "string", "description": "患者张三"}},
    }
    tools = [
        {
            "type": "function",
            "function": {"name": "lab", "description": "打13800138000", "parameters": schema},
        }
    ]
    shape = {
        "type": "json_schema",
        "json_schema": {"name": "x", "schema": {"items": [{"description": "好"}]}},
    }
    exchange, request = asked(tools=tools, response_format=shape)
    told = [(turn.speaker, turn.text) for turn in exchange.turns[:3]]
    assert told == [
        (Speaker.SYSTEM, "打13800138000"),
        (Speaker.SYSTEM, "患者张三"),
        (Speaker.SYSTEM, "好"),
    ]
    sent = orjson.loads(upstream_body(request, {0: "打<MOBILE_1>"}, ask_logprobs=False))
    assert sent["tools"][0]["function"]["description"] == "打<MOBILE_1>"
    assert sent["tools"][0]["function"]["parameters"] == schema
