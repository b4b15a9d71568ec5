"""What the shipped policies promise together, beyond each file's own cases."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from guardrail.domain.exchange import Audience, Scene, Side, Speaker
from guardrail.domain.finding import Gap, GapReason
from guardrail.domain.taxonomy import taxonomy
from guardrail.domain.verdict import Action, Confidence, Tier
from guardrail.policy.compile import load, policy_files, shipped_folder
from guardrail.policy.evaluate import HoldMode, Observed, PolicySet, TierWhen

CALM = {key: 0.0 for key in taxonomy().score_keys}  # noqa: C420 - reads as what it is
HARMLESS = {"prescription.mention"}  # named so that policies of a hospital may use it


@pytest.fixture(scope="module")
def policies() -> PolicySet:
    return load(shipped_folder())


def test_an_ordinary_exchange_passes_outside_scene_a(policies: PolicySet, scope) -> None:
    for scene in (Scene.B, Scene.C, Scene.D):
        for side in Side:
            here = scope(scene, side)
            verdict = policies.judge(here, Observed(scores=CALM))
            assert verdict.action is Action.ALLOW
            assert policies.tiered(verdict, here, Confidence()).tier is None


def test_scene_a_holds_and_tiers_every_answer(policies: PolicySet, scope) -> None:
    profile = policies.profile(Scene.A, "湘雅")
    assert profile.hold.mode is HoldMode.FULL
    assert profile.tiers.when is TierWhen.ALWAYS
    here = scope(Scene.A, Side.OUTPUT, Audience.CLINICIAN, speaker=Speaker.ASSISTANT)
    verdict = policies.tiered(
        policies.judge(here, Observed(scores=CALM)), here, Confidence(0.79, proven=True)
    )
    assert (verdict.action, verdict.tier) == (Action.HANDOVER, Tier.TAKEOVER)


def test_no_scene_but_a_is_as_strict(policies: PolicySet) -> None:
    for scene in (Scene.B, Scene.C, Scene.D):
        assert policies.profile(scene, "default").tiers.when is TierWhen.ON_HANDOVER


@pytest.mark.parametrize("kind", sorted(taxonomy().finding_kinds - HARMLESS))
def test_every_kind_of_finding_matters_somewhere(policies: PolicySet, kind: str) -> None:
    assert kind in policies.needs or kind == "prescription"


def test_nothing_leaves_that_nobody_looked_at(policies: PolicySet, scope) -> None:
    here = scope(Scene.D, Side.OUTPUT, speaker=Speaker.ASSISTANT)
    for kinds in ("phi.mobile", "prescription.order", "self_harm.method", "saf.device"):
        gap = Gap("任一", GapReason.LATE, frozenset({kinds}))
        assert policies.judge(here, Observed(gaps=(gap,), scores=CALM)).action is Action.BLOCK
    assert policies.judge(here, Observed()).action is Action.BLOCK


def test_a_person_in_crisis_is_never_only_refused(policies: PolicySet, scope, finding) -> None:
    for scene in Scene:
        seen = Observed((finding("self_harm.intent"),), scores=CALM)
        verdict = policies.judge(scope(scene), seen)
        assert verdict.action is Action.HANDOVER
        reply = verdict.reasons[0].reply
        assert reply is not None
        for words in (reply.zh, reply.en):
            assert "12356" in words
            assert "120" in words.replace("12356", "")


def test_every_rule_that_acts_tells_the_person_in_both_languages(policies: PolicySet) -> None:
    for rule in policies.rules:
        assert rule.reply is not None, rule.id
        assert re.search("[一-鿿]", rule.reply.zh), rule.id
        assert not re.search("[一-鿿]", rule.reply.en), rule.id


def test_every_rule_names_an_article(policies: PolicySet) -> None:
    for rule in policies.rules:
        assert rule.references, rule.id


def test_twenty_dimensions_on_both_sides(policies: PolicySet) -> None:
    ids = {rule.id for rule in policies.rules}
    for dimension in taxonomy().dimensions:
        assert {f"{dimension.key}.input", f"{dimension.key}.output"} <= ids


def test_what_is_verified_says_where_it_was_read() -> None:
    read = {"CN-01", "CN-02", "CN-07", "CN-08", "CN-11", "CN-16"}
    for path in policy_files(Path(shipped_folder())):
        text = path.read_text("utf-8")
        blocks = re.findall(r"verified: true[,\n]\s*source: ([\w-]+)", text)
        assert len(blocks) == text.count("verified: true"), path.name
        assert set(blocks) <= read, path.name
