"""Carry the artifact's operating points into the shipped policies, and into the cases beside them.

    python -m classifiers.marks [--artifact guardrail/models/clinical-small] [--policies policies]

In `dimension-*.yaml` a question is refused at the `block` mark and an answer handed to a person at
the `handover` mark. Elsewhere a line says which mark its last number is: `at_least: 0.9 # mark:
injection block`, in a case also `# mark: injection block - 0.005`, just below. Only such numbers
change; read the difference before it is committed.
"""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Mapping
from pathlib import Path

from guardrail.detectors import artifact

POINT = {"input": "block", "output": "handover"}
BELOW = 0.005  # how far under a mark the cases of "just below" stand

_RULE = re.compile(r"  - id: \S+\.(input|output)$")
_WHEN = re.compile(r"(    when: (\S+) >= )[0-9.]+$")
_CASE = re.compile(r"  - name: ")
_SIDE = re.compile(r"    scope: \{side: (input|output)")
_SCORE = re.compile(r"((?:eth|saf)\.\w+): (0\.\d+)")
_JUST_BELOW = re.compile(r"just below")
_MARKED = re.compile(r"(?m)([0-9.]+)(\D*# mark: (\w+) (block|handover)(?: - ([0-9.]+))?)$")

Marks = Mapping[str, Mapping[str, float]]


def mark(marks: Marks, side: str, key: str) -> float:
    """The mark of a dimension on a side."""
    return _rounded(marks[POINT[side]][key])


def _rounded(value: float) -> float:
    """Up to three places: never more alarms than were measured."""
    return math.ceil(value * 1000) / 1000


def policy(text: str, marks: Marks) -> str:
    """The policy file with the marks in its rules."""
    side, out = "", []
    for line in text.splitlines():
        found = _RULE.match(line)
        side = found[1] if found else side
        when = _WHEN.match(line)
        out.append(f"{when[1]}{mark(marks, side, when[2])}" if when else line)
    return "\n".join(out) + "\n"


def cases(text: str, marks: Marks) -> str:
    """The cases with scores at, or just below, the marks of their side."""
    head, *found = re.split(r"(?m)^(?=  - name: )", text)
    return head + "".join(_case(case, marks) for case in found)


def marked(text: str, marks: Marks) -> str:
    """A policy or its cases with the numbers of all lines that name their mark."""

    def number(match: re.Match[str]) -> str:
        value = _rounded(marks[match[4]][match[3]]) - float(match[5] or 0)
        return f"{round(value, 3)}{match[2]}"

    return _MARKED.sub(number, text)


def write(name: str, text: str, marks: Marks) -> str:
    """A file of the policies' folder as the artifact would have it."""
    if not name.startswith("dimension-"):
        return marked(text, marks)
    return (cases if name.endswith(".cases.yaml") else policy)(text, marks)


def _case(case: str, marks: Marks) -> str:
    given = _SIDE.search(case)
    side = given[1] if given else "input"
    under = BELOW if _JUST_BELOW.search(case) else 0.0

    def score(match: re.Match[str]) -> str:
        if match[2] == "0.0":
            return match[0]
        return f"{match[1]}: {round(mark(marks, side, match[1]) - under, 3)}"

    return _SCORE.sub(score, case)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--artifact", type=Path, default=artifact.shipped())
    parser.add_argument("--policies", type=Path, default=Path("policies"))
    options = parser.parse_args()
    marks = artifact.load(options.artifact).thresholds
    for path in sorted(options.policies.glob("*.yaml")):
        text = path.read_text("utf-8")
        if (changed := write(path.name, text, marks)) != text:
            path.write_text(changed, "utf-8")
            print(path)


if __name__ == "__main__":
    main()
