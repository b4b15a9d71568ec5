"""Messages: every text becomes a turn at its path, everything else is known or refused."""

from __future__ import annotations

import pytest

from guardrail.domain.errors import BadRequest
from guardrail.domain.exchange import Speaker, Turn
from guardrail.wire.message import MAX_TURNS, Conversation


def heard(*messages: object) -> tuple[list[dict[str, object]], list[Turn]]:
    conversation = Conversation()
    return conversation.read(list(messages)), conversation.turns


def call(arguments: object = "{}", **other: object) -> dict[str, object]:
    function = {"name": "lab", "arguments": arguments}
    return {"id": "call_9f", "type": "function", "function": function} | other


@pytest.mark.parametrize(
    ("role", "speaker"),
    [
        ("system", Speaker.SYSTEM),
        ("developer", Speaker.SYSTEM),
        ("user", Speaker.USER),
        ("assistant", Speaker.ASSISTANT),
        ("function", Speaker.TOOL),
    ],
)
@pytest.mark.parametrize("text", ["头疼怎么办？", "What helps?"])
def test_roles(role: str, speaker: Speaker, text: str) -> None:
    kept, turns = heard({"role": role, "content": text})
    assert kept == [{"role": role, "content": text}]
    assert turns == [Turn(speaker, text, ("messages", 0, "content"))]


def test_text_parts_and_names() -> None:
    parts = [{"type": "text", "text": "体温"}, {"type": "text", "text": "39 °C", "cache": None}]
    kept, turns = heard({"role": "user", "name": "李四", "content": parts})
    # One text, as chat templates join parts: what is split over two would be judged in halves.
    assert kept[0]["content"] == [{"type": "text", "text": "体温\n39 °C"}]
    assert turns == [
        Turn(Speaker.USER, "李四", ("messages", 0, "name")),
        Turn(Speaker.USER, "体温\n39 °C", ("messages", 0, "content", 0, "text")),
    ]


def test_an_assistants_other_texts() -> None:
    kept, turns = heard(
        {
            "role": "assistant",
            "content": [{"type": "refusal", "refusal": "不能"}],
            "refusal": "No.",
            "reasoning_content": "想一想",
            "reasoning": "think",
            "audio": None,
            "annotations": [],
            "function_call": None,
        }
    )
    assert kept == [
        {
            "role": "assistant",
            "refusal": "No.",
            "reasoning_content": "想一想",
            "reasoning": "think",
            "content": [{"type": "refusal", "refusal": "不能"}],
        }
    ]
    assert [turn.text for turn in turns] == ["No.", "想一想", "think", "不能"]
    assert {turn.speaker for turn in turns} == {Speaker.ASSISTANT}


def test_tool_calls_get_our_ids_and_plain_arguments() -> None:
    kept, turns = heard(
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [call('{"name":"\\u5f20\\u4e09"}', index=0)],
        },
        {"role": "tool", "tool_call_id": "call_9f", "content": "血糖 7.8"},
        {"role": "tool", "tool_call_id": "患者13800138000", "content": ""},
    )
    assert kept[0]["tool_calls"] == [
        {
            "id": "call00001",
            "type": "function",
            "function": {"name": "lab", "arguments": '{"name":"张三"}'},
        }
    ]
    assert kept[0]["content"] is None
    assert [message.get("tool_call_id") for message in kept[1:]] == ["call00001", "call00002"]
    assert turns == [
        Turn(
            Speaker.ASSISTANT,
            '{"name":"张三"}',
            ("messages", 0, "tool_calls", 0, "function", "arguments"),
        ),
        Turn(Speaker.TOOL, "血糖 7.8", ("messages", 1, "content")),
    ]


USER = {"role": "user", "content": "你好"}
REFUSALS = [
    (None, "missing_required_parameter", "messages"),
    ("hi", "invalid_type", "messages"),
    ([], "invalid_value", "messages"),
    ([USER] * 2049, "array_too_long", "messages"),
    (["你好"], "invalid_type", "messages[0]"),
    ([{"content": "x"}], "missing_required_parameter", "messages[0].role"),
    ([{"role": 1, "content": "x"}], "invalid_type", "messages[0].role"),
    ([{"role": "医生", "content": "x"}], "invalid_value", "messages[0].role"),
    ([{"role": "user"}], "missing_required_parameter", "messages[0].content"),
    (
        [{"role": "user", "content": None, "name": "a"}],
        "missing_required_parameter",
        "messages[0].content",
    ),
    ([{"role": "assistant"}], "missing_required_parameter", "messages[0].content"),
    ([{"role": "user", "content": 5}], "invalid_type", "messages[0].content"),
    ([{"role": "user", "content": []}], "invalid_value", "messages[0].content"),
    (
        [{"role": "user", "content": [{"type": "text", "text": "a"}] * 257}],
        "array_too_long",
        "messages[0].content",
    ),
    ([{"role": "user", "content": ["x"]}], "invalid_type", "messages[0].content[0]"),
    (
        [{"role": "user", "content": [{"type": "text"}]}],
        "invalid_type",
        "messages[0].content[0].text",
    ),
    (
        [{"role": "user", "content": [{"text": "x"}]}],
        "unsupported_content",
        "messages[0].content[0].type",
    ),
    (
        [{"role": "user", "content": [{"type": ["text"]}]}],
        "unsupported_content",
        "messages[0].content[0].type",
    ),
    (
        [{"role": "user", "content": [{"type": "refusal", "refusal": "x"}]}],
        "unsupported_content",
        "messages[0].content[0].type",
    ),
    (
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}],
        "unsupported_content",
        "messages[0].content[0].type",
    ),
    (
        [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}],
        "unsupported_content",
        "messages[0].content[0].type",
    ),
    (
        [{"role": "user", "content": [{"type": "file", "file": {}}]}],
        "unsupported_content",
        "messages[0].content[0].type",
    ),
    (
        [{"role": "user", "content": [{"type": "text", "text": "a", "note": "隐藏"}]}],
        "unknown_parameter",
        "messages[0].content[0].note",
    ),
    ([USER | {"note": "隐藏"}], "unknown_parameter", "messages[0].note"),
    ([USER | {"tool_calls": [call()]}], "unknown_parameter", "messages[0].tool_calls"),
    ([USER | {"隐 藏": 1}], "unknown_parameter", "messages[0]"),
    ([USER | {"name": 1}], "invalid_type", "messages[0].name"),
    (
        [{"role": "assistant", "content": "", "function_call": {"name": "f"}}],
        "unknown_parameter",
        "messages[0].function_call",
    ),
    (
        [{"role": "assistant", "content": "", "audio": {"id": "a"}}],
        "unknown_parameter",
        "messages[0].audio",
    ),
    ([{"role": "assistant", "refusal": 1}], "invalid_type", "messages[0].refusal"),
    ([{"role": "assistant", "tool_calls": {"a": 1}}], "invalid_type", "messages[0].tool_calls"),
    (
        [{"role": "assistant", "tool_calls": [call()] * 129}],
        "array_too_long",
        "messages[0].tool_calls",
    ),
    (
        [{"role": "assistant", "tool_calls": [call(type="custom")]}],
        "invalid_value",
        "messages[0].tool_calls[0].type",
    ),
    (
        [{"role": "assistant", "tool_calls": [call({})]}],
        "invalid_type",
        "messages[0].tool_calls[0].function.arguments",
    ),
    (
        [{"role": "assistant", "tool_calls": [call(function=None)]}],
        "invalid_type",
        "messages[0].tool_calls[0].function",
    ),
    (
        [{"role": "assistant", "tool_calls": [call(id=None)]}],
        "missing_required_parameter",
        "messages[0].tool_calls[0].id",
    ),
    (
        [{"role": "assistant", "tool_calls": [call(note="x")]}],
        "unknown_parameter",
        "messages[0].tool_calls[0].note",
    ),
    (
        [
            {
                "role": "assistant",
                "tool_calls": [call(function={"name": "f", "arguments": "", "说": "x"})],
            }
        ],
        "unknown_parameter",
        "messages[0].tool_calls[0].function",
    ),
    ([{"role": "tool", "content": "x"}], "missing_required_parameter", "messages[0].tool_call_id"),
    (
        [{"role": "tool", "tool_call_id": 7, "content": "x"}],
        "invalid_type",
        "messages[0].tool_call_id",
    ),
]


@pytest.mark.parametrize(("messages", "code", "param"), REFUSALS)
def test_refused(messages: object, code: str, param: str) -> None:
    with pytest.raises(BadRequest) as error:
        Conversation().read(messages)
    assert (error.value.code, error.value.param) == (code, param)
    assert error.value.remedy
    assert "隐藏" not in str(error.value)


def test_too_many_texts() -> None:
    parts = [{"type": "text", "text": "痛"}, {"type": "refusal", "refusal": "不"}] * 128
    full = [{"role": "assistant", "content": parts}] * (MAX_TURNS // 256)
    assert len(heard(*full)[1]) == MAX_TURNS
    with pytest.raises(BadRequest) as error:
        heard(*full, USER)
    assert error.value.code == "too_many_texts"
