"""HandoverCase: a doubtful answer in the hands of a doctor, read out of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from guardrail.domain.verdict import Tier


class CaseState(StrEnum):
    OPEN = "open"
    CLAIMED = "claimed"
    CONFIRMED = "confirmed"
    AMENDED = "amended"
    REJECTED = "rejected"


class Step(StrEnum):
    """What a doctor may do with a case."""

    CLAIM = "claim"
    UNCLAIM = "unclaim"
    CONFIRM = "confirm"
    AMEND = "amend"
    REJECT = "reject"


NEXT: dict[tuple[CaseState, Step], CaseState] = {
    (CaseState.OPEN, Step.CLAIM): CaseState.CLAIMED,
    (CaseState.CLAIMED, Step.UNCLAIM): CaseState.OPEN,
    (CaseState.CLAIMED, Step.CONFIRM): CaseState.CONFIRMED,
    (CaseState.CLAIMED, Step.AMEND): CaseState.AMENDED,
    (CaseState.CLAIMED, Step.REJECT): CaseState.REJECTED,
}

DECIDED = frozenset({CaseState.CONFIRMED, CaseState.AMENDED, CaseState.REJECTED})


@dataclass(frozen=True, slots=True)
class HandoverCase:
    """One case as the ledger tells it; texts are in the exchange's encrypted bodies."""

    id: str
    exchange: str
    tenant: str
    state: CaseState
    tier: Tier | None
    scene: str
    rules: tuple[str, ...]
    opened_at: float
    confidence: float | None = None
    claimed_by: str = ""
    decided_by: str = ""
    decided_at: float | None = None
