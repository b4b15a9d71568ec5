from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.telemetry.vocabulary import OTHER, Learned, Vocabulary


@pytest.mark.parametrize(
    ("name", "word"),
    [("phi", "phi"), ("PHI", OTHER), ("", OTHER), ("患者", OTHER), ('x"} 1', OTHER)],
)
def test_only_declared_names_are_words(name: str, word: str) -> None:
    assert Vocabulary(["phi", "lexicon"]).word(name) == word


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("upstream_refused", "upstream_refused"),
        ("http_502", "http_502"),
        ("Upstream", OTHER),
        ("_x", OTHER),
        ("", OTHER),
        ("上游_错误", OTHER),
        ("code\n", OTHER),
        ("x" * 49, OTHER),
    ],
)
def test_codes_are_learned_only_when_well_formed(code: str, word: str) -> None:
    assert Learned().word(code) == word


def test_a_learned_code_stays_and_a_late_one_is_other() -> None:
    learned = Learned(limit=2)
    assert [learned.word(code) for code in ("a", "b", "c", "a")] == ["a", "b", OTHER, "a"]


@given(st.lists(st.text(max_size=8) | st.from_regex(r"[a-z]{1,3}", fullmatch=True)))
def test_no_stream_of_codes_exceeds_the_limit(codes: list[str]) -> None:
    learned = Learned(limit=4)
    assert len({learned.word(code) for code in codes} - {OTHER}) <= 4
