from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.detectors import reading as module
from guardrail.detectors.lexicon import lexicon
from guardrail.detectors.reading import read
from guardrail.domain.exchange import Span


@pytest.mark.parametrize(
    ("text", "aloud"),
    [
        ("阿莫西林 0.5g", "阿莫西林 0.5g"),
        ("阿 莫 西 林 0 . 5 g，每 日 三 次", "阿莫西林0.5g，每日三次"),
        ("布·洛·芬", "布洛芬"),
        ("M-e-t-f-o-r-m-i-n", "metformin"),
        ("甲🍊硝🍊唑", "甲硝唑"),
        ("tou bao ke wo，mei tian san ci，qi tian", "头孢克肟，每天三次，七天"),
        ("ni hao，mei tian san ci", "ni hao，mei tian san ci"),
    ],
)
def test_reads_what_is_set_apart_or_spelled(text: str, aloud: str) -> None:
    assert read(text, lexicon()).text == aloud


def test_spans_go_back_to_what_stands_there() -> None:
    text = "给您 tou bao ke wo，mei tian san ci 吃"
    reading = read(text, lexicon())
    at = reading.text.index("头孢")
    span = reading.original(Span(at, at + 4))
    assert text[span.start : span.end] == "tou bao ke wo"
    spaced = read("服 阿 莫 西 林 片", lexicon())
    start = spaced.text.index("阿")
    back = spaced.original(Span(start, start + 4))
    assert "服 阿 莫 西 林 片"[back.start : back.end] == "阿 莫 西 林"


@given(st.text(max_size=60))
def test_every_span_lies_in_the_text(text: str) -> None:
    reading = read(text, lexicon())
    for at in range(len(reading.text)):
        span = reading.original(Span(at, at + 1))
        assert 0 <= span.start <= span.end <= len(text)


def test_of_two_edits_in_one_place_the_first_counts() -> None:
    reading = module._apply("abcdef", [(1, 4, "X"), (2, 3, "Y")])
    assert reading.text == "aXef"
    assert reading.original(Span(1, 2)) == Span(1, 4)
    assert reading.original(Span(2, 4)) == Span(4, 6)
