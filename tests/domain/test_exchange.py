"""Spans, scenes and passages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.exchange import (
    Audience,
    Caller,
    Channel,
    Exchange,
    Passage,
    Scene,
    Side,
    Span,
    Speaker,
    Strand,
    Turn,
)

spans = st.builds(
    lambda start, size: Span(start, start + size), st.integers(0, 50), st.integers(1, 50)
)
scenes = st.sampled_from(Scene)


@pytest.mark.parametrize(
    ("one", "other", "stricter"),
    [
        (Scene.A, Scene.D, Scene.A),
        (Scene.D, Scene.C, Scene.C),
        (Scene.B, Scene.B, Scene.B),
    ],
)
def test_the_stricter_scene(one: Scene, other: Scene, stricter: Scene) -> None:
    assert one.stricter(other) is stricter


@given(scenes, scenes, scenes)
def test_stricter_is_a_minimum(a: Scene, b: Scene, c: Scene) -> None:
    assert a.stricter(b) is b.stricter(a)
    assert a.stricter(b.stricter(c)) is a.stricter(b).stricter(c)
    assert a.stricter(b) in {a, b}


@given(spans, spans)
def test_spans_overlap_where_they_share_a_character(one: Span, other: Span) -> None:
    shared = set(range(one.start, one.end)) & set(range(other.start, other.end))
    assert one.overlaps(other) is bool(shared)
    assert one.overlaps(other) is other.overlaps(one)


@given(spans, st.integers(0, 100))
def test_shifting_keeps_the_length(span: Span, by: int) -> None:
    moved = span.shifted(by)
    assert moved.start == span.start + by
    assert moved.end - moved.start == span.end - span.start
    assert moved.shifted(-by) == span


def test_channels_have_an_order() -> None:
    listed = [Channel(1), Channel(0, Strand.TOOL_CALL, 1), Channel(0, Strand.TOOL_CALL, 0)]
    assert sorted(listed) == [
        Channel(0, Strand.TOOL_CALL, 0),
        Channel(0, Strand.TOOL_CALL, 1),
        Channel(1),
    ]


def test_what_nobody_says_is_the_safe_and_ordinary() -> None:
    exchange = Exchange("x1", "m", (Turn(Speaker.USER, "你好 hello", ("messages", 0, "content")),))
    assert (exchange.scene, exchange.stream, exchange.choices) == (Scene.C, False, 1)
    assert (exchange.caller, exchange.caller.audience) == (Caller(), Audience.PATIENT)
    passage = Passage("头痛两天", Side.INPUT, Speaker.USER)
    assert (passage.fresh, passage.last, passage.strand) == (0, True, Strand.CONTENT)
