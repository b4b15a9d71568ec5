from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guardrail.detectors.lower import lower


def test_lower_case_keeps_offsets_and_drops_broken_characters() -> None:
    assert lower("Take 阿司匹林 BID") == "take 阿司匹林 bid"
    assert lower("İX\ud800") == "İx\ufffd"


@given(st.text())
def test_length_never_changes(text: str) -> None:
    assert len(lower(text)) == len(text)
