"""Cues: words that show what kind of speech stands around a dose (`data/cues.yaml`)."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import cast

from ahocorasick_rs import AhoCorasick, MatchKind

from guardrail import document
from guardrail.domain.exchange import Span

DECOY = "none"


@dataclass(frozen=True, slots=True, order=True)
class Cue:
    """A word at a place and the families it belongs to."""

    span: Span
    families: frozenset[str]


class Cues:
    """Finds cue words, longest first; Latin ones only as whole words."""

    def __init__(self, table: dict[str, list[str]]) -> None:
        families: dict[str, set[str]] = {}
        for family, entries in table.items():
            for phrase in entries:
                families.setdefault(str(phrase).lower(), set()).add(family)
        self.families = frozenset(table) - {DECOY}
        self._entries = [(phrase, frozenset(names)) for phrase, names in families.items()]
        phrases = [phrase for phrase, _ in self._entries]
        self._search = AhoCorasick(phrases, matchkind=MatchKind.LeftmostLongest)

    def find(self, lowered: str, taken: tuple[Span, ...] = ()) -> list[Cue]:
        """Cues in lower-case text that do not touch the `taken` spans (sorted), in order."""
        found = []
        for index, start, end in self._search.find_matches_as_indexes(lowered):
            phrase, families = self._entries[index]
            span = Span(start, end)
            if DECOY in families or _touches(span, taken):
                continue
            if phrase[0].isascii() and _letter(lowered, start - 1) and phrase[0].isalpha():
                continue
            if phrase[-1].isascii() and _letter(lowered, end) and phrase[-1].isalpha():
                continue
            found.append(Cue(span, families))
        return found


def _letter(text: str, at: int) -> bool:
    return 0 <= at < len(text) and text[at].isascii() and text[at].isalpha()


def _touches(span: Span, taken: tuple[Span, ...]) -> bool:
    at = bisect_left(taken, Span(span.start, span.start))
    return any(other.overlaps(span) for other in taken[max(0, at - 1) : at + 1])


@cache
def cues() -> Cues:
    """The shipped table, read once."""
    text = files("guardrail.detectors").joinpath("data/cues.yaml").read_text("utf-8")
    return Cues(cast(dict[str, list[str]], document.read(text, "cues.yaml").data))
