"""The laws of judging, over random rules and random observations."""

from __future__ import annotations

from math import nan

from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.exchange import Audience, Scene, Side, Span, Speaker
from guardrail.domain.finding import Finding, Gap, GapReason
from guardrail.domain.verdict import Action, Confidence, Tier, Verdict
from guardrail.policy.compile import compile_texts
from guardrail.policy.evaluate import Observed, PolicySet, Scope

KINDS = ("phi.mobile", "phi.person", "prescription.order", "eth.tcm", "injection.override")
SCORES = ("eth.tcm", "injection", "self_harm")
CONDITIONS = (
    "eth.tcm >= 0.5",
    "injection >= 0.5 || 'phi.mobile' in kinds",
    "'phi.person' in kinds && eth.tcm < 0.4",
    "scene == 'A' ? self_harm > 0.3 : 'eth.tcm' in kinds",
    "kinds.exists(k, k.startsWith('phi.')) && !(injection > 0.7)",
    "['phi.mobile', 'eth.tcm'].all(k, k in kinds)",
    "side == '输出' || audience == 'patient'",
)

share = st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0])
actions = st.sampled_from(["allow", "annotate", "handover", "block"])
findings = st.builds(
    Finding,
    kind=st.sampled_from(KINDS),
    span=st.integers(0, 9).map(lambda at: Span(at, at + 1)),
    score=st.one_of(share, st.just(nan)),
    detector=st.just("任一"),
)
gaps = st.builds(
    Gap,
    detector=st.just("慢"),
    reason=st.sampled_from(GapReason),
    kinds=st.frozensets(st.sampled_from(KINDS + SCORES), max_size=3),
)
observations = st.builds(
    Observed,
    findings=st.lists(findings, max_size=4).map(tuple),
    gaps=st.lists(gaps, max_size=2).map(tuple),
    scores=st.dictionaries(st.sampled_from(SCORES), st.one_of(share, st.just(nan))),
)
scopes = st.builds(
    Scope,
    scene=st.sampled_from(Scene),
    side=st.sampled_from(Side),
    audience=st.sampled_from(Audience),
    tenant=st.sampled_from(["default", "湘雅"]),
    purpose=st.just(""),
    speaker=st.sampled_from(Speaker),
)


@st.composite
def rule_lines(draw: st.DrawFn) -> str:
    find = draw(st.lists(st.sampled_from(KINDS), max_size=2, unique=True))
    when = draw(st.one_of(st.none(), st.sampled_from(CONDITIONS)))
    parts = [f"severity: low, find: [{', '.join(find)}], at_least: {draw(share)}"]
    if when is not None or not find:
        parts.append(f'when: "{when or CONDITIONS[0]}"')
    needs = draw(st.one_of(st.none(), st.lists(st.sampled_from(KINDS + SCORES), max_size=2)))
    if needs is not None:
        parts.append(f"needs: [{', '.join(needs)}]")
    on_gap = draw(st.sampled_from(["default", "allow", "annotate", "handover", "block"]))
    side = draw(st.sampled_from(["", "sides: [output]", "tenants: [湘雅]"]))
    parts.append(f"on_gap: {on_gap}, scope: {{{side}}}, action: {draw(actions)}")
    return ", ".join(parts)


def compiled(lines: list[str]) -> PolicySet:
    head = 'id: laws\nversion: "1"\nowner: 药学部\ntitle: {zh: 法则, en: laws}\nrules:\n'
    rules = "".join(f"  - {{id: r{n}, {line}}}\n" for n, line in enumerate(lines))
    return compile_texts({"laws.yaml": head + rules})


rule_lists = st.lists(rule_lines(), min_size=1, max_size=4)


@given(rule_lists, scopes, observations, findings)
def test_one_more_finding_never_makes_a_verdict_milder(
    lines: list[str], scope: Scope, seen: Observed, more: Finding
) -> None:
    policies = compiled(lines)
    grown = Observed((*seen.findings, more), seen.gaps, seen.scores)
    assert policies.judge(scope, grown).action >= policies.judge(scope, seen).action


@given(rule_lists, scopes, observations, gaps)
def test_one_more_gap_never_makes_a_verdict_milder(
    lines: list[str], scope: Scope, seen: Observed, more: Gap
) -> None:
    policies = compiled(lines)
    grown = Observed(seen.findings, (*seen.gaps, more), seen.scores)
    assert policies.judge(scope, grown).action >= policies.judge(scope, seen).action


@given(rule_lists, rule_lines(), scopes, observations)
def test_one_more_rule_never_makes_a_verdict_milder(
    lines: list[str], more: str, scope: Scope, seen: Observed
) -> None:
    few, many = compiled(lines), compiled([*lines, more])
    assert many.judge(scope, seen).action >= few.judge(scope, seen).action


@given(rule_lists, scopes, observations, st.randoms(use_true_random=False))
def test_order_never_matters(lines: list[str], scope: Scope, seen: Observed, random) -> None:
    shuffled, found = list(lines), list(seen.findings)
    random.shuffle(shuffled)
    random.shuffle(found)
    first = compiled(lines).judge(scope, seen)
    second = compiled(shuffled).judge(scope, Observed(tuple(found), seen.gaps, seen.scores))
    assert second.action is first.action
    assert sorted(r.action for r in second.reasons) == sorted(r.action for r in first.reasons)


@given(rule_lists, scopes, observations)
def test_the_strictest_reason_is_the_action(lines: list[str], scope: Scope, seen: Observed) -> None:
    verdict = compiled(lines).judge(scope, seen)
    assert verdict.action == max((r.action for r in verdict.reasons), default=Action.ALLOW)
    assert all(
        reason.findings or reason.gaps or "when" in lines[int(reason.rule[1:])]
        for reason in verdict.reasons
    )


@given(st.sampled_from(Action), scopes, st.sampled_from([None, nan]), st.booleans())
def test_missing_confidence_is_takeover(
    action: Action, scope: Scope, value: float | None, proven: bool
) -> None:
    policies = compiled(["severity: low, find: [phi.ip], action: allow"])
    verdict = policies.tiered(Verdict(action, ""), scope, Confidence(value, "", proven))
    if scope.side is Side.INPUT or action is Action.BLOCK:
        assert verdict.tier is None
        assert verdict.action is action
    else:
        assert verdict.tier is Tier.TAKEOVER
        assert verdict.action is Action.HANDOVER


@given(scopes, st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_less_confidence_never_lets_more_through(
    scope: Scope, one: float, other: float, proven: bool
) -> None:
    policies = compiled(["severity: low, find: [phi.ip], action: allow"])
    less, more = (
        policies.tiered(Verdict(Action.ALLOW, ""), scope, Confidence(value, "", proven))
        for value in sorted((one, other))
    )
    assert less.action >= more.action
    assert (less.tier or 0) >= (more.tier or 0)
