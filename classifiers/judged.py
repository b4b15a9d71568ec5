"""Judged: rows with what a scorer says of them, and the marks at which it would act.

Columns are always those of `HEADS`. A head that a scorer does not have scores 0 and has a mark above
1: it never flags, and `has` tells that it is not there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from classifiers.measure import Rate, Scores, exact_mark, odds, rate
from classifiers.rows import DIMENSIONS, HEADS, Row
from guardrail.detectors.artifact import Artifact

ABSENT = 2.0  # a mark that no probability reaches
MOVED = "moved"
BUDGET = 0.01
Keep = Callable[[Row], bool]


@dataclass(frozen=True, slots=True)
class Judged:
    """Rows with probabilities [rows, heads], and thresholds per operating point."""

    rows: tuple[Row, ...]
    probability: Scores
    points: dict[str, Scores]

    def picked(self, keep: Keep) -> Judged:
        mask = np.array([keep(row) for row in self.rows], dtype=bool)
        kept = tuple(row for row, flag in zip(self.rows, mask, strict=True) if flag)
        return Judged(kept, self.probability[mask], self.points)

    def has(self, head: str) -> bool:
        """Does the scorer know this head?"""
        return all(bool(marks[HEADS.index(head)] <= 1) for marks in self.points.values())

    def flags(self, by: str, point: str) -> NDArray[np.bool_]:
        """Which rows are flagged `by` any head, any of the dimensions, one of their own heads, or
        the head of that name."""
        over = self.probability >= self.points[point][None]
        return np.asarray((over & self._asked(by)).any(axis=1), dtype=bool)

    def found(self, by: str, point: str) -> Rate:
        return rate(self.flags(by, point))

    def alarms(self, point: str) -> Rate:
        """Texts that any head flags."""
        return self.found("any", point)

    def hits(self, point: str) -> Rate:
        """Texts that one of their own heads flags."""
        return self.found("own", point)

    def column(self, head: str) -> Scores:
        return np.asarray(self.probability[:, HEADS.index(head)])

    def margin(self, heads: Sequence[str]) -> Scores:
        """How far the strongest of these heads stands over its handover mark, in log-odds."""
        places = [HEADS.index(head) for head in heads]
        marks = odds(self.points["handover"])[places]
        return np.asarray((odds(self.probability[:, places]) - marks).max(axis=1, initial=-np.inf))

    def _asked(self, by: str) -> NDArray[np.bool_]:
        if by == "own":
            own = [[row.known.get(head) == 1 for head in HEADS] for row in self.rows]
            return np.array(own, dtype=bool).reshape(self.probability.shape)
        wanted = {"any": HEADS, "dimensions": DIMENSIONS}.get(by, (by,))
        return np.array([[head in wanted for head in HEADS]])


def with_moved(judged: Judged, ordinary: Judged) -> Judged:
    """The same with a third point, `moved`: marks set on `ordinary` texts themselves, so that the 20
    dimensions together flag 1 % of them, keeping their proportions, and each other head 1 %."""
    marks = judged.points["handover"]
    shift = exact_mark(ordinary.margin(DIMENSIONS), BUDGET)
    moved = 1 / (1 + np.exp(-(odds(marks) + shift)))
    for place, head in enumerate(HEADS):
        if head not in DIMENSIONS:
            moved[place] = 1 / (1 + np.exp(-exact_mark(odds(ordinary.column(head)), BUDGET)))
    moved[marks > 1] = ABSENT
    return replace(judged, points=judged.points | {MOVED: moved})


def by_artifact(artifact: Artifact, rows: Sequence[Row], logits: Scores) -> Judged:
    """What an artifact says with its own calibration, at its own marks. `logits`: [rows, HEADS]."""
    probability = np.zeros((len(rows), len(HEADS)))
    for label, scale in zip(artifact.labels, artifact.scales, strict=True):
        if label in HEADS:
            place = HEADS.index(label)
            value = np.clip(scale.slope * logits[:, place] + scale.shift, -700, 700)
            probability[:, place] = 1 / (1 + np.exp(-value))
    return Judged(tuple(rows), probability, points(artifact.thresholds))


def points(tables: Mapping[str, Mapping[str, float]]) -> dict[str, Scores]:
    """Marks in the order of `HEADS`."""
    return {
        name: np.array([table.get(head, ABSENT) for head in HEADS])
        for name, table in tables.items()
    }
