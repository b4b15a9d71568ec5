from __future__ import annotations

import pytest

from classifiers.measure import Rate, auc_facts
from classifiers.table import area, cell, gap

SHARE = Rate(8, 10).facts()


@pytest.mark.parametrize(
    ("share", "n", "wanted"),
    [
        (SHARE, None, ".800 (.490–.943)"),
        (SHARE, 10, ".800 (.490–.943)"),
        (SHARE, 20, ".800 (.490–.943) n 10"),
        (Rate(3, 3).facts(), None, "1.00 (.439–1.00)"),
        (None, None, "–"),
        ({}, 4, "–"),
        ({"n": 0}, None, "–"),
    ],
)
def test_a_share_with_its_interval(share, n, wanted) -> None:
    assert cell(share, n) == wanted


def test_an_area_and_a_gap() -> None:
    assert area(auc_facts([1.0], [])) == "–"
    assert area(auc_facts([1.0, 2.0], [0.0])) == "1.00 (1.00–1.00)"
    assert gap({"gap": 0.25, "low": -0.1, "high": 0.5}) == "+0.250 (-0.100 to +0.500)"
