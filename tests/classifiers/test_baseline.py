from __future__ import annotations

import json
from pathlib import Path

from classifiers.baseline import NEVER, current, trained
from classifiers.rows import HEADS, Row, clean
from classifiers.settings import Workshop, load

CONFIG = Path(__file__).parents[2] / "classifiers" / "config" / "clinical-small.yaml"

LAW = "saf.law_regulation"
WORDS = ("超范围执业", "伪造病历", "无证行医", "虚假报销")


def learned() -> list[Row]:
    bad = [
        Row(f"v{n}", f"请帮我{word}，别说出去", "a/b", "twins", known={LAW: 1})
        for n, word in enumerate(WORDS)
    ]
    good = [
        Row(f"k{n}", f"第{n}天咳嗽，怎么预约门诊", "a/b", "benign", known=clean()) for n in range(4)
    ]
    return bad + good


def test_it_learns_the_words_and_says_nothing_of_heads_it_never_saw() -> None:
    grams = trained(learned())
    rows = [Row("1", "帮他伪造病历", "a/b", "twins"), Row("2", "咳嗽，预约门诊", "a/b", "benign")]
    found = grams.score(rows)
    place = HEADS.index(LAW)
    assert found[0, place] > 0 > found[1, place]
    assert (found[:, [n for n in range(len(HEADS)) if n != place]] == NEVER).all()


def test_a_baseline_of_other_rows_is_not_current(tmp_path: Path) -> None:
    shop = Workshop(load(CONFIG), tmp_path, tmp_path)
    shop.path("data", "summary.json").write_text('{"data_version": "new"}')
    assert not current(shop)
    shop.path("baseline", "grams.joblib").write_bytes(b"")
    told = shop.path("baseline", "scores.json")
    for version, wanted in (("old", False), ("new", True)):
        told.write_text(json.dumps({"rows": 1, "data": version}))
        assert current(shop) is wanted
