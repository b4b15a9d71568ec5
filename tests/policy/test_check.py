from __future__ import annotations

from collections.abc import Callable

import pytest

from guardrail import document
from guardrail.domain.taxonomy import taxonomy
from guardrail.policy.check import complaints, did_you_mean, expand
from guardrail.policy.schema import PolicyEntry

RULE = "rules: [{id: a, severity: low, find: [phi.ip], action: block}]\n"
LOOSE = "profile: {scene: A, hold: {mode: sentence}, tiers: {when: never}}\n"
STRICT = "profile: {scene: A, hold: {mode: full}, tiers: {when: always}}\n"


def found(text: str) -> list[tuple[str, str]]:
    entry = PolicyEntry.model_validate(document.read(text, "a.yaml").data)
    return [(".".join(map(str, c.path)), c.message) for c in complaints(entry, taxonomy())]


@pytest.mark.parametrize(
    "tail",
    [
        RULE,
        STRICT,
        "mode: shadow\nexpires: 2027-01-31\n" + RULE,
        "mode: off\nscope: {scenes: [C, D]}\n" + RULE,
        "scope: {tenants: [湘雅]}\nprofile: {scene: C}\n",
        "mode: off\nprofile: {scene: D}\n",
        "scope: {sides: [input]}\nprofile: {scene: C}\n" + RULE,
    ],
)
def test_what_is_fine(policy_text: Callable[..., str], tail: str) -> None:
    assert found(policy_text(tail)) == []


@pytest.mark.parametrize(
    ("tail", "path", "words"),
    [
        ("", "id", "neither rules nor a profile"),
        ("mode: shadow\n" + RULE, "mode", "needs 'expires'"),
        ("expires: '2027-01-31'\n" + RULE, "expires", "only shadow expires"),
        ("locked: true\nmode: off\nscope: {scenes: [D]}\n" + RULE, "mode", "cannot be 'off'"),
        ("locked: true\nmode: shadow\nexpires: 2027-01-31\n" + RULE, "mode", "locked policy"),
        ("mode: off\n" + RULE, "mode", "scene A cannot be 'off'"),
        ("mode: off\nscope: {scenes: [A, B]}\n" + RULE, "mode", "scene A cannot be 'off'"),
        ("mode: off\n" + STRICT, "mode", "scene A cannot be 'off'"),
        ("mode: shadow\nexpires: 2027-01-31\nprofile: {scene: C}\n", "mode", "profile cannot be"),
        (
            "profile: {scene: C, tiers: {confirm: 0.7, differential: 0.8}}\n",
            "profile.tiers.confirm",
            "is above it",
        ),
        ("scope: {sides: [input]}\nprofile: {scene: C}\n", "scope", "tenants only"),
        ("rules: [{id: a, severity: low, action: block}]\n", "rules.0.id", "neither 'find' nor"),
        (
            "rules: [{id: a, severity: low, when: 'true', action: redact}]\n",
            "rules.0.action",
            "redact needs 'find'",
        ),
        (
            "rules: [{id: a, severity: low, find: [phi.mobil], action: block}]\n",
            "rules.0.find.0",
            "nothing is called 'phi.mobil'",
        ),
        (
            "rules: [{id: a, severity: low, find: [phi.ip], needs: ['手机.*'], action: block}]\n",
            "rules.0.needs.0",
            "nothing is called '手机.*'",
        ),
        (
            "rules:\n- &r {id: a, severity: low, find: [phi.ip], action: block}\n- *r\n",
            "rules.1.id",
            "'a' is used twice",
        ),
    ],
)
def test_what_is_not(policy_text: Callable[..., str], tail: str, path: str, words: str) -> None:
    ((at, message),) = found(policy_text(tail))
    assert at == path
    assert words in message


def test_scene_a_cannot_be_loosened(policy_text: Callable[..., str]) -> None:
    assert [path for path, _ in found(policy_text(LOOSE))] == ["profile.hold", "profile.tiers"]


def test_patterns_and_close_names() -> None:
    known = ("phi.mobile", "phi.ip", "eth.tcm")
    assert expand(("phi.*", "eth.tcm"), known) == set(known)
    assert expand(("phi",), known) == frozenset()
    assert did_you_mean("phi.mobil", known) == "Did you mean 'phi.mobile'?"
    assert did_you_mean("完全不同", known) == ""
