"""The docket: entries in, cases out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.case import DECIDED, NEXT, CaseState, HandoverCase, Step
from guardrail.domain.errors import BadRequest, BrokenLedger
from guardrail.domain.verdict import Tier
from guardrail.ledger.chain import Head, link
from guardrail.ledger.docket import Docket, review, wilson_lower
from guardrail.ledger.entry import Draft, Entry, Kind


def opening(case: str, at: float = 100.0, **facts: object) -> Draft:
    known: dict[str, object] = {
        "case": case,
        "tier": "takeover",
        "scene": "A",
        "tenant": "市一医院",
        "rules": ["confidence.low"],
        "confidence": 0.6,
    }
    return Draft(Kind.OPENED, f"x-{case}", at, known | facts)


def fed(docket: Docket, *drafts: Draft) -> list[Entry]:
    head, entries = Head(), []
    for draft in drafts:
        entry = link(draft, "", head)
        head = head.after(entry)
        entries.append(entry)
        docket.apply(entry)
    return entries


def walked(docket: Docket, case: str, steps: Sequence[Step], by: str = "李医生") -> HandoverCase:
    for number, step in enumerate(steps):
        text = "阿莫西林改为复诊 see a doctor" if step is Step.AMEND else ""
        fed(docket, review(docket.case(case), step, by, 110.0 + number, text, "理由 reason"))
    return docket.case(case)


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ([], CaseState.OPEN),
        ([Step.CLAIM], CaseState.CLAIMED),
        ([Step.CLAIM, Step.UNCLAIM], CaseState.OPEN),
        ([Step.CLAIM, Step.CONFIRM], CaseState.CONFIRMED),
        ([Step.CLAIM, Step.AMEND], CaseState.AMENDED),
        ([Step.CLAIM, Step.REJECT], CaseState.REJECTED),
        ([Step.CLAIM, Step.UNCLAIM, Step.CLAIM, Step.CONFIRM], CaseState.CONFIRMED),
    ],
)
def test_reviews_move_a_case(steps: list[Step], state: CaseState) -> None:
    docket = Docket()
    fed(docket, opening("案-1"))
    case = walked(docket, "案-1", steps)
    assert case.state is state
    decided = state in DECIDED
    assert case.decided_by == ("李医生" if decided else "")
    assert case.decided_at == (110.0 + len(steps) - 1 if decided else None)
    assert case.claimed_by == ("" if state is CaseState.OPEN else "李医生")


def test_an_opened_entry_tells_the_case() -> None:
    docket = Docket()
    fed(docket, opening("案-1", at=7.5))
    assert docket.case("案-1") == HandoverCase(
        id="案-1",
        exchange="x-案-1",
        tenant="市一医院",
        state=CaseState.OPEN,
        tier=Tier.TAKEOVER,
        scene="A",
        rules=("confidence.low",),
        opened_at=7.5,
        confidence=0.6,
    )


@pytest.mark.parametrize(
    ("written", "tier"),
    [
        (None, None),
        ("DIFFERENTIAL", Tier.DIFFERENTIAL),
        ("confirm", Tier.CONFIRM),
        (3, Tier.TAKEOVER),
    ],
)
def test_a_tier_may_be_a_name_or_a_number(written: object, tier: Tier | None) -> None:
    docket = Docket()
    fed(docket, opening("c", tier=written, confidence=None))
    assert docket.case("c").tier is tier
    assert docket.case("c").confidence is None


def test_the_queue_is_asked_by_state_and_tenant() -> None:
    docket = Docket()
    fed(docket, opening("a"), opening("b", tenant="other"), opening("c"), opening("d"))
    walked(docket, "a", [Step.CLAIM, Step.CONFIRM])
    walked(docket, "c", [Step.CLAIM])
    assert [case.id for case in docket.cases()] == ["a", "b", "c", "d"]
    assert [case.id for case in docket.cases(CaseState.OPEN)] == ["b", "d"]
    assert [case.id for case in docket.cases(CaseState.OPEN, "other")] == ["b"]
    assert [case.id for case in docket.cases(tenant="市一医院")] == ["a", "c", "d"]
    assert [case.id for case in docket.cases(CaseState.CONFIRMED)] == ["a"]


def test_an_unknown_case_is_the_callers_mistake() -> None:
    with pytest.raises(BadRequest) as caught:
        Docket().case("没有")
    assert caught.value.code == "case_not_found"


@pytest.mark.parametrize("state", list(CaseState))
@pytest.mark.parametrize("step", list(Step))
def test_a_step_outside_the_table_is_a_conflict(state: CaseState, step: Step) -> None:
    docket = Docket()
    fed(docket, opening("c"))
    case = dataclasses.replace(docket.case("c"), state=state, claimed_by="d")
    if (state, step) in NEXT:
        assert review(case, step, "d", 101.0, "text", "").facts["state"] == NEXT[state, step]
    else:
        with pytest.raises(BadRequest) as caught:
            review(case, step, "d", 101.0, "text", "")
        assert caught.value.code == "case_conflict"


@pytest.mark.parametrize("step", [Step.CONFIRM, Step.AMEND, Step.REJECT])
def test_only_the_doctor_who_claimed_a_case_decides_it(step: Step) -> None:
    docket = Docket()
    fed(docket, opening("c"))
    case = walked(docket, "c", [Step.CLAIM], by="李医生")
    with pytest.raises(BadRequest) as caught:
        review(case, step, "Dr Wang", 120.0, "text", "")
    assert caught.value.code == "case_conflict"
    assert review(case, Step.UNCLAIM, "Dr Wang", 120.0, "", "").facts["state"] == "open"


def test_a_review_is_an_entry_of_the_same_exchange() -> None:
    docket = Docket()
    fed(docket, opening("c", at=100.0))
    claim = review(docket.case("c"), Step.CLAIM, "李医生", 103.25, "", "")
    assert claim.body is None
    fed(docket, claim)
    draft = review(docket.case("c"), Step.AMEND, "李医生", 104.5, "改后的答复 amended", "剂量 dose")
    assert (draft.kind, draft.exchange, draft.at) == (Kind.REVIEWED, "x-c", 104.5)
    assert draft.body == {"text": "改后的答复 amended", "reason": "剂量 dose"}
    assert draft.facts == {
        "case": "c",
        "step": "amend",
        "state": "amended",
        "by": "李医生",
        "reviewed_after_s": 4.5,
    }


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_amendment_needs_text(text: str) -> None:
    docket = Docket()
    fed(docket, opening("c"))
    case = walked(docket, "c", [Step.CLAIM])
    with pytest.raises(BadRequest) as caught:
        review(case, Step.AMEND, "李医生", 101.0, text, "reason")
    assert caught.value.param == "text"


def test_of_two_decisions_at_once_the_first_in_the_ledger_stands() -> None:
    docket = Docket()
    fed(docket, opening("c"))
    case = walked(docket, "c", [Step.CLAIM], by="d")
    confirm = review(case, Step.CONFIRM, "d", 120.0, "", "")
    reject = review(case, Step.REJECT, "d", 120.0, "", "")
    fed(docket, confirm, reject)
    assert docket.case("c").state is CaseState.CONFIRMED
    assert docket.proof(0.0) == (1, 1, pytest.approx(0.2065, abs=1e-4))


def test_entries_that_are_none_of_its_business_change_nothing() -> None:
    docket = Docket()
    stray = review(
        HandoverCase("?", "x", "t", CaseState.OPEN, None, "A", (), 0.0),
        Step.CLAIM,
        "d",
        1.0,
        "",
        "",
    )
    fed(docket, Draft(Kind.ASKED, "x", 1.0, {}), stray, opening("c"), opening("c", scene="D"))
    assert [(case.id, case.scene) for case in docket.cases()] == [("c", "A")]


@pytest.mark.parametrize(
    "draft",
    [
        Draft(Kind.OPENED, "x", 1.0, {"case": "c"}),
        opening("c", tier="none such"),
        opening("c", confidence="很高"),
        opening("c", rules=None),
        Draft(Kind.REVIEWED, "x", 1.0, {"case": "c", "step": "sing", "by": "d"}),
    ],
)
def test_facts_that_lack_what_they_must_have_break_the_ledger(draft: Draft) -> None:
    with pytest.raises(BrokenLedger) as caught:
        fed(Docket(), draft)
    assert (caught.value.code, caught.value.index) == ("entry_malformed", 0)


def test_proof_counts_confirmed_among_decided_at_or_above_the_floor() -> None:
    docket = Docket()
    cases = [("a", 0.97, Step.CONFIRM), ("b", 0.95, Step.AMEND), ("c", 0.9, Step.REJECT)]
    cases += [("d", None, Step.CONFIRM), ("e", 0.99, Step.CONFIRM)]
    assert docket.proof(0.95) == (0, 0, 0.0)
    for case, confidence, step in cases:
        fed(docket, opening(case, confidence=confidence))
        walked(docket, case, [Step.CLAIM, step])
    assert docket.proof(0.95)[:2] == (3, 2)
    assert docket.proof(0.0)[:2] == (4, 2)
    assert docket.proof(0.95)[2] == wilson_lower(3, 2)


@pytest.mark.parametrize(
    ("n", "agreed", "lower"),
    [(0, 0, 0.0), (1, 0, 0.0), (10, 10, 0.7225), (100, 95, 0.8882), (1000, 970, 0.9575)],
)
def test_wilsons_lower_bound(n: int, agreed: int, lower: float) -> None:
    assert wilson_lower(n, agreed) == pytest.approx(lower, abs=5e-5)


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.sampled_from(Step), st.sampled_from("甲乙")), max_size=25
    )
)
def test_a_docket_fed_again_is_the_same_docket(moves: list[tuple[int, Step, str]]) -> None:
    docket = Docket()
    entries = fed(docket, *(opening(f"c{n}", at=float(n)) for n in range(4)))
    for number, step, by in moves:
        try:
            draft = review(docket.case(f"c{number}"), step, by, 50.0, "text 文", "")
        except BadRequest:
            continue
        entries += fed(docket, draft)
    again = Docket()
    for entry in entries:
        again.apply(entry)
    assert again.cases() == docket.cases()
    assert again.proof(0.5) == docket.proof(0.5)
    open_now = {case.id for case in docket.cases() if case.state is CaseState.OPEN}
    assert {case.id for case in docket.cases(CaseState.OPEN)} == open_now
