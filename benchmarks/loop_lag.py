"""How late the event loop is while the classifier computes: in the loop, in a thread, in a process.

    python -m benchmarks.loop_lag --seconds 10

One task asks for inference of 128-token windows without a pause, another sleeps a millisecond at a
time and notes how much later it wakes. The classifier is the shipped one; `idle` asks for nothing
and shows what the machine itself costs.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np

from guardrail.detectors import artifact
from guardrail.detectors.batching import Ids
from guardrail.detectors.onnx import Session

TICK_S = 0.001
TOKENS = 128
WINDOWS: Sequence[Ids] = [tuple(range(700, 700 + TOKENS))]
Ask = Callable[[], Awaitable[object]]
_session: list[Session] = []


def start() -> None:
    """Load the model in this process, once."""
    if not _session:
        _session.append(Session(artifact.load(artifact.shipped())))


def infer() -> list[tuple[float, ...]]:
    """One window through the loaded model."""
    return _session[0].infer(WINDOWS)


async def lags(ask: Ask, seconds: float) -> tuple[list[float], int]:
    """Seconds that a sleeper woke too late, and how many windows were judged meanwhile."""
    late: list[float] = []
    until = time.perf_counter() + seconds

    async def sleeper() -> None:
        while (began := time.perf_counter()) < until:
            await asyncio.sleep(TICK_S)
            late.append(time.perf_counter() - began - TICK_S)

    judged = 0
    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(sleeper())
        while not ticking.done():
            await ask()
            judged += 1
            await asyncio.sleep(0)
    return late, judged


def inside(pool: Executor) -> Ask:
    """Ask in an executor."""

    async def ask() -> object:
        return await asyncio.get_running_loop().run_in_executor(pool, infer)

    return ask


async def in_the_loop() -> object:
    """Ask where everybody waits."""
    return infer()


async def idle() -> None:
    """Ask for nothing."""
    await asyncio.sleep(TICK_S)


async def measure(seconds: float) -> None:
    """Print the lags of each way."""
    start()
    with ThreadPoolExecutor(1) as threads, ProcessPoolExecutor(1, initializer=start) as processes:
        ways = {
            "idle": idle,
            "in the loop": in_the_loop,
            "thread": inside(threads),
            "process": inside(processes),
        }
        await ways["process"]()
        print("| | lag p50 ms | p99 | largest | windows/s |\n|---|---|---|---|---|")
        for name, ask in ways.items():
            late, judged = await lags(ask, seconds)
            p50, p99 = np.quantile(late, [0.5, 0.99]) * 1000
            rate = 0 if name == "idle" else judged / seconds
            print(f"| {name} | {p50:.2f} | {p99:.2f} | {max(late) * 1000:.2f} | {rate:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=10)
    asyncio.run(measure(parser.parse_args().seconds))


if __name__ == "__main__":
    main()
