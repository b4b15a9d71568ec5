"""What detectors say: findings, scores, and the fact of not having been able to look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from guardrail.domain.exchange import Span


@dataclass(frozen=True, slots=True)
class Finding:
    """This kind of thing stands at this span, says this detector, with this score.

    `kind` is a key of the taxonomy (`phi.mobile`, `prescription.order`, `injection.override`,
    `eth.clinical_care`). `parts` names pieces inside the span (drug, dose, ...) by offsets.
    A finding never carries the matched text.
    """

    kind: str
    span: Span
    score: float
    detector: str
    dimension: str | None = None
    parts: tuple[tuple[str, Span], ...] = ()


class GapReason(StrEnum):
    """Why a detector that was due gave no answer."""

    LATE = "late"
    BROKEN = "broken"
    MISSING = "missing"
    FULL = "full"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Gap:
    """A detector that was due gave no answer. `kinds`: what it could have reported."""

    detector: str
    reason: GapReason
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Report:
    """One detector's answer about one passage.

    `scores` maps score keys of the taxonomy (dimensions, `injection`, `self_harm`,
    `prescription`) to calibrated probabilities; a key that is absent is unknown, not 0.
    `final_upto` is the offset in the passage up to which this answer cannot change whatever
    text follows; a precursor (a drug name whose dose may still come, the head of a number)
    lowers it to the precursor's own start. On a passage with `last` it is the whole length.
    """

    detector: str
    version: str
    final_upto: int
    findings: tuple[Finding, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """What all detectors together say of one passage: the panel's answer.

    Offsets refer to the passage's text as given (normalisation is undone). `took_ms` maps
    detector name to milliseconds, for metrics.
    """

    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    scores: Mapping[str, float] = field(default_factory=dict)
    final_upto: int = 0
    took_ms: Mapping[str, float] = field(default_factory=dict)
