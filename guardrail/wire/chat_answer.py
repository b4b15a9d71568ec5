"""What the LLM says, whole or streamed, as pieces. The LLM is untrusted: an unknown shape that
could carry text is refused, and what is not understood is left behind.

Every failure is an `UpstreamFailed` whose message quotes nothing of the reply:

* upstream_invalid_json, upstream_invalid_utf8, upstream_frame_too_large: not readable
* upstream_error: an error object in place of an answer
* upstream_unknown_shape: text where no reader looks, or a field of the wrong type
* upstream_unknown_tool: a call of a tool that the caller did not declare
* upstream_no_choices, upstream_bad_choice: no answer, or one that was not asked for
* upstream_truncated: the end came before every choice said why it ended
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import orjson

from guardrail.domain.errors import UpstreamFailed
from guardrail.domain.exchange import Channel, Strand
from guardrail.wire.escape import Unescaper
from guardrail.wire.payload import Json
from guardrail.wire.pieces import EndPiece, FinishPiece, Piece, TextPiece, Token
from guardrail.wire.sse import FrameReader

MAX_CALLS = 128
_UNREADABLE = frozenset({"audio", "function_call", "images"})
_FINISH = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "sensitive": "content_filter",
}
_USAGE = ("prompt_tokens", "completion_tokens", "total_tokens")


def read_answer(body: bytes, tools: tuple[str, ...], choices: int = 1) -> tuple[Piece, ...]:
    """The pieces of a whole reply, ending with one `EndPiece`. `choices` is the n that was asked
    for, `tools` the names the caller declared. Raises `UpstreamFailed`."""
    answer = Answer(tools, choices, "message")
    return (*answer.chunk(_parsed(body)), answer.end(complete=True))


class StreamReader:
    """The same from the bytes of an event stream, as they come."""

    def __init__(self, tools: tuple[str, ...], choices: int = 1) -> None:
        self._frames = FrameReader()
        self._answer = Answer(tools, choices, "delta")
        self._done = False

    def feed(self, data: bytes) -> Iterator[Piece]:
        """The pieces that `data` completes; iterate to the end before the next call. What comes
        after `[DONE]` is ignored. Raises `UpstreamFailed` after the pieces before the fault."""
        if self._done:
            return
        for frame in self._frames.feed(data):
            if frame.data.strip() == "[DONE]":
                self._done = True
                yield self._answer.end(complete=True)
                return
            if frame.event == "error":
                raise _failed("upstream_error", "The LLM reported an error in its stream.")
            yield from self._answer.chunk(_parsed(frame.data))

    def end(self) -> Iterator[Piece]:
        """The stream is over: yields the `EndPiece` unless `[DONE]` did. Raises `UpstreamFailed`
        where the answer is not complete."""
        if not self._done:
            self._done = True
            yield self._answer.end(complete=False)


class Answer:
    """What is known of one reply while its chunks come in. `part` names the field of a choice
    that holds its texts: `message` in a whole reply, `delta` in a stream."""

    def __init__(self, tools: tuple[str, ...], choices: int, part: str) -> None:
        self._part = part
        self._tools = frozenset(tools)
        self._choices = choices
        self._open: set[int] = set()
        self._finished: set[int] = set()
        self._calls: dict[Channel, tuple[str, Unescaper]] = {}
        self._usage: dict[str, int] = {}
        self._confidence: float | None = None

    def chunk(self, reply: Json) -> list[Piece]:
        """The pieces of one chunk, all or none; a whole reply is a single chunk. Raises
        `UpstreamFailed`."""
        if reply.get("error"):
            raise _failed("upstream_error", "The LLM answered with an error.")
        self._note(reply)
        pieces: list[Piece] = []
        for item in _list(reply.get("choices")):
            pieces += self._choice(_object(item))
        return pieces

    def end(self, *, complete: bool) -> EndPiece:
        """The last piece. `complete`: the upstream itself said that nothing is missing."""
        if self._open or (not complete and len(self._finished) < self._choices):
            raise _failed("upstream_truncated", "The LLM's answer broke off.")
        if not self._finished:
            raise _failed("upstream_no_choices", "The LLM sent no answer.")
        return EndPiece(self._usage, self._confidence)

    def _note(self, reply: Json) -> None:
        usage = reply.get("usage")
        if isinstance(usage, dict):
            for key in _USAGE:
                if type(usage.get(key)) is int and usage[key] >= 0:
                    self._usage[key] = usage[key]
        confidence = reply.get("confidence")
        if type(confidence) in {int, float} and 0 <= cast(float, confidence) <= 1:
            self._confidence = float(cast(float, confidence))

    def _choice(self, choice: Json) -> list[Piece]:
        index = self._index(choice.get("index"))
        reason = choice.get("finish_reason")
        pieces: list[Piece] = [*self._texts(index, _object(choice.get(self._part) or {}), choice)]
        if index in self._finished:
            if pieces:
                raise _shape()
        elif reason is None:
            self._open.add(index)
        else:
            pieces += self._finish(index, reason)
        return pieces

    def _index(self, value: object) -> int:
        index = 0 if value is None and self._choices == 1 else value
        if type(index) is not int or not 0 <= index < self._choices:
            raise _failed("upstream_bad_choice", "The LLM sent a choice that was not asked for.")
        return index

    def _finish(self, index: int, reason: object) -> Iterator[Piece]:
        known = _FINISH.get(reason) if isinstance(reason, str) else None
        if known is None:
            raise _failed("upstream_truncated", "The LLM gave up before its answer was complete.")
        for channel, (_, held) in self._calls.items():
            rest = held.end() if channel.choice == index else ""
            if rest:
                yield TextPiece(channel, rest)
        self._open.discard(index)
        self._finished.add(index)
        yield FinishPiece(index, known)

    def _texts(self, index: int, said: Json, choice: Json) -> Iterator[TextPiece]:
        if not _UNREADABLE.isdisjoint(said) and any(said.get(key) for key in _UNREADABLE):
            raise _shape()
        reasoning = _text(said.get("reasoning_content")) or _text(said.get("reasoning"))
        if reasoning:
            yield TextPiece(Channel(index, Strand.REASONING), reasoning)
        content = _joined(said.get("content"))
        tokens = _tokens(choice.get("logprobs"), content)
        if content or tokens:
            yield TextPiece(Channel(index), content, None, tokens)
        refusal = _text(said.get("refusal"))
        if refusal:
            yield TextPiece(Channel(index, Strand.REFUSAL), refusal)
        for item in _list(said.get("tool_calls")):
            yield from self._call(index, _object(item))

    def _call(self, index: int, call: Json) -> Iterator[TextPiece]:
        if call.get("type") not in (None, "function"):  # a tuple: the type may be unhashable
            raise _shape()
        function = _object(call.get("function") or {})
        name = _text(function.get("name"))
        arguments = _text(function.get("arguments"))
        channel = Channel(index, Strand.TOOL_CALL, self._number(index, call, name))
        first = channel not in self._calls
        if first:
            self._begin(channel, name)
        known, held = self._calls[channel]
        if name and name != known:
            raise _shape()
        text = held.feed(arguments)
        if text or first:
            yield TextPiece(channel, text, known if first else None)

    def _number(self, index: int, call: Json, name: str) -> int:
        """Which call of its choice this is. Some servers number none or all alike: in a whole
        reply the place counts, in a stream a name begins the next call."""
        number = call.get("index")
        if number is None or self._part == "message":
            begun = sum(channel.choice == index for channel in self._calls)
            number = begun if name else begun - 1
        if type(number) is not int or not 0 <= number < MAX_CALLS:
            raise _shape()
        return number

    def _begin(self, channel: Channel, name: str) -> None:
        if name not in self._tools:
            raise _failed(
                "upstream_unknown_tool", "The LLM called a tool that the request does not declare."
            )
        self._calls[channel] = (name, Unescaper())


def _failed(code: str, message: str) -> UpstreamFailed:
    return UpstreamFailed(code, message, "Try again; if it stays, look at the LLM server's log.")


def _shape() -> UpstreamFailed:
    return _failed("upstream_unknown_shape", "The LLM answered in a form the guard cannot inspect.")


def _parsed(data: bytes | str) -> Json:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        if isinstance(data, bytes) and not _is_utf8(data):
            raise _failed("upstream_invalid_utf8", "The LLM sent text that is not UTF-8.") from None
        raise _failed("upstream_invalid_json", "The LLM sent something that is not JSON.") from None
    return _object(value)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _object(value: object) -> Json:
    if not isinstance(value, dict):
        raise _shape()
    return cast(Json, value)


def _list(value: object) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise _shape()
    return cast(list[object], value)


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise _shape()
    return value


def _joined(value: object) -> str:
    """Content: a string, or a list of text parts and nothing else."""
    if not isinstance(value, list):
        return _text(value)
    parts = [_object(item) for item in value]
    if any(part.get("type") != "text" for part in parts):
        raise _shape()
    return "".join(_text(part.get("text")) for part in parts)


def _tokens(logprobs: object, content: str) -> tuple[Token, ...]:
    """Probabilities of the content's tokens; their texts only where they are the content's own."""
    if not isinstance(logprobs, dict):
        return ()
    listed = logprobs.get("content")
    found = [
        (item["token"], min(float(item["logprob"]), 0.0))
        for item in (listed if isinstance(listed, list) else [])
        if isinstance(item, dict)
        and isinstance(item.get("token"), str)
        and type(item.get("logprob")) in {int, float}
    ]
    same = "".join(token for token, _ in found) == content
    return tuple(Token(token if same else "", logprob) for token, logprob in found)
