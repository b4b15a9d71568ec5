"""What the caller gets: cleared text and nothing else, as chunks of a stream or as one reply.

Everything is written from scratch. Ids are ours, the model's name is the caller's; no field of
the upstream's reply is ever copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import orjson

from guardrail.domain.exchange import Channel, Exchange, Strand
from guardrail.wire.chat_request import Request
from guardrail.wire.payload import Json
from guardrail.wire.pieces import Token
from guardrail.wire.sse import DONE, frame

FILTERED = "content_filter"
_KEYS = {
    Strand.CONTENT: "content",
    Strand.REASONING: "reasoning_content",
    Strand.REFUSAL: "refusal",
}


class AnswerWriter:
    """Writes one exchange's answer. On a stream use `first`, `release`, `notice`, `close` or
    `error`, in the order of the session's effects; for a whole reply `collect` and `whole`.

    `created` is Unix seconds.
    """

    def __init__(self, exchange: Exchange, request: Request, created: int) -> None:
        self._exchange = exchange
        self._include_usage = request.include_usage
        self._created = created
        self._opened: set[int] = set()
        self._begun: set[Channel] = set()
        self._noticed = False
        self._texts: dict[Channel, list[str]] = {}
        self._names: dict[Channel, str] = {}
        self._tokens: dict[Channel, list[Token]] = {}

    # -- a stream ---------------------------------------------------------------------------

    def first(self) -> bytes:
        """The opening chunk: the role of choice 0 and no text."""
        return self._chunk([self._delta(0, {"content": ""})])

    def release(
        self,
        channel: Channel,
        text: str,
        name: str | None = None,
        tokens: Sequence[Token] = (),
    ) -> bytes:
        """A chunk with cleared text of one channel; nothing where there is nothing to say."""
        if not text and name is None:
            return b""
        if channel.strand is Strand.TOOL_CALL:
            delta: Json = {"tool_calls": [self._call_delta(channel, text, name)]}
        else:
            delta = {_KEYS[channel.strand]: text}
        self._begun.add(channel)
        choice = self._delta(channel.choice, delta)
        if self._wants(channel) and _add_up(tokens, text):
            choice["logprobs"] = _logprobs(tokens)
        return self._chunk([choice])

    def notice(self, text: str) -> bytes:
        """A chunk with a notice in every choice, set off from what was released before."""
        self._noticed = True
        return self._chunk(
            [
                self._delta(i, {"content": f"\n\n{text}" if Channel(i) in self._begun else text})
                for i in range(self._exchange.choices)
            ]
        )

    def close(
        self,
        finish: Mapping[int, str],
        usage: Mapping[str, int],
        guardrail: Mapping[str, object] | None,
    ) -> bytes:
        """The end: why each choice ended (with the `guardrail` object where the caller's key
        has not switched it off), the usage where asked for, and the one `[DONE]`."""
        ends = self._ends(finish, self._opened)
        choices = [self._delta(i, {}) | {"finish_reason": why} for i, why in ends.items()]
        data = b"".join(self._chunk([choice]) for choice in choices[:-1])
        data += self._chunk(choices[-1:], self._extension(guardrail))
        if self._include_usage:
            data += frame(
                self._head("chat.completion.chunk") | {"choices": [], "usage": _usage(usage)}
            )
        return data + DONE

    def error(self, payload: Mapping[str, object] | bytes) -> bytes:
        """An error (`problem.shape` or `problem.body`) in place of the rest, and the end."""
        return frame(orjson.Fragment(payload) if isinstance(payload, bytes) else payload) + DONE

    # -- a whole reply ----------------------------------------------------------------------

    def collect(
        self,
        channel: Channel,
        text: str,
        name: str | None = None,
        tokens: Sequence[Token] = (),
    ) -> None:
        """Keep cleared text of one channel for `whole`."""
        self._texts.setdefault(channel, []).append(text)
        self._tokens.setdefault(channel, []).extend(tokens)
        if name is not None:
            self._names[channel] = name

    def whole(
        self,
        finish: Mapping[int, str],
        usage: Mapping[str, int],
        guardrail: Mapping[str, object] | None,
        notice: str | None = None,
    ) -> bytes:
        """The reply. With a notice nothing that was collected leaves."""
        if notice is not None:
            self._noticed = True
            self._texts.clear()
        ends = self._ends(finish, {channel.choice for channel in self._texts})
        reply = self._head("chat.completion")
        reply["choices"] = [
            {
                "index": choice,
                "message": self._message(choice) | ({} if notice is None else {"content": notice}),
                "logprobs": self._collected_logprobs(choice),
                "finish_reason": reason,
            }
            for choice, reason in ends.items()
        ]
        reply["usage"] = _usage(usage)
        return orjson.dumps(reply | self._extension(guardrail))

    # -- parts ------------------------------------------------------------------------------

    def _head(self, kind: str) -> Json:
        return {
            "id": f"chatcmpl-{self._exchange.id}",
            "object": kind,
            "created": self._created,
            "model": self._exchange.model,
        }

    def _chunk(self, choices: list[Json], extra: Json | None = None) -> bytes:
        chunk = self._head("chat.completion.chunk")
        chunk["choices"] = choices
        if self._include_usage:
            chunk["usage"] = None
        return frame(chunk | (extra or {}))

    def _delta(self, choice: int, delta: Json) -> Json:
        if choice not in self._opened:
            self._opened.add(choice)
            delta = {"role": "assistant", **delta}
        return {"index": choice, "delta": delta, "logprobs": None, "finish_reason": None}

    def _call_delta(self, channel: Channel, text: str, name: str | None) -> Json:
        if channel in self._begun:
            return {"index": channel.index, "function": {"arguments": text}}
        return {"index": channel.index, **self._call(channel, name or "", text)}

    def _call(self, channel: Channel, name: str, arguments: str) -> Json:
        return {
            "id": f"call_{self._exchange.id}_{channel.choice}_{channel.index}",
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }

    def _ends(self, finish: Mapping[int, str], opened: Iterable[int]) -> dict[int, str]:
        """Every choice the caller may see, with why it ended."""
        if self._noticed:
            return dict.fromkeys(range(self._exchange.choices), FILTERED)
        seen = sorted({*finish, *opened}) or [0]
        return {choice: finish.get(choice, "stop") for choice in seen}

    def _extension(self, guardrail: Mapping[str, object] | None) -> Json:
        wanted = guardrail is not None and self._exchange.caller.extension
        return {"guardrail": guardrail} if wanted else {}

    def _message(self, choice: int) -> Json:
        said = {strand: self._said(Channel(choice, strand)) for strand in _KEYS}
        message: Json = {
            "role": "assistant",
            "content": said[Strand.CONTENT],
            "refusal": said[Strand.REFUSAL],
        }
        if said[Strand.REASONING] is not None:
            message["reasoning_content"] = said[Strand.REASONING]
        calls = [
            self._call(channel, self._names.get(channel, ""), "".join(texts))
            for channel, texts in sorted(self._texts.items())
            if channel.choice == choice and channel.strand is Strand.TOOL_CALL
        ]
        return message | ({"tool_calls": calls} if calls else {})

    def _said(self, channel: Channel) -> str | None:
        texts = self._texts.get(channel)
        return None if texts is None else "".join(texts)

    def _collected_logprobs(self, choice: int) -> Json | None:
        channel = Channel(choice)
        tokens = self._tokens.get(channel, [])
        text = self._said(channel)
        if text is None or not self._wants(channel) or not _add_up(tokens, text):
            return None
        return _logprobs(tokens)

    def _wants(self, channel: Channel) -> bool:
        return self._exchange.wants_logprobs and channel.strand is Strand.CONTENT


def _add_up(tokens: Sequence[Token], text: str) -> bool:
    """Token texts that are not exactly the cleared text were never cleared."""
    return bool(tokens) and "".join(token.text for token in tokens) == text


def _logprobs(tokens: Sequence[Token]) -> Json:
    content = [
        {
            "token": token.text,
            "logprob": token.logprob,
            "bytes": list(token.text.encode()),
            "top_logprobs": [],
        }
        for token in tokens
    ]
    return {"content": content, "refusal": None}


def _usage(usage: Mapping[str, int]) -> dict[str, int]:
    """OpenAI's three counts; those that the upstream did not tell are 0."""
    keys = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {key: usage.get(key, 0) for key in keys}
