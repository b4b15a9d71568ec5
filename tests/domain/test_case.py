"""The states of a case: every step from every state is in the table or refused."""

from __future__ import annotations

import pytest

from guardrail.domain.case import DECIDED, NEXT, CaseState, HandoverCase, Step


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ([Step.CLAIM], CaseState.CLAIMED),
        ([Step.CLAIM, Step.UNCLAIM], CaseState.OPEN),
        ([Step.CLAIM, Step.CONFIRM], CaseState.CONFIRMED),
        ([Step.CLAIM, Step.AMEND], CaseState.AMENDED),
        ([Step.CLAIM, Step.UNCLAIM, Step.CLAIM, Step.REJECT], CaseState.REJECTED),
    ],
)
def test_steps_lead_to_a_state(steps: list[Step], state: CaseState) -> None:
    reached = CaseState.OPEN
    for step in steps:
        reached = NEXT[reached, step]
    assert reached is state


def test_a_decision_is_final() -> None:
    assert {state for state, _ in NEXT}.isdisjoint(DECIDED)
    assert set(NEXT.values()) - {CaseState.OPEN, CaseState.CLAIMED} == DECIDED


def test_nobody_decides_without_a_claim() -> None:
    assert {step for state, step in NEXT if state is CaseState.OPEN} == {Step.CLAIM}


def test_a_case_is_a_value() -> None:
    case = HandoverCase("c1", "x1", "市一院", CaseState.OPEN, None, "C", ("rx",), 1.0)
    assert case.decided_by == ""
    assert case == HandoverCase("c1", "x1", "市一院", CaseState.OPEN, None, "C", ("rx",), 1.0)
