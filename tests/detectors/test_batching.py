from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrail.detectors.batching import (
    Batcher,
    DeadlinePassed,
    Ids,
    Limits,
    QueueClosed,
    QueueFull,
    TextTooLong,
)


class Bench:
    """An `infer` that records its batches and can be held back by a gate."""

    def __init__(self, *, held: bool = False) -> None:
        self.batches: list[list[Ids]] = []
        self.gate = threading.Event()
        if not held:
            self.gate.set()

    def infer(self, batch: Sequence[Ids]) -> list[int]:
        self.batches.append(list(batch))
        self.gate.wait(5)
        return [sum(ids) for ids in batch]


async def started(bench: Bench) -> None:
    """A thread has taken the first batch (it is held by the gate)."""
    while not bench.batches:  # noqa: ASYNC110 - the other side is a thread, not a task
        await asyncio.sleep(0)


async def test_results_come_in_the_order_asked() -> None:
    batcher = Batcher(Bench().infer)
    items = [(1,) * size for size in (90, 3, 40, 3, 200, 17)]
    assert await batcher.submit(items) == [90, 3, 40, 3, 200, 17]
    assert await batcher.submit([]) == []
    await batcher.close()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 130), max_size=30), st.integers(1, 3), st.integers(1, 300))
def test_every_job_is_answered_once_whatever_the_limits(
    sizes: list[int], threads: int, batch_tokens: int
) -> None:
    async def go() -> None:
        bench = Bench()
        batcher = Batcher(bench.infer, Limits(10_000, batch_tokens, threads))
        got = await asyncio.gather(*(batcher.submit([(1,) * size]) for size in sizes))
        assert got == [[size] for size in sizes]
        assert sum(map(len, bench.batches)) == len(sizes)
        for batch in bench.batches:
            assert len(batch) == 1 or sum(map(len, batch)) <= batch_tokens
        await batcher.close()

    asyncio.run(go())


async def test_like_lengths_share_a_batch_and_the_oldest_goes_first() -> None:
    bench = Bench(held=True)
    batcher = Batcher(bench.infer, Limits(batch_tokens=128))
    async with asyncio.TaskGroup() as group:
        group.create_task(batcher.submit([(1,) * 5]))
        await started(bench)
        group.create_task(batcher.submit([(1,) * 60, (1,) * 5, (1,) * 50, (1,) * 40]))
        await asyncio.sleep(0)
        bench.gate.set()
    assert [[len(ids) for ids in batch] for batch in bench.batches] == [[5], [60, 50], [5], [40]]
    await batcher.close()


async def test_refuses_when_full_and_takes_again_when_drained() -> None:
    bench = Bench(held=True)
    batcher = Batcher(bench.infer, Limits(queue_tokens=10))
    running = asyncio.ensure_future(batcher.submit([(1,) * 10]))
    await started(bench)
    waiting = asyncio.ensure_future(batcher.submit([(1,) * 8]))
    await asyncio.sleep(0)
    assert batcher.waiting_tokens == 8
    with pytest.raises(QueueFull) as full:
        await batcher.submit([(1,) * 3])
    assert full.value.gap_reason == "full"
    assert isinstance(full.value, asyncio.QueueFull)
    bench.gate.set()
    assert await running == [10]
    assert await waiting == [8]
    assert await batcher.submit([(1,) * 10]) == [10]
    await batcher.close()


async def test_a_text_larger_than_the_queue_is_named_so() -> None:
    batcher = Batcher(Bench().infer, Limits(queue_tokens=10))
    with pytest.raises(TextTooLong) as long:
        await batcher.submit([(1,) * 6, (1,) * 5])
    assert long.value.gap_reason == "too_long"
    await batcher.close()


async def test_a_job_past_its_deadline_is_never_run() -> None:
    bench = Bench(held=True)
    batcher = Batcher(bench.infer)
    running = asyncio.ensure_future(batcher.submit([(1,)]))
    await started(bench)
    late = asyncio.ensure_future(batcher.submit([(2,)], within_s=0.0))
    await asyncio.sleep(0.01)
    bench.gate.set()
    assert await running == [1]
    with pytest.raises(DeadlinePassed):
        await late
    assert bench.batches == [[(1,)]]
    await batcher.close()


async def test_cancelling_one_caller_leaves_the_others() -> None:
    bench = Bench(held=True)
    batcher = Batcher(bench.infer, Limits(batch_tokens=64))
    first = asyncio.ensure_future(batcher.submit([(1,)]))
    await started(bench)
    gone = asyncio.ensure_future(batcher.submit([(2,)]))
    kept = asyncio.ensure_future(batcher.submit([(3,)]))
    await asyncio.sleep(0)
    gone.cancel()
    first.cancel()
    await asyncio.gather(gone, first, return_exceptions=True)
    assert batcher.waiting_tokens == 1
    bench.gate.set()
    assert await kept == [3]
    assert [(2,)] not in bench.batches
    await batcher.close()


async def test_an_error_of_the_model_reaches_every_caller_of_the_batch() -> None:
    def broken(batch: Sequence[Ids]) -> list[int]:
        raise ValueError("no weights")

    batcher: Batcher[int] = Batcher(broken)
    got = await asyncio.gather(
        batcher.submit([(1,), (2,)]), batcher.submit([(3,)]), return_exceptions=True
    )
    assert [type(each) for each in got] == [ValueError, ValueError]
    await batcher.close()


async def test_close_fails_what_waits_and_lets_what_runs_end() -> None:
    bench = Bench(held=True)
    batcher = Batcher(bench.infer)
    running = asyncio.ensure_future(batcher.submit([(1,)]))
    await started(bench)
    waiting = asyncio.ensure_future(batcher.submit([(2,)]))
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(batcher.close())
    await asyncio.sleep(0)
    bench.gate.set()
    assert await running == [1]
    with pytest.raises(QueueClosed):
        await waiting
    await closing
    with pytest.raises(QueueClosed):
        await batcher.submit([(3,)])
    await batcher.close()


async def test_the_loop_turns_while_the_model_works() -> None:
    def slow(batch: Sequence[Ids]) -> list[int]:
        time.sleep(0.05)
        return [0 for _ in batch]

    batcher = Batcher(slow)
    work = asyncio.ensure_future(batcher.submit([(1,)]))
    turns = 0
    while not work.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 10
    await batcher.close()
