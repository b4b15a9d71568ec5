"""The figures: rates with their interval, ranking, thresholds for a bounded share of false alarms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rate:
    """`hits` of `n`, with the Wilson 95 % interval."""

    hits: int
    n: int

    @property
    def value(self) -> float:
        return self.hits / self.n if self.n else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        if not self.n:
            return (0.0, 1.0)
        z, n, p = 1.959964, self.n, self.value
        middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        whole = 1 + z * z / n
        return (max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole))

    def facts(self) -> dict[str, object]:
        low, high = self.interval
        return {"hits": self.hits, "n": self.n, "rate": round(self.value, 4),
                "low": round(low, 4), "high": round(high, 4)}  # fmt: skip


def rate(flags: Sequence[bool] | NDArray[np.bool_]) -> Rate:
    return Rate(int(sum(map(bool, flags))), len(flags))


def auc(positive: Sequence[float] | Scores, negative: Sequence[float] | Scores) -> float:
    """Chance that a positive scores above a negative (ties count half); nan where a side is
    empty."""
    if not len(positive) or not len(negative):
        return float("nan")
    order = np.sort(np.asarray(negative))
    left = np.searchsorted(order, positive, "left")
    right = np.searchsorted(order, positive, "right")
    return float((left + right).mean() / 2 / len(order))


def flagged(scores: Scores, thresholds: Scores) -> NDArray[np.bool_]:
    """Which rows of `scores` [texts, heads] have any head at or above its threshold."""
    found: NDArray[np.bool_] = (scores >= thresholds[None]).any(axis=1)
    return found


def joint_thresholds(benign: Scores, budget: float, floor: float) -> Scores:
    """Per head the score that the same small number of benign texts exceed, that number being the
    largest for which all heads together flag at most `budget` of the texts. Never under `floor`."""
    order = -np.sort(-benign, axis=0)
    best = _above(order[0], floor)
    for allowed in range(1, len(benign)):
        tried = _above(order[allowed], floor)
        if flagged(benign, tried).mean() > budget:
            break
        best = tried
    return best


def _above(score: Scores, floor: float) -> Scores:
    return np.maximum(np.nextafter(score, 2.0), floor)


def expected_calibration_error(
    probability: Scores, truth: Scores, weight: Scores, bins: int = 10
) -> float:
    """Weighted mean distance of promised and observed share, over equal-width bins."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    total = 0.0
    for number in range(bins):
        inside = place == number
        if mass := float(weight[inside].sum()):
            promised = float((probability[inside] * weight[inside]).sum()) / mass
            observed = float((truth[inside] * weight[inside]).sum()) / mass
            total += mass * abs(promised - observed)
    return total / float(weight.sum())
