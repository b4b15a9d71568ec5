"""The proxied paths as raw ASGI: bytes in, an exchange, bytes out. The hot path.

Mounted in front of the FastAPI app; everything it does not know goes there.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from guardrail.domain.errors import BadRequest, BrokenLedger, GuardrailError
from guardrail.domain.exchange import Caller
from guardrail.ledger.entry import Draft, Kind
from guardrail.server import body, problems
from guardrail.server.body import Receive, Scope
from guardrail.server.callers import label_of, limited, scene_of
from guardrail.server.driver import Driver
from guardrail.server.house import House
from guardrail.server.reply import JSON, Reply, Send
from guardrail.wire import chat, problem
from guardrail.wire.sse import DONE, frame

App = Callable[[Scope, Receive, Send], Awaitable[None]]
CHAT = "/v1/chat/completions"


class Proxy:
    """ASGI app: answers the proxied paths itself and hands the rest to `others`."""

    def __init__(self, house: House, others: App) -> None:
        self._house = house
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != CHAT:
            await self._others(scope, receive, send)
            return
        call = _Call(self._house, scope, receive, send)
        await problems.answered(call.run(), call.refuse)


class _Call:
    """One HTTP call of a proxied path."""

    def __init__(self, house: House, scope: Scope, receive: Receive, send: Send) -> None:
        self._house = house
        self._scope = scope
        self._receive = receive
        self._send = send
        self._id = secrets.token_hex(12)
        self._caller = Caller(name="unknown", tenant="unknown")
        self._bytes = 0
        self._started = False
        self._stream = False

    async def run(self) -> None:
        found = body.headers(self._scope)
        self._caller = self._house.callers.of_header(found.get("authorization", ""))
        if self._scope["method"] != "POST":
            raise BadRequest("method_not_allowed", "This path takes POST.", "Send a POST request.")
        self._enter()
        self._house.doors.inside += 1
        try:
            await self._exchange(found)
        except body.Gone:
            return
        finally:
            self._house.doors.inside -= 1

    def _enter(self) -> None:
        if self._house.doors.closing:
            raise problems.failure("shutting_down")
        if self._house.doors.full:
            raise BadRequest("overloaded", "Too many exchanges at once.", "Try again in a second.")

    async def _exchange(self, found: Mapping[str, str]) -> None:
        raw = await body.read(self._scope, self._receive, self._house.settings.limits)
        self._bytes = len(raw)
        at = self._house.clock()
        exchange, request = chat.read_request(
            raw,
            exchange_id=self._id,
            caller=self._caller,
            scene=scene_of(self._caller, found.get("x-guardrail-scene", "")),
            purpose=label_of("X-Guardrail-Purpose", found.get("x-guardrail-purpose", "")),
            cohort=label_of("X-Guardrail-Cohort", found.get("x-guardrail-cohort", "")),
            at=at,
        )
        limited(self._caller, exchange.model)
        self._stream = exchange.stream
        writer = chat.AnswerWriter(exchange, request, int(at))
        digest = self._house.shelf.current.digest
        reply = Reply(self._sent, exchange, writer, digest)
        await Driver(self._house, exchange, request, reply, self._listen).run()

    async def _listen(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _sent(self, message: MutableMapping[str, Any]) -> None:
        self._started = True
        await self._send(message)

    async def refuse(self, error: GuardrailError) -> None:
        """An error for a call that never became an exchange (or met a bug); it is recorded too."""
        await self._note(error)
        with suppress(TimeoutError, OSError):  # whoever does not listen is not waited for
            async with asyncio.timeout(self._house.settings.limits.write_s):
                await (self._break_off(error) if self._started else self._answer(error))

    async def _break_off(self, error: GuardrailError) -> None:
        """The end of an answer that had begun: a stream says why."""
        end = frame(problem.shape(error)) + DONE if self._stream else b""
        await self._send({"type": "http.response.body", "body": end})

    async def _answer(self, error: GuardrailError) -> None:
        data = problem.body(error)
        headers = [
            *JSON,
            (b"content-length", str(len(data)).encode()),
            (b"x-guardrail-exchange", self._id.encode()),
            *problems.headers(error),
        ]
        status = problems.status(error)
        await self._sent({"type": "http.response.start", "status": status, "headers": headers})
        await self._sent({"type": "http.response.body", "body": data})

    async def _note(self, error: GuardrailError) -> None:
        facts = {
            "code": error.code,
            "endpoint": "chat.completions",
            "tenant": self._caller.tenant,
            "caller": self._caller.name,
            "bytes": self._bytes,
        }
        self._house.watch.refused(error.code)
        if error.code in ("overloaded", "invalid_api_key"):
            return  # anyone can cause these by the thousand: counted, not recorded
        draft = Draft(Kind.REFUSED, self._id, self._house.clock(), facts)
        try:
            await self._house.record([draft])
        except BrokenLedger as broken:
            problems.report(broken)
