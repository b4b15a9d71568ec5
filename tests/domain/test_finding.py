"""What detectors say carries offsets and numbers, never text."""

from __future__ import annotations

from dataclasses import fields
from typing import get_type_hints

from guardrail.domain.exchange import Span
from guardrail.domain.finding import Finding, Gap, GapReason, Look, Report

NAMES = {"kind", "detector", "dimension", "version"}


def test_nothing_in_it_could_hold_the_matched_text() -> None:
    for shape in (Finding, Gap, Report, Look):
        hints = get_type_hints(shape)
        texts = {f.name for f in fields(shape) if hints[f.name] in {str, str | None}}
        assert texts <= NAMES, shape


def test_findings_are_values() -> None:
    one = Finding("phi.mobile", Span(3, 14), 0.99, "phi", parts=(("number", Span(3, 14)),))
    assert one == Finding("phi.mobile", Span(3, 14), 0.99, "phi", parts=(("number", Span(3, 14)),))
    assert one.dimension is None
    assert len({one, one}) == 1


def test_an_empty_look_knows_nothing() -> None:
    assert (Look().findings, Look().gaps, dict(Look().scores), Look().final_upto) == ((), (), {}, 0)
    assert dict(Report("d", "1", 0).scores) == {}
    assert Gap("d", GapReason.LATE).kinds == frozenset()
