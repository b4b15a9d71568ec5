"""Rows and scores made up by hand, small enough to count on one's fingers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from classifiers.judged import Judged
from classifiers.rows import HEADS, Row

Made = Callable[..., Judged]


def made(rows: list[tuple[Row, Mapping[str, float]]], mark: float = 0.5, **absent: float) -> Judged:
    """Rows with the probabilities that differ from 0.01; every head marked at `mark`."""
    probability = np.full((len(rows), len(HEADS)), 0.01)
    for number, (_, scores) in enumerate(rows):
        for head, score in scores.items():
            probability[number, HEADS.index(head)] = score
    marks = np.array([absent.get(head, mark) for head in HEADS])
    points = {"handover": marks, "block": np.minimum(marks + 0.3, 2.0)}
    return Judged(tuple(row for row, _ in rows), probability, points)


@pytest.fixture
def judge() -> Made:
    return made
