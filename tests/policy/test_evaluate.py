from __future__ import annotations

from collections.abc import Callable
from math import inf, nan

import pytest

from guardrail.domain.exchange import Audience, Scene, Side, Speaker
from guardrail.domain.finding import Gap, GapReason
from guardrail.domain.verdict import Action, Confidence, Reply, Severity, Tier, Verdict
from guardrail.policy.compile import compile_texts
from guardrail.policy.evaluate import (
    NOT_PROVEN,
    STRICTEST,
    Hold,
    HoldMode,
    Observed,
    PolicySet,
    Profile,
    Tiers,
    TierWhen,
)

Build = Callable[..., PolicySet]
IP = "{id: ip, severity: low, find: [phi.ip], at_least: 0.5, action: redact}"
TCM = "{id: tcm, severity: high, when: eth.tcm >= 0.9, action: handover}"


def late(*kinds: str) -> Gap:
    return Gap("slow", GapReason.LATE, frozenset(kinds))


def fired(verdict: Verdict) -> list[tuple[str, str]]:
    return [(reason.rule, reason.action.name) for reason in verdict.reasons]


def test_nothing_found_is_allowed(rules: Build, scope) -> None:
    policies = rules(IP)
    assert policies.judge(scope(), Observed()) == Verdict(Action.ALLOW, policies.digest)


def test_a_finding_fires_a_rule_with_all_it_says(rules: Build, scope, finding) -> None:
    policies = rules(IP, head="reply: {zh: 已遮盖, en: masked}\n")
    found = finding("phi.ip", 0.5)
    verdict = policies.judge(scope(), Observed((found, finding("phi.url"))))
    (reason,) = verdict.reasons
    assert verdict.action is reason.action is Action.REDACT
    assert (reason.rule, reason.policy, reason.severity) == ("ip", "try", Severity.LOW)
    assert reason.findings == (found,)
    assert reason.reply == Reply("已遮盖", "masked")


@pytest.mark.parametrize(("score", "fires"), [(0.5, True), (0.49, False), (nan, True)])
def test_at_least(rules: Build, scope, finding, score: float, *, fires: bool) -> None:
    verdict = rules(IP).judge(scope(), Observed((finding("phi.ip", score),)))
    assert bool(verdict.reasons) is fires


def test_find_and_when_must_both_hold(rules: Build, scope, finding) -> None:
    both = "{id: both, severity: low, find: [phi.ip], when: scene == 'A', action: block}"
    seen = Observed((finding("phi.ip"),))
    assert fired(rules(both).judge(scope(Scene.A), seen)) == [("both", "BLOCK")]
    assert fired(rules(both).judge(scope(Scene.C), seen)) == []
    assert fired(rules(both).judge(scope(Scene.A), Observed())) == []


def test_a_condition_shows_the_findings_behind_it(rules: Build, scope, finding) -> None:
    seen = Observed((finding("eth.tcm"), finding("phi.ip")), scores={"eth.tcm": 0.95})
    (reason,) = rules(TCM).judge(scope(), seen).reasons
    assert reason.findings == (finding("eth.tcm"),)


def test_the_strictest_wins_and_all_are_told_strictest_first(rules: Build, scope, finding) -> None:
    note = "{id: note, severity: low, find: [phi.ip], action: annotate}"
    seen = Observed((finding("phi.ip"),), scores={"eth.tcm": 0.95})
    verdict = rules(note, IP, TCM).judge(scope(), seen)
    assert verdict.action is Action.HANDOVER
    assert fired(verdict) == [("tcm", "HANDOVER"), ("ip", "REDACT"), ("note", "ANNOTATE")]


@pytest.mark.parametrize(
    "limit",
    [
        "scenes: [A]",
        "sides: [output]",
        "audiences: [clinician]",
        "tenants: [湘雅]",
        "purposes: [科研]",
        "speakers: [tool]",
    ],
)
def test_scopes_of_file_and_rule(rules: Build, scope, finding, limit: str) -> None:
    inside = scope(Scene.A, Side.OUTPUT, Audience.CLINICIAN, "湘雅", "科研", Speaker.TOOL)
    seen = Observed((finding("phi.ip"),))
    head = f"scope: {{{limit}}}\n"
    rule = IP.replace("severity", f"scope: {{{limit}}}, severity")
    for policies in (rules(IP, head=head), rules(rule)):
        assert policies.judge(inside, seen).action is Action.REDACT
        assert policies.judge(scope(), seen).action is Action.ALLOW


def test_shadow_is_told_but_never_counted(rules: Build, scope, finding) -> None:
    policies = rules(IP, head="mode: shadow\nexpires: 2027-01-31\n")
    verdict = policies.judge(scope(), Observed((finding("phi.ip"),)))
    assert verdict.action is Action.ALLOW
    assert [(reason.action, reason.shadow) for reason in verdict.reasons] == [(Action.REDACT, True)]


@pytest.mark.parametrize(
    ("scene", "side", "action"),
    [
        (Scene.A, Side.INPUT, "BLOCK"),
        (Scene.B, Side.INPUT, "ANNOTATE"),
        (Scene.C, Side.INPUT, "ANNOTATE"),
        (Scene.D, Side.OUTPUT, "BLOCK"),
    ],
)
def test_what_a_gap_means_by_default(
    rules: Build, scope, scene: Scene, side: Side, action: str
) -> None:
    gap = late("phi.ip")
    verdict = rules(IP).judge(scope(scene, side), Observed(gaps=(gap,)))
    assert fired(verdict) == [("ip", action)]
    assert verdict.reasons[0].gaps == (gap,)


@pytest.mark.parametrize("action", ["allow", "annotate", "handover", "block"])
def test_what_an_author_says_a_gap_means(rules: Build, scope, action: str) -> None:
    rule = IP.replace("action", f"on_gap: {action}, action")
    verdict = rules(rule).judge(scope(Scene.A), Observed(gaps=(late("phi.ip"),)))
    assert verdict.action.name.lower() == action


def test_a_finding_does_not_make_up_for_a_gap(rules: Build, scope, finding) -> None:
    seen = Observed((finding("phi.ip"),), (late("phi.ip"),))
    verdict = rules(IP).judge(scope(side=Side.OUTPUT), seen)
    assert fired(verdict) == [("ip", "BLOCK"), ("ip", "REDACT")]


def test_gaps_elsewhere_do_not_matter(rules: Build, scope) -> None:
    seen = Observed(gaps=(late("phi.url", "injection"),), scores={"eth.tcm": 0.1})
    assert fired(rules(IP, TCM).judge(scope(Scene.A), seen)) == []


def test_a_gap_that_does_not_say_what_it_missed_concerns_all(rules: Build, scope) -> None:
    seen = Observed(gaps=(late(),), scores={"eth.tcm": 0.1})
    assert fired(rules(IP, TCM).judge(scope(Scene.A), seen)) == [("ip", "BLOCK"), ("tcm", "BLOCK")]


def test_a_score_given_does_not_make_up_for_a_gap_in_it(rules: Build, scope) -> None:
    seen = Observed(gaps=(late("eth.tcm"),), scores={"eth.tcm": 0.1})
    assert fired(rules(TCM).judge(scope(Scene.A), seen)) == [("tcm", "BLOCK")]


@pytest.mark.parametrize("scores", [{}, {"eth.tcm": nan}, {"unheard.of": 1.0}])
def test_a_score_that_nobody_gave_is_a_gap(rules: Build, scope, scores: dict[str, float]) -> None:
    verdict = rules(TCM).judge(scope(side=Side.OUTPUT), Observed(scores=scores))
    assert fired(verdict) == [("tcm", "BLOCK")]
    missing = Gap("none", GapReason.MISSING, frozenset({"eth.tcm"}))
    assert verdict.reasons[0].gaps == (missing,)


def test_a_reported_gap_is_not_reported_twice(rules: Build, scope) -> None:
    two = "{id: two, severity: low, when: eth.tcm > 0.9 || injection > 0.9, action: block}"
    gap = late("eth.tcm")
    verdict = rules(two).judge(scope(), Observed(gaps=(gap,)))
    missing = Gap("none", GapReason.MISSING, frozenset({"injection"}))
    assert verdict.reasons[0].gaps == (gap, missing)
    verdict = rules(TCM).judge(scope(), Observed(gaps=(gap,)))
    assert verdict.reasons[0].gaps == (gap,)


def test_unknown_does_not_matter_where_it_could_change_nothing(rules: Build, scope) -> None:
    rule = "{id: a, severity: low, when: scene == 'A' && eth.tcm > 0.9, action: annotate}"
    assert fired(rules(rule).judge(scope(Scene.C), Observed())) == []
    assert fired(rules(rule).judge(scope(Scene.A), Observed())) == [("a", "BLOCK")]
    gap = Observed(gaps=(late("eth.tcm"),))
    assert fired(rules(rule).judge(scope(Scene.C), gap)) == []


def test_a_gap_counts_only_what_it_could_have_found(rules: Build, scope, finding) -> None:
    rule = (
        "{id: a, severity: low, action: block,"
        " when: \"'phi.ip' in kinds && 'phi.url' in kinds || kinds.exists(k, k == 'eth.tcm')\"}"
    )
    policies, here = rules(rule), scope(Scene.A)
    assert fired(policies.judge(here, Observed(gaps=(late("phi.url"),)))) == []
    half = Observed((finding("phi.ip"),), (late("phi.url"),))
    assert fired(policies.judge(here, half)) == [("a", "BLOCK")]
    assert fired(policies.judge(here, Observed(gaps=(late("eth.tcm"),)))) == [("a", "BLOCK")]


def test_find_limits_what_a_gap_in_when_means(rules: Build, scope, finding) -> None:
    rule = "{id: a, severity: low, find: [phi.ip], when: eth.tcm > 0.9, action: redact}"
    policies, here = rules(rule), scope(Scene.A)
    assert fired(policies.judge(here, Observed())) == []
    assert fired(policies.judge(here, Observed(gaps=(late("eth.tcm"),)))) == []
    assert fired(policies.judge(here, Observed((finding("phi.ip"),)))) == [("a", "BLOCK")]


def test_needs_may_name_more_or_less_than_is_used(rules: Build, scope) -> None:
    rule = "{id: a, severity: low, find: [phi.ip], %s action: redact}"
    gap = Observed(gaps=(late("phi.url"),))
    here = scope(Scene.A)
    assert fired(rules(rule % "").judge(here, gap)) == []
    assert fired(rules(rule % "needs: ['phi.*'],").judge(here, gap)) == [("a", "BLOCK")]
    ip = Observed(gaps=(late("phi.ip"),))
    assert fired(rules(rule % "needs: [phi.url],").judge(here, ip)) == []
    when = "{id: a, severity: low, when: eth.tcm > 0.9, needs: [eth.tcm, phi.ip], action: block}"
    seen = Observed(gaps=(late("phi.ip"),), scores={"eth.tcm": 0.1})
    assert fired(rules(when).judge(here, seen)) == [("a", "BLOCK")]


# --- profiles ---------------------------------------------------------------------------------

LOOSE = "profile: {scene: C, restore: true, tiers: {proof: waived}}\n"
HARD = """\
scope: {tenants: [湘雅]}
profile: {scene: C, hold: {mode: full, max_chars: 50}, ask_logprobs: true,
          tiers: {when: always, confirm: 0.99, differential: 0.7}}
"""


def test_no_profile_is_the_strictest(rules: Build) -> None:
    for scene in Scene:
        assert rules(IP).profile(scene, "default") == STRICTEST


@pytest.mark.parametrize("order", [1, -1])
def test_a_tenant_can_only_make_a_profile_stricter(policy_text, order: int) -> None:
    texts = {"a": policy_text(LOOSE, "all"), "b": policy_text(HARD, "own")}
    policies = compile_texts(dict(list(texts.items())[::order]))
    plain = Profile(
        Hold(HoldMode.SENTENCE, 400),
        Tiers(TierWhen.ON_HANDOVER, 0.95, 0.80, proof_required=False),
        restore=True,
        ask_logprobs=False,
    )
    assert policies.profile(Scene.C, "default") == plain
    assert policies.profile(Scene.C, "湘雅") == Profile(
        Hold(HoldMode.FULL, 50),
        Tiers(TierWhen.ALWAYS, 0.99, 0.80, proof_required=True),
        restore=False,
        ask_logprobs=True,
    )
    assert plain.stricter(plain) == plain


# --- tiers ------------------------------------------------------------------------------------


def profiled(policy_text, when: str, proof: str = "required") -> PolicySet:
    tail = f"profile: {{scene: C, tiers: {{when: {when}, proof: {proof}}}}}\n"
    return compile_texts({"a.yaml": policy_text(tail)})


@pytest.mark.parametrize(
    ("value", "proven", "tier", "notes"),
    [
        (None, True, Tier.TAKEOVER, ()),
        (nan, True, Tier.TAKEOVER, ()),
        (inf, True, Tier.TAKEOVER, ()),
        (1.01, True, Tier.TAKEOVER, ()),
        (-0.1, True, Tier.TAKEOVER, ()),
        (0.79, True, Tier.TAKEOVER, ()),
        (0.80, False, Tier.DIFFERENTIAL, ()),
        (0.94, True, Tier.DIFFERENTIAL, ()),
        (0.95, True, Tier.CONFIRM, ()),
        (1.0, True, Tier.CONFIRM, ()),
        (0.99, False, Tier.DIFFERENTIAL, (NOT_PROVEN,)),
    ],
)
@pytest.mark.parametrize("audience", Audience)
def test_tiers_of_every_answer(
    policy_text, scope, value: float | None, *, proven: bool, tier: Tier, notes, audience: Audience
) -> None:
    policies = profiled(policy_text, "always")
    where = scope(side=Side.OUTPUT, audience=audience)
    sure = Confidence(value, "测试", proven)
    verdict = policies.tiered(Verdict(Action.ALLOW, ""), where, sure)
    confirmed = tier is Tier.CONFIRM and audience is Audience.CLINICIAN
    assert verdict.action is (Action.ANNOTATE if confirmed else Action.HANDOVER)
    assert (verdict.tier, verdict.notes, verdict.confidence) == (tier, notes, sure)


def test_proof_can_be_waived(policy_text, scope) -> None:
    policies = profiled(policy_text, "always", "waived")
    verdict = policies.tiered(Verdict(Action.ALLOW, ""), scope(side=Side.OUTPUT), Confidence(0.99))
    assert (verdict.tier, verdict.notes) == (Tier.CONFIRM, ())


@pytest.mark.parametrize(
    ("when", "action", "value", "expected"),
    [
        ("always", Action.BLOCK, 0.1, None),
        ("on_handover", Action.BLOCK, 0.1, None),
        ("on_handover", Action.REDACT, 0.1, None),
        ("on_handover", Action.HANDOVER, 0.1, Tier.TAKEOVER),
        ("on_handover", Action.HANDOVER, 0.85, Tier.DIFFERENTIAL),
        ("on_handover", Action.HANDOVER, 0.96, Tier.CONFIRM),
        ("never", Action.ANNOTATE, 0.1, None),
        ("never", Action.HANDOVER, 0.99, Tier.TAKEOVER),
    ],
)
def test_when_confidence_is_asked_for(
    policy_text, scope, when: str, action: Action, value: float, expected: Tier | None
) -> None:
    policies = profiled(policy_text, when)
    where = scope(side=Side.OUTPUT, audience=Audience.CLINICIAN)
    before = Verdict(action, "摘要", notes=("earlier",))
    verdict = policies.tiered(before, where, Confidence(value, proven=True))
    assert verdict.action is action
    assert verdict.tier is expected
    assert verdict.notes == ("earlier",)


def test_questions_have_no_tier_and_a_tier_is_never_lowered(policy_text, scope) -> None:
    policies = profiled(policy_text, "always")
    before = Verdict(Action.HANDOVER, "", tier=Tier.TAKEOVER)
    sure = Confidence(0.99, proven=True)
    assert policies.tiered(before, scope(side=Side.INPUT), sure) == before
    assert policies.tiered(before, scope(side=Side.OUTPUT), sure).tier is Tier.TAKEOVER


def test_needs_are_all_that_some_rule_depends_on(rules: Build) -> None:
    assert rules(IP, TCM).needs == {"phi.ip", "eth.tcm"}


def test_what_is_needed_depends_on_who_speaks(rules: Build, scope) -> None:
    system = "{id: s, severity: low, find: [phi.url], action: redact, scope: {speakers: [system]}}"
    policies = rules(IP, system)
    assert policies.needed(scope(speaker=Speaker.SYSTEM)) == {"phi.ip", "phi.url"}
    for _ in "twice":
        assert policies.needed(scope(speaker=Speaker.USER)) == {"phi.ip"}
    for number in range(1100):  # purposes are the callers' words: what is remembered is bounded
        assert policies.needed(scope(purpose=str(number))) == {"phi.ip"}
