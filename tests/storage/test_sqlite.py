"""The ledger on disk: opening, refusing, checkpoints, failures."""

from __future__ import annotations

import asyncio
import json
import logging
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from guardrail.domain.errors import BadConfig, BrokenLedger
from guardrail.ledger.entry import Draft, Kind
from guardrail.storage import anchor, audit
from guardrail.storage.sqlite import Cadence, SqliteLedger, SqliteReader
from guardrail.storage.vault import Vault, is_genuine

pytestmark = pytest.mark.may_block("opens and reads files itself; test_contract forbids it")

Make = Callable[..., Draft]
UNLOCKED = "DROP TRIGGER entries_stay; DROP TRIGGER entries_are_kept;"


async def filled(path: Path, vault: Vault, drafts: list[Draft], **options: object) -> None:
    ledger = SqliteLedger.open(path, vault, **options)
    for draft in drafts:
        await ledger.append([draft])
    await ledger.close()


def tampered(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(UNLOCKED + script)


async def test_entries_outlive_the_process(path: Path, vault: Vault, make: Make) -> None:
    await filled(path, vault, [make("甲", text="患者"), make("b")])
    ledger = SqliteLedger.open(path, vault)
    assert ledger.size == 2
    (third,) = await ledger.append([make("丙")])
    assert third.index == 2
    assert await ledger.bodies("甲") == {"asked": {"text": "患者"}}
    await ledger.close()


async def test_no_text_stands_in_the_files(path: Path, vault: Vault, make: Make) -> None:
    await filled(path, vault, [make(text="患者张三 John Doe")])
    for file in path.parent.iterdir():
        content = file.read_bytes()
        assert "张三".encode() not in content
        assert b"John Doe" not in content


async def test_every_commit_is_synced(path: Path, vault: Vault) -> None:
    ledger = SqliteLedger.open(path, vault)
    connection = ledger._store._connection
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    await ledger.close()


async def test_a_second_writer_is_refused_and_readers_are_not(
    path: Path, vault: Vault, make: Make
) -> None:
    ledger = SqliteLedger.open(path, vault)
    await ledger.append([make()])
    with pytest.raises(BadConfig) as caught:
        SqliteLedger.open(path, vault)
    assert caught.value.code == "ledger_in_use"
    with closing(SqliteReader(path)) as reader:
        assert reader.size() == 1
    await ledger.close()
    await SqliteLedger.open(path, vault).close()


async def test_the_tables_refuse_change(path: Path, vault: Vault, make: Make) -> None:
    await filled(path, vault, [make()])
    with closing(sqlite3.connect(path)) as connection:
        for sql in ("UPDATE entries SET at = 1", "DELETE FROM entries"):
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(sql)


async def test_a_head_is_signed_after_so_many_entries(path: Path, vault: Vault, make: Make) -> None:
    ledger = SqliteLedger.open(path, vault, cadence=Cadence(entries=3), clock=lambda: 42.0)
    for _ in range(7):
        await ledger.append([make()])
    await ledger.close()
    with closing(SqliteReader(path)) as reader:
        stored = reader.checkpoints()
    assert [signed.checkpoint.size for signed in stored] == [3, 6, 7]
    assert all(signed.checkpoint.at == 42.0 for signed in stored)
    assert all(is_genuine(signed, vault.public) for signed in stored)
    assert anchor.read(path.with_name(anchor.ANCHOR_FILE)) == stored


async def test_a_head_is_signed_after_so_many_seconds(path: Path, vault: Vault, make: Make) -> None:
    ledger = SqliteLedger.open(path, vault, cadence=Cadence(seconds=0.05))
    await ledger.append([make()])
    async with asyncio.timeout(30):
        while not await ledger.checkpoints():  # noqa: ASYNC110 - the thread sets no event
            await asyncio.sleep(0.01)
    assert [signed.checkpoint.size for signed in await ledger.checkpoints()] == [1]
    await ledger.close()
    assert len(anchor.read(path.with_name(anchor.ANCHOR_FILE))) == 1


async def test_a_busy_ledger_signs_too(path: Path, vault: Vault, make: Make) -> None:
    ledger = SqliteLedger.open(path, vault, cadence=Cadence(seconds=0.0))
    await ledger.append([make()])
    await ledger.append([make()])
    assert await ledger.erase("nobody") is False
    assert [signed.checkpoint.size for signed in await ledger.checkpoints()] == [1, 2]
    await ledger.close()


async def test_an_idle_ledger_signs_nothing_new(path: Path, vault: Vault, make: Make) -> None:
    await filled(path, vault, [make()])
    await filled(path, vault, [])
    assert len(anchor.read(path.with_name(anchor.ANCHOR_FILE))) == 1


async def test_a_checkpoint_that_cannot_be_written_is_tried_again(
    path: Path, vault: Vault, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = SqliteLedger.open(path, vault, cadence=Cadence(entries=2))
    blocked = path.with_name(anchor.ANCHOR_FILE)
    blocked.mkdir()
    with caplog.at_level(logging.WARNING):
        await ledger.append([make(), make()])
        await ledger.erase("nobody")
    assert "checkpoint at 2 not written: IsADirectoryError" in caplog.text
    assert ledger.size == 2
    blocked.rmdir()
    await ledger.append([make(), make()])
    await ledger.close()
    assert [one.checkpoint.size for one in anchor.read(blocked)] == [4]


async def test_a_full_disk_is_told_and_nothing_of_the_group_stays(
    path: Path, vault: Vault, make: Make
) -> None:
    ledger = SqliteLedger.open(path, vault)
    await ledger.append([make("甲", text="患者")])
    connection = ledger._store._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(BrokenLedger) as caught:
        await ledger.append([make("b", text="长" * 50_000), make("b")])
    assert caught.value.code == "ledger_unavailable"
    assert "SQLITE_FULL" in caught.value.message
    connection.execute("PRAGMA max_page_count = 100000")
    (entry,) = await ledger.append([make("丙")])
    assert entry.index == 1
    await ledger.close()
    await SqliteLedger.open(path, vault).close()


async def test_a_locked_file_is_told(path: Path, vault: Vault, make: Make) -> None:
    ledger = SqliteLedger.open(path, vault, busy_s=0.01)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BrokenLedger) as caught:
            await ledger.append([make()])
        other.execute("ROLLBACK")
    assert (caught.value.code, "SQLITE_BUSY" in str(caught.value)) == ("ledger_unavailable", True)
    assert len(await ledger.append([make()])) == 1
    await ledger.close()


@pytest.mark.parametrize("how", ["ROLLBACK", "ABORT"])
async def test_a_group_that_fails_is_rolled_back(
    path: Path, vault: Vault, make: Make, how: str
) -> None:
    ledger = SqliteLedger.open(path, vault)
    with closing(sqlite3.connect(path)) as other:
        other.executescript(
            "CREATE TRIGGER no BEFORE INSERT ON bodies WHEN new.idx = 1"
            f" BEGIN SELECT RAISE({how}, ''); END;"
        )
        with pytest.raises(BrokenLedger) as caught:
            await ledger.append([make("甲"), make("甲", text="患者")])
        assert caught.value.code == "ledger_unavailable"
        assert list(await ledger.entries()) == []
        other.executescript("DROP TRIGGER no;")
    entries = await ledger.append([make("甲"), make("甲", text="患者")])
    assert [entry.index for entry in entries] == [0, 1]
    await ledger.close()


async def test_an_erased_key_is_in_no_file(path: Path, vault: Vault, make: Make) -> None:
    ledger = SqliteLedger.open(path, vault)
    await ledger.append([make("甲", text="患者")])
    with closing(SqliteReader(path)) as reader:
        key = reader.key_of("甲")
    assert key is not None
    wrapped = key.wrapped
    assert any(wrapped in file.read_bytes() for file in path.parent.iterdir())
    await ledger.erase("甲")
    assert not any(wrapped in file.read_bytes() for file in path.parent.iterdir())
    await ledger.close()


async def test_a_log_that_cannot_be_truncated_now_is_told(
    path: Path, vault: Vault, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = SqliteLedger.open(path, vault)
    await ledger.append([make("甲", text="患者")])
    ledger._store._connection.set_authorizer(_no_checkpoints)
    with caplog.at_level(logging.WARNING):
        assert await ledger.erase("甲") is True
    assert "write-ahead log not truncated" in caplog.text
    ledger._store._connection.set_authorizer(None)
    await ledger.close()


async def test_an_old_reader_does_not_hold_up_an_erasure(
    path: Path, vault: Vault, make: Make
) -> None:
    ledger = SqliteLedger.open(path, vault, cadence=Cadence(entries=3))
    await ledger.append([make("甲", text="患者"), make("b", text="b")])
    with closing(SqliteReader(path)) as reader:
        wrapped = reader.key_of("甲").wrapped
        rows = reader.rows()
        next(rows)
        await ledger.erase("甲")
        assert any(wrapped in file.read_bytes() for file in path.parent.iterdir())
        rows.close()
    await ledger.append([make("b")])
    await ledger.erase("nobody")
    assert not any(wrapped in file.read_bytes() for file in path.parent.iterdir())
    await ledger.close()


def _no_checkpoints(action: int, name: str | None, *_: object) -> int:
    refused = action == sqlite3.SQLITE_PRAGMA and name == "wal_checkpoint"
    return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK


async def test_another_master_key_is_refused(path: Path, vault: Vault, make: Make) -> None:
    await filled(path, vault, [make()])
    with pytest.raises(BadConfig) as caught:
        SqliteLedger.open(path, Vault.fresh())
    assert caught.value.code == "vault_key_mismatch"


async def test_another_signing_key_is_refused(path: Path, vault: Vault, make: Make) -> None:
    await filled(path, vault, [make()])
    with pytest.raises(BrokenLedger) as caught:
        SqliteLedger.open(path, Vault(b"m" * 32, b"o" * 32))
    assert (caught.value.code, caught.value.index) == ("checkpoint_forged", 0)


async def test_a_ledger_of_another_version_is_refused(path: Path, vault: Vault) -> None:
    await filled(path, vault, [])
    tampered(path, "PRAGMA user_version = 7;")
    with pytest.raises(BadConfig) as caught:
        SqliteLedger.open(path, vault)
    assert caught.value.code == "ledger_version"


def test_what_is_no_database_is_refused(path: Path, vault: Vault) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("这不是数据库 " * 200)
    with pytest.raises(BrokenLedger) as caught:
        SqliteLedger.open(path, vault)
    assert caught.value.code == "ledger_unavailable"
    with pytest.raises(BadConfig) as missing:
        SqliteReader(path.with_name("none.db"))
    assert missing.value.code == "ledger_not_found"


REBUILT = "INSERT INTO entries SELECT idx + 1, kind, exchange, at, facts, body, previous, digest FROM entries WHERE idx = 7;"


@pytest.mark.parametrize(
    ("script", "index", "code"),
    [
        ("UPDATE entries SET facts = '{}' WHERE idx = 5;", 5, "entry_changed"),
        ("UPDATE entries SET facts = 'no json' WHERE idx = 6;", 6, "entry_malformed"),
        ("UPDATE entries SET kind = 'none' WHERE idx = 6;", 6, "entry_malformed"),
        ("UPDATE entries SET at = 1.0 WHERE idx = 7;", 7, "entry_changed"),
        ("DELETE FROM entries WHERE idx = 6;", 6, "entry_removed"),
        (REBUILT, 8, "entry_inserted"),
        ("UPDATE bodies SET sealed = x'00' WHERE idx = 5;", 5, "body_changed"),
        ("DELETE FROM bodies WHERE idx = 4;", 4, "body_removed"),
        ("UPDATE entries SET exchange = 'x' WHERE idx = 3;", 3, "entry_changed"),
        ("DELETE FROM entries WHERE idx >= 3;", 3, "ledger_truncated"),
        ("DELETE FROM checkpoints; DELETE FROM entries;", 0, "ledger_truncated"),
        ("UPDATE checkpoints SET peaks = '';", 3, "checkpoint_malformed"),
        ("UPDATE checkpoints SET signed = 'no json';", None, "checkpoint_malformed"),
        ("UPDATE checkpoints SET signed = json_set(signed, '$.at', 9);", 3, "checkpoint_forged"),
    ],
)
async def test_a_tail_that_does_not_verify_is_not_opened(
    path: Path, vault: Vault, make: Make, script: str, index: int | None, code: str
) -> None:
    await filled(path, vault, [make(text="患者") for _ in range(4)])
    ledger = SqliteLedger.open(path, vault)
    for _ in range(4):
        await ledger.append([make(text="more")])
    copy = path.parent.parent / "crashed"
    shutil.copytree(path.parent, copy)
    await ledger.close()
    crashed = copy / path.name
    tampered(crashed, script)
    with pytest.raises(BrokenLedger) as caught:
        SqliteLedger.open(crashed, vault)
    assert (caught.value.index, caught.value.code) == (index, code)
    with pytest.raises(BrokenLedger):
        SqliteLedger.open(crashed, vault)  # the lock was let go


async def test_an_anchor_that_is_behind_is_refused(path: Path, vault: Vault, make: Make) -> None:
    await filled(path, vault, [make()])
    shutil.copy(path.with_name(anchor.ANCHOR_FILE), path.with_name("old"))
    await filled(path, vault, [make()])
    shutil.copy(path.with_name("old"), path.with_name(anchor.ANCHOR_FILE))
    with pytest.raises(BrokenLedger) as caught:
        SqliteLedger.open(path, vault)
    assert caught.value.code == "anchor_missing"
    path.with_name(anchor.ANCHOR_FILE).unlink()
    with pytest.raises(BrokenLedger):
        SqliteLedger.open(path, vault)


async def test_a_cut_tail_is_found_by_the_anchor(path: Path, vault: Vault, make: Make) -> None:
    await filled(path, vault, [make() for _ in range(6)], cadence=Cadence(entries=2))
    tampered(path, "DELETE FROM entries WHERE idx > 3; DELETE FROM checkpoints WHERE size > 4;")
    with pytest.raises(BrokenLedger) as caught:
        SqliteLedger.open(path, vault)
    assert (caught.value.code, caught.value.index) == ("ledger_truncated", 4)


async def test_a_reader_tells_all_that_is_stored(path: Path, vault: Vault, make: Make) -> None:
    await filled(path, vault, [make("甲", text="患者"), make("b")], cadence=Cadence(entries=1))
    with closing(SqliteReader(path)) as reader:
        rows = list(reader.rows())
        kept = anchor.read(path.with_name(anchor.ANCHOR_FILE))
        assert audit.whole(rows, kept, vault.public).size == reader.size() == 2
        assert [row.sealed is not None for row in rows] == [True, False]
        assert reader.key_of("nobody") is None
        tail = reader.resume()
        assert tail is not None
        assert tail[1].root == tail[0].checkpoint.root


async def test_a_copy_on_a_sealed_medium_can_be_read(
    path: Path, vault: Vault, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(path, vault, [make("甲")])
    monkeypatch.setattr("guardrail.storage.sqlite.os.access", lambda *_: False)
    with closing(SqliteReader(path)) as reader:
        assert reader.size() == 1
    assert not path.with_name(path.name + "-wal").exists()


async def test_an_append_that_nobody_awaits_any_more_does_not_stop_others(
    path: Path, vault: Vault, make: Make
) -> None:
    ledger = SqliteLedger.open(path, vault)
    async with asyncio.TaskGroup() as group:
        gone = [group.create_task(ledger.append([make("gone")])) for _ in range(5)]
        await asyncio.sleep(0)
        for task in gone:
            task.cancel()
    kept = await ledger.append([make("kept")])
    entries = await ledger.entries()
    assert entries[-1] == kept[0]
    await ledger.close()


async def test_json_in_the_table_reads_as_it_was_hashed(path: Path, vault: Vault) -> None:
    ledger = SqliteLedger.open(path, vault)
    facts = {"big": 1e16, "zero": -0.0, "small": 1e-7, "键": "值\u2028"}
    (entry,) = await ledger.append([Draft(Kind.ASKED, "x", 3, facts)])
    (read,) = await ledger.entries()
    assert read == entry
    assert json.loads(json.dumps(read.facts)) == facts
    await ledger.close()
    await SqliteLedger.open(path, vault).close()
