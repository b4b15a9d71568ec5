"""The messages of a chat request: every text in them becomes a turn, everything else is known.

The forwarded messages are written anew from what was understood, so that a field nobody here
knows never reaches the LLM. Tool-call ids become ours (`call00001`): an id is a text too.
"""

from __future__ import annotations

from itertools import groupby
from operator import itemgetter

from guardrail.domain.errors import BadRequest
from guardrail.domain.exchange import Speaker, Turn
from guardrail.wire.escape import unescaped
from guardrail.wire.parameter import function_name
from guardrail.wire.payload import (
    Json,
    Path,
    as_list,
    as_object,
    as_text,
    missing,
    unknown,
    where,
    wrong_value,
)

MAX_MESSAGES = 2048
MAX_PARTS = 256
MAX_CALLS = 128
MAX_TURNS = 4096

SPEAKERS = {
    "system": Speaker.SYSTEM,
    "developer": Speaker.SYSTEM,
    "user": Speaker.USER,
    "assistant": Speaker.ASSISTANT,
    "tool": Speaker.TOOL,
    "function": Speaker.TOOL,
}
_SAID = ("refusal", "reasoning_content", "reasoning")  # an assistant's texts beside its content
_REMEDIES = {
    "function_call": "Use tool_calls.",
    "audio": "Send the transcript as text content.",
}
_PART_REMEDIES = {
    "image_url": "Images cannot be inspected yet; describe the findings as text.",
    "input_audio": "Audio cannot be inspected; send its transcript as text.",
    "file": "Files cannot be inspected; send their text.",
}


class Conversation:
    """Reads messages in order and collects their turns."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self._ids: dict[str, str] = {}

    def read(self, value: object) -> list[Json]:
        """The messages to forward. Raises `BadRequest`."""
        if value is None:
            raise missing(("messages",))
        messages = as_list(value, ("messages",), MAX_MESSAGES)
        if not messages:
            raise wrong_value(("messages",), "a list of at least one message")
        return [self._message(item, ("messages", i)) for i, item in enumerate(messages)]

    def text(self, value: object, path: Path, speaker: Speaker) -> str:
        """A text of a person or a machine: checked and remembered as a turn."""
        text = as_text(value, path)
        if text:
            if len(self.turns) == MAX_TURNS:
                raise BadRequest(
                    "too_many_texts",
                    f"The request has more than {MAX_TURNS} texts.",
                    "Send fewer messages or parts.",
                )
            self.turns.append(Turn(speaker, text, path))
        return text

    def content(self, value: object, path: Path, speaker: Speaker) -> str | list[Json]:
        """A message's content: a string, or text parts. Parts that follow one another become one,
        as chat templates join them: what is split over two would be judged in halves."""
        if isinstance(value, str):
            return self.text(value, path, speaker)
        parts = as_list(value, path, MAX_PARTS)
        if not parts:
            raise wrong_value(path, "a string or a list of at least one part")
        read = [self._part(item, (*path, i), speaker) for i, item in enumerate(parts)]
        joined: list[Json] = []
        for kind, said in groupby(read, key=itemgetter(0)):
            text = "\n".join(text for _, text in said)
            at = (*path, len(joined), kind)
            joined.append({"type": kind, kind: self.text(text, at, speaker)})
        return joined

    def _part(self, value: object, path: Path, speaker: Speaker) -> tuple[str, str]:
        part = as_object(value, path)
        kind = part.get("type")
        known = ("text", "refusal") if speaker is Speaker.ASSISTANT else ("text",)
        if not isinstance(kind, str) or kind not in known:
            raise BadRequest(
                "unsupported_content",
                f"{where(path)} is of a type that cannot be inspected.",
                _PART_REMEDIES.get(str(kind), "Send text parts only."),
                where((*path, "type")),
            )
        _only({"type", kind}, part, path)
        return kind, as_text(part.get(kind), (*path, kind))

    def _message(self, value: object, path: Path) -> Json:
        message = as_object(value, path)
        role = message.get("role")
        if role is None:
            raise missing((*path, "role"))
        speaker = SPEAKERS.get(as_text(role, (*path, "role")))
        if speaker is None:
            raise wrong_value((*path, "role"), "one of " + ", ".join(SPEAKERS))
        kept: Json = {"role": role}
        known = {"role", "content", "name"}
        if message.get("name") is not None:
            kept["name"] = self.text(message["name"], (*path, "name"), speaker)
        if speaker is Speaker.ASSISTANT:
            known |= {*_SAID, "tool_calls"}
            kept |= self._said(message, path)
        if role == "tool":
            known.add("tool_call_id")
            kept["tool_call_id"] = self._id(message.get("tool_call_id"), (*path, "tool_call_id"))
        kept |= self._content(message, path, speaker, optional=len(kept) > 1)
        _only(known, message, path)
        return kept

    def _content(self, message: Json, path: Path, speaker: Speaker, *, optional: bool) -> Json:
        if message.get("content") is not None:
            return {"content": self.content(message["content"], (*path, "content"), speaker)}
        if optional and speaker is Speaker.ASSISTANT:
            return {"content": None}
        raise missing((*path, "content"))

    def _said(self, message: Json, path: Path) -> Json:
        said: Json = {
            key: self.text(message[key], (*path, key), Speaker.ASSISTANT)
            for key in _SAID
            if message.get(key) is not None
        }
        if message.get("tool_calls"):
            calls = as_list(message["tool_calls"], (*path, "tool_calls"), MAX_CALLS)
            said["tool_calls"] = [
                self._call(item, (*path, "tool_calls", i)) for i, item in enumerate(calls)
            ]
        return said

    def _call(self, value: object, path: Path) -> Json:
        call = as_object(value, path)
        if call.get("type") != "function":
            raise wrong_value((*path, "type"), "function")
        at = (*path, "function")
        function = as_object(call.get("function"), at)
        arguments = unescaped(as_text(function.get("arguments"), (*at, "arguments")))
        _only({"id", "type", "function", "index"}, call, path)
        _only({"name", "arguments"}, function, at)
        return {
            "id": self._id(call.get("id"), (*path, "id")),
            "type": "function",
            "function": {
                "name": function_name(function.get("name"), (*at, "name")),
                "arguments": self.text(arguments, (*at, "arguments"), Speaker.ASSISTANT),
            },
        }

    def _id(self, value: object, path: Path) -> str:
        """Nine letters and digits: the strictest form a server is known to ask for."""
        if value is None:
            raise missing(path)
        return self._ids.setdefault(as_text(value, path), f"call{len(self._ids) + 1:05d}")


def _only(known: set[str], found: Json, path: Path) -> None:
    """Nothing else that says anything: an SDK echoes empty fields, and those are dropped."""
    for key, value in found.items():
        if key not in known and value not in (None, [], {}, ""):
            raise unknown((*path, key), _REMEDIES.get(key, ""))
