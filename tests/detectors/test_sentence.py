from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.detectors.sentence import MAX_CHARS, sentences
from guardrail.domain.exchange import Span


def pieces(text: str) -> list[str]:
    tiles, _ = sentences(text)
    return [text[tile.start : tile.end] for tile in tiles]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("您好。请休息！好吗？", ["您好。", "请休息！", "好吗？"]),
        ("一、休息\n二、喝水", ["一、休息\n", "二、喝水"]),
        ("甲;乙；丙", ["甲;", "乙；", "丙"]),
        ("Take it. Then stop. ", ["Take it. ", "Then stop. "]),
        ("Dr. Lee said 0.5 mg. Ok", ["Dr. Lee said 0.5 mg. ", "Ok"]),
        ("1. Rest. 2. Drink.", ["1. Rest. ", "2. Drink."]),
        ("！！！好。", ["！！！好。"]),
        ("好。 \t ", ["好。 \t "]),
        (" \n", [" \n"]),
    ],
)
def test_splits_chinese_and_english(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_tells_how_many_are_whole() -> None:
    assert sentences("甲。乙")[1] == 1
    assert sentences("甲。乙。")[1] == 2
    assert sentences("甲。 ")[1] == 1
    assert sentences("")[1] == 0


def test_cuts_what_never_ends() -> None:
    tiles, whole = sentences("阿" * (MAX_CHARS + 5))
    assert tiles[0] == Span(0, MAX_CHARS)
    assert whole == 1
    soft = "阿" * 100 + "，" + "乙" * MAX_CHARS
    assert sentences(soft)[0][0] == Span(0, 101)


@given(st.text(alphabet="甲乙a1。！;. \n，", max_size=80), st.integers(0, 80))
def test_whole_sentences_do_not_change_when_text_grows(text: str, cut: int) -> None:
    tiles, whole = sentences(text[:cut])
    longer, _ = sentences(text)
    assert [tile.start for tile in longer][:whole] == [tile.start for tile in tiles[:whole]]
    assert "".join(pieces(text)) == text
