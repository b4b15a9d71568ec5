"""The one list of names, typed: dimensions, kinds of finding, score keys (`taxonomy.yaml`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, cast

from guardrail import document


@dataclass(frozen=True, slots=True)
class Term:
    """One name with its label in both languages."""

    key: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Taxonomy:
    dimensions: tuple[Term, ...]
    kinds: tuple[Term, ...]
    scores: tuple[Term, ...]

    @property
    def score_keys(self) -> frozenset[str]:
        """Every key a rule may compare: the 20 dimensions and the scores beside them."""
        return frozenset(term.key for term in self.dimensions + self.scores)

    @property
    def finding_kinds(self) -> frozenset[str]:
        """Every kind a finding may have: pattern kinds and the score keys themselves."""
        return frozenset(term.key for term in self.kinds) | self.score_keys

    def label(self, key: str, lang: str) -> str:
        """The name for people; the key itself when it is unknown."""
        for term in self.dimensions + self.scores + self.kinds:
            if term.key == key:
                return term.zh if lang == "zh" else term.en
        return key


@cache
def taxonomy() -> Taxonomy:
    """The shipped list, read once."""
    text = files("guardrail.domain").joinpath("taxonomy.yaml").read_text("utf-8")
    data = cast(dict[str, list[dict[str, Any]]], document.read(text, "taxonomy.yaml").data)
    terms = {
        name: tuple(Term(row["key"], row["zh"], row["en"]) for row in data[name])
        for name in ("dimensions", "kinds", "scores")
    }
    return Taxonomy(**terms)
