"""Findings in a text: cut the text where marks begin and end. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Mark:
    """Finding `number` stands at `text[start:end]` (characters)."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of text under the same marks throughout."""

    text: str
    numbers: tuple[int, ...] = ()
    begins: tuple[int, ...] = ()  # marks whose first character is here
    ends: tuple[int, ...] = ()  # marks whose last character is here


def segments(text: str, marks: Iterable[Mark]) -> list[Segment]:
    """The text in order, cut at every edge of a mark; joined it is the text again.

    Marks may overlap. What a mark says beyond the text is cut off; an empty mark shows nowhere.
    """
    inside = [mark for mark in (_clipped(mark, len(text)) for mark in marks) if mark is not None]
    edges = sorted({0, len(text), *(edge for mark in inside for edge in (mark.start, mark.end))})
    return [_segment(text, start, end, inside) for start, end in pairwise(edges) if start < end]


def _clipped(mark: Mark, length: int) -> Mark | None:
    start, end = max(0, mark.start), min(length, mark.end)
    return Mark(mark.number, start, end) if start < end else None


def _segment(text: str, start: int, end: int, marks: Sequence[Mark]) -> Segment:
    over = [mark for mark in marks if mark.start < end and mark.end > start]
    return Segment(
        text[start:end],
        tuple(mark.number for mark in over),
        tuple(mark.number for mark in over if mark.start == start),
        tuple(mark.number for mark in over if mark.end == end),
    )
