from __future__ import annotations

from guardrail.detectors.cue import Cues, cues
from guardrail.domain.exchange import Span

SMALL = Cues(
    {"vet": ["牛", "cat"], "you": ["您", "cat owner"], "none": ["牛奶"], "sharp": ["n=", "'s card"]}
)


def found(text: str, *taken: Span) -> list[tuple[str, list[str]]]:
    return [(text[c.span.start : c.span.end], sorted(c.families)) for c in SMALL.find(text, taken)]


def test_longest_cue_wins_and_decoys_swallow() -> None:
    assert found("您家的牛喝牛奶") == [("您", ["you"]), ("牛", ["vet"])]
    assert found("the cat owner") == [("cat owner", ["you"])]


def test_latin_cues_are_whole_words() -> None:
    assert found("cats concat cat") == [("cat", ["vet"])]
    assert found("n=40") == [("n=", ["sharp"])]
    assert found("xn=4 the dr's card") == [("'s card", ["sharp"])]
    assert found("it's cards") == []


def test_words_inside_names_are_no_cues() -> None:
    assert found("牛膝，您", Span(0, 2)) == [("您", ["you"])]


def test_shipped_table_has_families_and_no_decoys_among_them() -> None:
    assert {"leaflet", "vet", "obey", "forbid"} <= cues().families
    assert "none" not in cues().families
