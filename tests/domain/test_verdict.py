"""Verdicts: the order of severity, and several merged into one."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.exchange import Span
from guardrail.domain.finding import Finding
from guardrail.domain.verdict import (
    Action,
    Confidence,
    Reason,
    Reply,
    Severity,
    Tier,
    Verdict,
    merged,
)

BLOCKED = Reason("rx", "prescription", Action.BLOCK, Severity.CRITICAL, reply=Reply("不可", "no"))
MASKED = Reason("mask", "phi", Action.REDACT, Severity.MEDIUM)

verdicts = st.builds(
    Verdict,
    st.sampled_from(Action),
    st.just("digest"),
    st.lists(st.sampled_from([BLOCKED, MASKED]), max_size=2).map(tuple),
    st.none() | st.sampled_from(Tier),
    notes=st.lists(st.sampled_from(["a", "b"]), max_size=2).map(tuple),
)


def test_order_of_severity() -> None:
    assert sorted(Action) == [
        Action.ALLOW,
        Action.ANNOTATE,
        Action.REDACT,
        Action.HANDOVER,
        Action.BLOCK,
    ]
    assert sorted(Tier) == [Tier.CONFIRM, Tier.DIFFERENTIAL, Tier.TAKEOVER]


def test_merging_keeps_the_strictest_and_every_reason_once() -> None:
    sure = Confidence(0.97, "logprobs")
    found = merged(
        [
            Verdict(Action.REDACT, "d", (MASKED,), notes=("x",)),
            Verdict(Action.BLOCK, "d", (BLOCKED, MASKED), Tier.CONFIRM, sure, ("x", "y")),
            Verdict(Action.ALLOW, "d", (), Tier.TAKEOVER),
        ]
    )
    assert found == Verdict(Action.BLOCK, "d", (MASKED, BLOCKED), Tier.TAKEOVER, sure, ("x", "y"))


def test_nobody_needs_to_look_where_nobody_said_so() -> None:
    assert merged([Verdict(Action.ALLOW, "d")]).tier is None


@given(st.lists(verdicts, min_size=1, max_size=4))
def test_one_more_verdict_never_softens(given_: list[Verdict]) -> None:
    whole = merged(given_)
    for count in range(1, len(given_)):
        part = merged(given_[:count])
        assert part.action <= whole.action
        assert (part.tier or 0) <= (whole.tier or 0)
        assert set(part.reasons) <= set(whole.reasons)


@given(st.lists(verdicts, min_size=1, max_size=3))
def test_order_does_not_matter(given_: list[Verdict]) -> None:
    seen = {
        (v.action, v.tier, frozenset(v.reasons), frozenset(v.notes))
        for order in permutations(given_)
        for v in [merged(order)]
    }
    assert len(seen) == 1


def test_nothing_is_known_until_somebody_says_so() -> None:
    assert Confidence() == Confidence(None, "none", proven=False)
    assert Verdict(Action.ALLOW, "摘要").tier is None


def reason(rule: str, action: Action, *, shadow: bool = False) -> Reason:
    found = (Finding("phi.person", Span(2, 4), 0.9, "姓名"),)
    return Reason(rule, "p", action, Severity.LOW, found, shadow=shadow)


def test_only_redaction_that_counts_masks() -> None:
    reasons = (
        reason("遮盖", Action.REDACT),
        reason("trial", Action.REDACT, shadow=True),
        reason("block", Action.BLOCK),
    )
    assert Verdict(Action.BLOCK, "", reasons).masks() == [(Span(2, 4), "phi.person")]
