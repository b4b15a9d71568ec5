from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrail.detectors.offset import Edit, layer
from guardrail.domain.exchange import Span


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[Edit]]:
    text = draw(st.text(alphabet="ab1药 \u200b", max_size=30))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    pairs = [(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=False) if a < b]
    return text, [(a, b, draw(st.text(alphabet="xy字", max_size=4))) for a, b in pairs]


def test_what_is_dropped_inside_a_span_comes_back_with_it() -> None:
    done = layer("1\u200b3 药", [(1, 2, "")])
    assert done.text == "13 药"
    assert done.back_span(Span(0, 2)) == Span(0, 3)
    assert done.back_span(Span(0, 1)) == Span(0, 2)
    assert done.back_span(Span(1, 2)) == Span(2, 3)
    assert done.back_span(Span(2, 2)) == Span(3, 3)
    assert [done.upto(offset) for offset in range(6)] == [0, 1, 1, 2, 3, 4]


def test_an_edit_is_one_unit() -> None:
    done = layer("a&#49;&#50;b", [(1, 6, "1"), (6, 11, "2")])
    assert done.text == "a12b"
    assert done.back_span(Span(1, 2)) == Span(1, 6)
    assert done.back(2) == 6
    assert done.back(4) == 12
    assert done.upto(5) == 1


def test_one_for_one_leaves_no_trace() -> None:
    assert layer("藥", [(0, 1, "药")]).before == ()


@given(edited())
def test_the_way_back_is_monotone_and_stays_inside(case: tuple[str, list[Edit]]) -> None:
    text, edits = case
    done = layer(text, edits)
    offsets = [done.back(index) for index in range(len(done.text) + 1)]
    assert offsets == sorted(offsets)
    assert offsets[-1] == len(text)
    counts = [done.upto(offset) for offset in range(len(text) + 1)]
    assert counts == sorted(counts)
    assert counts[-1] == len(done.text)
    for index in range(len(done.text)):
        span = done.back_span(Span(index, index + 1))
        assert 0 <= span.start < span.end <= len(text)
        assert done.upto(span.end) > index
        assert done.upto(span.start) <= index
