from __future__ import annotations

from collections.abc import Callable

import pytest

from guardrail.domain.errors import BadConfig
from guardrail.policy.check import Complaint
from guardrail.policy.source import BadPolicy, parse

Write = Callable[..., str]


def complaints(text: str) -> list[tuple[str, str, str]]:
    with pytest.raises(BadPolicy) as caught:
        parse(text, "药房.yaml")
    return [(each.where, each.message, each.remedy) for each in caught.value.complaints]


def test_a_file_that_is_fine(policy_text: Write) -> None:
    text = policy_text("rules: [{id: a, severity: low, find: [phi.ip], action: block}]\n")
    source = parse(text, "药房.yaml")
    assert source.entry.rules[0].find == ("phi.ip",)
    error = source.complaint(Complaint(("rules", 0, "find"), "why", "what to do"))
    assert (error.where, error.message) == ("药房.yaml:5:32", "药房.yaml:5:32: why")


def test_broken_yaml_has_a_place(policy_text: Write) -> None:
    ((where, _, _),) = complaints(policy_text("rules: [\n"))
    assert where.startswith("药房.yaml:")


@pytest.mark.parametrize(
    ("tail", "where", "message", "remedy"),
    [
        ("rulez: []\n", "5:1", "unknown key 'rulez'", "Did you mean 'rules'?"),
        ("高级: 1\n", "5:1", "unknown key '高级'", ""),
        ("mode: loud\n", "5:1", "'mode': Input should be", ""),
        (
            "rules:\n  - {id: a, severity: low, find: [phi.ip], action: block, on_gab: allow}\n",
            "6:59",
            "unknown key 'on_gab'",
            "Did you mean 'on_gap'?",
        ),
        (
            "rules:\n  - {id: a, severity: low, find: [phi.ip]}\n",
            "6:5",
            "'action' is missing",
            "Add 'action'.",
        ),
        ("profile: {scene: C, hold: {mode: all}}\n", "5:28", "'mode': Input should be", ""),
    ],
)
def test_shape_complaints_have_place_and_remedy(
    policy_text: Write, tail: str, where: str, message: str, remedy: str
) -> None:
    ((at, said, help_),) = complaints(policy_text(tail))
    assert at == f"药房.yaml:{where}"
    assert message in said
    assert help_ == remedy


def test_a_file_that_is_not_a_mapping() -> None:
    ((where, message, _),) = complaints("- 规则\n")
    assert where == "药房.yaml:1:1"
    assert "药房.yaml" in message


def test_all_complaints_are_collected(policy_text: Write) -> None:
    tail = "mode: shadow\nrules: [{id: a, severity: low, action: redact}]\n"
    with pytest.raises(BadConfig) as caught:
        parse(policy_text(tail), "a.yaml")
    error = caught.value
    assert isinstance(error, BadPolicy)
    assert error.where == "a.yaml:5:1"
    assert len(error.complaints) == 3
    assert str(error).count("a.yaml:") == 3
