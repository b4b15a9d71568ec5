"""Top-level fields: forwarded, looked at or refused; each refusal with its code, field and remedy."""

from __future__ import annotations

import pytest

from guardrail.domain.errors import BadRequest
from guardrail.wire import parameter

TOOL = {"type": "function", "function": {"name": "lab", "parameters": {"说": [1]}}}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", 0.2),
        ("temperature", 1),
        ("top_p", 0.9),
        ("frequency_penalty", -1),
        ("repetition_penalty", 1.1),
        ("max_tokens", 16),
        ("max_completion_tokens", 1),
        ("seed", -(2**62)),
        ("n", 8),
        ("stream", True),
        ("logprobs", False),
        ("top_logprobs", 20),
        ("parallel_tool_calls", False),
        ("logit_bias", {"50256": -100}),
        ("modalities", ["text"]),
        ("reasoning_effort", "low"),
        ("verbosity", "high"),
        ("response_format", {"type": "json_schema", "json_schema": {"name": "病历", "schema": {}}}),
        ("tools", [TOOL]),
        ("tool_choice", "auto"),
        ("tool_choice", {"type": "function", "function": {"name": "lab"}}),
        ("thinking", {"type": "enabled", "budget_tokens": 100}),
        ("chat_template_kwargs", {"enable_thinking": False}),
        ("enable_thinking", False),
        ("top_k", 40),
        ("min_p", 0.05),
    ],
)
def test_forwarded(name: str, value: object) -> None:
    assert parameter.settings({name: value}) == {name: value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model", "m"),
        ("messages", []),
        ("user", "张三"),
        ("metadata", {}),
        ("stop", "。"),
        ("store", False),
        ("store", None),
        ("audio", None),
        ("top_k", None),
        ("prompt_cache_key", "病房7"),
        ("prompt_cache_retention", "24h"),
        ("stream_options", {"include_usage": True, "include_obfuscation": False}),
        ("tools", []),
    ],
)
def test_not_forwarded_from_here(name: str, value: object) -> None:
    assert parameter.settings({name: value}) == {}


REFUSALS = [
    ("temperature", "0.2", "invalid_type", "temperature"),
    ("temperature", True, "invalid_type", "temperature"),
    ("max_tokens", 1.5, "invalid_type", "max_tokens"),
    ("max_tokens", 0, "invalid_value", "max_tokens"),
    ("max_tokens", True, "invalid_type", "max_tokens"),
    ("seed", "七", "invalid_type", "seed"),
    ("n", 0, "invalid_value", "n"),
    ("n", 9, "invalid_value", "n"),
    ("n", 10**30, "invalid_value", "n"),
    ("top_logprobs", 21, "invalid_value", "top_logprobs"),
    ("stream", 1, "invalid_type", "stream"),
    ("stream", "true", "invalid_type", "stream"),
    ("stream_options", True, "invalid_type", "stream_options"),
    ("stream_options", {"include_usage": 1}, "invalid_type", "stream_options.include_usage"),
    ("stream_options", {"note": True}, "unknown_parameter", "stream_options.note"),
    ("logit_bias", {"张三": 1}, "invalid_value", "logit_bias"),
    ("logit_bias", {"12": "x"}, "invalid_type", "logit_bias"),
    ("logit_bias", {str(i): 1 for i in range(1025)}, "invalid_value", "logit_bias"),
    ("modalities", ["text", "audio"], "unsupported_content", "modalities"),
    ("reasoning_effort", "非常", "invalid_value", "reasoning_effort"),
    ("verbosity", 3, "invalid_type", "verbosity"),
    ("response_format", "json", "invalid_type", "response_format"),
    ("response_format", {"type": "grammar"}, "invalid_value", "response_format.type"),
    ("response_format", {}, "invalid_type", "response_format.type"),
    ("tools", {}, "invalid_type", "tools"),
    ("tools", [TOOL] * 129, "array_too_long", "tools"),
    ("tools", ["lab"], "invalid_type", "tools[0]"),
    ("tools", [{"type": "custom"}], "unsupported_parameter", "tools[0].type"),
    ("tools", [{"type": "function"}], "invalid_type", "tools[0].function"),
    (
        "tools",
        [{"type": "function", "function": {}}],
        "missing_required_parameter",
        "tools[0].function.name",
    ),
    (
        "tools",
        [{"type": "function", "function": {"name": "查"}}],
        "invalid_value",
        "tools[0].function.name",
    ),
    ("tool_choice", "any", "invalid_value", "tool_choice"),
    ("tool_choice", 1, "invalid_type", "tool_choice"),
    ("tool_choice", {"type": "allowed_tools"}, "invalid_value", "tool_choice.type"),
    ("tool_choice", {"type": "function"}, "invalid_type", "tool_choice.function"),
    (
        "tool_choice",
        {"type": "function", "function": {"name": ""}},
        "invalid_value",
        "tool_choice.function.name",
    ),
    ("thinking", {"type": "hard"}, "invalid_value", "thinking.type"),
    ("thinking", {"budget_tokens": -1}, "invalid_value", "thinking.budget_tokens"),
    ("thinking", {"hint": "x"}, "unknown_parameter", "thinking.hint"),
    (
        "chat_template_kwargs",
        {"enable_thinking": "no"},
        "unknown_parameter",
        "chat_template_kwargs.enable_thinking",
    ),
    ("chat_template_kwargs", {"姓 名": True}, "unknown_parameter", "chat_template_kwargs"),
    ("store", True, "unsupported_parameter", "store"),
    ("functions", [], "unsupported_parameter", "functions"),
    ("guided_grammar", "root ::= x", "unknown_parameter", "guided_grammar"),
    ("context", {"病人": "张三"}, "unknown_parameter", "context"),
    ("history", [], "unknown_parameter", "history"),
    ("phone", 13800138000, "unknown_parameter", "phone"),
    ("phone", -1.38e10, "unknown_parameter", "phone"),
    ("张三13800138000", 1, "unknown_parameter", None),
]


@pytest.mark.parametrize(("name", "value", "code", "param"), REFUSALS)
def test_refused(name: str, value: object, code: str, param: str | None) -> None:
    with pytest.raises(BadRequest) as error:
        parameter.settings({name: value})
    assert (error.value.code, error.value.param) == (code, param)
    assert error.value.remedy
    assert "张三" not in str(error.value)


@pytest.mark.parametrize("name", parameter.REFUSED)
def test_what_names_another_endpoint_or_hides_text_is_refused(name: str) -> None:
    for value in ("http://evil", {"x": 1}, 1, True):
        with pytest.raises(BadRequest) as error:
            parameter.settings({name: value})
        assert error.value.code == "unsupported_parameter"
        assert error.value.param == name


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "missing_required_parameter"),
        (7, "invalid_type"),
        ("", "invalid_value"),
        ("华佗 张三", "invalid_value"),
        ("m" * 129, "invalid_value"),
    ],
)
def test_model_refused(value: object, code: str) -> None:
    with pytest.raises(BadRequest) as error:
        parameter.model_name(value)
    assert (error.value.code, error.value.param) == (code, "model")


def test_names() -> None:
    assert parameter.model_name("Qwen/Qwen2.5-7B@v1") == "Qwen/Qwen2.5-7B@v1"
    assert parameter.tool_names([TOOL]) == ("lab",)
    assert parameter.tool_names(None) == ()
