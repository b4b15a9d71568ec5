"""Ways in which an LLM's answer can break, by the name of the model that the caller asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from fastapi import Response
from fastapi.responses import StreamingResponse

from guardrail.wire.sse import frame

HANG_S = 3600.0


class Broken(Exception):
    """Raised inside a response to cut its connection."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to break an answer that begins as it should. `said` is sent, cut into small pieces with
    `pause_s` between them; then the answer ends, hangs (`hang`) or is cut off (`cut`)."""

    said: bytes = b""
    pause_s: float = 0.0
    hang: bool = False
    cut: bool = False

    async def body(self) -> AsyncIterator[bytes]:
        for at in range(0, len(self.said), 16):
            yield self.said[at : at + 16]
            await asyncio.sleep(self.pause_s)
        if self.hang:
            await asyncio.sleep(HANG_S)
        if self.cut:
            raise Broken


def _events(text: str) -> bytes:
    return frame({"choices": [{"index": 0, "delta": {"content": text}}]})


def _begun(text: str) -> bytes:
    """A whole answer up to its text, and no further."""
    return b'{"choices":[{"index":0,"message":{"role":"assistant","content":"' + text.encode()


ODD = b'data: {"choices":[{"index":0,"delta":{"content":"\xff\xfe"}}]}\n\n'
END = b'"}}]}'
SSE, JSON = "text/event-stream", "application/json"
ANSWERED: Mapping[str, tuple[bytes, int, str]] = {
    "fault-500": (b"secret prompt text", 500, "text/plain"),
    "fault-429": (b"secret: slow down", 429, "text/plain"),
    "fault-401": (b"secret: who are you", 401, "text/plain"),
    "fault-400": (b"secret: too long", 400, "text/plain"),
    "fault-html": (b"<html>secret</html>", 200, "text/html"),
    "fault-empty": (b"", 200, JSON),
}
# name -> the fault of a whole answer, and of a stream
BROKEN: Mapping[str, tuple[Fault, Fault]] = {
    "fault-hang": (Fault(hang=True), Fault(hang=True)),
    "fault-reset": (Fault(_begun("先休息。再"), cut=True), Fault(_events("先休息。再"), cut=True)),
    "fault-truncated": (Fault(_begun("先休息。再")), Fault(_events("先休息。再"))),
    "fault-garbled": (Fault(b'{"choices": ['), Fault(b"data: {oops\n\n")),
    "fault-not-utf8": (
        Fault(_begun("先休息。") + b"\xff\xfe" + END),
        Fault(_events("先休息。") + ODD),
    ),
    "fault-slow": (
        Fault(_begun("慢慢来。" * 200) + END, pause_s=0.05),
        Fault(_events("慢慢来。") * 50, pause_s=0.05),
    ),
    "fault-stall": (Fault(_begun("先休息。"), hang=True), Fault(_events("先休息。"), hang=True)),
}
FAULTS = (*ANSWERED, *BROKEN)


def broken(model: str, *, stream: bool) -> Response:
    """The answer of a model whose name is in `FAULTS`."""
    if model in ANSWERED:
        return Response(*ANSWERED[model][:2], media_type=ANSWERED[model][2])
    whole, streamed = BROKEN[model]
    fault, media = (streamed, SSE) if stream else (whole, JSON)
    return StreamingResponse(fault.body(), media_type=media)
