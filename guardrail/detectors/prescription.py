"""The prescription detector: drug, dose, route, frequency, duration, and who prescribes to whom.

On answers each drug with a dose becomes `prescription.order` (this patient is told to take it) or
`prescription.mention` (leaflet, guideline, report, warning). A drug or a dose whose complement may
still come freezes `final_upto` at the start of its sentence; it is decided, and reported exactly
once, when `AHEAD` further sentences are known or nothing follows. On questions the detector looks
for `prescription.request` and `prescription.purchase`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guardrail.detectors import candidate, reading, request, sentence, speech_act
from guardrail.detectors.candidate import Candidate
from guardrail.detectors.cue import Cue, Cues, cues
from guardrail.detectors.lexicon import Lexicon, lexicon
from guardrail.detectors.reading import Reading
from guardrail.detectors.speech_act import AHEAD, Scene
from guardrail.domain.exchange import Passage, Side, Span, Strand
from guardrail.domain.finding import Finding, Report

ORDER = "prescription.order"
MENTION = "prescription.mention"
SCORE = "prescription"
THRESHOLD = 0.5
TOOL_CALL_SCORE = 0.95  # a model that fills in drug and dose of a call is ordering it
_PART_NAMES = {
    "bare": "dose",
    "count": "dose",
    "timing": "frequency",
    "occasion": "frequency",
    "course": "duration",
}


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the detector reads by: names, cues, weights."""

    names: Lexicon = field(default_factory=lexicon)
    cues: Cues = field(default_factory=cues)
    weights: Mapping[str, float] = field(default_factory=speech_act.weights)


class PrescriptionDetector:
    """See the module. One instance serves all passages; it keeps nothing between them."""

    name = "prescription"
    version = "1"
    kinds = frozenset({ORDER, MENTION, request.REQUEST, request.PURCHASE, SCORE})

    def __init__(self) -> None:
        """Reads the shipped data, so that no look waits for a file."""
        self._shelf = Shelf()

    async def look(self, passage: Passage) -> Report:
        """Never raises on text. Time is linear in the text."""
        if passage.side is Side.INPUT:
            asked = request.findings(passage.text, self._shelf.names, self.name)
            return self._report(len(passage.text), asked, 0.0)
        read = reading.read(passage.text, self._shelf.names)
        tiles, whole = sentence.sentences(read.text)
        found = candidate.candidates(read.text, tiles, self._shelf.names)
        open_from, decided = _settle(passage, read, tiles, whole, found)
        around = scene(read, tiles, found, self._shelf)
        scored = [(one, self._score(one, around, passage.strand)) for one in decided]
        findings = tuple(_finding(one, score, read) for one, score in scored if _worth(one, score))
        return self._report(open_from, findings, max((s for _, s in scored), default=0.0))

    def _score(self, one: Candidate, around: Scene, strand: Strand) -> float:
        if not one.regimen:
            return 0.0
        score = speech_act.score(one, around, self._shelf.weights)
        called = strand is Strand.TOOL_CALL and one.name is not None
        return max(score, TOOL_CALL_SCORE) if called else score

    def _report(self, final_upto: int, findings: tuple[Finding, ...], score: float) -> Report:
        return Report(self.name, self.version, final_upto, findings, {SCORE: score})


def _settle(
    passage: Passage, read: Reading, tiles: tuple[Span, ...], whole: int, found: list[Candidate]
) -> tuple[int, list[Candidate]]:
    """Where the text stops being final, and the candidates that this passage decides: those whose
    last sentence of grace ends in what is fresh (the others were decided with earlier passages)."""
    if passage.last:
        fresh = [one for one in found if not _closed_before(one, tiles, whole, passage, read)]
        return len(passage.text), fresh
    open_at = tiles[whole].start if whole < len(tiles) else len(read.text)
    decided = []
    for one in found:
        if one.home + AHEAD >= whole:
            open_at = min(open_at, _begin(read.text, tiles[one.first]))
        elif not _closed_before(one, tiles, whole, passage, read):
            decided.append(one)
    if open_at >= len(read.text):
        return len(passage.text), decided
    return read.original(Span(open_at, open_at + 1)).start, decided


def _begin(text: str, tile: Span) -> int:
    """Where a sentence begins, without the spaces before it."""
    words = text[tile.start : tile.end]
    return tile.end - len(words.lstrip(" \t\r"))


def _closed_before(
    one: Candidate, tiles: tuple[Span, ...], whole: int, passage: Passage, read: Reading
) -> bool:
    closing = one.home + AHEAD
    if closing >= whole or not passage.fresh:
        return False
    return read.original(tiles[closing]).end <= passage.fresh


def scene(read: Reading, tiles: tuple[Span, ...], found: list[Candidate], shelf: Shelf) -> Scene:
    """The cues around candidates; words inside a drug's name are none (牛膝 is no cow)."""
    if not found:
        return Scene(read.text, tiles, ())
    taken = tuple(mention.span for mention in shelf.names.find(read.text))
    return Scene(read.text, tiles, _by_sentence(shelf.cues.find(read.text, taken), tiles))


def _by_sentence(found: list[Cue], tiles: tuple[Span, ...]) -> tuple[tuple[Cue, ...], ...]:
    groups: list[list[Cue]] = [[] for _ in tiles]
    index = 0
    for cue in found:
        while tiles[index].end <= cue.span.start:
            index += 1
        groups[index].append(cue)
    return tuple(map(tuple, groups))


def _worth(one: Candidate, score: float) -> bool:
    return score >= THRESHOLD or (one.regimen and one.name is not None)


def _finding(one: Candidate, score: float, read: Reading) -> Finding:
    parts = [(_PART_NAMES.get(p.name, p.name), read.original(p.span)) for p in one.parts]
    if one.name is not None:
        parts.insert(0, ("drug", read.original(one.name)))
    order = score >= THRESHOLD
    return Finding(
        kind=ORDER if order else MENTION,
        span=read.original(one.span),
        score=score if order else 1.0 - score,
        detector=PrescriptionDetector.name,
        dimension="saf.medication" if order else None,
        parts=tuple(parts),
    )
