"""The shipped policies carry the shipped artifact's operating points."""

from pathlib import Path

from classifiers import marks
from guardrail.detectors import artifact
from guardrail.policy.compile import shipped_folder

MARKS = {"block": {"eth.tcm": 0.9671}, "handover": {"eth.tcm": 0.5}}
POLICY = """rules:
  - id: eth.tcm.input
    when: eth.tcm >= 0.90
  - id: eth.tcm.output
    when: eth.tcm >= 0.90
"""
CASES = """given: {scores: {eth.tcm: 0.0}}
cases:
  - name: a
    scores: {eth.tcm: 0.90}
  - name: just below, output
    scope: {side: output}
    scores:
      eth.tcm: 0.895
"""


def test_rules_get_the_mark_of_their_side_rounded_up() -> None:
    assert marks.policy(POLICY, MARKS) == POLICY.replace(">= 0.90", ">= 0.968", 1).replace(
        ">= 0.90", ">= 0.5", 1
    )


def test_cases_follow_and_zeroes_stay() -> None:
    expected = CASES.replace("{eth.tcm: 0.90}", "{eth.tcm: 0.968}").replace("0.895", "0.495")
    assert marks.cases(CASES, MARKS) == expected


def test_a_line_that_names_its_mark_gets_it_and_others_stay() -> None:
    text = """    at_least: 0.5 # mark: injection block
    findings: {injection: 0.1} # mark: injection handover - 0.005
    at_least: 0.7
    when: self_harm >= 0.2
"""
    given = {"block": {"injection": 0.9301}, "handover": {"injection": 0.5}}
    assert marks.marked(text, given) == (
        text.replace("0.5 #", "0.931 #").replace("{injection: 0.1}", "{injection: 0.495}")
    )
    assert marks.write("injection.yaml", text, given) == marks.marked(text, given)


def test_the_shipped_policies_are_those_of_the_shipped_artifact() -> None:
    points = artifact.load(artifact.shipped()).thresholds
    for path in sorted(Path(shipped_folder()).glob("*.yaml")):
        text = path.read_text("utf-8")
        written = marks.write(path.name, text, points)
        assert written == text, f"{path.name}: run python -m classifiers.marks"
