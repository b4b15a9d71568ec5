"""The phrase detector: set phrases of injection, self-harm and emergency, in Chinese and English.

Every rule names words of which one stands in each of its matches; one Aho-Corasick pass finds them,
and only then does RE2 look, in that sentence alone. (An RE2 set as prefilter took 13 ms per 1,000
characters: bounded gaps over Chinese make its automaton overflow; this way it is a hundredth.) A rule may be lifted by
another phrase in the same sentence (figures of speech, negation, the past, fiction, refusals). The
scores `injection` and `self_harm` are always told, 0 where no phrase stands, so that they are known
without a classifier; the panel takes the larger.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

import re2
from ahocorasick_rs import AhoCorasick

from guardrail import document
from guardrail.detectors.lower import lower
from guardrail.detectors.sentence import sentences
from guardrail.domain.errors import BadConfig
from guardrail.domain.exchange import Passage, Side, Span
from guardrail.domain.finding import Finding, Report

SCORES = ("injection", "self_harm")
_FILE = "phrases.yaml"
_SIDES = {"input": (Side.INPUT,), "output": (Side.OUTPUT,), "both": (Side.INPUT, Side.OUTPUT)}


@dataclass(frozen=True, slots=True)
class Phrase:
    """One rule: `pattern` finds it, `unless` in the same sentence lifts it."""

    kind: str
    score: float
    words: tuple[str, ...]
    pattern: Any
    unless: Any | None


class PhraseTable:
    """The rules for one side, behind one prefilter."""

    def __init__(self, phrases: tuple[Phrase, ...]) -> None:
        holders: dict[str, list[Phrase]] = {}
        for phrase in phrases:
            for word in phrase.words:
                holders.setdefault(word, []).append(phrase)
        self._holders = list(holders.values())
        self._search = AhoCorasick(list(holders))

    def find(self, text: str, tiles: tuple[Span, ...]) -> list[tuple[Phrase, Span]]:
        """Rules that hold, each with its places, in order of their sentences."""
        starts = [tile.start for tile in tiles]
        due: dict[tuple[int, int], Phrase] = {}
        for index, start, _ in self._search.find_matches_as_indexes(text, overlapping=True):
            home = bisect_right(starts, start) - 1
            due.update({(home, id(phrase)): phrase for phrase in self._holders[index]})
        found = []
        for (home, _), phrase in due.items():
            tile = tiles[home]
            found += [
                (phrase, span.shifted(tile.start))
                for span in _places(phrase, text[tile.start : tile.end])
            ]
        return found


def _places(phrase: Phrase, sentence: str) -> list[Span]:
    matches = [Span(*match.span()) for match in phrase.pattern.finditer(sentence)]
    if matches and phrase.unless is not None and phrase.unless.search(sentence) is not None:
        return []
    return matches


class PhraseDetector:
    """See the module. Stateless; one instance serves all passages."""

    name = "phrases"
    version = "1"

    def __init__(self) -> None:
        self._tables = tables()
        self.kinds = frozenset(read_rules()) | frozenset(SCORES)

    async def look(self, passage: Passage) -> Report:
        """Time is linear in the text. Findings lie in whole sentences, so they never change."""
        text = lower(passage.text)
        tiles, whole = sentences(text)
        upto = tiles[whole].start if whole < len(tiles) and not passage.last else len(text)
        found = self._tables[passage.side].find(text[:upto], tiles)
        findings = tuple(Finding(p.kind, span, p.score, self.name) for p, span in found)
        scores = dict.fromkeys(SCORES, 0.0)
        for phrase, _ in found:
            family = phrase.kind.split(".")[0]
            if family in scores:
                scores[family] = max(scores[family], phrase.score)
        return Report(self.name, self.version, upto, findings, scores)


@cache
def read_rules() -> dict[str, list[dict[str, Any]]]:
    """The shipped rules as written, by kind."""
    text = files("guardrail.detectors").joinpath("data", _FILE).read_text("utf-8")
    return cast(dict[str, list[dict[str, Any]]], document.read(text, _FILE).data)


@cache
def tables() -> dict[Side, PhraseTable]:
    """The shipped rules by side, compiled once. Raises `BadConfig` where one is not RE2."""
    return compile_rules(read_rules())


def compile_rules(rules: dict[str, list[dict[str, Any]]]) -> dict[Side, PhraseTable]:
    """Rules by side. Raises `BadConfig` where a pattern is not RE2."""
    phrases = [
        (_phrase(kind, number, entry), entry["where"])
        for kind, entries in rules.items()
        for number, entry in enumerate(entries)
    ]
    return {
        side: PhraseTable(tuple(phrase for phrase, where in phrases if side in _SIDES[where]))
        for side in Side
    }


def _phrase(kind: str, number: int, entry: dict[str, Any]) -> Phrase:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        pattern = re2.compile(entry["pattern"], options)
        unless = re2.compile(entry["unless"], options) if "unless" in entry else None
    except re2.error as error:
        raise BadConfig(
            "bad_phrase", f"{_FILE}: {kind}[{number}]: {error}", "write it in RE2 syntax"
        ) from None
    return Phrase(kind, float(entry["score"]), tuple(entry["words"]), pattern, unless)
