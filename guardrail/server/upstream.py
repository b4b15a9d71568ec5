"""The clinical LLM over HTTP: aiohttp to any OpenAI-compatible server.

Its answer is untrusted: status, type, size and every frame are checked, and only pieces that
`wire` understands come through. Nothing is retried here: an LLM call is not idempotent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import aiohttp
import orjson

from guardrail.domain.errors import UpstreamFailed
from guardrail.domain.exchange import Exchange
from guardrail.guard import events
from guardrail.guard.events import Event
from guardrail.settings import UpstreamSettings
from guardrail.wire import chat
from guardrail.wire.parameter import askable
from guardrail.wire.pieces import EndPiece, FinishPiece, Piece

READ_BYTES = 65536
MAX_LINE_BYTES = 16384

# What an upstream's refusal means for the caller. Its own words are never passed on: they may
# quote the prompt, and they are text nobody looked at.
REFUSALS = {
    400: ("upstream_refused", "The upstream does not accept this request."),
    413: ("upstream_refused", "The upstream does not accept this request."),
    422: ("upstream_refused", "The upstream does not accept this request."),
    401: ("upstream_auth", "The upstream does not accept our key."),
    403: ("upstream_auth", "The upstream does not accept our key."),
    404: ("upstream_not_found", "The upstream does not know this model or path."),
    429: ("upstream_busy", "The upstream is rate-limiting us."),
}


class HttpUpstream:
    """One upstream with one connection pool. Implements `guard.ports.Upstream`."""

    def __init__(self, settings: UpstreamSettings, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._clock = clock
        self._base = settings.url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, exchange: Exchange, body: bytes) -> AsyncIterator[Event]:
        """See the port. Raises `UpstreamFailed`."""
        async with self._call("POST", "/chat/completions", body) as response:
            _refuse(response.status)
            _typed(response, "text/event-stream" if exchange.stream else "application/json")
            pieces = (
                self._streamed(response, exchange)
                if exchange.stream
                else self._whole(response, exchange)
            )
            async for piece in pieces:
                yield _event(piece, self._clock())

    async def models(self) -> Sequence[str]:
        """Names the upstream serves and a request may ask for. Raises `UpstreamFailed`."""
        async with self._call("GET", "/models", None) as response:
            _refuse(response.status)
            raw = await self._read(response)
        try:
            names = [str(row["id"]) for row in orjson.loads(raw)["data"]]
        except (ValueError, KeyError, TypeError):
            raise UpstreamFailed(
                "upstream_bad_answer", "The upstream's model list is not JSON."
            ) from None
        return [name for name in names if askable(name)]  # the rest is text that nobody looked at

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _whole(
        self, response: aiohttp.ClientResponse, exchange: Exchange
    ) -> AsyncIterator[Piece]:
        for piece in chat.read_answer(await self._read(response), exchange.tools, exchange.choices):
            yield piece

    async def _streamed(
        self, response: aiohttp.ClientResponse, exchange: Exchange
    ) -> AsyncIterator[Piece]:
        reader = chat.StreamReader(exchange.tools, exchange.choices)
        async for data in self._chunks(response):
            for piece in reader.feed(data):
                yield piece
                if isinstance(piece, EndPiece):
                    return
        for piece in reader.end():
            yield piece

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        return b"".join([data async for data in self._chunks(response)])

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        """The body piece by piece, bounded in bytes and in silence. Raises `UpstreamFailed`."""
        left = self._settings.max_answer_bytes
        while True:
            try:
                async with asyncio.timeout(self._settings.idle_s):
                    data = await response.content.read(READ_BYTES)
            except TimeoutError:
                raise UpstreamFailed("upstream_timeout", "The upstream fell silent.") from None
            except (aiohttp.ClientError, OSError, EOFError):
                raise UpstreamFailed(
                    "upstream_reset", "The upstream broke off its answer."
                ) from None
            if not data:
                return
            left -= len(data)
            if left < 0:
                raise UpstreamFailed("upstream_too_long", "The upstream's answer is too long.")
            yield data

    @asynccontextmanager
    async def _call(
        self, method: str, path: str, body: bytes | None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        request = self._client().request(
            method, self._base + path, data=body, headers=headers, allow_redirects=False
        )
        try:
            async with asyncio.timeout(self._settings.first_byte_s):
                response = await request
        except TimeoutError:
            raise UpstreamFailed(
                "upstream_timeout", "The upstream did not answer in time."
            ) from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise UpstreamFailed(
                "upstream_unreachable", "The upstream cannot be reached."
            ) from None
        try:
            yield response
        finally:
            # Closing (not releasing) the connection is what cancels generation at the upstream.
            if response.content.at_eof():
                response.release()
            else:
                response.close()

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            key = self._settings.key.get_secret_value()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._settings.connections),
                cookie_jar=aiohttp.DummyCookieJar(),  # one caller's never goes out with another's
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._settings.connect_s),
                headers={"Accept-Encoding": "identity"}
                | ({"Authorization": f"Bearer {key}"} if key else {}),
                auto_decompress=False,
                max_line_size=MAX_LINE_BYTES,
                max_field_size=MAX_LINE_BYTES,
            )
        return self._session


def _refuse(status: int) -> None:
    if status == 200:
        return
    code, message = REFUSALS.get(status, ("upstream_error", "The upstream answered with an error."))
    raise UpstreamFailed(code, f"{message} (HTTP {status})")


def _typed(response: aiohttp.ClientResponse, expected: str) -> None:
    plain = response.headers.get("Content-Encoding", "identity") == "identity"
    if response.content_type != expected or not plain:
        raise UpstreamFailed(
            "upstream_bad_answer",
            f"The upstream's answer is not {expected}.",
            "Check upstream.url.",
        )


def _event(piece: Piece, at: float) -> Event:
    if isinstance(piece, EndPiece):
        return events.Ended(at, piece.usage, piece.confidence)
    if isinstance(piece, FinishPiece):
        return events.Finished(piece.choice, piece.reason, at)
    return events.Delta(piece.channel, piece.text, at, piece.name, piece.tokens)
