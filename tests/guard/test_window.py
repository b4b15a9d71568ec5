"""Units depend on the text alone."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.guard.window import PARAGRAPHS, Splitter

TEXTS = st.text(alphabet="ab。！.!? \n病，,5」Dr<1>", max_size=120)


def ends(text: str, pieces: list[int] | None = None, max_chars: int = 400) -> list[int]:
    splitter = Splitter(max_chars)
    cuts = [0, *sorted(pieces or []), len(text)]
    return [end for a, b in pairwise(cuts) for end in splitter.feed(text[a:b])]


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("多休息。多喝水！可以吗？好；", ["多休息。", "多喝水！", "可以吗？", "好；"]),
        ("Rest well. Drink water! Ok? yes", ["Rest well. ", "Drink water! ", "Ok? "]),
        ("Ask Dr. Li about 0.5 g. Then rest. ", ["Ask Dr. Li about 0.5 g. ", "Then rest. "]),
        ("1. 休息\n2. 喝水\n", ["1. 休息\n", "2. 喝水\n"]),
        ("可以吗?可以!好的", ["可以吗?", "可以!"]),
        ("。。。\n好。", ["。。。\n好。"]),
        ("Plan A. Next one. ", ["Plan A. Next one. "]),
        ("没有结尾", []),
        ("阿莫西林0.5g，每日3次", []),
    ],
)
def test_units(text: str, units: list[str]) -> None:
    found = ends(text)
    assert [text[a:b] for a, b in zip([0, *found], found, strict=False)] == units


@given(TEXTS, st.lists(st.integers(0, 120)))
def test_chunking_never_moves_an_end(text: str, cuts: list[int]) -> None:
    assert ends(text, [min(cut, len(text)) for cut in cuts], 5) == ends(text, [], 5)


@given(TEXTS, st.integers(0, 120))
def test_an_end_is_known_from_what_stands_before_it(text: str, upto: int) -> None:
    whole, prefix = ends(text, [], 5), ends(text[:upto], [], 5)
    assert whole[: len(prefix)] == prefix


def test_a_sentence_without_end_is_cut_at_a_comma_and_only_when_it_is_a_paragraph() -> None:
    text = "病" * 30 + "，" + "情" * 200
    assert ends(text, [], 20) == [31, 31 + 20 * PARAGRAPHS, 31 + 40 * PARAGRAPHS]


def test_pending_counts_what_is_not_a_unit_yet() -> None:
    splitter = Splitter(400)
    splitter.feed("好。然后")
    assert splitter.pending == 2
