from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classifiers.card import card
from classifiers.evaluate import figures, remembered
from classifiers.judged import with_moved
from classifiers.rows import HEADS, INTENTS, Row, clean
from classifiers.settings import Workshop, load
from classifiers.target import targets

CONFIG = Path(__file__).parents[2] / "classifiers" / "config" / "clinical-small.yaml"
FACTS = dict.fromkeys(
    ("base", "base_licence", "licence", "data_version", "code_version", "config_version",
     "precision", "training_rows"), "told",
)  # fmt: skip
MARKS = {point: dict.fromkeys(HEADS, 0.5) for point in ("handover", "block")}


@pytest.fixture
def measures(judge, tmp_path: Path) -> dict[str, Any]:
    rows = [(Row(f"b{n}", f"感冒 {n}", "a/b", "benign", known=clean()), {}) for n in range(4)]
    for pool in ("twins", "members"):
        for head in HEADS:
            bad = Row(f"{pool}{head}v", head, "own/twins", pool, known={head: 1}, pair=pool + head)
            good = Row(f"{pool}{head}k", head, "own/twins", pool, known=clean(), pair=pool + head)
            rows += [(bad, {head: 0.9}), (good, {})]
    for risk in (1, 0):
        known = {"self_harm": risk}
        rows.append((Row(f"s{risk}", "x", "a/c", "suicide_risk", known=known), {"self_harm": risk}))
    rows.append((Row("u", "x", "IS2Lab/S-Eval", "violations_eval", known={"eth.tcm": 1}), {}))
    judged = judge(rows)
    judged = with_moved(judged, judged.picked(lambda row: row.pool == "benign"))
    told = figures(Workshop(load(CONFIG), tmp_path, tmp_path), judged)
    return {
        "heads": list(HEADS), "model": told, "baseline": told,
        "remembered": remembered(judged), "latency_ms": {"64": 5.0, "256": 40.0},
    }  # fmt: skip


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_card_has_every_field_filled_and_every_head_told(measures, lang: str) -> None:
    told = card(lang, FACTS, measures, MARKS)
    assert "{" not in told
    assert "nan" not in told
    for head in HEADS:
        assert f"| {head} " in told
    for intent in INTENTS:
        assert f"`{intent}`" in told


def test_what_was_missed_stands_before_what_was_met(measures) -> None:
    told = card("en", FACTS, measures, MARKS)
    assert told.rindex("**missed** |") < told.index("| met |")
    chinese = card("zh", FACTS, measures, MARKS)
    assert chinese.rindex("| 未达到 |") < chinese.index("| 达到 |")


def test_targets_are_met_or_missed_by_what_was_measured(measures) -> None:
    found = {each.wanted: each for each in targets(measures)}
    cold = found["found at 1 % here: S-Eval medical requests (zh) ≥ 0.75"]
    assert not cold.met
    assert cold.measured == ".000 (.000–.793)"
    assert found["strongest dimension is a marked one (pairs, unseen situations) ≥ 0.75"].met
    assert found["self-harm F1 ≥ 0.89 on SOS-1K, high against low, 1 % mark"].met
    assert not found["256 tokens in one window ≤ 35 ms, one core"].met
    assert "found at 1 % here: MedEthicAlign scenarios (zh) ≥ 0.75" not in found
    assert found["flagged by any head, 1 % mark: compliant halves of pairs ≤ 5 %"].met
