"""The loop: take the next event, tell the session, perform its effects in order.

One driver runs one exchange. Everything that takes time (detectors, upstream, the caller's
connection, deadlines) runs in a task of its own and comes back as an event in one queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any

from guardrail.domain.errors import BrokenLedger, UpstreamFailed
from guardrail.domain.exchange import Channel, Exchange
from guardrail.guard import effects, events
from guardrail.guard.effects import Effect
from guardrail.guard.events import Event, Party
from guardrail.guard.session import Session, State
from guardrail.server import problems
from guardrail.server.house import House
from guardrail.server.reply import Reply
from guardrail.wire import alternatives, chat

QUEUE = 256  # events waiting; a full queue slows the upstream down, nothing is dropped
# Looks under way at once for one exchange. The panel's deadline counts from the moment it is asked:
# a long answer that came whole would otherwise make its own last sentences, and others', too late.
LOOKS = 4


class Driver:
    """Runs one exchange to its Close. `listen` returns when the caller has gone."""

    def __init__(
        self,
        house: House,
        exchange: Exchange,
        request: chat.Request,
        reply: Reply,
        listen: Callable[[], Awaitable[None]],
    ) -> None:
        self._house = house
        self._exchange = exchange
        self._request = request
        self._reply = reply
        self._listen = listen
        policies = house.shelf.current
        self._session = Session(policies, proven=house.proven(policies, exchange))
        self._queue: asyncio.Queue[Event] = asyncio.Queue(QUEUE)
        self._urgent: list[Event] = []  # what must not wait for room in the queue
        self._tasks: set[asyncio.Task[None]] = set()
        self._upstream: asyncio.Task[None] | None = None
        self._looks = asyncio.Semaphore(LOOKS)
        self._owed: effects.Record | None = None
        self._recording: asyncio.Task[Event] | None = None
        self._quiet_until = 0.0  # when the caller must hear something, on the loop's clock
        self._closed = False

    async def run(self) -> None:
        """Returns after Close; leaves no task behind."""
        try:
            self._heard()
            self._start(self._gone())
            self._start(self._deadline())
            await self._happen(events.Asked(self._exchange, self._house.clock()))
            while not self._closed:
                event = await self._next()
                if event is not None:
                    await self._happen(event)
        except asyncio.CancelledError:
            await asyncio.shield(self._shut())
            raise
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _shut(self) -> None:
        """The process ends before the exchange did: leave its record."""
        if self._session.state is State.RECORDING and self._owed is not None:
            await self._happen(await self._recorded(self._owed))
        elif self._session.state not in (State.IDLE, State.DONE):
            lost = events.Lost(Party.SHUTDOWN, "shutting_down", self._house.clock())
            await self._happen(lost)

    async def _next(self) -> Event | None:
        """The next event, or None after a keep-alive was written instead."""
        if self._urgent:
            return self._urgent.pop(0)
        try:
            async with asyncio.timeout_at(self._quiet_until):
                return await self._queue.get()
        except TimeoutError:
            await self._written(self._reply.keep_alive())
            return None

    def _heard(self) -> None:
        """The caller was just written to; what the upstream says meanwhile he does not hear."""
        keepalive_s = self._house.settings.limits.keepalive_s
        self._quiet_until = asyncio.get_running_loop().time() + keepalive_s

    async def _happen(self, event: Event) -> None:
        self._house.watch.saw(self._exchange, event, event.at)
        due = self._session.receive(event)
        self._owed = next((one for one in due if isinstance(one, effects.Record)), self._owed)
        for effect in due:
            self._house.watch.saw(self._exchange, effect, self._house.clock())
            await self._perform(effect)

    async def _perform(self, effect: Effect) -> None:  # noqa: C901 - a case each
        match effect:
            case effects.Inspect():
                self._start(self._inspect(effect))
            case effects.Forward():
                self._upstream = self._start(self._ask(effect))
            case effects.Differ():
                self._upstream = self._start(self._differ(effect))
            case effects.Release():
                await self._written(self._reply.release(effect))
            case effects.Notify():
                self._reply.notify(effect)
            case effects.Cancel():
                self._cancel()
            case effects.Record():
                await self._happen(await asyncio.shield(self._recorded(effect)))
            case effects.Close():
                self._closed = True
                await self._written(self._reply.close(effect))

    def _cancel(self) -> None:
        if self._upstream is not None:
            self._upstream.cancel()

    async def _inspect(self, effect: effects.Inspect) -> None:
        async with self._looks:
            look = await self._house.panel.look(effect.passage)
        await self._queue.put(events.Inspected(effect.job, look, self._house.clock()))

    async def _ask(self, effect: effects.Forward) -> None:
        asks = effect.ask_logprobs and self._house.settings.upstream.logprobs
        body = chat.upstream_body(self._request, effect.replaced, ask_logprobs=asks)
        answer = self._house.upstream.ask(self._exchange, body)
        try:
            async for event in answer:
                await self._queue.put(event)
        except UpstreamFailed as error:
            lost = events.Lost(Party.UPSTREAM, error.code, self._house.clock())
            await self._queue.put(lost)
        finally:
            await answer.aclose()  # type: ignore[attr-defined]

    async def _differ(self, effect: effects.Differ) -> None:
        question = alternatives.Question(self._request, effect.replaced, effect.lang)
        once = replace(self._exchange, stream=False, choices=1, tools=())
        said = ""
        try:
            async for event in self._house.upstream.ask(once, alternatives.body(question)):
                if isinstance(event, events.Delta) and event.channel == Channel():
                    said += event.text
        except UpstreamFailed:
            said = ""
        await self._queue.put(events.Differed(said, self._house.clock()))

    def _recorded(self, effect: effects.Record) -> asyncio.Task[Event]:
        """The one writing of the record. It goes on when who waits for it is cancelled."""
        if self._recording is None:
            self._recording = asyncio.get_running_loop().create_task(self._record(effect))
        return self._recording

    async def _record(self, effect: effects.Record) -> Event:
        try:
            entries = await self._house.record(effect.drafts)
        except BrokenLedger as error:
            return events.Unrecorded(error.code, self._house.clock())
        return events.Recorded(entries[-1].index, self._house.clock())

    async def _gone(self) -> None:
        await self._listen()
        await self._queue.put(events.Lost(Party.CLIENT, "client_gone", self._house.clock()))

    async def _deadline(self) -> None:
        await asyncio.sleep(self._house.settings.limits.total_s)
        await self._queue.put(events.Lost(Party.DEADLINE, "deadline", self._house.clock()))

    async def _written(self, write: Coroutine[Any, Any, None]) -> None:
        """A caller that stops reading is a caller that has gone; nobody waits for him for ever."""
        self._heard()
        try:
            async with asyncio.timeout(self._house.settings.limits.write_s):
                await write
        except (TimeoutError, OSError):
            self._reply.abandon()
            self._tell(events.Lost(Party.CLIENT, "client_gone", self._house.clock()))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        # Not a TaskGroup: these tasks end with the exchange, not when they are done, and the one
        # thing they raise (a bug) must reach `run`, which the callback below sees to.
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None and not self._closed:
            problems.report(error)
            self._tell(events.Lost(Party.UPSTREAM, "internal_error", self._house.clock()))

    def _tell(self, event: Event) -> None:
        """An event out of a place that cannot wait. Where the queue is full nobody is waiting at
        it, and the loop looks here before it takes the next."""
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._urgent.append(event)
