"""Sentence ends, Chinese and English, as pattern detectors count them.

At least as fine as the units of `guard.window`: whatever ends a unit there ends a sentence here,
also after normalisation has turned `；` into `;`. So three sentences never outlast three units.
An end depends on the text up to it alone (a full stop ends with the space after it).
"""

from __future__ import annotations

import re

from guardrail.domain.exchange import Span

MAX_CHARS = 600  # a longer run without an end is cut at its last comma or space
_ENDS = "。！？；\n｡︒!?;"
_END = re.compile(rf"[{_ENDS}]|\.[ \t\r]")
_WORD = re.compile(r"[^\W_]")
_SOFT = re.compile(r".*[，、,：: \t]", re.DOTALL)
_NO_END = re.compile(
    r"(?:^|[\s(（])(?:\d{1,3}|[a-z]|dr|mr|mrs|ms|prof|vs|e\.g|i\.e|approx|no)\.$", re.IGNORECASE
)


def sentences(text: str) -> tuple[tuple[Span, ...], int]:
    """Spans that tile the text, and how many of them are whole: that one is the number of all, or
    one less where text to come may still belong to the last."""
    found: list[Span] = []
    start = 0
    for match in _END.finditer(text):
        start = _cut(text, start, match.start(), found)
        if _is_end(text, start, match.end()):
            found.append(Span(start, match.end()))
            start = match.end()
    start = _cut(text, start, len(text), found)
    whole = len(found)
    if start < len(text):
        blank = _WORD.search(text, start) is None
        if blank and found:
            found[-1] = Span(found[-1].start, len(text))
        else:
            found.append(Span(start, len(text)))
    return tuple(found), whole


def _is_end(text: str, start: int, end: int) -> bool:
    if text[end - 1] not in _ENDS and _NO_END.search(text[max(start, end - 13) : end - 1]):
        return False
    return _WORD.search(text, start, end) is not None


def _cut(text: str, start: int, end: int, found: list[Span]) -> int:
    """Cut what is too long between two ends; returns the new start."""
    while end - start > MAX_CHARS:
        soft = _SOFT.match(text, start, start + MAX_CHARS)
        cut = soft.end() if soft else start + MAX_CHARS
        found.append(Span(start, cut))
        start = cut
    return start
