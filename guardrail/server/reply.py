"""Reply: what the session releases, written to the caller whole or as a stream.

Nothing but this file sends an answer of the proxied paths. The response starts with the first
thing that must be said, so that a failure before it still gets a true HTTP status.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from guardrail.domain.errors import BadRequest, GuardrailError
from guardrail.domain.exchange import Exchange
from guardrail.domain.verdict import Action, Verdict
from guardrail.guard import effects
from guardrail.guard.effects import Ending
from guardrail.server import problems
from guardrail.wire import notices, problem
from guardrail.wire.chat import AnswerWriter

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = Sequence[tuple[bytes, bytes]]

SSE = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)
JSON = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
KEEP_ALIVE = b": hold\n\n"


class Reply:
    """One answer on its way to one caller."""

    def __init__(self, send: Send, exchange: Exchange, writer: AnswerWriter, digest: str) -> None:
        self._send = send
        self._exchange = exchange
        self._writer = writer
        self._so_far = Verdict(Action.ALLOW, digest)
        self._notice: str | None = None
        self._started = False
        self._abandoned = False

    async def release(self, effect: effects.Release) -> None:
        out = effect.channel, effect.text, effect.name, effect.tokens
        if self._exchange.stream:
            await self._stream(self._writer.release(*out))
        else:
            self._writer.collect(*out)

    def notify(self, effect: effects.Notify) -> None:
        """Kept until Close: what is told must be in the ledger first."""
        lang = notices.language(self._exchange)
        self._notice = notices.notice(effect.verdict, effect.case, lang)

    async def keep_alive(self) -> None:
        """Streams only: a comment, so that nobody on the way gives the connection up."""
        if self._exchange.stream:
            await self._stream(KEEP_ALIVE)

    async def close(self, effect: effects.Close) -> None:
        self._so_far = effect.verdict
        if effect.ending is Ending.GONE:
            return
        if effect.ending is Ending.FAILED:
            await self._fail(effect.code)
        elif self._refuses(effect) and not self._started:
            await self._whole(400, problem.body(refusal(self._notice or "")))
        elif self._exchange.stream:
            await self._end_stream(effect)
        else:
            extension = self._extension(effect)
            notice = self._notice
            body = self._writer.whole(effect.finish, effect.usage, extension, notice=notice)
            await self._whole(200, body)

    def abandon(self) -> None:
        """The caller is gone: write nothing more."""
        self._abandoned = True

    async def refuse(self, error: GuardrailError, headers: Headers = ()) -> None:
        """An error instead of an answer."""
        again = [*headers, *problems.headers(error)]
        await self._whole(problems.status(error), problem.body(error), again)

    def _refuses(self, effect: effects.Close) -> bool:
        """A key may want blocked questions as HTTP errors; answers are never errors."""
        wants = self._exchange.caller.on_block == "error"
        return wants and effect.ending is Ending.FILTERED and not effect.forwarded

    def _extension(self, effect: effects.Close) -> dict[str, object] | None:
        if not self._exchange.caller.extension:
            return None
        return notices.extension(self._exchange, effect.verdict, effect.case)

    async def _end_stream(self, effect: effects.Close) -> None:
        last = self._writer.notice(self._notice) if self._notice else b""
        last += self._writer.close(effect.finish, effect.usage, self._extension(effect))
        await self._stream(last, more=False)

    async def _fail(self, code: str) -> None:
        error = problems.failure(code)
        if self._started:
            await self._stream(self._writer.error(problem.shape(error)), more=False)
        else:
            await self.refuse(error)

    async def _stream(self, data: bytes, *, more: bool = True) -> None:
        if self._abandoned or (not data and more):
            return
        if not self._started:
            await self._start(200, SSE)
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def _whole(self, status: int, body: bytes, headers: Headers = ()) -> None:
        if self._abandoned:
            return
        length = (b"content-length", str(len(body)).encode())
        await self._start(status, (*JSON, length, *headers))
        await self._send({"type": "http.response.body", "body": body})

    async def _start(self, status: int, headers: Headers) -> None:
        self._started = True
        ours = notices.headers(self._exchange, self._so_far)
        start = {"type": "http.response.start", "status": status, "headers": [*headers, *ours]}
        await self._send(start)


def refusal(notice: str) -> BadRequest:
    """A blocked question as an error, with the notice's words."""
    return BadRequest("content_filter", notice, param="messages")
