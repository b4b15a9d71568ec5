"""Ask every detector about a passage under one deadline; silence becomes a Gap.

The panel undoes disguises first, hands detectors the plain text, and maps what they say back to
the text as it was given. It never raises for what a detector does.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from guardrail.detectors.normalise import Normal, normalise
from guardrail.domain.exchange import Passage, Span
from guardrail.domain.finding import Finding, Gap, GapReason, Look, Report
from guardrail.guard.ports import Detector

MAX_CHARS = 1_000_000
_INLINE_CHARS = 20_000  # longer texts are normalised in a thread, so that other streams go on
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came of asking one detector."""

    report: Report | None
    reason: GapReason | None
    took_ms: float


class Panel:
    """All detectors as one. `clock` counts seconds and is only read for `took_ms`.

    Every detector has `deadline_ms` from the moment `look` is called; one that answers later is
    cancelled and counts as `LATE`; one that raises `asyncio.QueueFull` is `FULL`, anything else
    it raises makes it `BROKEN`. `missing` are gaps of detectors that are due but could not be
    built; every look carries them. A passage longer than `max_chars` is not looked at at all.
    """

    def __init__(
        self,
        detectors: Sequence[Detector],
        deadline_ms: float = 500,
        clock: Callable[[], float] | None = None,
        max_chars: int = MAX_CHARS,
        missing: Sequence[Gap] = (),
    ) -> None:
        self._detectors = tuple(detectors)
        self._deadline_ms = deadline_ms
        self._clock = clock
        self._max_chars = max_chars
        self._missing = tuple(missing)

    @property
    def detectors(self) -> tuple[Detector, ...]:
        return self._detectors

    async def look(self, passage: Passage) -> Look:
        """Findings and gaps about `passage`, in its own offsets; the order is always the same."""
        due = self._due(passage)
        if len(passage.text) > self._max_chars:
            return self._blind(due, GapReason.TOO_LONG)
        started = self._now()
        try:
            async with asyncio.timeout(self._deadline_ms / 1000):
                normal = await _normalised(passage.text)
        except TimeoutError:
            return self._blind(due, GapReason.LATE)
        plain = replace(passage, text=normal.text, fresh=normal.upto(passage.fresh))
        left_ms = self._deadline_ms - (self._now() - started) * 1000
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(self._ask(each, plain, left_ms)) for each in due]
        answers = [task.result() for task in asked]
        return self._collected(passage, normal, list(zip(due, answers, strict=True)))

    def _due(self, passage: Passage) -> list[Detector]:
        """Detectors that may report something anyone will read."""
        wanted = passage.kinds
        return [each for each in self._detectors if wanted is None or each.kinds & wanted]

    async def _ask(self, detector: Detector, passage: Passage, left_ms: float) -> _Answer:
        started = self._now()
        report, reason = None, None
        try:
            async with asyncio.timeout(max(left_ms, 0) / 1000):
                report = await detector.look(passage)
        except TimeoutError:
            reason = GapReason.LATE
        except asyncio.QueueFull:
            reason = GapReason.FULL
        except Exception as error:  # noqa: BLE001  a broken detector is a Gap; policy weighs it
            _log.error("detector %s raised %s", detector.name, type(error).__name__)
            reason = GapReason.BROKEN
        if report is not None and not _sound(report, detector, len(passage.text)):
            report, reason = None, GapReason.BROKEN
        return _Answer(report, reason, (self._now() - started) * 1000)

    def _collected(
        self, passage: Passage, normal: Normal, asked: Sequence[tuple[Detector, _Answer]]
    ) -> Look:
        reports = [answer.report for _, answer in asked if answer.report is not None]
        gaps = (_gap(each, answer.reason) for each, answer in asked if answer.reason)
        return Look(
            findings=tuple(_findings(reports, normal)),
            gaps=(*self._missing, *gaps),
            scores=_strongest(reports),
            final_upto=_final_upto(passage, reports, normal),
            took_ms={each.name: answer.took_ms for each, answer in asked},
        )

    def _blind(self, due: Sequence[Detector], reason: GapReason) -> Look:
        """Nobody could look."""
        return Look(gaps=(*self._missing, *(_gap(each, reason) for each in due)))

    def _now(self) -> float:
        return self._clock() if self._clock else asyncio.get_running_loop().time()


async def _normalised(text: str) -> Normal:
    if len(text) <= _INLINE_CHARS:
        return normalise(text)
    return await asyncio.to_thread(normalise, text)


def _sound(report: Report, detector: Detector, length: int) -> bool:
    """Whether offsets and kinds are possible ones; a report that is not says nothing."""
    spans = all(0 <= f.span.start <= f.span.end <= length for f in report.findings)
    kinds = all(f.kind in detector.kinds for f in report.findings)
    scored = detector.kinds.issuperset(report.scores)
    return spans and kinds and scored and 0 <= report.final_upto <= length


def _findings(reports: Iterable[Report], normal: Normal) -> list[Finding]:
    found = [_mapped(finding, normal) for report in reports for finding in report.findings]
    return sorted(found, key=lambda f: (f.span, f.kind, f.detector, -f.score))


def _mapped(finding: Finding, normal: Normal) -> Finding:
    if not normal.layers:
        return finding
    parts = tuple((name, _back(span, normal)) for name, span in finding.parts)
    return replace(finding, span=_back(finding.span, normal), parts=parts)


def _back(span: Span, normal: Normal) -> Span:
    return normal.span(span.start, span.end)


def _strongest(reports: Iterable[Report]) -> dict[str, float]:
    scores: dict[str, float] = {}
    for report in reports:
        for key, score in report.scores.items():
            scores[key] = max(score, scores.get(key, score))
    return scores


def _final_upto(passage: Passage, reports: Sequence[Report], normal: Normal) -> int:
    """Where all that answered, and the normaliser, are sure; gaps are for policy to weigh."""
    if passage.last:
        return len(passage.text)
    sure = min((report.final_upto for report in reports), default=len(normal.text))
    return min(normal.offset(sure), normal.settled())


def _gap(detector: Detector, reason: GapReason) -> Gap:
    return Gap(detector.name, reason, detector.kinds)
