"""Verdict: what happens to a text, who must look, and what led there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from guardrail.domain.exchange import Span
from guardrail.domain.finding import Finding, Gap


class Action(IntEnum):
    """What happens to the text; a larger value is stricter."""

    ALLOW = 0
    ANNOTATE = 1
    REDACT = 2
    HANDOVER = 3
    BLOCK = 4


class Tier(IntEnum):
    """Who must look; a larger value is stricter."""

    CONFIRM = 1  # 复核确认
    DIFFERENTIAL = 2  # 独立研判
    TAKEOVER = 3  # 人工接管


class Severity(StrEnum):
    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure the clinical answer is; never a detector's score.

    `value` in 0..1, None when unknown. `proven` says whether the measured correctness of answers
    at this level still holds (`design`: a raw 95 % is never honest).
    """

    value: float | None = None
    source: str = "none"
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """What the person reads when a rule acts, in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Reference:
    """The article a rule rests on."""

    instrument: str
    article: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Reason:
    """One rule that fired (or met a gap) and what made it."""

    rule: str
    policy: str
    action: Action
    severity: Severity
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    references: tuple[Reference, ...] = ()
    reply: Reply | None = None
    shadow: bool = False  # would have acted; the policy is in shadow mode


@dataclass(frozen=True, slots=True)
class Verdict:
    """Action × tier × reasons × policy digest. `tier` is None where nobody needs to look."""

    action: Action
    policy_digest: str
    reasons: tuple[Reason, ...] = ()
    tier: Tier | None = None
    confidence: Confidence | None = None
    notes: tuple[str, ...] = ()  # stable words such as "confirm_not_proven"

    def masks(self) -> list[tuple[Span, str]]:
        """Spans that are to be masked in the text this is a verdict on, with their kinds."""
        return [
            (finding.span, finding.kind)
            for reason in self.reasons
            if reason.action is Action.REDACT and not reason.shadow
            for finding in reason.findings
        ]


def merged(verdicts: Sequence[Verdict]) -> Verdict:
    """The strictest of several verdicts with the reasons of all, each once.

    At least one must be given; all stem from the same policies.
    """
    strictest = max(verdicts, key=lambda verdict: (verdict.action, verdict.tier or 0))
    tiers = [verdict.tier for verdict in verdicts if verdict.tier is not None]
    return Verdict(
        action=strictest.action,
        policy_digest=strictest.policy_digest,
        reasons=tuple(dict.fromkeys(reason for v in verdicts for reason in v.reasons)),
        tier=max(tiers) if tiers else None,
        confidence=next((v.confidence for v in reversed(verdicts) if v.confidence), None),
        notes=tuple(dict.fromkeys(note for v in verdicts for note in v.notes)),
    )
