"""Drafts become rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from guardrail.domain.errors import BrokenLedger
from guardrail.ledger.chain import Head, body_digest
from guardrail.ledger.entry import Draft, Kind
from guardrail.ledger.verify import walk
from guardrail.storage.record import Key, group
from guardrail.storage.vault import Vault

Make = Callable[..., Draft]


def test_drafts_are_linked_and_sealed(vault: Vault, make: Make) -> None:
    drafts = [make("甲", text="患者"), make("甲", Kind.DECIDED, text="answer"), make("b")]
    made = group(drafts, Head(), vault, {}.get)
    assert walk(made.entries) == made.head
    assert [body_digest(row.sealed) for row in made.rows] == [row.entry.body for row in made.rows]
    assert made.rows[2].sealed is None
    assert set(made.keys) == {"甲"}
    assert made.keys["甲"].since == 0


def test_a_key_that_is_known_is_used_again(vault: Vault, make: Make) -> None:
    known = {"甲": Key(vault.issue("甲"), 0)}
    made = group(
        [make("b"), make("甲", text="患者"), make("b", text="b")], Head(), vault, known.get
    )
    assert made.keys["甲"] is known["甲"]
    assert made.keys["b"].since == 2
    sealed = made.rows[1].sealed
    assert sealed is not None
    assert vault.open(known["甲"].wrapped, "甲", Kind.ASKED, sealed) == {"text": "患者"}


def test_one_bad_draft_spoils_its_group(vault: Vault, make: Make) -> None:
    with pytest.raises(BrokenLedger):
        group([make(), Draft(Kind.ASKED, "x", float("nan"), {})], Head(), vault, {}.get)
