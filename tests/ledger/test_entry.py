"""Entries: canonical bytes, digest, JSON and back."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.errors import BrokenLedger
from guardrail.ledger.entry import (
    GENESIS,
    Draft,
    Entry,
    Kind,
    as_json,
    canonical,
    canonical_facts,
    digest_of,
    from_json,
    malformed,
    read_facts,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
json_facts = st.dictionaries(
    texts,
    st.recursive(
        st.none() | st.booleans() | numbers | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


def an_entry(**changed: object) -> Entry:
    entry = Entry(
        index=3,
        kind=Kind.ASKED,
        exchange="x-1",
        at=1700000000.25,
        facts={"model": "临床助手", "chars": 12, "scores": {"eth.clinical_care": 0.5}},
        body="",
        previous=GENESIS,
        digest="",
    )
    return dataclasses.replace(entry, **changed)


def test_the_digest_is_a_domain_separated_hash_of_rfc_8785_bytes() -> None:
    entry = an_entry()
    covered = as_json(entry)
    del covered["digest"]
    assert canonical(entry) == rfc8785.dumps(covered)
    expected = hashlib.sha256(b"guardrail/ledger/entry/v1\x00" + rfc8785.dumps(covered))
    assert digest_of(entry) == expected.hexdigest()
    assert digest_of(entry, canonical_facts(entry.facts)) == digest_of(entry)


def test_a_field_that_looks_like_another_does_not_confuse_the_bytes() -> None:
    entry = an_entry(exchange='","facts":null,"x":"', body='"facts":null')
    covered = as_json(entry)
    del covered["digest"]
    assert canonical(entry) == rfc8785.dumps(covered)


@pytest.mark.parametrize(
    "changed",
    [
        {"index": 4},
        {"kind": Kind.DECIDED},
        {"exchange": "x-2"},
        {"at": 1700000000.5},
        {"facts": {"model": "another model"}},
        {"body": "00" * 32},
        {"previous": "11" * 32},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_the_digest_covers_every_field(changed: dict[str, object]) -> None:
    assert digest_of(an_entry(**changed)) != digest_of(an_entry())


@given(json_facts)
def test_facts_read_again_have_the_same_bytes(facts: dict[str, object]) -> None:
    written = canonical_facts(facts)
    assert canonical_facts(read_facts(written)) == written


@given(json_facts)
def test_an_entry_survives_json(facts: dict[str, object]) -> None:
    entry = an_entry(facts=facts)
    entry = dataclasses.replace(entry, digest=digest_of(entry))
    again = from_json(json.loads(json.dumps(as_json(entry), ensure_ascii=False)))
    assert again == entry
    assert digest_of(again) == entry.digest


@pytest.mark.parametrize(
    "facts",
    [
        {"score": float("nan")},
        {"score": float("inf")},
        {"count": 2**53},
        {"text": "\ud800"},
        {"\ud800": 1},
        {"kinds": {"phi.mobile"}},
        {1: "key"},
    ],
)
def test_what_json_cannot_hold_is_refused_without_quoting_it(facts: dict[str, object]) -> None:
    with pytest.raises(BrokenLedger) as caught:
        canonical_facts(facts)
    assert caught.value.code == "entry_not_canonical"
    assert "phi" not in str(caught.value)


def test_facts_must_be_an_object() -> None:
    with pytest.raises(TypeError):
        read_facts("[1]")


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "unheard"},
        {"index": "3"},
        {"index": True},
        {"at": "now"},
        {"facts": "患者"},
        {"body": None},
        {"exchange": 7},
    ],
)
def test_what_is_no_entry_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(BrokenLedger) as caught:
        from_json(as_json(an_entry()) | changed)
    assert caught.value.code == "entry_malformed"
    assert caught.value.index == (3 if "index" not in changed else None)


def test_a_missing_field_is_named_by_index() -> None:
    row = as_json(an_entry())
    del row["previous"]
    with pytest.raises(BrokenLedger) as caught:
        from_json(row)
    assert caught.value.index == 3
    assert malformed("3").index is None


def test_a_draft_does_not_show_its_body() -> None:
    draft = Draft(Kind.ASKED, "x", 1.0, {}, {"text": "患者张三 John Doe"})
    assert "张三" not in repr(draft)
    assert "John" not in repr(draft)
