"""The ways in which an LLM's answer can break."""

from __future__ import annotations

import asyncio

import pytest

from guardrail.cli import fault
from guardrail.cli.fault import FAULTS, Broken, Fault, broken


async def spoken(thing: Fault) -> bytes:
    return b"".join([piece async for piece in thing.body()])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", FAULTS)
def test_every_name_has_an_answer(model: str, stream: bool) -> None:
    answer = broken(model, stream=stream)
    expected = fault.SSE if stream else fault.JSON
    assert model in fault.ANSWERED or answer.media_type == expected


def test_names_say_what_happens() -> None:
    assert broken("fault-429", stream=True).status_code == 429
    assert broken("fault-html", stream=False).media_type == "text/html"
    assert all(name.startswith("fault-") for name in FAULTS)


async def test_an_answer_that_ends_too_early() -> None:
    whole, stream = fault.BROKEN["fault-truncated"]
    assert "先休息。再".encode() in await spoken(whole)
    assert (await spoken(stream)).startswith(b"data: {")


async def test_an_answer_that_is_cut() -> None:
    with pytest.raises(Broken):
        await spoken(Fault(b"x", cut=True))


async def test_an_answer_that_hangs() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await spoken(Fault(b"x", hang=True))
