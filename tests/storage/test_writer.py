"""The writer thread: groups, idle times, ends."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError

import pytest

from guardrail.domain.errors import BrokenLedger
from guardrail.storage.writer import Job, Writer, closed


class Desk:
    """Records what the writer asks of it; holds the first group until told."""

    def __init__(self, patience: float | None = None) -> None:
        self.groups: list[list[object]] = []
        self.go, self.begun = threading.Event(), threading.Event()
        self.idled, self.stopped = threading.Event(), threading.Event()
        self._patience = patience
        self.writer = Writer(self.perform, lambda: self._patience, self.idle, self.stopped.set)

    def perform(self, jobs: list[Job]) -> None:
        self.begun.set()
        assert self.go.wait(30)
        self.groups.append([job.task for job in jobs])
        for job in jobs:
            job.future.set_result(job.task)

    def idle(self) -> None:
        self._patience = None
        self.idled.set()


def test_what_queues_up_meanwhile_is_one_group() -> None:
    desk = Desk()
    first = desk.writer.submit("问")
    assert desk.begun.wait(30)
    rest = [desk.writer.submit(number) for number in range(300)]
    desk.go.set()
    assert first.result(30) == "问"
    assert [future.result(30) for future in rest] == list(range(300))
    desk.writer.close()
    assert [len(group) for group in desk.groups] == [1, 256, 44]
    assert desk.stopped.is_set()


def test_what_is_queued_is_finished_before_the_end() -> None:
    desk = Desk()
    futures = [desk.writer.submit(number) for number in range(5)]
    desk.go.set()
    desk.writer.close()
    desk.writer.close()
    assert [future.result(0) for future in futures] == list(range(5))
    with pytest.raises(BrokenLedger):
        desk.writer.submit(6)


def test_what_nobody_wants_any_more_is_not_done() -> None:
    desk = Desk()
    desk.writer.submit("held")
    assert desk.begun.wait(30)
    dropped, kept = desk.writer.submit("dropped"), desk.writer.submit("kept")
    assert dropped.cancel()
    desk.go.set()
    assert kept.result(30) == "kept"
    desk.writer.close()
    assert desk.groups == [["held"], ["kept"]]
    with pytest.raises(CancelledError):
        dropped.result(0)


def test_when_nothing_comes_it_is_told() -> None:
    desk = Desk(patience=0.0)
    assert desk.idled.wait(30)
    desk.writer.close()
    assert desk.groups == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_bug_leaves_nobody_waiting() -> None:
    held, begun = threading.Event(), threading.Event()

    def perform(jobs: list[Job]) -> None:
        begun.set()
        assert held.wait(30)
        raise ZeroDivisionError

    stopped = threading.Event()
    nothing: Callable[[], None] = stopped.clear
    writer = Writer(perform, lambda: None, nothing, stopped.set)
    first = writer.submit("first")
    assert begun.wait(30)
    queued, unwanted = writer.submit("queued"), writer.submit("unwanted")
    unwanted.cancel()
    held.set()
    for future in (first, queued):
        assert isinstance(future.exception(30), BrokenLedger)
    assert stopped.wait(30)
    with pytest.raises(BrokenLedger):
        writer.submit("later")
    writer.close()


def test_a_closed_ledger_says_so() -> None:
    assert closed().code == "ledger_unavailable"
