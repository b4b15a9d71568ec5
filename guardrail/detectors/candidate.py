"""Candidates: each drug with the doses that belong to it, over at most four sentences.

A candidate says what is there and where, not whether it is an order: that is `speech_act`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from guardrail.detectors import dose
from guardrail.detectors.dose import Part
from guardrail.detectors.lexicon import Drug, Lexicon, Mention
from guardrail.domain.exchange import Span

REACH = 3  # sentences over which the pieces of one prescription may be spread
HERBS = 3  # so many herbs with weights side by side are a formula
_WEIGHT = re.compile(
    r"\s?(?:（[^）]{1,6}）)?\s?\d{1,3}(?:\.\d)?\s?(?:g|克|钱|枚)?(?![\d年月日岁%片mw])"
)
_HERB_GRAMS = re.compile(r"\s?\d{1,3}(?:\.\d)?\s?(?:g|克|钱)(?![a-z/])")
AMOUNTS = frozenset({"dose", "count", "bare"})
TIMES = frozenset({"frequency", "course"})
NEAR = 36  # characters over which one piece still belongs to the piece before it
UNKNOWN = Drug("", "?", "", "")
FORMULA = Drug("", "m", "", "")


@dataclass(frozen=True, slots=True)
class Candidate:
    """`drug` stands in sentence `home`; `parts` may stand up to `REACH` sentences from it.

    `name` is None where a dose has no name that we know.
    """

    drug: Drug
    name: Span | None
    home: int
    parts: tuple[Part, ...]
    first: int  # first sentence that holds a piece

    @property
    def span(self) -> Span:
        """From the first piece to the last."""
        spans = [part.span for part in self.parts]
        if self.name is not None:
            spans.append(self.name)
        return Span(min(s.start for s in spans), max(s.end for s in spans))

    @property
    def regimen(self) -> bool:
        """Whether it says how much, how often or how long: without that nobody can take it."""
        names = {part.name for part in self.parts}
        if self.drug.kind in "w?":
            return bool(names & AMOUNTS) and len(names - AMOUNTS) > 0
        return bool(names & (AMOUNTS | TIMES))


class _Page:
    """A text with its sentences, drug mentions and doses by sentence."""

    def __init__(self, text: str, sentences: tuple[Span, ...], names: Lexicon) -> None:
        self.text = text
        self.sentences = sentences
        self._starts = [sentence.start for sentence in sentences]
        self.mentions: list[list[Mention]] = [[] for _ in sentences]
        for mention in names.find(text):
            self.mentions[self.home(mention.span.start)].append(mention)
        self._parts: dict[int, list[Part]] = {}

    def home(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    def named_within(self, start: int, end: int) -> bool:
        """Whether a drug (no herb) is named in these sentences."""
        near = range(max(0, start), end)
        return any(m.drug.kind not in "hf" for i in near for m in self.mentions[i])

    def parts(self, index: int) -> list[Part]:
        """Doses of a sentence, without those inside a drug's name."""
        known = self._parts.get(index)
        if known is None:
            taken = [mention.span for mention in self.mentions[index]]
            found = dose.parts(self.text, self.sentences[index])
            known = [p for p in found if not any(p.span.overlaps(span) for span in taken)]
            self._parts[index] = known
        return known


def candidates(text: str, sentences: tuple[Span, ...], names: Lexicon) -> list[Candidate]:
    """Every drug and every nameless dose in lower-case text, in order."""
    page = _Page(text, sentences, names)
    found: list[Candidate] = []
    for index in range(len(sentences)):
        herbs = [m for m in page.mentions[index] if m.drug.kind in "hf"]
        drugs = [m for m in page.mentions[index] if m.drug.kind not in "hf"]
        found += _formula(page, index, herbs)
        named = [_named(page, index, drugs, at) for at in range(len(drugs))]
        found += [one for one in named if one.parts or one.drug.kind != "w"]
        if not page.mentions[index]:
            found += _nameless(page, index)
    return found


def _formula(page: _Page, index: int, herbs: list[Mention]) -> list[Candidate]:
    weighed = [(m, w) for m in herbs if (w := _WEIGHT.match(page.text, m.span.end))]
    single = [
        (m, w)
        for m, w in weighed
        if m.drug.kind == "h" and _HERB_GRAMS.match(page.text, m.span.end)
    ]
    strong = [pair for pair in weighed if pair[0].drug.kind == "h"]
    chosen = weighed if len(weighed) >= HERBS and strong else single
    if not chosen:
        return []
    doses = tuple(Part("dose", Span(m.span.end, w.end())) for m, w in chosen)
    last = chosen[-1][1].end()
    tail = [p for p in _following(page, index, last) if p.name != "dose"]
    drug = FORMULA if len(chosen) >= HERBS else chosen[0][0].drug
    name = Span(chosen[0][0].span.start, chosen[0][0].span.end)
    return [Candidate(drug, name, index, doses + tuple(tail), index)]


def _named(page: _Page, index: int, drugs: list[Mention], at: int) -> Candidate:
    mention = drugs[at]
    own_end = drugs[at + 1].span.start if at + 1 < len(drugs) else page.sentences[index].end
    here = page.parts(index)
    own = [p for p in here if mention.span.end <= p.span.start < own_end]
    before = [p for p in here if p.span.end <= mention.span.start]
    floor = drugs[at - 1].span.end if at else page.sentences[index].start
    if at and any(floor <= p.span.start for p in before) and own:
        before = []
    if not own:
        own = [p for p in here if p.span.start >= mention.span.end]
    mine = [p for p in before if p.span.start >= floor or not own] + own
    reaches = mention.drug.kind != "w"  # a class word gathers nothing from other sentences
    if reaches and at + 1 == len(drugs) and not _complete(mine):
        mine += _following(page, index, page.sentences[index].end)
    mine = _chained(mention.span, mine)
    first = index
    if reaches and at == 0 and not any(part.name in AMOUNTS for part in mine):
        first, earlier = _preceding(page, index)
        mine = earlier + mine
    return Candidate(mention.drug, mention.span, index, tuple(sorted(mine, key=_start)), first)


def _chained(name: Span, parts: list[Part]) -> list[Part]:
    """The pieces that hang together with the name, without a gap longer than `NEAR`."""
    left, right = name.start, name.end
    kept = []
    for part in sorted(parts, key=lambda p: abs(p.span.start - name.start)):
        if part.span.start - right <= NEAR and left - part.span.end <= NEAR:
            kept.append(part)
            left, right = min(left, part.span.start), max(right, part.span.end)
    return kept


def _complete(parts: list[Part]) -> bool:
    names = {part.name for part in parts}
    return bool(names & AMOUNTS) and "frequency" in names


def _following(page: _Page, index: int, start: int) -> list[Part]:
    """Doses after `start` in this sentence and the next ones, up to the next drug."""
    found = [p for p in page.parts(index) if p.span.start >= start]
    for near in range(index + 1, min(index + REACH + 1, len(page.sentences))):
        drugs = [m for m in page.mentions[near] if m.drug.kind not in "hfw"]
        stop = drugs[0].span.start if drugs else page.sentences[near].end
        found += [p for p in page.parts(near) if p.span.start < stop]
        if drugs:
            break
    return found


def _preceding(page: _Page, index: int) -> tuple[int, list[Part]]:
    """Doses just before a drug that is named only after them."""
    for near in range(index - 1, max(index - REACH, 0) - 1, -1):
        if page.named_within(near - REACH, near + 1):
            break  # it belongs to that drug, or was left to it
        found = page.parts(near) if dose.HINT.search(page.text, *_ends(page, near)) else []
        if any(part.name in AMOUNTS for part in found):
            return near, list(found)
    return index, []


def _nameless(page: _Page, index: int) -> list[Candidate]:
    hint = dose.HINT.search(page.text, *_ends(page, index))
    if hint is None:
        return []
    if page.named_within(index - REACH, index):
        return []
    parts = page.parts(index)
    if not any(part.name in AMOUNTS for part in parts):
        return []
    return [Candidate(UNKNOWN, None, index, tuple(parts), index)]


def _ends(page: _Page, index: int) -> tuple[int, int]:
    return page.sentences[index].start, page.sentences[index].end


def _start(part: Part) -> int:
    return part.span.start
