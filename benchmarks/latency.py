"""What the guard adds to a clean short chat, over the same upstream asked directly.

    python -m benchmarks.latency --chats 200

Both run on this machine in processes of their own: a scripted upstream that says the question again,
and guardrail with its shipped defaults in front of it. Every text is new, so that no look is recalled. Calls are interleaved, one at a time, so that both meet the same
machine. The ratio and the difference are what counts; absolute times are the machine's.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator

import aiohttp

from guardrail.cli import demo

QUESTION = "我头痛{}天了，平时生活上要注意什么？建议多休息、多喝水，清淡饮食，症状加重请就医。"
STARTS_WITHIN_S = 120


@contextlib.contextmanager
def guarded(upstream: str) -> Iterator[str]:
    """guardrail with its defaults, keys off, on a free port; its base URL."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as data:
        command = [sys.executable, "-m", "guardrail", "serve", "--upstream", upstream]
        command += ["--port", str(port), "--data", data]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                yield f"http://127.0.0.1:{port}/v1"
            finally:
                process.terminate()
                process.wait(40)


async def ready(client: aiohttp.ClientSession, url: str) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < until:
        with contextlib.suppress(aiohttp.ClientError):
            async with client.get(f"{url}/models") as response:
                if response.status == 200:
                    return
        await asyncio.sleep(0.2)
    raise SystemExit("the server did not start")


async def pieces(
    client: aiohttp.ClientSession, url: str, said: str, *, stream: bool
) -> AsyncIterator[float]:
    """Seconds to the first content and to the end of one chat."""
    body = {"model": "echo", "stream": stream, "messages": [{"role": "user", "content": said}]}
    began = time.perf_counter()
    first = None
    async with client.post(f"{url}/chat/completions", json=body) as response:
        async for line in response.content:
            if first is None and b'"content":"' in line.replace(b'": "', b'":"'):
                first = time.perf_counter() - began
    yield first or time.perf_counter() - began
    yield time.perf_counter() - began


async def measure(direct: str, guard: str, chats: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    asked = itertools.count(2)
    async with aiohttp.ClientSession() as client:
        await ready(client, guard)
        for turn in range(chats + 10):
            for name, url in (("direct", direct), ("guarded", guard)):
                for stream in (False, True):
                    kind = "stream" if stream else "whole"
                    said = QUESTION.format(next(asked))
                    times = [s async for s in pieces(client, url, said, stream=stream)]
                    if turn >= 10:  # the first ten warm up
                        found.setdefault(f"{kind} {name} first", []).append(times[0] * 1000)
                        found.setdefault(f"{kind} {name} end", []).append(times[1] * 1000)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--chats", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with demo.upstream(scripted=True) as direct, guarded(direct) as guard:
        found = asyncio.run(measure(direct, guard, options.chats))
    rows = {
        name: [statistics.median(times), statistics.quantiles(times, n=20)[18]]
        for name, times in found.items()
    }
    if options.json:
        print(json.dumps(rows))
        return
    print(f"{options.chats} chats each, ms\n\n| what | p50 | p95 |\n|---|---|---|")
    for name, (middle, high) in rows.items():
        print(f"| {name} | {middle:.1f} | {high:.1f} |")
    for kind in ("whole guarded end", "stream guarded first", "stream guarded end"):
        other = rows[kind.replace("guarded", "direct")][0]
        print(f"\nadded p50, {kind.replace(' guarded', '')}: {rows[kind][0] - other:.1f} ms")


if __name__ == "__main__":
    main()
