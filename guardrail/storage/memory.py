"""The ledger without a disk: the same contract, for tests and the demo. Nothing survives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guardrail.ledger.chain import Head
from guardrail.ledger.entry import Draft, Entry
from guardrail.storage import record
from guardrail.storage.record import Key, Row
from guardrail.storage.vault import Vault
from guardrail.storage.writer import closed


class MemoryLedger:
    """`guard.ports.Ledger` in memory. Bodies are sealed as on disk, so erasure works alike."""

    def __init__(self, vault: Vault | None = None) -> None:
        self._vault = vault or Vault.fresh()
        self._head = Head()
        self._rows: list[Row] = []
        self._keys: dict[str, Key] = {}
        self._open = True

    @property
    def size(self) -> int:
        return self._head.size

    async def append(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        if not self._open:
            raise closed()
        group = record.group(drafts, self._head, self._vault, self._keys.get)
        self._rows.extend(group.rows)
        self._keys.update(group.keys)
        self._head = group.head
        return group.entries

    async def entries(self, after: int = -1, limit: int = 1000) -> Sequence[Entry]:
        first = max(0, after + 1)
        return tuple(row.entry for row in self._rows[first : first + limit])

    async def trail(self, exchange: str) -> Sequence[Entry]:
        """All entries of one exchange, in order."""
        return tuple(row.entry for row in self._rows if row.entry.exchange == exchange)

    async def bodies(self, exchange: str) -> Mapping[str, object]:
        key = self._keys.get(exchange)
        if key is None:
            return {}
        rows = (row for row in self._rows[key.since :] if row.entry.exchange == exchange)
        return {
            row.entry.kind.value: self._vault.open(
                key.wrapped, exchange, row.entry.kind, row.sealed
            )
            for row in rows
            if row.sealed is not None
        }

    async def erase(self, exchange: str) -> bool:
        """Forget the exchange's data key. Says whether there was one."""
        return self._keys.pop(exchange, None) is not None

    async def close(self) -> None:
        self._open = False
