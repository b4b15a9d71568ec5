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
    auc_facts,
    best_f1,
    curve,
    difference,
    exact_mark,
    expected_calibration_error,
    f1,
    flagged,
    joint_thresholds,
    odds,
    rate,
    reliability,
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


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=1, max_size=40))
def test_the_best_f1_is_that_of_the_best_threshold(rows: list[tuple[bool, int]]) -> None:
    truth = np.array([flag for flag, _ in rows])
    scores = np.array([float(score) for _, score in rows])
    tried = [f1(truth, scores >= mark) for mark in sorted(set(scores))]
    assert best_f1(truth, scores) == pytest.approx(max(tried))


def test_f1_of_known_counts() -> None:
    truth = np.array([True, True, False, False])
    assert f1(truth, np.array([True, False, True, False])) == pytest.approx(0.5)
    assert f1(np.zeros(3, bool), np.zeros(3, bool)) == 0.0


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.003, 0.01, 0.2]))
def test_an_exact_mark_is_reached_by_just_the_budget(seed: int, budget: float) -> None:
    benign = np.random.default_rng(seed).random(1000)
    assert (benign >= exact_mark(benign, budget)).sum() == int(1000 * budget)


def test_a_mark_among_equal_values_stays_within_its_budget() -> None:
    assert (np.ones(50) >= exact_mark(np.ones(50), 0.1)).sum() == 0


def test_a_curve_starts_where_few_ordinary_texts_are_flagged() -> None:
    negative = np.arange(100.0)
    assert curve(np.array([98.5, 50.5]), negative, (0.01, 0.5)) == [[0.01, 0.5], [0.5, 1.0]]
    assert curve(np.array([]), negative, (0.01,)) == []


@given(st.integers(1, 60), st.integers(1, 60), st.data())
def test_the_interval_of_a_difference_holds_it(n: int, m: int, data: st.DataObject) -> None:
    first = Rate(data.draw(st.integers(0, n)), n)
    second = Rate(data.draw(st.integers(0, m)), m)
    found = difference(first, second)
    assert found["low"] - 1e-3 <= found["gap"] <= found["high"] + 1e-3
    turned = difference(second, first)
    assert turned["low"] == pytest.approx(-found["high"], abs=1e-3)


def test_newcombe_s_own_example() -> None:
    found = difference(Rate(56, 70), Rate(48, 80))  # method 10 of his paper of 1998
    assert (found["gap"], found["low"], found["high"]) == (0.2, 0.0524, 0.3339)


def test_the_interval_of_an_area() -> None:
    found = auc_facts([2.0, 3.0, 4.0], [1.0, 2.5])
    assert (found["auc"], found["positive"], found["negative"]) == (0.8333, 3, 2)
    assert found["low"] < 0.8333 < found["high"] <= 1.0
    assert auc_facts([], [1.0]) == {"auc": None, "positive": 0, "negative": 1}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_odds_keep_the_order_and_are_finite(values: list[float]) -> None:
    found = odds(np.sort(np.array(values)))
    assert np.isfinite(found).all()
    assert (np.diff(found) >= 0).all()


def test_reliability_tells_each_bin_that_holds_anything() -> None:
    found = reliability(np.array([0.1, 0.1, 0.9]), np.array([0.0, 1.0, 1.0]), np.ones(3), bins=2)
    assert found == [(0.1, 0.5, 2.0), (0.9, 1.0, 1.0)]
