"""Where text may be cut for inspection: units that depend on the text alone.

A unit is a sentence, Chinese or English. Its end is known from the text up to that end and nothing
after it, so that the units of a reply are the same however the stream was chunked; every law about
chunking rests on this. Only whole units are ever released: flushing in mid-clause leaks.

A sentence that grows past `max_chars` becomes a paragraph check: it is held until it ends or until
it is `PARAGRAPHS` times as long, and only then cut, at its last comma or space.
"""

from __future__ import annotations

import re

ENDS_AT_ONCE = frozenset("。！？；\n｡︒")
ENDS_BEFORE_SPACE = frozenset(".!?;")
ENDS_BEFORE_HAN = frozenset("!?;")
SOFT = frozenset("，、,：: \t")
PARAGRAPHS = 4

# A full stop after these is no sentence end: list numbers, initials, and common abbreviations.
NO_END = re.compile(r"(?:^|[\s(（])(?:\d{1,3}|[A-Z]|Dr|Mr|Mrs|Ms|Prof|vs|e\.g|i\.e|approx|No)\.$")


def is_han(char: str) -> bool:
    return "\u3400" <= char <= "\u9fff" or "\uf900" <= char <= "\ufaff"


class Splitter:
    """Fed the text of one channel piece by piece; tells the ends of whole units.

    `feed` returns offsets (exclusive, in the whole text) of units completed by this piece, in
    order. The sequence of all offsets is the same for every way of cutting the same text.
    """

    def __init__(self, max_chars: int) -> None:
        self._max = max_chars
        self._unit: list[str] = []
        self._start = 0
        self._has_word = False
        self._soft = 0  # length of the unit up to its last soft boundary

    @property
    def pending(self) -> int:
        """Characters after the last unit's end."""
        return len(self._unit)

    def feed(self, text: str) -> list[int]:
        ends: list[int] = []
        for char in text:
            if self._ends_before(char):
                ends.append(self._close(len(self._unit)))
            self._unit.append(char)
            self._has_word = self._has_word or char.isalnum()
            if char in SOFT:
                self._soft = len(self._unit)
            if self._ends_with(char):
                ends.append(self._close(len(self._unit)))
            elif len(self._unit) >= self._max * PARAGRAPHS:
                ends.append(self._close(self._soft or len(self._unit)))
        return ends

    def _ends_before(self, char: str) -> bool:
        return (
            self._has_word
            and is_han(char)
            and bool(self._unit)
            and self._unit[-1] in ENDS_BEFORE_HAN
        )

    def _ends_with(self, char: str) -> bool:
        if not self._has_word:
            return False
        if char in ENDS_AT_ONCE:
            return True
        if char not in " \t\r" or len(self._unit) < 2 or self._unit[-2] not in ENDS_BEFORE_SPACE:
            return False
        return not NO_END.search("".join(self._unit[-12:-1]))

    def _close(self, length: int) -> int:
        rest = self._unit[length:]
        self._start += length
        self._unit = rest
        self._has_word = any(char.isalnum() for char in rest)
        self._soft = 0
        return self._start
