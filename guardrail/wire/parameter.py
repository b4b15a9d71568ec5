"""The top-level fields of a chat request: what is forwarded, what is looked at, what is refused.

Forwarded as they are: numbers, switches, words from a fixed list, and tool definitions and
response schemas, which the application's author wrote. Any text of a person becomes a turn. A
field that names another endpoint, or that nobody here can look into, is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from guardrail.domain.errors import BadRequest
from guardrail.wire.payload import (
    Json,
    Path,
    as_list,
    as_object,
    as_text,
    missing,
    plain_name,
    unknown,
    wrong_type,
    wrong_value,
)

MAX_TOOLS = 128
MAX_CHOICES = 8
_MAX_UNKNOWN_NUMBER = 1e9  # below any phone, card or record number
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MODEL = re.compile(r"[A-Za-z0-9._:/@+-]{1,128}")

Check = Callable[[object, Path], object]

ELSEWHERE = "The operator of the guard chooses the upstream; a request cannot."
REFUSED: dict[str, str] = {
    "functions": "Use `tools` with type function.",
    "function_call": "Use `tool_choice`.",
    "store": "Answers are not stored upstream; send store: false or leave it out.",
    "audio": "Audio cannot be inspected; ask for text.",
    "web_search_options": "Declare a tool of your own that searches.",
    "service_tier": ELSEWHERE,
    "api_base": ELSEWHERE,
    "api_key": ELSEWHERE,
    "api_type": ELSEWHERE,
    "api_version": ELSEWHERE,
    "base_url": ELSEWHERE,
    "custom_llm_provider": ELSEWHERE,
    "deployment_id": ELSEWHERE,
    "extra_body": ELSEWHERE,
    "extra_headers": ELSEWHERE,
    "fallbacks": ELSEWHERE,
    "headers": ELSEWHERE,
    "organization": ELSEWHERE,
    "guardrail": "Policy decides what is guarded; a request cannot.",
    "guardrails": "Policy decides what is guarded; a request cannot.",
}
DROPPED = frozenset({"prompt_cache_key", "prompt_cache_retention"})


def model_name(value: object) -> str:
    """The `model` field. Raises `BadRequest` where it is absent or no plain name."""
    if value is None:
        raise missing(("model",))
    if not askable(as_text(value, ("model",))):
        raise wrong_value(("model",), "a name of at most 128 letters, digits and ._:/@+-")
    return str(value)


def askable(model: str) -> bool:
    """Whether a request may name this model; anything else is a text and no name."""
    return _MODEL.fullmatch(model) is not None


def settings(asked: Json) -> Json:
    """Every accepted top-level field but `model`, `messages` and the texts (`texts` of
    `chat_request`), checked. Raises `BadRequest`."""
    kept: Json = {}
    for name, value in asked.items():
        if value is None or name in DROPPED:
            continue
        if name in REFUSED and not (name == "store" and value is False):
            raise BadRequest(
                "unsupported_parameter", f"{name} is not supported here.", REFUSED[name], name
            )
        check = _CHECKS.get(name, _unknown)
        forwarded = check(value, (name,))
        if forwarded is not None:
            kept[name] = forwarded
    return kept


def tool_names(tools: object) -> tuple[str, ...]:
    """Names of the declared functions, of an already checked `tools` list."""
    return tuple(tool["function"]["name"] for tool in tools) if isinstance(tools, list) else ()


def function_name(value: object, path: Path) -> str:
    """A function's name. Raises `BadRequest`."""
    if value is None:
        raise missing(path)
    if not _NAME.fullmatch(as_text(value, path)):
        raise wrong_value(path, "a name of at most 64 letters, digits and _.-")
    return str(value)


def _unknown(value: object, path: Path) -> object:
    """A field we do not know: no text can hide in a switch or a small number."""
    name = str(path[0])
    if not plain_name(name) or not isinstance(value, (bool, int, float)):
        raise unknown(path)
    if abs(value) > _MAX_UNKNOWN_NUMBER:
        raise unknown(path, "Send a smaller number or remove it.")
    return value


def _number(value: object, path: Path) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong_type(path, "a number")
    return value


def _whole(value: object, path: Path) -> object:
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(path, "an integer")
    return value


def _switch(value: object, path: Path) -> object:
    if not isinstance(value, bool):
        raise wrong_type(path, "true or false")
    return value


def _between(low: int, high: int) -> Check:
    def check(value: object, path: Path) -> object:
        number = _whole(value, path)
        if not isinstance(number, int) or not low <= number <= high:
            raise wrong_value(path, f"between {low} and {high}")
        return number

    return check


def _one_of(*words: str) -> Check:
    def check(value: object, path: Path) -> object:
        if as_text(value, path) not in words:
            raise wrong_value(path, "one of " + ", ".join(words))
        return value

    return check


def _left_out(_value: object, _path: Path) -> object:
    """Handled by the reader of texts or of streams; not forwarded from here."""
    return None


def _modalities(value: object, path: Path) -> object:
    if as_list(value, path, 8) != ["text"]:
        raise BadRequest(
            "unsupported_content",
            "Only text answers can be inspected.",
            'Send modalities: ["text"] or leave it out.',
            "modalities",
        )
    return value


def _logit_bias(value: object, path: Path) -> object:
    biases = as_object(value, path)
    if len(biases) > 1024:
        raise wrong_value(path, "at most 1024 token biases")
    for key, bias in biases.items():
        if not re.fullmatch(r"[0-9]{1,7}", key):
            raise wrong_value(path, "an object whose keys are token numbers")
        _number(bias, path)
    return biases


def _stream_options(value: object, path: Path) -> object:
    for key, option in as_object(value, path).items():
        if key not in {"include_usage", "include_obfuscation"}:
            raise unknown((*path, key))
        _switch(option, (*path, key))
    return _left_out(value, path)


def _tools(value: object, path: Path) -> object:
    tools = as_list(value, path, MAX_TOOLS)
    for index, item in enumerate(tools):
        tool = as_object(item, (*path, index))
        if tool.get("type") != "function":
            raise BadRequest(
                "unsupported_parameter",
                f"tools[{index}] is not of type function.",
                "Only function tools are supported.",
                f"tools[{index}].type",
            )
        function = as_object(tool.get("function"), (*path, index, "function"))
        function_name(function.get("name"), (*path, index, "function", "name"))
    return tools or None


def _tool_choice(value: object, path: Path) -> object:
    if isinstance(value, str):
        return _one_of("none", "auto", "required")(value, path)
    choice = as_object(value, path)
    if choice.get("type") != "function":
        raise wrong_value((*path, "type"), "function")
    function = as_object(choice.get("function"), (*path, "function"))
    name = function_name(function.get("name"), (*path, "function", "name"))
    return {"type": "function", "function": {"name": name}}


def _response_format(value: object, path: Path) -> object:
    wanted = as_object(value, path)
    _one_of("text", "json_object", "json_schema")(wanted.get("type"), (*path, "type"))
    return wanted


def _thinking(value: object, path: Path) -> object:
    for key, option in as_object(value, path).items():
        if key == "type":
            _one_of("enabled", "disabled", "auto")(option, (*path, key))
        elif key == "budget_tokens":
            _between(0, 1_000_000)(option, (*path, key))
        else:
            raise unknown((*path, key))
    return value


def _template_switches(value: object, path: Path) -> object:
    for key, option in as_object(value, path).items():
        if not plain_name(key) or not isinstance(option, bool):
            raise unknown((*path, key), "Only switches (true or false) are accepted here.")
    return value


_CHECKS: dict[str, Check] = {
    "model": _left_out,
    "messages": _left_out,
    "metadata": _left_out,
    "user": _left_out,
    "safety_identifier": _left_out,
    "stop": _left_out,
    "prediction": _left_out,
    "store": _left_out,
    "stream": _switch,
    "stream_options": _stream_options,
    "n": _between(1, MAX_CHOICES),
    "logprobs": _switch,
    "top_logprobs": _between(0, 20),
    "temperature": _number,
    "top_p": _number,
    "frequency_penalty": _number,
    "presence_penalty": _number,
    "repetition_penalty": _number,
    "max_tokens": _between(1, 10_000_000),
    "max_completion_tokens": _between(1, 10_000_000),
    "seed": _whole,
    "parallel_tool_calls": _switch,
    "logit_bias": _logit_bias,
    "modalities": _modalities,
    "reasoning_effort": _one_of("none", "minimal", "low", "medium", "high", "xhigh"),
    "verbosity": _one_of("low", "medium", "high"),
    "response_format": _response_format,
    "tools": _tools,
    "tool_choice": _tool_choice,
    "thinking": _thinking,
    "chat_template_kwargs": _template_switches,
}
