"""Frames: the same however the bytes were cut; recorded streams whole and byte by byte."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.errors import UpstreamFailed
from guardrail.wire import sse
from guardrail.wire.sse import Frame, FrameReader

RECORDED: dict[str, tuple[bytes, list[Frame]]] = {
    "llama.cpp": (
        'data: {"choices":[{"delta":{"content":"您好"}}]}\n\ndata: [DONE]\n\n'.encode(),
        [Frame('{"choices":[{"delta":{"content":"您好"}}]}'), Frame("[DONE]")],
    ),
    "keep-alives": (
        b": ping\n\n:\n\ndata: a\n\n: OPENROUTER PROCESSING\n\ndata: b\n\n",
        [Frame("a"), Frame("b")],
    ),
    "crlf": (b"data: a\r\n\r\ndata: b\r\n\r\n", [Frame("a"), Frame("b")]),
    "cr": (b"data: a\r\rdata: b\r\r", [Frame("a"), Frame("b")]),
    "mixed ends": (b"data: a\r\ndata: b\ndata: c\r\r\ndata: d\n\r", [Frame("a\nb\nc"), Frame("d")]),
    "several data lines": ("data: 头\ndata:疼\ndata\n\n".encode(), [Frame("头\n疼\n")]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [Frame("a")]),
    "event, id, retry": (
        b"event: error\nid: 7\nretry: 10\ndata: {}\n\nevent: ping\n\ndata: x\n\n",
        [Frame("{}", "error"), Frame("x")],
    ),
    "one space only": (b"data:  a\n\n", [Frame(" a")]),
    "empty data": (b"data:\n\n", [Frame("")]),
    "cut off": (b'data: a\n\ndata: {"choi', [Frame("a")]),
    "not a stream": (b"<html>busy</html>\n\n", []),
    "nothing": (b"", []),
}


def framed(*chunks: bytes, max_bytes: int = sse.MAX_FRAME_BYTES) -> tuple[list[Frame], str]:
    """The frames of the chunks and the code of the failure, if any."""
    reader, frames = FrameReader(max_bytes), []
    try:
        for chunk in chunks:
            frames.extend(reader.feed(chunk))
    except UpstreamFailed as error:
        return frames, error.code
    return frames, ""


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_whole_and_byte_by_byte(name: str) -> None:
    data, frames = RECORDED[name]
    assert framed(data) == (frames, "")
    assert framed(*(data[i : i + 1] for i in range(len(data)))) == (frames, "")


BYTES = st.lists(
    st.sampled_from(
        [
            b"data:",
            b" ",
            b"\n",
            b"\n\n",
            b"\r",
            b"\r\n",
            b":",
            b"event: e",
            "药".encode(),
            b"\xff",
            b"x",
            b"\xef\xbb\xbf",
        ]
    ),
    max_size=30,
).map(b"".join)


@given(BYTES, st.data())
def test_any_cut_gives_the_same_frames_and_the_same_failure(
    data: bytes, draw: st.DataObject
) -> None:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=10)))
    parts = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert framed(*parts, max_bytes=12) == framed(data, max_bytes=12)


@given(st.lists(st.text(max_size=20), max_size=5))
def test_what_is_written_is_read(texts: list[str]) -> None:
    data = b"".join(sse.KEEP_ALIVE + sse.frame({"文": text}) for text in texts)
    frames, _ = framed(data)
    assert [orjson.loads(frame.data) for frame in frames] == [{"文": text} for text in texts]


@pytest.mark.parametrize(
    ("data", "frames", "code"),
    [
        (b"data: a\n\ndata: \xff\n\n", [Frame("a")], "upstream_invalid_utf8"),
        (b"data: a\n\n" + b"x" * 40, [Frame("a")], "upstream_frame_too_large"),
        (b"data: 1234567\ndata: 1234567\ndata: 1\n\n", [], "upstream_frame_too_large"),
        (b"data: 1\n\n" * 40, [Frame("1")] * 40, ""),
        (b": comment\n" * 40, [], ""),
    ],
)
def test_bounds(data: bytes, frames: list[Frame], code: str) -> None:
    assert framed(data, max_bytes=30) == (frames, code)
    assert framed(*(data[i : i + 1] for i in range(len(data))), max_bytes=30) == (frames, code)


def test_a_megabyte_is_the_bound() -> None:
    assert framed(b"data: " + b"x" * (1 << 20)) == ([], "upstream_frame_too_large")
