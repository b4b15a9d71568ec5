"""Drafts → rows: seal the bodies, link the entries. What every ledger does alike, without a disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from guardrail.ledger.chain import Head, body_digest, link
from guardrail.ledger.entry import Draft, Entry
from guardrail.storage.vault import Vault


@dataclass(frozen=True, slots=True)
class Row:
    """An entry with the ciphertext of its body, as it is stored."""

    entry: Entry
    sealed: bytes | None


@dataclass(frozen=True, slots=True)
class Key:
    """An exchange's wrapped data key. Bodies of entries before `since` were sealed by a key that
    has been erased."""

    wrapped: bytes
    since: int


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that are stored together or not at all, the data keys they need, the head after them."""

    rows: tuple[Row, ...]
    keys: dict[str, Key]
    head: Head

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(row.entry for row in self.rows)


def group(
    drafts: Sequence[Draft], head: Head, vault: Vault, key_of: Callable[[str], Key | None]
) -> Group:
    """Seal and link `drafts` after `head`. `key_of` tells the key of an exchange that has one; for
    others a key is issued. Raises `BrokenLedger` when a draft cannot be an entry."""
    rows: list[Row] = []
    keys: dict[str, Key] = {}
    for draft in drafts:
        sealed = None
        if draft.body is not None:
            known = keys.get(draft.exchange) or key_of(draft.exchange)
            key = known or Key(vault.issue(draft.exchange), head.size)
            keys[draft.exchange] = key
            sealed = vault.seal(key.wrapped, draft.exchange, draft.kind, draft.body)
        entry = link(draft, body_digest(sealed), head)
        head = head.after(entry)
        rows.append(Row(entry, sealed))
    return Group(tuple(rows), keys, head)
