"""Verifying what is stored: signatures, chain, bodies."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from guardrail.domain.errors import BrokenLedger
from guardrail.ledger.chain import Head, cut
from guardrail.ledger.entry import Draft
from guardrail.ledger.merkle import Frontier
from guardrail.storage import audit
from guardrail.storage.record import Group, Row, group
from guardrail.storage.vault import Vault

Make = Callable[..., Draft]


@pytest.fixture
def stored(vault: Vault, make: Make) -> Group:
    return group([make("甲", text=f"患者 {n}") for n in range(5)], Head(), vault, {}.get)


def refused(action: Callable[[], object]) -> tuple[str, int | None]:
    with pytest.raises(BrokenLedger) as caught:
        action()
    return caught.value.code, caught.value.index


def test_a_whole_ledger_verifies(vault: Vault, stored: Group) -> None:
    signed = vault.sign(cut(stored.head, 1.0))
    assert audit.whole(stored.rows, [signed], vault.public) == stored.head


def test_a_forged_signature_is_named(vault: Vault, stored: Group) -> None:
    forged = Vault.fresh().sign(cut(stored.head, 1.0))
    found = refused(lambda: audit.whole(stored.rows, [forged], vault.public))
    assert found == ("checkpoint_forged", 4)


def test_a_body_that_was_swapped_is_named(vault: Vault, stored: Group) -> None:
    rows = list(stored.rows)
    rows[2] = Row(rows[2].entry, rows[3].sealed)
    assert refused(lambda: audit.whole(rows, [], vault.public)) == ("body_changed", 2)
    rows[2] = Row(rows[2].entry, None)
    assert refused(lambda: audit.whole(rows, [], vault.public)) == ("body_removed", 2)


def test_verifying_resumes_at_a_checkpoint(vault: Vault, stored: Group) -> None:
    at_three = Head()
    for row in stored.rows[:3]:
        at_three = at_three.after(row.entry)
    signed = vault.sign(cut(at_three, 1.0))
    last = stored.rows[2].entry
    head = audit.resumed(signed, at_three.frontier, last, vault.public)
    assert head == at_three
    assert audit.tail(stored.rows[3:], head, [signed], vault.public) == stored.head

    changed = dataclasses.replace(last, at=9.0)
    wrong_tree = Frontier(3, at_three.frontier.peaks[::-1])
    cases = {
        "ledger_truncated": (signed, at_three.frontier, None),
        "entry_changed": (signed, at_three.frontier, changed),
        "checkpoint_malformed": (signed, wrong_tree, last),
        "checkpoint_forged": (Vault.fresh().sign(signed.checkpoint), at_three.frontier, last),
    }
    for code, (one, frontier, entry) in cases.items():
        found = refused(lambda a=one, b=frontier, c=entry: audit.resumed(a, b, c, vault.public))
        assert found == (code, 2)
    other = stored.rows[1].entry
    assert refused(lambda: audit.resumed(signed, at_three.frontier, other, vault.public)) == (
        "entry_changed",
        2,
    )
