"""Numbers and doses."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.desk.figures import MOST, Figure, figures


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("多休息，多喝水。Rest well.", []),
        ("每次服用0.5克，每日三次，连续服用七天", ["0.5克", "三次", "七天"]),
        ("阿莫西林 500 mg tid", ["500 mg"]),
        ("Take 2 tablets every 8 hours for 10 days", ["2 tablets", "8 hours", "10 days"]),
        ("5–10 mg/kg/d，静滴３０分钟", ["5–10 mg/kg/d", "３０分钟"]),
        ("血压 140/90 mmHg，体温38.5℃", ["140/90 mmHg", "38.5℃"]),
        ("1,000单位，1至2片", ["1,000单位", "1至2片"]),
        ("空腹血糖7.0mmol/L，占30%", ["7.0mmol/L", "30%"]),
        ("半片，两次/日", ["半片", "两次/日"]),
        ("一次性手套，一般不用", []),
        ("分期 2", ["2"]),
        ("5 grams", ["5"]),
    ],
)
def test_table(text: str, expected: list[str]) -> None:
    assert [figure.text for figure in figures(text)] == expected


def test_the_words_around_it_are_told() -> None:
    assert figures("第一行\n每次服用 0.5克，\n每日饭后服用，不要空腹，请遵医嘱") == [
        Figure("0.5克", "第一行 每次服用 ", "， 每日饭后服用，不要空腹，…")
    ]


def test_no_number_around_it_is_cut() -> None:
    found = figures("口服布洛芬 200–400 mg，24小时内不超过 1.2 g，疗程12345.75 days")
    assert [(figure.before, figure.text, figure.after) for figure in found] == [
        ("口服布洛芬 ", "200–400 mg", "，24小时内不超过 1.2…"),
        ("…洛芬 200–400 mg，", "24小时", "内不超过 1.2 g，疗程…"),
        ("…mg，24小时内不超过 ", "1.2 g", "，疗程12345.75…"),
        ("…时内不超过 1.2 g，疗程", "12345.75 days", ""),
    ]


@given(st.text(st.sampled_from("0123 5.mg克，天"), max_size=60))
def test_numbers_around_it_are_numbers_of_the_text(text: str) -> None:
    number = re.compile(r"[0-9]+(?:\.[0-9]+)*")
    numbers = set(number.findall(text))
    for figure in figures(text):
        assert set(number.findall(figure.before + " | " + figure.after)) <= numbers


def test_there_is_a_bound() -> None:
    assert len(figures("1片 " * (MOST + 5))) == MOST


@given(st.text(st.sampled_from("0 5.mg克三次/～，天 ab"), max_size=60))
def test_every_digit_is_in_some_figure(text: str) -> None:
    found = figures(text)
    if len(found) < MOST:
        told = sum(char.isdigit() for figure in found for char in figure.text)
        assert told == sum(char.isdigit() for char in text)
