"""A queue in front of one model: bounded in tokens, batched by length, run in threads.

No task runs in the background. Whoever submits pumps the queue, and so does every batch that ends:
while a thread is free, the oldest job and others of like length, up to a token budget, become the
next batch. So a caller that is cancelled takes only its own jobs with it, and an idle queue costs
nothing. The event loop never waits for a model.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")
Ids = tuple[int, ...]
Infer = Callable[[Sequence[Ids]], Sequence[T]]
_BUCKETS = (16, 32, 64, 96, 128, 256, 512)


class QueueFull(asyncio.QueueFull):
    """So many tokens already wait that these would come too late: look elsewhere or refuse."""

    gap_reason = "full"


class TextTooLong(QueueFull):
    """One text alone is more than the whole queue may hold."""

    gap_reason = "too_long"


class DeadlinePassed(TimeoutError):
    """The job was still waiting when its time was over; it was never run."""

    gap_reason = "late"


class QueueClosed(RuntimeError):
    """The queue is shutting down and takes no more."""

    gap_reason = "missing"


@dataclass(frozen=True, slots=True)
class Limits:
    """`queue_tokens` may wait in all; one batch holds `batch_tokens` after padding, or one job;
    `threads` batches run at a time."""

    queue_tokens: int = 65536
    batch_tokens: int = 2048
    threads: int = 1


@dataclass(slots=True, eq=False)
class _Job(Generic[T]):
    ids: Ids
    answer: asyncio.Future[T]
    expires: float

    @property
    def bucket(self) -> int:
        size = len(self.ids)
        return next((bound for bound in _BUCKETS if size <= bound), size)


class Batcher(Generic[T]):
    """`infer` maps a batch of token ids to as many results, in order; it runs in a thread."""

    def __init__(self, infer: Infer[T], limits: Limits | None = None) -> None:
        self._infer = infer
        self._limits = limits or Limits()
        self._waiting: deque[_Job[T]] = deque()
        self._running: set[asyncio.Future[Sequence[T]]] = set()
        self._threads = ThreadPoolExecutor(self._limits.threads, "classifier")
        self._closed = False

    @property
    def waiting_tokens(self) -> int:
        """Tokens of jobs that no thread has taken yet and somebody still wants."""
        return sum(len(job.ids) for job in self._waiting if not job.answer.done())

    async def submit(self, items: Sequence[Ids], within_s: float = float("inf")) -> list[T]:
        """Results in the order of `items`. Raises `QueueFull`, `TextTooLong`, `QueueClosed`, or
        `DeadlinePassed` when a job has waited `within_s` seconds without being run; whatever
        `infer` raises is raised here."""
        self._admit(sum(map(len, items)))
        loop = asyncio.get_running_loop()
        expires = loop.time() + within_s
        jobs = [_Job(ids, loop.create_future(), expires) for ids in items]
        self._waiting.extend(jobs)
        self._pump()
        try:
            return [await job.answer for job in jobs]
        finally:
            for job in jobs:
                _abandon(job.answer)

    async def close(self) -> None:
        """Refuse new jobs, fail those that wait, let running batches end, stop the threads."""
        self._closed = True
        for job in self._waiting:
            _settle(job.answer, QueueClosed("the classifier is shutting down"))
        self._waiting.clear()
        if self._running:
            await asyncio.wait(self._running)
        await asyncio.to_thread(self._threads.shutdown)

    def _admit(self, tokens: int) -> None:
        if self._closed:
            raise QueueClosed("the classifier is shutting down")
        if tokens > self._limits.queue_tokens:
            raise TextTooLong(f"{tokens} tokens; the queue holds {self._limits.queue_tokens}")
        if self.waiting_tokens + tokens > self._limits.queue_tokens:
            raise QueueFull(f"{self._limits.queue_tokens} tokens are waiting")

    def _pump(self) -> None:
        while len(self._running) < self._limits.threads and (batch := self._next_batch()):
            loop = asyncio.get_running_loop()
            run = loop.run_in_executor(self._threads, self._infer, [job.ids for job in batch])
            self._running.add(run)
            run.add_done_callback(partial(self._deliver, batch))

    def _next_batch(self) -> list[_Job[T]]:
        """The oldest job and its like; jobs nobody waits for any more are dropped on the way."""
        now = asyncio.get_running_loop().time()
        batch: list[_Job[T]] = []
        rest: deque[_Job[T]] = deque()
        for job in self._waiting:
            if job.expires <= now:
                _settle(job.answer, DeadlinePassed("the classifier had no time for this text"))
            elif job.answer.done():
                continue
            elif not batch or self._fits(job, batch):
                batch.append(job)
            else:
                rest.append(job)
        self._waiting = rest
        return batch

    def _fits(self, job: _Job[T], batch: Sequence[_Job[T]]) -> bool:
        bound = batch[0].bucket
        return job.bucket == bound and (len(batch) + 1) * bound <= self._limits.batch_tokens

    def _deliver(self, batch: Sequence[_Job[T]], run: asyncio.Future[Sequence[T]]) -> None:
        self._running.discard(run)
        error = run.exception()
        for number, job in enumerate(batch):
            _settle(job.answer, error if error is not None else run.result()[number])
        if not self._closed:
            self._pump()


def _settle(answer: asyncio.Future[T], outcome: T | BaseException) -> None:
    if answer.done():
        return
    if isinstance(outcome, BaseException):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


def _abandon(answer: asyncio.Future[T]) -> None:
    """Nobody will read this answer: cancel it, or take note of its error."""
    if not answer.cancel() and not answer.cancelled():
        answer.exception()
