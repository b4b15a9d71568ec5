from __future__ import annotations

from classifiers.baseline import NEVER, trained
from classifiers.rows import HEADS, Row, clean

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
