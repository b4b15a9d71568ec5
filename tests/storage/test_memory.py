"""The ledger in memory; `test_contract` holds it to what every ledger does."""

from __future__ import annotations

from collections.abc import Callable

from guardrail.guard import ports
from guardrail.ledger.entry import Draft
from guardrail.ledger.verify import walk
from guardrail.storage.memory import MemoryLedger

Make = Callable[..., Draft]


async def test_it_needs_nothing_to_begin(make: Make) -> None:
    ledger = MemoryLedger()
    port: ports.Ledger = ledger
    await port.append([make("甲", text="患者"), make("b", text="b")])
    assert ledger.size == 2
    assert walk(await port.entries()).size == 2
    assert await port.bodies("b") == {"asked": {"text": "b"}}
    await port.close()
