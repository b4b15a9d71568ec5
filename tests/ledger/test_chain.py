"""Linking drafts and cutting checkpoints."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import pytest
import rfc8785

from guardrail.domain.errors import BrokenLedger
from guardrail.ledger.chain import (
    Checkpoint,
    Head,
    Signed,
    body_digest,
    cut,
    link,
    signed_as_json,
    signed_from_json,
    signing_bytes,
)
from guardrail.ledger.entry import GENESIS, Draft, Kind, digest_of
from guardrail.ledger.merkle import root

SIGNED = Signed(Checkpoint(2, "aa" * 32, "bb" * 32, 1700000000.0), "cc" * 32, "dd" * 64)


def test_each_entry_names_the_one_before() -> None:
    first = link(Draft(Kind.ASKED, "甲", 1.0, {"model": "m"}), "", Head())
    head = Head().after(first)
    second = link(Draft(Kind.DECIDED, "甲", 2.0, {"action": "allow"}), "ee" * 32, head)
    assert (first.index, first.previous) == (0, GENESIS)
    assert (second.index, second.previous) == (1, first.digest)
    assert second.body == "ee" * 32
    assert digest_of(second) == second.digest
    assert head.after(second).frontier.root == root([first.digest, second.digest])


def test_facts_come_back_as_they_will_be_read() -> None:
    entry = link(Draft(Kind.ASKED, "x", 1.0, {"rules": ("甲", "b"), "n": 1.0}), "", Head())
    assert entry.facts == {"rules": ["甲", "b"], "n": 1}


def test_facts_that_are_no_json_are_refused() -> None:
    with pytest.raises(BrokenLedger) as caught:
        link(Draft(Kind.ASKED, "x", 1.0, {"rules": {1}}), "", Head())
    assert caught.value.code == "entry_not_canonical"


def test_a_body_is_named_by_its_ciphertext() -> None:
    assert body_digest(None) == ""
    assert body_digest(b"sealed") == hashlib.sha256(b"sealed").hexdigest()


def test_a_checkpoint_holds_the_head() -> None:
    entry = link(Draft(Kind.ASKED, "x", 1.0, {}), "", Head())
    checkpoint = cut(Head().after(entry), 9.5)
    assert checkpoint == Checkpoint(1, root([entry.digest]), entry.digest, 9.5)


def test_what_is_signed_is_canonical_and_under_its_own_domain() -> None:
    checkpoint = SIGNED.checkpoint
    domain, written = signing_bytes(checkpoint).split(b"\x00", 1)
    assert domain == b"guardrail/ledger/checkpoint/v1"
    assert written == rfc8785.dumps(dataclasses.asdict(checkpoint))


def test_a_signed_checkpoint_survives_json() -> None:
    assert signed_from_json(json.loads(json.dumps(signed_as_json(SIGNED)))) == SIGNED


@pytest.mark.parametrize(
    "changed", [{"size": "2"}, {"at": None}, {"root": 3}, {"key": None}, {"signature": 1}]
)
def test_what_is_no_checkpoint_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(BrokenLedger) as caught:
        signed_from_json(signed_as_json(SIGNED) | changed)
    assert caught.value.code == "checkpoint_malformed"


def test_a_checkpoint_without_a_field_is_refused() -> None:
    row = signed_as_json(SIGNED)
    del row["head"]
    with pytest.raises(BrokenLedger):
        signed_from_json(row)
