"""The contract of `guard.ports.Ledger`, the same for every ledger. None blocks the event loop:
conftest sees to it for every async test."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guardrail.domain.errors import BrokenLedger
from guardrail.guard import ports
from guardrail.ledger.entry import Draft, Kind
from guardrail.ledger.verify import walk
from guardrail.storage.memory import MemoryLedger
from guardrail.storage.sqlite import SqliteLedger
from guardrail.storage.vault import Vault

Make = Callable[..., Draft]

texts = st.text(max_size=8) | st.just("患者张三 takes 阿莫西林")
facts = st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(0, 1),
    max_size=3,
)
groups = st.lists(
    st.builds(
        Draft,
        kind=st.sampled_from(Kind),
        exchange=st.sampled_from(["甲", "b", "丙\x00"]),
        at=st.floats(0, 2e9),
        facts=facts,
        body=st.none() | st.dictionaries(texts, texts, max_size=2),
    ),
    max_size=4,
)


async def test_what_is_appended_is_what_is_read(ledger: Any, make: Make) -> None:
    port: ports.Ledger = ledger
    first = await port.append([make("甲", text="问"), make("甲", Kind.DECIDED)])
    second = await port.append([make("b", text="ask")])
    assert [entry.index for entry in (*first, *second)] == [0, 1, 2]
    assert tuple(await port.entries()) == (*first, *second)
    assert walk(await port.entries()).digest == second[0].digest
    assert ledger.size == 3


async def test_reading_goes_on_after_an_index(ledger: Any, make: Make) -> None:
    await ledger.append([make() for _ in range(7)])
    assert [entry.index for entry in await ledger.entries(after=2, limit=3)] == [3, 4, 5]
    assert [entry.index for entry in await ledger.entries(after=5)] == [6]
    assert list(await ledger.entries(after=6)) == []


async def test_an_empty_group_is_nothing(ledger: Any) -> None:
    assert await ledger.append([]) == ()
    assert list(await ledger.entries()) == []


async def test_one_exchange_can_be_followed(ledger: Any, make: Make) -> None:
    await ledger.append([make("甲"), make("b"), make("甲", Kind.DECIDED)])
    assert [entry.index for entry in await ledger.trail("甲")] == [0, 2]
    assert list(await ledger.trail("nobody")) == []


async def test_bodies_come_back_by_kind_the_latest_of_each(ledger: Any, make: Make) -> None:
    await ledger.append([make("甲", text="患者问"), make("甲", Kind.REVIEWED, text="first")])
    await ledger.append([make("甲", Kind.REVIEWED, text="改后 \ud83d"), make("b", text="other")])
    found = await ledger.bodies("甲")
    assert found == {"asked": {"text": "患者问"}, "reviewed": {"text": "改后 \ud83d"}}
    assert await ledger.bodies("nobody") == {}


async def test_an_entry_names_its_ciphertext_only(ledger: Any, make: Make) -> None:
    with_body, without = await ledger.append([make(text="患者"), make()])
    again, _ = await ledger.append([make(text="患者"), make()])
    assert without.body == ""
    assert len(with_body.body) == 64
    assert again.body != with_body.body


async def test_erasing_forgets_the_text_and_keeps_the_proof(ledger: Any, make: Make) -> None:
    await ledger.append([make("甲", text="患者"), make("b", text="kept 保留")])
    before = tuple(await ledger.entries())
    assert await ledger.erase("甲") is True
    assert await ledger.erase("甲") is False
    assert await ledger.bodies("甲") == {}
    assert await ledger.bodies("b") == {"asked": {"text": "kept 保留"}}
    assert tuple(await ledger.entries()) == before
    await ledger.append([make("甲", Kind.REVIEWED, text="later")])
    assert await ledger.bodies("甲") == {"reviewed": {"text": "later"}}


async def test_a_draft_that_is_no_json_harms_nobody_else(ledger: Any, make: Make) -> None:
    broken = Draft(Kind.ASKED, "x", 1.0, {"kinds": {"phi"}})
    unsealed = Draft(Kind.ASKED, "x", 1.0, {}, {"text": {"患者"}})
    results = await asyncio.gather(
        ledger.append([make("甲"), broken]),
        ledger.append([make("b")]),
        ledger.append([unsealed]),
        return_exceptions=True,
    )
    assert isinstance(results[0], BrokenLedger)
    assert isinstance(results[2], BrokenLedger)
    assert "患者" not in str(results[2])
    assert [entry.exchange for entry in await ledger.entries()] == ["b"]
    assert [entry.index for entry in results[1]] == [0]


async def test_many_at_once_get_their_own_place(ledger: Any, make: Make) -> None:
    async def worker(name: str) -> list[int]:
        appended = [await ledger.append([make(name), make(name)]) for _ in range(8)]
        return [entry.index for group in appended for entry in group]

    found = await asyncio.gather(*(worker(f"工-{n}") for n in range(8)))
    assert sorted(index for mine in found for index in mine) == list(range(128))
    for mine in found:
        assert all(second == first + 1 for first, second in zip(mine[::2], mine[1::2], strict=True))
    assert walk(await ledger.entries()).size == 128


async def test_a_closed_ledger_refuses(ledger: Any, make: Make) -> None:
    await ledger.close()
    await ledger.close()
    with pytest.raises(BrokenLedger) as caught:
        await ledger.append([make()])
    assert caught.value.code == "ledger_unavailable"


@settings(max_examples=20, deadline=None)
@given(st.lists(groups, max_size=5))
def test_any_sequence_of_appends_verifies(appends: list[list[Draft]]) -> None:
    async def both() -> None:
        with tempfile.TemporaryDirectory() as folder:
            vault = Vault.fresh()
            disk = SqliteLedger.open(Path(folder) / "ledger.db", vault)
            async with aclosing(_Closing(disk)), aclosing(_Closing(MemoryLedger(vault))) as memory:
                for drafts in appends:
                    stored = await disk.append(drafts)
                    kept = await memory.ledger.append(drafts)
                    assert [_bare(entry) for entry in stored] == [_bare(entry) for entry in kept]
                entries = await disk.entries()
                assert len(entries) == sum(map(len, appends))
                assert walk(entries).size == len(entries)
                for exchange in {draft.exchange for drafts in appends for draft in drafts}:
                    assert await disk.bodies(exchange) == await memory.ledger.bodies(exchange)

    asyncio.run(both())


class _Closing:
    def __init__(self, ledger: Any) -> None:
        self.ledger = ledger

    async def aclose(self) -> None:
        await self.ledger.close()


def _bare(entry: Any) -> tuple[object, ...]:
    """Without digests: the ciphertexts differ."""
    return entry.index, entry.kind, entry.exchange, entry.at, entry.facts, bool(entry.body)
