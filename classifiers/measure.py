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
Z = 1.959964  # two-sided 95 %
STEP = 1e-6  # in log-odds: just above


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
        z, n, p = Z, self.n, self.value
        middle, spread = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        whole = 1 + z * z / n
        return (max(0.0, (middle - spread) / whole), min(1.0, (middle + spread) / whole))

    def facts(self) -> dict[str, object]:
        low, high = self.interval
        return {"hits": self.hits, "n": self.n, "rate": round(self.value, 4),
                "low": round(low, 4), "high": round(high, 4)}  # fmt: skip


def rate(flags: Sequence[bool] | NDArray[np.bool_]) -> Rate:
    return Rate(int(sum(map(bool, flags))), len(flags))


def difference(first: Rate, second: Rate) -> dict[str, float]:
    """`first` minus `second`, with Newcombe's 95 % interval from the two Wilson intervals."""
    gap = first.value - second.value
    (low1, high1), (low2, high2) = first.interval, second.interval
    down = math.hypot(first.value - low1, high2 - second.value)
    up = math.hypot(high1 - first.value, second.value - low2)
    return {"gap": round(gap, 4), "low": round(gap - down, 4), "high": round(gap + up, 4)}


def auc(positive: Sequence[float] | Scores, negative: Sequence[float] | Scores) -> float:
    """Chance that a positive scores above a negative (ties count half); nan where a side is
    empty."""
    if not len(positive) or not len(negative):
        return float("nan")
    order = np.sort(np.asarray(negative))
    left = np.searchsorted(order, positive, "left")
    right = np.searchsorted(order, positive, "right")
    return float((left + right).mean() / 2 / len(order))


def auc_facts(
    positive: Sequence[float] | Scores, negative: Sequence[float] | Scores
) -> dict[str, object]:
    """AUC with the counts and the 95 % interval of Hanley and McNeil."""
    area, n, m = auc(positive, negative), len(positive), len(negative)
    if math.isnan(area):
        return {"auc": None, "positive": n, "negative": m}
    one, two = area / (2 - area), 2 * area * area / (1 + area)
    spread = area * (1 - area) + (n - 1) * (one - area * area) + (m - 1) * (two - area * area)
    half = Z * math.sqrt(max(0.0, spread) / (n * m))
    low, high = max(0.0, area - half), min(1.0, area + half)
    return {"auc": round(area, 4), "positive": n, "negative": m,
            "low": round(low, 4), "high": round(high, 4)}  # fmt: skip


def odds(probability: Scores) -> Scores:
    """Log-odds, of probabilities kept off 0 and 1."""
    held = np.clip(probability, TINY, 1 - TINY)
    return np.asarray(np.log(held / (1 - held)))


def exact_mark(benign: Scores, budget: float) -> float:
    """The lowest mark (in log-odds) that at most `budget` of these values reach."""
    falling = np.sort(benign)[::-1]
    return float(falling[int(budget * len(falling))]) + STEP


def f1(truth: NDArray[np.bool_], flags: NDArray[np.bool_]) -> float:
    """0 where nothing is true and nothing is flagged."""
    both = int((truth & flags).sum())
    total = int(truth.sum() + flags.sum())
    return 2 * both / total if total else 0.0


def best_f1(truth: NDArray[np.bool_], scores: Scores) -> float:
    """The F1 of the best of all thresholds: what the order could give, not what a user gets."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(truth[order])
    ends = np.append(np.diff(scores[order]), 1.0) != 0  # a threshold cannot part equal scores
    found = 2 * hits / (np.arange(len(order)) + 1 + truth.sum())
    return float(found[ends].max()) if len(order) else 0.0


def curve(positive: Scores, negative: Scores, shares: Sequence[float]) -> list[list[float]]:
    """[false alarms, recall] at the marks that these shares of `negative` reach."""
    if not len(positive) or not len(negative):
        return []
    return [
        [share, round(float((positive >= exact_mark(negative, share)).mean()), 4)]
        for share in shares
    ]


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
    told = odds(benign)
    start = np.quantile(told, 1 - TAIL_SHARE, axis=0)
    above = np.maximum(told - start, 0.0)
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


def reliability(
    probability: Scores, truth: Scores, weight: Scores, bins: int = 10
) -> list[tuple[float, float, float]]:
    """(promised share, observed share, weight) of each bin of equal width that holds anything."""
    place = np.minimum((probability * bins).astype(int), bins - 1)
    found = []
    for number in range(bins):
        inside = place == number
        if mass := float(weight[inside].sum()):
            promised = float((probability[inside] * weight[inside]).sum()) / mass
            observed = float((truth[inside] * weight[inside]).sum()) / mass
            found.append((promised, observed, mass))
    return found


def expected_calibration_error(
    probability: Scores, truth: Scores, weight: Scores, bins: int = 10
) -> float:
    """Weighted mean distance of promised and observed share, over the bins of `reliability`."""
    found = reliability(probability, truth, weight, bins)
    distance = sum(mass * abs(promised - observed) for promised, observed, mass in found)
    return distance / float(weight.sum())
