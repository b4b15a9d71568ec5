"""The drug lexicon: every drug name in a text, in one pass, longest match first.

`data/drugs.tsv.gz` is made by `classifiers/lexicon`; it says what each kind and flag means.
"""

from __future__ import annotations

import gzip
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ahocorasick_rs import AhoCorasick, MatchKind

from guardrail.domain.exchange import Span

# A name that is also part of common words counts only with a form, a dose or a list mark after it.
_PROOF = re.compile(
    r"\s*(?:\d|[片丸粒胶颗注缓控分肠口软乳凝滴栓糖喷吸针混咀]|[半一二两三四五](?:片|粒|袋|包|支)|每[日天晚]|一[日天])"
)


@dataclass(frozen=True, slots=True)
class Drug:
    """One name. `kind` and `flags` are letters, see `classifiers/lexicon/build.py`; `of` is the
    substance a brand or a pinyin spelling stands for, or empty."""

    name: str
    kind: str
    flags: str
    of: str

    @property
    def controlled(self) -> bool:
        """Narcotic, psychotropic or toxic by the published lists."""
        return any(mark in self.flags for mark in "npt")


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """A drug's name at a place in the text."""

    span: Span
    drug: Drug


class Lexicon:
    """Finds names; Latin ones only as whole words."""

    def __init__(self, drugs: tuple[Drug, ...]) -> None:
        self._drugs = drugs
        names = [drug.name for drug in drugs]
        self._search = AhoCorasick(names, matchkind=MatchKind.LeftmostLongest)
        self._spelled = {drug.name: drug for drug in drugs if drug.kind == "p"}

    def __len__(self) -> int:
        return len(self._drugs)

    def find(self, lowered: str) -> list[Mention]:
        """Mentions in text that is lower case already, left to right, not overlapping."""
        found = []
        for index, start, end in self._search.find_matches_as_indexes(lowered):
            drug = self._drugs[index]
            if drug.kind in "xp" or not _stands(lowered, start, end, drug):
                continue
            found.append(Mention(Span(start, end), drug))
        return found

    def spelled(self, pinyin: str) -> Drug | None:
        """The drug whose pinyin, without spaces, this is."""
        return self._spelled.get(pinyin)


def _stands(text: str, start: int, end: int, drug: Drug) -> bool:
    if "a" in drug.flags:
        return _PROOF.match(text, end) is not None
    if not drug.name.isascii():
        return True
    return not (_latin(text, start - 1) or _latin(text, end))


def _latin(text: str, at: int) -> bool:
    return 0 <= at < len(text) and text[at].isascii() and text[at].isalpha()


@cache
def lexicon() -> Lexicon:
    """The shipped list, read once."""
    packed = files("guardrail.detectors").joinpath("data/drugs.tsv.gz").read_bytes()
    lines = gzip.decompress(packed).decode().splitlines()
    return Lexicon(tuple(Drug(*line.split("\t")) for line in lines))
