"""The docket: handover cases, folded out of ledger entries one by one.

An OPENED entry makes a case; REVIEWED entries move it by `domain.case.NEXT`. The ledger is the
truth: a case is never stored beside it, and a new docket fed the same entries is the same docket.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from guardrail.domain.case import DECIDED, NEXT, CaseState, HandoverCase, Step
from guardrail.domain.errors import BadRequest
from guardrail.domain.verdict import Tier
from guardrail.ledger.entry import Draft, Entry, Kind, malformed

_Z = 1.959963984540054  # two-sided 95 %
_NEEDS_OWNER = frozenset({Step.CONFIRM, Step.AMEND, Step.REJECT})


class Docket:
    """All cases of a ledger. Feed it every entry in order; ask it at any time."""

    def __init__(self) -> None:
        self._cases: dict[str, HandoverCase] = {}
        self._undecided: dict[str, None] = {}  # ordered set of case ids
        self._decided: list[tuple[float, bool]] = []  # confidence, confirmed
        self._counts: dict[float, tuple[int, int, int]] = {}  # floor -> read up to, n, agreed

    def apply(self, entry: Entry) -> None:
        """Take one more entry. A step that the table does not allow leaves the case as it is: two
        doctors may have answered at once, and the first entry in the ledger stands.

        Raises `BrokenLedger` (`entry_malformed`) when an entry's facts lack what they must have.
        """
        try:
            if entry.kind is Kind.OPENED:
                self._open(_opened(entry))
            elif entry.kind is Kind.REVIEWED:
                self._move(entry)
        except (KeyError, TypeError, ValueError):
            raise malformed(entry.index) from None

    def case(self, case: str) -> HandoverCase:
        """Raises `BadRequest` (`case_not_found`)."""
        try:
            return self._cases[case]
        except KeyError:
            raise BadRequest(
                "case_not_found", "There is no such case.", "List the cases to see their ids."
            ) from None

    def cases(
        self, state: CaseState | None = None, tenant: str | None = None
    ) -> tuple[HandoverCase, ...]:
        """Cases in this state and of this tenant (None: any), the longest waiting first."""
        live = state is not None and state not in DECIDED
        ids = self._undecided if live else self._cases
        found = (self._cases[case] for case in ids)
        return tuple(
            case
            for case in found
            if state in (None, case.state) and (tenant is None or case.tenant == tenant)
        )

    def proof(self, floor: float) -> tuple[int, int, float]:
        """How right answers of at least this confidence were, by the doctors' decisions.

        Returns how many were decided, how many of them confirmed as they stood, and the lower end
        of Wilson's 95 % interval for the share (0.0 while none was decided).
        """
        upto, n, agreed = self._counts.get(floor, (0, 0, 0))
        for confidence, confirmed in self._decided[upto:]:
            if confidence >= floor:
                n, agreed = n + 1, agreed + confirmed
        self._counts[floor] = (len(self._decided), n, agreed)
        return n, agreed, wilson_lower(n, agreed)

    def _open(self, case: HandoverCase) -> None:
        if case.id not in self._cases:
            self._cases[case.id] = case
            self._undecided[case.id] = None

    def _move(self, entry: Entry) -> None:
        facts = entry.facts
        before = self._cases.get(str(facts["case"]))
        step, by = Step(str(facts["step"])), str(facts["by"])
        if before is None or _hindrance(before, step, by):
            return
        after = _moved(before, step, by, entry.at)
        self._cases[after.id] = after
        if after.state in DECIDED:
            del self._undecided[after.id]
            if after.confidence is not None:
                confirmed = after.state is CaseState.CONFIRMED
                self._decided.append((after.confidence, confirmed))


def review(case: HandoverCase, step: Step, by: str, at: float, text: str, reason: str) -> Draft:
    """The entry that records what doctor `by` did with the case at Unix time `at`.

    Raises `BadRequest`: `case_conflict` when the case is in no state for this step or another
    doctor has claimed it, `amend_without_text` when an amendment brings no text.
    """
    hindrance = _hindrance(case, step, by)
    if hindrance:
        raise BadRequest("case_conflict", hindrance, "Read the case again, then decide.")
    if step is Step.AMEND and not text.strip():
        raise BadRequest("amend_without_text", "An amendment needs the amended text.", param="text")
    facts: dict[str, object] = {
        "case": case.id,
        "step": step.value,
        "state": NEXT[case.state, step].value,
        "by": by,
        "reviewed_after_s": round(at - case.opened_at, 3),
    }
    body = {"text": text, "reason": reason} if text or reason or step in _NEEDS_OWNER else None
    return Draft(Kind.REVIEWED, case.exchange, at, facts, body)


def wilson_lower(n: int, agreed: int) -> float:
    """Lower end of Wilson's 95 % interval for a share of `agreed` in `n`; 0.0 when n is 0."""
    if n == 0:
        return 0.0
    share, z2 = agreed / n, _Z * _Z
    spread = _Z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, (share + z2 / (2 * n) - spread) / (1 + z2 / n))


def _hindrance(case: HandoverCase, step: Step, by: str) -> str:
    """Why this doctor may not take this step now; "" when nothing is in the way."""
    if (case.state, step) not in NEXT:
        return f"A case that is {case.state.value} cannot take the step {step.value}."
    if step in _NEEDS_OWNER and by != case.claimed_by:
        return "Another doctor has claimed this case."
    return ""


def _moved(case: HandoverCase, step: Step, by: str, at: float) -> HandoverCase:
    state = NEXT[case.state, step]
    if state in DECIDED:
        return replace(case, state=state, decided_by=by, decided_at=at)
    return replace(case, state=state, claimed_by=by if step is Step.CLAIM else "")


def _opened(entry: Entry) -> HandoverCase:
    facts = entry.facts
    confidence = facts.get("confidence")
    return HandoverCase(
        id=str(facts["case"]),
        exchange=entry.exchange,
        tenant=str(facts["tenant"]),
        state=CaseState.OPEN,
        tier=_tier(facts.get("tier")),
        scene=str(facts["scene"]),
        rules=_rules(facts),
        opened_at=entry.at,
        confidence=None if confidence is None else float(cast(float, confidence)),
    )


def _tier(value: object) -> Tier | None:
    """A tier by its number or, in any case of letters, by its name."""
    if value is None:
        return None
    return Tier[value.upper()] if isinstance(value, str) else Tier(cast(int, value))


def _rules(facts: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(str(rule) for rule in cast(list[object], facts["rules"]))
