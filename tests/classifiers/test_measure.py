from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from classifiers.measure import (
    Rate,
    auc,
    expected_calibration_error,
    flagged,
    joint_thresholds,
    rate,
)

SCORES = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=30)


def test_wilson_interval_of_known_counts() -> None:
    low, high = Rate(8, 10).interval
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert Rate(0, 0).interval == (0.0, 1.0)
    assert math.isnan(Rate(0, 0).value)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_rate(counts: tuple[int, int]) -> None:
    found = Rate(*counts)
    low, high = found.interval
    assert 0 <= low <= found.value + 1e-12
    assert found.value <= high + 1e-12 <= 1 + 1e-9


def test_rate_counts() -> None:
    assert rate([True, False, True]).facts()["hits"] == 2


@given(SCORES, SCORES)
def test_auc_is_the_one_of_the_textbook(positive: list[float], negative: list[float]) -> None:
    truth = [1] * len(positive) + [0] * len(negative)
    assert auc(positive, negative) == pytest.approx(roc_auc_score(truth, positive + negative))


def test_auc_of_nothing_is_unknown() -> None:
    assert math.isnan(auc([], [1.0]))


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.003, 0.01, 0.1, 0.5]))
def test_all_heads_together_keep_the_budget(seed: int, budget: float) -> None:
    benign = np.random.default_rng(seed).random((200, 5)) ** 2
    found = joint_thresholds(benign, budget, 0.0)
    assert flagged(benign, found).mean() <= budget


def test_a_larger_budget_lowers_thresholds_but_never_under_the_floor() -> None:
    benign = np.random.default_rng(7).random((400, 3))
    tight, loose = (joint_thresholds(benign, budget, 0.0) for budget in (0.01, 0.08))
    assert (loose < tight).all()
    assert joint_thresholds(benign * 0.01, 0.5, 0.1).tolist() == [0.1, 0.1, 0.1]


def test_one_outlier_is_not_the_threshold_of_its_head() -> None:
    benign = np.random.default_rng(8).random((1000, 4)) * 0.5
    benign[17, 2] = 0.999
    assert joint_thresholds(benign, 0.01, 0.0)[2] < 0.9


def test_calibration_error() -> None:
    probability = np.array([0.25, 0.25, 0.25, 0.25, 0.95, 0.95])
    truth = np.array([1.0, 0, 0, 0, 1, 0])
    weight = np.ones(6)
    assert expected_calibration_error(probability, truth, weight) == pytest.approx(0.45 * 2 / 6)
