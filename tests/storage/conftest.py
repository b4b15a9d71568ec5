"""What the storage tests share: one vault, and each ledger by name."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from guardrail.ledger.entry import Draft, Kind
from guardrail.storage.memory import MemoryLedger
from guardrail.storage.sqlite import LEDGER_FILE, SqliteLedger
from guardrail.storage.vault import Vault

AnyLedger = MemoryLedger | SqliteLedger
MakeDraft = Callable[..., Draft]


@pytest.fixture
def vault() -> Vault:
    return Vault(b"m" * 32, b"s" * 32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / LEDGER_FILE


@pytest.fixture(params=["memory", "sqlite"])
async def ledger(
    request: pytest.FixtureRequest, path: Path, vault: Vault
) -> AsyncIterator[AnyLedger]:
    on_disk = request.param == "sqlite"
    open_it = SqliteLedger.open
    made = await asyncio.to_thread(open_it, path, vault) if on_disk else MemoryLedger(vault)
    yield made
    await made.close()


@pytest.fixture
def make() -> MakeDraft:
    """A draft: `make("x-1", text="患者…")`."""

    def draft(exchange: str = "交换-1", kind: Kind = Kind.ASKED, text: str | None = None) -> Draft:
        body = None if text is None else {"text": text}
        return Draft(kind, exchange, 1700000000.5, {"model": "临床助手", "chars": 4}, body)

    return draft
