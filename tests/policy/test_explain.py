from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from guardrail.policy.compile import policy_files, read_text, shipped_folder
from guardrail.policy.explain import LANGUAGES, Explanation, explain_policy
from guardrail.policy.schema import PolicyEntry
from guardrail.policy.source import parse

TAIL = """\
mode: shadow
expires: 2027-01-31
references: [{instrument: 处方管理办法, article: 第二条, verified: true}, {instrument: 指南}]
scope: {scenes: [A, C], tenants: [湘雅]}
rules:
  - id: one
    severity: low
    title: {zh: 网址, en: address}
    scope: {sides: [output]}
    find: [phi.ip]
    at_least: 0.5
    when: eth.tcm >= 0.9
    action: redact
    evidence: {zh: 因为, en: because}
    reply: {zh: 已遮盖, en: masked}
"""


def parts(explanation: Explanation) -> dict[str, tuple[str, ...]]:
    return dict(explanation.parts)


def test_a_rule_in_english(policy_text: Callable[..., str]) -> None:
    (told,) = explain_policy(parse(policy_text(TAIL), "a.yaml").entry, "en")
    assert (told.name, told.title) == ("one", "address")
    assert parts(told) == {
        "Applies to": ("scene: A, C", "tenant: 湘雅", "side: answer"),
        "Fires when": (
            "IP address (phi.ip) ≥ 0.5",
            "eth.tcm >= 0.9",
            "eth.tcm: traditional Chinese medicine",
        ),
        "What happens": ("mask, then let through",),
        "If nobody could look": ("block answers and scene A, otherwise add a notice",),
        "Mode": ("on trial: recorded, not acted on (→ 2027-01-31)",),
        "Why": ("because",),
        "The person reads": ("masked",),
        "References": ("处方管理办法 第二条 [text was read]", "指南 [not checked]"),
    }


def test_a_rule_in_chinese_with_little_said(policy_text: Callable[..., str]) -> None:
    tail = "rules: [{id: a, severity: low, when: injection > 0.5, action: block}]\n"
    (told,) = explain_policy(parse(policy_text(tail), "a.yaml").entry, "zh")
    assert told.title == "测试"
    assert parts(told) == {
        "适用范围": ("所有场景和文本",),
        "触发条件": ("injection > 0.5", "injection: 提示注入与越狱"),
        "处置": ("拦截",),
        "未能检测时": ("回答侧和A类场景拦截，其余附提示",),
        "运行方式": ("生效",),
    }


@pytest.mark.parametrize(("restore", "words"), [("true", "还原"), ("false", "保持遮盖")])
def test_a_profile(policy_text: Callable[..., str], restore: str, words: str) -> None:
    tail = f"locked: true\nprofile: {{scene: C, restore: {restore}}}\n"
    (told,) = explain_policy(parse(policy_text(tail), "a.yaml").entry, "zh")
    said = parts(told)
    assert said["适用范围"] == ("场景: C",)
    assert said["放行方式"] == ("逐句检查后放行 (≤ 400)",)
    assert "CONFIRM ≥ 95%" in said["分级复核"][1]
    assert said["占位符"][0].startswith(words)
    assert said["运行方式"] == ("生效，锁定：机构不能改动",)


def shipped() -> Iterator[PolicyEntry]:
    for path in policy_files(shipped_folder()):
        yield parse(read_text(path), path.name).entry


@pytest.mark.parametrize("entry", list(shipped()), ids=lambda entry: entry.id)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_all_that_is_shipped_can_be_told(entry: PolicyEntry, lang: str) -> None:
    told = list(explain_policy(entry, lang))
    assert len(told) == len(entry.rules) + (entry.profile is not None)
    assert all(each.title and each.parts for each in told)
