"""The figures: rates with their interval, ranking, thresholds for a bounded share of false alarms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
TAIL_SHARE = 0.03
TINY = 1e-9
BISECTIONS = 50


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
    """Thresholds per head such that all heads together flag at most `budget` of the texts, every
    head being exceeded by the same expected share of them. Never under `floor`.

    A head's share is read off an exponential tail, in log-odds, fitted to its highest scores: with
    few texts in the budget, counts alone would make one outlier the threshold.
    """
    odds = np.log(np.clip(benign, TINY, 1 - TINY) / np.clip(1 - benign, TINY, 1))
    start = np.quantile(odds, 1 - TAIL_SHARE, axis=0)
    above = np.maximum(odds - start, 0.0)
    excess = above.sum(axis=0) / np.maximum((above > 0).sum(axis=0), 1)

    def at(share: float) -> Scores:
        point = start + excess * np.log(TAIL_SHARE / share)
        return np.maximum(1 / (1 + np.exp(-point)), floor)

    strict, loose = math.log(TINY), math.log(TAIL_SHARE)
    best = np.maximum(np.nextafter(benign.max(axis=0), 2.0), floor)
    for _ in range(BISECTIONS):
        middle = (strict + loose) / 2
        tried = at(math.exp(middle))
        if flagged(benign, tried).mean() > budget:
            loose = middle
        else:
            strict, best = middle, tried
    return best


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
