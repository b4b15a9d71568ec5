"""Server-sent events: bytes to frames, incrementally, and frames to bytes.

How the bytes were cut never changes the frames. Lines end in LF, CR or CRLF; comments and unknown
fields are skipped; a frame that the end of the stream cuts off is dropped, as the standard says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import orjson

from guardrail.domain.errors import UpstreamFailed

MAX_FRAME_BYTES = 1 << 20
DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": hold\n\n"

_LINE_END = re.compile(rb"\r\n|\r|\n")
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Frame:
    """One event: its data lines joined by LF, and its type ("" when it has none)."""

    data: str
    event: str = ""


class FrameReader:
    """Bytes in, frames out. Use one per stream; after an error it is finished."""

    def __init__(self, max_bytes: int = MAX_FRAME_BYTES) -> None:
        self._max_bytes = max_bytes
        self._line = bytearray()
        self._data: list[bytes] = []
        self._event = b""
        self._bytes = 0
        self._first = True
        self._after_cr = False

    def feed(self, chunk: bytes) -> Iterator[Frame]:
        """The frames that `chunk` completes; iterate to the end before the next call.

        Raises `UpstreamFailed` (`upstream_frame_too_large`, `upstream_invalid_utf8`) after the
        frames before the fault were yielded.
        """
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        *lines, rest = _LINE_END.split(chunk)
        for part in lines:
            self._grow(part)
            frame = self._end_line()
            if frame is not None:
                yield frame
        self._after_cr = chunk.endswith(b"\r") or self._after_cr
        self._grow(rest)

    def _grow(self, part: bytes) -> None:
        self._line += part
        if self._bytes + len(self._line) > self._max_bytes:
            raise UpstreamFailed(
                "upstream_frame_too_large",
                f"The LLM sent an event larger than {self._max_bytes} bytes.",
                "Look at the LLM server's log.",
            )

    def _end_line(self) -> Frame | None:
        line = bytes(self._line)
        self._line.clear()
        if self._first:
            self._first = False
            line = line.removeprefix(_BOM)
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._bytes += len(line)
        elif field == b"event":
            self._event = value
        return None

    def _dispatch(self) -> Frame | None:
        data, event = self._data, self._event
        self._data, self._event, self._bytes = [], b"", 0
        if not data:
            return None
        try:
            return Frame(b"\n".join(data).decode(), event.decode())
        except UnicodeDecodeError:
            raise UpstreamFailed(
                "upstream_invalid_utf8",
                "The LLM sent an event that is not UTF-8.",
                "Look at the LLM server's log.",
            ) from None


def frame(payload: object) -> bytes:
    """One event whose data is `payload` as JSON."""
    return b"data: " + orjson.dumps(payload) + b"\n\n"
