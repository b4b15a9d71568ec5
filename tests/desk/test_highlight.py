"""Findings in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.desk.highlight import Mark, Segment, segments

TEXTS = st.text(st.sampled_from("王小明 take 5mg<&>\"'\n😀\u200b"), max_size=40)
MARKS = st.lists(st.builds(Mark, st.integers(1, 9), st.integers(-5, 45), st.integers(-5, 45)))


@pytest.mark.parametrize(
    ("text", "marks", "expected"),
    [
        ("", [Mark(1, 0, 3)], []),
        ("无标记 none", [], [Segment("无标记 none")]),
        (
            "我叫王小明。",
            [Mark(1, 2, 5)],
            [Segment("我叫"), Segment("王小明", (1,), (1,), (1,)), Segment("。")],
        ),
        (
            "abcdef",
            [Mark(1, 0, 4), Mark(2, 2, 6)],
            [
                Segment("ab", (1,), (1,)),
                Segment("cd", (1, 2), (2,), (1,)),
                Segment("ef", (2,), (), (2,)),
            ],
        ),
        ("abc", [Mark(1, 0, 3), Mark(2, 0, 3)], [Segment("abc", (1, 2), (1, 2), (1, 2))]),
        ("abc", [Mark(1, -4, 99)], [Segment("abc", (1,), (1,), (1,))]),
        ("abc", [Mark(1, 2, 2), Mark(2, 3, 1), Mark(3, 7, 9)], [Segment("abc")]),
    ],
)
def test_table(text: str, marks: list[Mark], expected: list[Segment]) -> None:
    assert segments(text, marks) == expected


@given(TEXTS, MARKS)
def test_joined_it_is_the_text_again(text: str, marks: list[Mark]) -> None:
    assert "".join(part.text for part in segments(text, marks)) == text
    assert all(part.text for part in segments(text, marks))


@given(TEXTS, MARKS)
def test_every_character_has_exactly_its_marks(text: str, marks: list[Mark]) -> None:
    at = 0
    for part in segments(text, marks):
        for place in range(at, at + len(part.text)):
            over = [mark.number for mark in marks if mark.start <= place < mark.end]
            assert sorted(part.numbers) == sorted(over)
        at += len(part.text)


@given(TEXTS, MARKS)
def test_what_begins_ends_once(text: str, marks: list[Mark]) -> None:
    parts = segments(text, marks)
    begun = sorted(number for part in parts for number in part.begins)
    ended = sorted(number for part in parts for number in part.ends)
    assert begun == ended
