"""`guardrail check`: judge texts without an LLM, one or many."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Annotated

import orjson
import typer
from rich.console import Console
from rich.progress import Progress

from guardrail.detectors.panel import Panel
from guardrail.domain.errors import BadRequest, GuardrailError
from guardrail.domain.exchange import Scene, Side
from guardrail.policy.evaluate import PolicySet
from guardrail.server.judge import judge
from guardrail.settings import Settings, load
from guardrail.wire import check as wire
from guardrail.wire.check import Sample

AT_ONCE = 8  # lines being judged at a time; answers keep the order of the file
DEADLINE_MS = 60_000  # nobody waits at the other end: slow is better than a gap
MAX_LINE_BYTES = 2_000_000


def check(
    text: Annotated[str | None, typer.Argument(help="One text to judge.")] = None,
    jsonl: Annotated[Path | None, typer.Option(help="Many texts; - reads standard input.")] = None,
    side: Annotated[Side, typer.Option(help="For a single text: input or output.")] = Side.INPUT,
    scene: Annotated[Scene, typer.Option(help="Scene of texts that name none.")] = Scene.C,
    config: Annotated[Path | None, typer.Option(help="Settings file (guardrail.yaml).")] = None,
    policies: Annotated[Path | None, typer.Option(help="Folder of policy files.")] = None,
) -> None:
    """Judge texts by the policies in force and print one JSON object a line.

    Lines of the file: {"id", "text", "side": "input|output", "scene"?, "context"?}. A bad line
    yields an error object, the rest is judged, and the exit code is 2.

    Example: guardrail check --jsonl texts.jsonl > verdicts.jsonl
    """
    if (text is None) == (jsonl is None):
        raise BadRequest("usage", "Give either one text or --jsonl FILE.", "See --help.")
    settings = load(config, overrides={"policies": policies})
    with contextlib.ExitStack() as stack:
        if jsonl is None:
            lines: Iterable[bytes] = [orjson.dumps({"id": None, "text": text, "side": side.value})]
            total: int | None = 1
        else:
            lines, total = _opened(jsonl, stack)
        bad = asyncio.run(_judge_all(settings, lines, total, scene))
    if bad:
        raise typer.Exit(2)


def _opened(path: Path, stack: contextlib.ExitStack) -> tuple[Iterator[bytes], int | None]:
    if str(path) == "-":
        return _lines(sys.stdin.buffer), None
    try:
        with path.open("rb") as counted:
            total = sum(1 for line in _lines(counted) if line.strip())
        return _lines(stack.enter_context(path.open("rb"))), total
    except OSError as error:
        raise BadRequest(
            "file_unreadable", f"{path} cannot be read ({type(error).__name__}).", "Check the path."
        ) from None


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Lines of bounded length; what is longer comes as a piece that cannot be JSON."""
    while line := file.readline(MAX_LINE_BYTES):
        if len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
            while (rest := file.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
        yield line


async def _judge_all(
    settings: Settings, lines: Iterable[bytes], total: int | None, scene: Scene
) -> int:
    from guardrail import app as house  # slow to import; other commands do without

    compiled = house.policies(settings)
    classifier = await asyncio.to_thread(house.classifiers, settings)
    panel = Panel(await asyncio.to_thread(house.detectors, classifier), DEADLINE_MS)
    bad = 0
    try:
        with _progress() as progress:
            task = progress.add_task("judging", total=total)
            async for answer in _answers(panel, compiled, lines, scene):
                sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
                bad += "error" in answer
                progress.advance(task)
    finally:
        sys.stdout.buffer.flush()
        await classifier.close()
    return bad


def _progress() -> Progress:
    """On standard error, and only where that is a terminal."""
    return Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True)


async def _answers(
    panel: Panel, policies: PolicySet, lines: Iterable[bytes], scene: Scene
) -> AsyncIterator[dict[str, object]]:
    numbered = ((number, line) for number, line in enumerate(lines, 1) if line.strip())
    while batch := list(islice(numbered, AT_ONCE)):
        work = [_answer(panel, policies, line, scene) for line in batch]
        for answer in await asyncio.gather(*work):
            yield answer


async def _answer(
    panel: Panel, policies: PolicySet, line: tuple[int, bytes], scene: Scene
) -> dict[str, object]:
    sample: Sample | None = None
    try:
        sample = wire.read_line(line[1])
        verdict, look = await judge(panel, policies, sample, scene)
        return wire.result(sample, verdict, look)
    except GuardrailError as error:
        return dict(wire.failure(error, line[0], sample.id if sample else None))
