"""The one list of names: complete, without doubles, in both languages."""

from __future__ import annotations

import re

import pytest

from guardrail.domain.taxonomy import taxonomy


def test_twenty_dimensions() -> None:
    keys = [term.key for term in taxonomy().dimensions]
    assert len(keys) == len(set(keys)) == 20
    assert sum(key.startswith("eth.") for key in keys) == 11
    assert sum(key.startswith("saf.") for key in keys) == 9


def test_every_name_is_well_formed_and_in_both_languages() -> None:
    names = taxonomy()
    terms = names.dimensions + names.kinds + names.scores
    assert len({term.key for term in terms}) == len(terms)
    for term in terms:
        assert re.fullmatch(r"[a-z_]+(\.[a-z_]+)?", term.key)
        assert re.search(r"[\u4e00-\u9fff]", term.zh), term.key
        assert re.search(r"[A-Za-z]", term.en), term.key


def test_scores_are_kinds_but_not_the_reverse() -> None:
    names = taxonomy()
    assert {"eth.clinical_care", "injection", "self_harm", "prescription"} <= names.score_keys
    assert names.score_keys < names.finding_kinds
    assert "phi.mobile" in names.finding_kinds - names.score_keys


@pytest.mark.parametrize(
    ("key", "lang", "label"),
    [
        ("phi.mobile", "zh", "手机号"),
        ("phi.mobile", "en", "mobile number"),
        ("eth.clinical_care", "zh", "临床诊疗伦理"),
        ("injection", "en", "prompt injection and jailbreak"),
        ("no.such_name", "zh", "no.such_name"),
    ],
)
def test_labels(key: str, lang: str, label: str) -> None:
    assert taxonomy().label(key, lang) == label
