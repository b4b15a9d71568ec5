"""Rows and entries."""

from __future__ import annotations

import json

import pytest

from guardrail.domain.errors import BrokenLedger
from guardrail.ledger.chain import Checkpoint, Head, link, signed_as_json
from guardrail.ledger.entry import Draft, Kind
from guardrail.storage import tables
from guardrail.storage.vault import Vault


def test_an_entry_survives_its_row() -> None:
    facts = {"model": "临床助手", "scores": {"injection": 0.1, "big": 1e17}}
    entry = link(Draft(Kind.ASKED, "甲", 1.5, facts), "", Head())
    assert tables.entry(tables.columns(entry)) == entry


@pytest.mark.parametrize(("column", "value"), [(1, "none"), (4, "not json"), (4, "[]")])
def test_a_row_that_is_no_entry_is_named(column: int, value: str) -> None:
    row = list(tables.columns(link(Draft(Kind.ASKED, "x", 1.5, {}), "", Head())))
    row[column] = value
    with pytest.raises(BrokenLedger) as caught:
        tables.entry(row)
    assert (caught.value.code, caught.value.index) == ("entry_malformed", 0)


def test_a_checkpoint_survives_its_row(vault: Vault) -> None:
    signed = vault.sign(Checkpoint(1, "aa" * 32, "bb" * 32, 1.0))
    assert tables.signed(json.dumps(signed_as_json(signed))) == signed
    with pytest.raises(BrokenLedger):
        tables.signed("不是 json")
