"""Three alternatives in place of one conclusion (独立研判): asked for in one structured call.

`body` asks the upstream, `read` understands what it says, `rendered` is what a clinician reads.
The rendered text goes through the guard again like any answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import msgspec
import orjson

from guardrail.wire.chat_request import Request, upstream_body
from guardrail.wire.payload import Json

COUNT = 3
MAX_TOKENS = 1200
MAX_EVIDENCE = 6

_ASK = {
    "zh": "请针对上面的问题给出恰好三个备选判断，每个都写明支持依据和反对依据，不要给出单一结论，"
    '不要开具处方。只输出JSON：{"alternatives":[{"title":"…","supporting":["…"],'
    '"opposing":["…"]}]}',
    "en": "For the question above give exactly three alternatives, each with the evidence for and "
    "against it. Draw no single conclusion and write no prescription. Output JSON only: "
    '{"alternatives":[{"title":"…","supporting":["…"],"opposing":["…"]}]}',
}
_WORDS = {
    "zh": ("以下三项备选供医生独立研判，不是结论：", "支持：", "反对：", "；"),
    "en": (
        "Three alternatives for your own judgement, not a conclusion:",
        "For: ",
        "Against: ",
        "; ",
    ),
}
_LIST: Json = {
    "type": "array",
    "items": {"type": "string"},
    "minItems": 1,
    "maxItems": MAX_EVIDENCE,
}
_SCHEMA: Json = {
    "type": "object",
    "additionalProperties": False,
    "required": ["alternatives"],
    "properties": {
        "alternatives": {
            "type": "array",
            "minItems": COUNT,
            "maxItems": COUNT,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["title", "supporting", "opposing"],
                "properties": {
                    "title": {"type": "string"},
                    "supporting": _LIST,
                    "opposing": _LIST,
                },
            },
        }
    },
}
_NOT_AGAIN = frozenset(
    {
        "stream",
        "stream_options",
        "n",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "logprobs",
        "top_logprobs",
    }
    | {"response_format", "stop", "max_tokens", "max_completion_tokens", "prediction"}
)


class Alternative(msgspec.Struct, frozen=True):
    """One possible judgement and what speaks for and against it."""

    title: str
    supporting: list[str]
    opposing: list[str]


class _Answer(msgspec.Struct, frozen=True):
    alternatives: list[Alternative]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked a second time: the request, its masked turns, the reader's language."""

    request: Request
    replaced: Mapping[int, str]
    lang: str


def body(question: Question) -> bytes:
    """The second call's body: the same conversation, then the order for three alternatives."""
    sent = upstream_body(question.request, question.replaced, ask_logprobs=False)
    asked = {key: value for key, value in orjson.loads(sent).items() if key not in _NOT_AGAIN}
    messages = cast(list[Json], asked["messages"])
    asked["messages"] = [*messages, {"role": "user", "content": _ASK[question.lang]}]
    asked["max_tokens"] = MAX_TOKENS
    asked["response_format"] = {
        "type": "json_schema",
        "json_schema": {"name": "alternatives", "strict": True, "schema": _SCHEMA},
    }
    return orjson.dumps(asked)


def read(text: str) -> tuple[Alternative, ...] | None:
    """The three alternatives; None where the text is anything but exactly that."""
    try:
        found = msgspec.json.decode(_unfenced(text), type=_Answer).alternatives
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    whole = all(one.title.strip() and one.supporting and one.opposing for one in found)
    return tuple(found) if len(found) == COUNT and whole else None


def rendered(found: tuple[Alternative, ...], lang: str) -> str:
    """What a clinician reads: numbered, both sides of each."""
    heading, supporting, opposing, joint = _WORDS[lang]
    lines = [heading]
    for number, one in enumerate(found, 1):
        lines += [
            f"{number}. {one.title.strip()}",
            f"   {supporting}{joint.join(one.supporting[:MAX_EVIDENCE])}",
            f"   {opposing}{joint.join(one.opposing[:MAX_EVIDENCE])}",
        ]
    return "\n".join(lines) + "\n"


def _unfenced(text: str) -> str:
    """Without the code fence that models like to put around JSON."""
    stripped = text.strip()
    if stripped.startswith("```") and stripped.endswith("```"):
        return stripped.removeprefix("```json").removeprefix("```").removesuffix("```")
    return stripped
