from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from guardrail.domain.errors import BadConfig
from guardrail.domain.exchange import Audience, Scene, Side, Speaker
from guardrail.domain.finding import GapReason
from guardrail.domain.verdict import Action, Confidence
from guardrail.policy.cases import CaseReport, parse_cases, run, run_file
from guardrail.policy.compile import policy_files, shipped_folder
from guardrail.policy.source import BadPolicy

Write = Callable[..., str]
RULES = """\
rules:
  - {id: ip, severity: low, find: [phi.ip], at_least: 0.5, action: redact}
  - {id: tcm, severity: high, when: eth.tcm >= 0.9, action: handover}
"""
FULL = """\
given: {scores: {eth.tcm: 0.0}}
cases:
  - {name: 地址, findings: {phi.ip: 0.5}, expect: {action: redact, rules: [ip]}}
  - {name: weak, findings: {phi.ip: 0.495}, expect: {action: allow, rules: []}}
  - {name: 秘方, scores: {eth.tcm: 0.9}, expect: {action: handover, rules: [tcm]}}
  - {name: not quite, scores: {eth.tcm: 0.895}, expect: {action: allow, rules: []}}
"""


def report(policy_text: Write, cases: str, tail: str = RULES) -> CaseReport:
    return run(policy_text(tail), cases, "a.yaml", "a.cases.yaml")


def test_thorough_cases(policy_text: Write) -> None:
    assert report(policy_text, FULL) == CaseReport("a.yaml", cases=4, rules=2)
    assert report(policy_text, FULL).thorough


def test_rules_that_no_case_fires_and_thresholds_that_no_case_holds(policy_text: Write) -> None:
    cases = "cases: [{name: 无, scores: {eth.tcm: 0.5}, expect: {action: allow}}]\n"
    found = report(policy_text, cases)
    assert found.passed
    assert not found.thorough
    assert found.unfired == ("ip", "tcm")
    assert found.unnoticed == (
        "ip: at_least 0.5 -> 0.51",
        "tcm: when 0.9 -> 0.91",
        "ip: at_least 0.5 -> 0.49",
        "tcm: when 0.9 -> 0.89",
    )


def test_a_rule_that_only_a_gap_fires_is_not_covered(policy_text: Write) -> None:
    cases = "cases: [{name: gap, gaps: [{kinds: ['phi.*', eth.tcm]}], expect: {action: annotate}}]"
    assert report(policy_text, cases).unfired == ("ip", "tcm")


def test_failures_say_what_was_expected(policy_text: Write) -> None:
    cases = """\
cases:
  - name: 全错
    scope: {side: output}
    scores: {eth.tcm: 0.95}
    confidence: {}
    expect: {action: allow, rules: [], tier: none, notes: [好]}
"""
    (failure,) = report(policy_text, cases).failures
    assert (failure.name, failure.where) == ("全错", "a.cases.yaml:2:5")
    assert failure.wrong == (
        "action: expected allow, got handover",
        "rules: expected none, got tcm",
        "tier: expected none, got takeover",
        "notes: expected 好, got none",
    )


def test_what_is_not_said_is_not_asked(policy_text: Write) -> None:
    cases = "cases: [{name: 宽, scores: {eth.tcm: 0.95}, expect: {action: handover}}]"
    assert report(policy_text, cases).passed


def test_a_case_is_read_with_what_is_given() -> None:
    text = """\
given:
  scope: {scene: A, audience: clinician, tenant: 湘雅, purpose: 科研}
  scores: {eth.tcm: 0.1, injection: 0.2}
cases:
  - name: 一
    scope: {scene: B, side: output}
    findings: {phi.ip: 0.5}
    scores: {injection: 0.3}
    gaps: [{detector: 慢, reason: broken, kinds: ["self_harm.*"]}]
    confidence: {value: 0.96, proven: true}
    already: handover
    expect: {action: handover}
  - {name: two, expect: {action: allow}}
  - {name: three, scope: {speaker: tool}, expect: {action: allow}}
"""
    first, second, third = parse_cases(text, "a.cases.yaml")
    assert first.scope.scene is Scene.B
    assert first.scope.side is Side.OUTPUT
    assert first.scope.audience is Audience.CLINICIAN
    assert (first.scope.tenant, first.scope.purpose) == ("湘雅", "科研")
    assert first.scope.speaker is Speaker.ASSISTANT
    assert first.observed.scores == {"eth.tcm": 0.1, "injection": 0.3}
    (gap,) = first.observed.gaps
    assert (gap.detector, gap.reason) == ("慢", GapReason.BROKEN)
    assert gap.kinds == {"self_harm.intent", "self_harm.method", "self_harm.concern"}
    assert first.confidence == Confidence(0.96, "case", proven=True)
    assert first.already is Action.HANDOVER
    assert second.scope.speaker is Speaker.USER
    assert second.confidence is None
    assert third.scope.speaker is Speaker.TOOL


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("", "1:1", "c.yaml"),
        ("cases: []\n", "1:1", "at least 1 item"),
        ("cases: [\n", "2:1", ""),
        ("cases:\n  - {name: a, expekt: 1}\n", "2:5", "'expect' is missing"),
        (
            "cases:\n  - {name: a, expect: {action: allow, rulez: []}}\n",
            "2:39",
            "unknown key 'rulez' Did you mean 'rules'?",
        ),
        (
            "cases:\n  - {name: a, findings: {phi.ipp: 1}, expect: {action: allow}}\n",
            "2:26",
            "nothing is called 'phi.ipp' Did you mean 'phi.ip'?",
        ),
        (
            "given: {scores: {中医: 1}}\ncases:\n  - {name: a, expect: {action: allow}}\n",
            "1:18",
            "nothing is called '中医'",
        ),
        (
            "cases:\n  - {name: a, scores: {phi.ip: 1}, expect: {action: allow}}\n",
            "2:24",
            "nothing is called 'phi.ip'",
        ),
        (
            "cases:\n  - {name: a, gaps: [{kinds: [手机]}], expect: {action: allow}}\n",
            "2:23",
            "nothing is called '手机'",
        ),
    ],
)
def test_cases_that_cannot_be_used(text: str, where: str, words: str) -> None:
    with pytest.raises(BadConfig) as caught:
        parse_cases(text, "c.yaml")
    assert caught.value.where == f"c.yaml:{where}"
    assert words in str(caught.value)


def test_files(policy_text: Write, tmp_path: Path) -> None:
    policy = tmp_path / "院内.yaml"
    policy.write_text(policy_text(RULES), "utf-8")
    with pytest.raises(BadConfig, match="has no cases") as caught:
        run_file(policy)
    assert "院内.cases.yaml" in caught.value.remedy
    (tmp_path / "院内.cases.yaml").write_text(FULL, "utf-8")
    assert run_file(policy).thorough
    policy.write_text("规则: []\n", "utf-8")
    with pytest.raises(BadPolicy):
        run_file(policy)


@pytest.mark.parametrize("path", policy_files(shipped_folder()), ids=lambda path: path.stem)
def test_shipped_policies_pass_thorough_cases(path: Path) -> None:
    found = run_file(path)
    assert found.failures == ()
    assert found.unfired == ()
    assert found.unnoticed == ()
