from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from guardrail.domain.errors import BadConfig
from guardrail.domain.exchange import Scene, Side
from guardrail.domain.taxonomy import taxonomy
from guardrail.domain.verdict import Action, Reference, Reply
from guardrail.policy.compile import (
    compile_texts,
    language,
    load,
    policy_files,
    read_text,
    shipped_folder,
)
from guardrail.policy.evaluate import STRICTEST, HoldMode, PolicySet, Reach, TierWhen
from guardrail.policy.source import BadPolicy

Write = Callable[..., str]
RULE = "rules: [{id: a.rule, severity: low, find: [phi.ip], action: block}]\n"


def complaints(**texts: str) -> list[tuple[str, str, str]]:
    with pytest.raises(BadPolicy) as caught:
        compile_texts({f"{name}.yaml": text for name, text in texts.items()})
    return [(each.where, each.message, each.remedy) for each in caught.value.complaints]


def condition(policy_text: Write, when: str) -> tuple[str, str, str]:
    tail = f"rules:\n  - id: a\n    severity: low\n    when: {when}\n    action: block\n"
    (only,) = complaints(a=policy_text(tail))
    return only


def test_a_rule_is_compiled_with_all_it_says(policy_text: Write) -> None:
    tail = """\
references: [{instrument: 处方管理办法, article: 第二条, verified: true}]
scope: {scenes: [C], tenants: [湘雅]}
reply: {zh: 您好, en: hello}
rules:
  - id: a
    severity: high
    scope: {sides: [input]}
    find: ["phi.*"]
    at_least: 0.5
    when: injection > 0.1 && 'eth.tcm' in kinds
    action: redact
    on_gap: handover
    references: [{instrument: 个保法}]
  - {id: b, severity: low, when: "kinds.exists(k, k == 'eth.tcm')", action: annotate,
     needs: [eth.tcm], reply: {zh: 别的, en: other}}
"""
    policies = compile_texts({"a.yaml": policy_text(tail)})
    first, second = policies.rules
    phi = {kind for kind in taxonomy().finding_kinds if kind.startswith("phi.")}
    assert first.find == phi
    assert first.needs == first.used == phi | {"injection", "eth.tcm"}
    assert (first.action, first.on_gap, first.at_least) == (Action.REDACT, Action.HANDOVER, 0.5)
    assert first.reaches == (
        Reach(scenes=frozenset({Scene.C}), tenants=frozenset({"湘雅"})),
        Reach(sides=frozenset({Side.INPUT})),
    )
    assert first.reply == Reply("您好", "hello")
    assert first.references == (
        Reference("个保法", "", verified=False),
        Reference("处方管理办法", "第二条", verified=True),
    )
    assert second.on_gap is None
    assert second.used == taxonomy().finding_kinds
    assert second.needs == {"eth.tcm"}
    assert second.reply == Reply("别的", "other")
    assert policies.needs == phi | {"injection", "eth.tcm"}


def test_a_profile_is_compiled(policy_text: Write) -> None:
    tail = """\
scope: {tenants: [湘雅]}
profile: {scene: B, hold: {mode: full, max_chars: 90}, ask_logprobs: true, restore: true,
          tiers: {when: never, confirm: 0.9, differential: 0.7, proof: waived}}
"""
    profile = compile_texts({"a.yaml": policy_text(tail)}).profile(Scene.B, "湘雅")
    assert (profile.hold.mode, profile.hold.max_chars) == (HoldMode.FULL, 90)
    tiers = profile.tiers
    assert (tiers.when, tiers.confirm, tiers.differential) == (TierWhen.NEVER, 0.9, 0.7)
    assert not tiers.proof_required
    assert profile.restore
    assert profile.ask_logprobs


@pytest.mark.parametrize(
    ("when", "where", "message", "remedy"),
    [
        ("eth.tmc >= 0.9", "8:14", "eth.tmc", "Did you mean 'eth.tcm'?"),
        ("'scene == ''门诊'' && injektion > 0.5'", "8:5", "injektion", "'injection'?"),
        ('"injection > 1"', "8:22", "decimal point", ""),
        ("scene == '门诊' && scen == 'A'", "8:28", "scen", "Did you mean 'scene'?"),
        ("|\n      scene == 'A'\n      && !('phi.ip' in kinds)", "10:10", "one more finding", ""),
        ("\"'phi.mobil' in kinds\"", "8:12", "'phi.mobil'", "'phi.mobile'?"),
        ("\"['手机'].exists(k, k in kinds) || '手机' in kinds\"", "8:44", "'手机'", ""),
    ],
)
def test_conditions_complain_at_their_own_column(
    policy_text: Write, when: str, where: str, message: str, remedy: str
) -> None:
    at, said, help_ = condition(policy_text, when)
    assert at == f"a.yaml:{where}"
    assert message in said
    assert remedy in help_


def test_all_complaints_of_all_files_come_together(policy_text: Write) -> None:
    bad = policy_text("rulez: []\n", "b")
    tail = """\
rules:
  - {id: a.rule, severity: low, when: scen == 'A', action: block}
  - {id: other, severity: low, when: scene, action: block}
"""
    wheres = [where for where, _, _ in complaints(a=policy_text(tail, "a"), b=bad)]
    assert wheres == ["b.yaml:5:1", "a.yaml:6:39", "a.yaml:7:38"]


def test_names_used_by_two_files(policy_text: Write) -> None:
    first, second = policy_text(RULE, "a"), policy_text(RULE, "a")
    assert complaints(x=first, y=second) == [
        ("y.yaml:1:1", "y.yaml:1:1: policy 'a' exists already in x.yaml", "Rename one of them."),
        (
            "y.yaml:5:10",
            "y.yaml:5:10: rule 'a.rule' exists already in x.yaml",
            "Rename one of them.",
        ),
    ]


def test_a_tenant_cannot_take_over_a_locked_rule(policy_text: Write) -> None:
    tenant = policy_text("scope: {tenants: [湘雅]}\n" + RULE, "own")
    locked = policy_text("locked: true\n" + RULE, "red-line")
    ((where, message, remedy),) = complaints(a=tenant, b=locked)
    assert where == "a.yaml:6:10"
    assert "rule 'a.rule' is locked in b.yaml" in message
    assert "can only add" in remedy


def test_off_means_no_rules_and_no_profile(policy_text: Write) -> None:
    head = "mode: off\nscope: {scenes: [C]}\n"
    policies = compile_texts({"a.yaml": policy_text(head + RULE + "profile: {scene: C}\n")})
    assert policies.rules == ()
    assert policies.profile(Scene.C, "default") == STRICTEST


@pytest.mark.parametrize(
    ("today", "shadow"), [(None, True), (date(2027, 1, 31), True), (date(2027, 2, 1), False)]
)
def test_a_trial_that_is_over_is_enforced(
    policy_text: Write, today: date | None, *, shadow: bool
) -> None:
    text = policy_text("mode: shadow\nexpires: 2027-01-31\n" + RULE)
    (rule,) = compile_texts({"a.yaml": text}, today).rules
    assert rule.shadow is shadow


def test_the_digest_is_of_what_is_said(policy_text: Write) -> None:
    def digest(**texts: str) -> str:
        return compile_texts({f"{name}.yaml": text for name, text in texts.items()}).digest

    one, two = policy_text(RULE, "one"), policy_text("profile: {scene: C}\n", "two")
    assert len(digest(a=one)) == 64
    assert digest(a=one, b=two) == digest(x=two, y="# 注释\n" + one)
    assert digest(a=one) != digest(a=one.replace("phi.ip", "phi.url"))


def test_files_and_folders_are_loaded(policy_text: Write, tmp_path: Path) -> None:
    (tmp_path / "院内").mkdir()
    (tmp_path / "院内" / "a.yaml").write_text(policy_text(RULE, "a"), "utf-8")
    (tmp_path / "院内" / "a.cases.yaml").write_text("not a policy", "utf-8")
    (tmp_path / "b.yaml").write_text(policy_text("profile: {scene: C}\n", "b"), "utf-8")
    assert {policy.id for policy in load(tmp_path).policies} == {"a", "b"}
    assert [policy.id for policy in load([tmp_path / "b.yaml"]).policies] == ["b"]
    assert policy_files([tmp_path / "b.yaml"]) == [tmp_path / "b.yaml"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="no policy file there"):
        load(tmp_path)
    with pytest.raises(BadConfig, match="No such file") as caught:
        load([tmp_path / "none.yaml"])
    assert caught.value.where == str(tmp_path / "none.yaml")
    (tmp_path / "gbk.yaml").write_bytes("标识: 药学部".encode("gbk"))
    with pytest.raises(BadConfig, match="not UTF-8 text"):
        read_text(tmp_path / "gbk.yaml")


def test_shipped_policies_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert isinstance(load(shipped_folder()), PolicySet)
    (tmp_path / "policies").mkdir()
    monkeypatch.setattr("guardrail.__file__", str(tmp_path / "__init__.py"))
    assert shipped_folder() == tmp_path / "policies"


def test_the_language_knows_every_score() -> None:
    assert language().scores == taxonomy().score_keys
    assert language() is language()


def test_a_mounted_configmap_is_not_read_twice(tmp_path: Path) -> None:
    hidden = tmp_path / "..2026_11_20"
    hidden.mkdir()
    for folder in (hidden, tmp_path):
        (folder / "one.yaml").write_text("id: one\n", "utf-8")
    assert policy_files(tmp_path) == [tmp_path / "one.yaml"]
