from __future__ import annotations

import json
from pathlib import Path

import pytest

from classifiers.evaluate import (
    at,
    by_dimension,
    calibrated,
    curves,
    gap,
    ordered,
    pairs_ordered,
    remembered,
    shares,
)
from classifiers.judged import ABSENT, with_moved
from classifiers.questions import about
from classifiers.rows import HEADS, Row, clean
from classifiers.settings import Workshop, load
from guardrail.detectors.artifact import Scale

CONFIG = Path(__file__).parents[2] / "classifiers" / "config" / "clinical-small.yaml"
LAW, TCM = "saf.law_regulation", "eth.tcm"


def pair(name: str, head: str, scores: tuple[float, float], **more: str) -> list:
    source, pool = more.get("source", "own/twins"), more.get("pool", "twins")
    bad = Row(f"{name}v", f"{name} 违规", source, pool, "zh", {head: 1}, pair=name)
    good = Row(f"{name}k", f"{name} 合规", source, pool, "zh", clean(), pair=name)
    return [(bad, {head: scores[0]}), (good, {head: scores[1]})]


ORDINARY = [(Row(f"b{n}", f"感冒 {n}", "a/b", "benign", known=clean()), {}) for n in range(4)]
PAIRS = [*pair("p", LAW, (0.9, 0.2)), *pair("q", TCM, (0.3, 0.6)),
         *pair("r", "injection", (0.9, 0.1), pool="injection")]  # fmt: skip


def test_a_pair_is_ordered_where_its_violation_scores_above_its_twin(judge) -> None:
    judged = judge(PAIRS)
    assert (ordered(judged).hits, ordered(judged).n) == (2, 3)
    found = pairs_ordered(judged, about(judged.rows))
    assert (found["own pairs (zh)"]["hits"], found["own pairs (zh)"]["n"]) == (1, 2)
    assert found["injection"]["hits"] == 1


def test_pairs_of_a_head_that_is_not_there_are_not_counted(judge) -> None:
    judged = judge(PAIRS, injection=ABSENT)
    assert ordered(judged).n == 2
    assert "injection" not in pairs_ordered(judged, about(judged.rows))


def test_each_dimension_is_judged_on_the_pairs_about_it(judge) -> None:
    judged = judge(PAIRS)
    found = by_dimension(judged, about(judged.rows))
    assert found.keys() == {LAW, TCM}
    assert found[LAW]["handover"]["own"]["hits"] == 1
    assert found[LAW]["block"]["own"]["hits"] == 1
    assert found[TCM]["handover"]["compliant"]["hits"] == 1
    assert found[TCM]["ordered"]["hits"] == 0


def test_shares_tell_question_and_count_and_leave_out_what_has_no_meaning(judge) -> None:
    judged = judge([*PAIRS, *ORDINARY])
    found = shares(with_moved(judged, judged.picked(lambda row: row.pool == "benign")))
    own = found["twins: own pairs (zh), violations, by own"]
    assert own["at"]["handover"]["hits"] == 1
    assert (own["section"], own["lower"], own["at"].keys()) == (
        "twins", False, {"handover", "block", "moved"},
    )  # fmt: skip
    assert "moved" not in found["false alarms: compliant halves of pairs, by any"]["at"]
    assert (
        at(judged, "handover")["twins: own pairs (zh), violations, by own"] == own["at"]["handover"]
    )
    lacking = judge([*PAIRS, *ORDINARY], injection=ABSENT)
    assert not [key for key in at(lacking, "block") if key.endswith("by injection")]


def test_curves_are_drawn_against_ordinary_texts(judge) -> None:
    found = curves(judge([*PAIRS, *ORDINARY]))
    assert found.keys() == {"pairs, unseen situations"}
    assert found["pairs, unseen situations"][-1] == [0.2, 1.0]


def test_the_gap_is_what_the_corpus_gains_over_unseen_sources(judge) -> None:
    unseen = (Row("u", "未见", "IS2Lab/S-Eval", "violations_eval", known={LAW: 1}), {})
    judged = judge([*PAIRS, unseen])
    found = gap(judged, about(judged.rows))
    assert found["zh, handover"]["gap"] == pytest.approx(0.5)
    assert found["en, handover"] is None


def test_what_was_trained_on_is_told_from_what_was_not_by_its_loss(judge) -> None:
    trained = pair("m", LAW, (0.99, 0.01), pool="members") * 5
    found = remembered(judge([*trained, *pair("p", LAW, (0.4, 0.3)) * 5]))
    assert found["loss"]["auc"] > 0.7
    assert found["found"]["trained"]["hits"] == 5
    assert found["found"]["unseen"]["hits"] == 0
    same = remembered(judge([*trained, *pair("p", LAW, (0.99, 0.01)) * 5]))
    assert same["loss"]["auc"] == pytest.approx(0.5)


def test_an_exported_file_is_judged_with_the_calibration_fitted_to_it(tmp_path: Path) -> None:
    shop = Workshop(load(CONFIG), tmp_path, tmp_path)
    shop.path("export", "model.onnx").write_bytes(b"weights")
    marks = {point: dict.fromkeys(HEADS, 0.5) for point in ("handover", "block")}
    told = {
        "model": "x",
        "calibration": {head: {"slope": 2.0, "shift": -1.0} for head in HEADS},
        "thresholds": marks,
        "low": dict.fromkeys(HEADS, 0.25),
    }
    shop.path("calibrate", "calibration.json").write_text(json.dumps(told))
    found = calibrated(shop)
    assert found.scales == (Scale(2.0, -1.0),) * len(HEADS)
    assert found.thresholds == marks
    assert found.labels == HEADS
