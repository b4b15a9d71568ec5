from __future__ import annotations

import pytest

from guardrail.detectors import numeral
from guardrail.detectors.offset import layer


def _joined(text: str) -> str:
    text = numeral.swap(text)
    return layer(text, numeral.join(text)).text


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("电话1 3 8 0 0 1 3 8 0 0 0", "电话13800138000"),
        ("1.3.8.0.0.1.3.8.0.0.0", "13800138000"),
        ("1-3 8.0-0 1_3*8 0 0 0", "13800138000"),
        ("1🔥3🔥8🔥0🔥0🔥1🔥3🔥8", "13800138"),
        ("一三八零零一三八零零零", "13800138000"),
        ("幺三八洞洞幺三八洞洞洞", "13800138000"),
        ("壹叁捌 零零壹叁 捌零零零", "138 0013 8000"),
        ("1三8零0一3八零0零", "13800138000"),
        ("①③⑧⓪⓪①③⑧⓪⓪⓪", "13800138000"),
        ("one three eight zero zero one three eight oh oh oh", "13800138000"),
        ("电话yao san ba ling ling yao san ba ling ling ling", "电话13800138000"),
        ("l38OOl38OOO", "13800138000"),
        ("1**3**8**0**0**1**3**8", "13800138"),
        ("138**0013**8000, 138<b>0013</b>8000", "13800138000, 13800138000"),
    ],
)
def test_digits_in_pieces_are_put_together(text: str, plain: str) -> None:
    assert numeral.HINT.search(text)
    assert _joined(text) == plain


@pytest.mark.parametrize(
    "text",
    [
        "138-0013-8000",
        "一三五复查，二四六休息",
        "血糖 5.6 7.8 6.1 8.2",
        "第一，第二；①多喝水②休息",
        "10×10⁹/L 3*4cm",
        "one or two tablets three times",
        "Hallo1lOOllIll",
        "2 3 5",
    ],
)
def test_list_numbers_and_readings_stay(text: str) -> None:
    assert _joined(text) == text


@pytest.mark.parametrize(
    ("text", "sure"), [("电话1 3 8", 2), ("电话一三", 2), ("说完。", 3), ("", 0), ("a1b", 3)]
)
def test_digits_at_the_end_may_go_on(text: str, sure: int) -> None:
    assert numeral.unfinished(text) == sure
