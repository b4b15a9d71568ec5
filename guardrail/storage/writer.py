"""One thread that takes jobs in groups: many wait, one commit serves them all.

While a group is being committed, the next ones queue up and become the next group. The thread
knows nothing of ledgers; `perform` does the work and answers every job's future.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from guardrail.domain.errors import BrokenLedger

_GROUP = 256  # jobs per commit at most


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do on the thread; `future` is answered by whoever performs it."""

    task: Any
    future: Future[Any] = field(default_factory=Future)


class Writer:
    """Runs `perform(jobs)` on one thread, `idle()` when nothing came for `patience()` seconds (None:
    for ever), and `stop()` once at the end. An exception that escapes them is a bug: it ends the
    thread, and from then on every task is refused."""

    def __init__(
        self,
        perform: Callable[[list[Job]], None],
        patience: Callable[[], float | None],
        idle: Callable[[], None],
        stop: Callable[[], None],
    ) -> None:
        self._perform, self._patience, self._idle, self._stop = perform, patience, idle, stop
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def submit(self, task: object) -> Future[Any]:
        """Queue a task. Raises `BrokenLedger` (`ledger_unavailable`) after `close`."""
        job = Job(task)
        with self._gate:
            if self._closed:
                raise closed()
            self._queue.put(job)
        return job.future

    def close(self) -> None:
        """Finish what is queued, then stop. Blocks; may be called again."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        running = True
        try:
            while running:
                group, running = self._next_group()
                self._serve(group)
                if running and not group:
                    self._idle()
        finally:
            self._refuse_the_rest()
            self._stop()

    def _serve(self, group: list[Job]) -> None:
        """Perform what its caller still wants. Should a bug end it, nobody is left waiting."""
        jobs = [job for job in group if job.future.set_running_or_notify_cancel()]
        try:
            if jobs:
                self._perform(jobs)
        finally:
            for job in jobs:
                if not job.future.done():
                    job.future.set_exception(closed())

    def _refuse_the_rest(self) -> None:
        with self._gate:
            self._closed = True
            while not self._queue.empty():
                job = self._queue.get()
                if job is not None and job.future.set_running_or_notify_cancel():
                    job.future.set_exception(closed())

    def _next_group(self) -> tuple[list[Job], bool]:
        """Jobs that are waiting, and whether to go on after them."""
        group: list[Job] = []
        try:
            job = self._queue.get(timeout=self._patience())
            while job is not None:
                group.append(job)
                if len(group) == _GROUP:
                    return group, True
                job = self._queue.get_nowait()
        except queue.Empty:
            return group, True
        return group, False


def closed() -> BrokenLedger:
    return BrokenLedger("ledger_unavailable", "the ledger is closed.", "Start the server again.")
