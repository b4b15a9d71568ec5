"""The ledger in one SQLite file.

One thread owns the only writing connection (WAL, synchronous=FULL). Appends of many exchanges that
arrive while a commit is under way share the next one, and each is answered only when its commit is
on disk. Reading uses a connection of its own, so the command line may read while a server writes.
A lock file keeps a second writer out.

At least every `Cadence` the head is signed, written to the anchor file beside the ledger and then
to the table of checkpoints; opening verifies everything from the last checkpoint on.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from guardrail.domain.errors import BadConfig, BrokenLedger
from guardrail.ledger.chain import Head, Signed, cut, signed_as_json
from guardrail.ledger.entry import Draft, Entry, Kind, canonical_facts
from guardrail.ledger.merkle import Frontier
from guardrail.storage import anchor, audit, record, tables
from guardrail.storage.lock import Lock
from guardrail.storage.record import Key, Row
from guardrail.storage.vault import Vault
from guardrail.storage.writer import Job, Writer

LEDGER_FILE = "ledger.db"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Cadence:
    """A checkpoint is cut after so many new entries or so many seconds, whichever is first."""

    entries: int = 1000
    seconds: float = 60.0


_CADENCE = Cadence()


@dataclass(frozen=True, slots=True)
class _Rim:
    """What the store touches besides the database."""

    anchor: Path
    cadence: Cadence
    clock: Callable[[], float]
    busy_ms: int


@dataclass(frozen=True, slots=True)
class _Append:
    drafts: tuple[Draft, ...]


@dataclass(frozen=True, slots=True)
class _Erase:
    exchange: str


class SqliteReader:
    """Reads a ledger file and never writes it. Blocks; may be shared by threads."""

    def __init__(self, path: Path) -> None:
        """Raises `BadConfig` (`ledger_not_found`), `BrokenLedger` (`ledger_unavailable`)."""
        if not path.exists():
            raise BadConfig(
                "ledger_not_found", "there is no ledger.", "Give --data DIR.", where=str(path)
            )
        self._lock = threading.Lock()
        with _sqlite_errors():
            self._connection = _connect(path.absolute().as_uri() + _reading(path))

    def entries(self, after: int = -1, limit: int = 1000) -> tuple[Entry, ...]:
        return tuple(map(tables.entry, self._all(tables.ENTRIES, after, limit)))

    def trail(self, exchange: str) -> tuple[Entry, ...]:
        """All entries of one exchange, in order."""
        return tuple(map(tables.entry, self._all(tables.TRAIL, exchange)))

    def rows(self, after: int = -1) -> Iterator[Row]:
        """Entries with their ciphertexts, as one snapshot. For one thread only."""
        with _sqlite_errors():
            for row in self._connection.execute(tables.ROWS, (after,)):
                yield Row(tables.entry(row[:-1]), row[-1])

    def bodies(self, exchange: str, vault: Vault) -> dict[str, object]:
        """Decrypted bodies by entry kind, the latest of each; empty where they were erased."""
        found = self._all(tables.BODIES, exchange)
        return {kind: vault.open(key, exchange, Kind(kind), sealed) for kind, sealed, key in found}

    def key_of(self, exchange: str) -> Key | None:
        """The exchange's data key; None when it never had one or it was erased."""
        found = self._all(tables.KEY, exchange)
        return Key(*found[0]) if found else None

    def checkpoints(self) -> tuple[Signed, ...]:
        """All signed checkpoints, shortest ledger first."""
        return tuple(tables.signed(text) for (text,) in self._all(tables.CHECKPOINTS))

    def resume(self) -> tuple[Signed, Frontier] | None:
        """The last checkpoint with the tree at it."""
        for text, peaks in self._all(tables.LAST_CHECKPOINT):
            signed = tables.signed(text)
            return signed, Frontier(signed.checkpoint.size, tuple(peaks.split()))
        return None

    def size(self) -> int:
        """How many entries there are."""
        (count,) = self._all(tables.SIZE)[0]
        return cast(int, count)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _all(self, sql: str, *values: object) -> list[Any]:
        with self._lock, _sqlite_errors():
            return self._connection.execute(sql, values).fetchall()


class SqliteLedger:
    """`guard.ports.Ledger` on disk. Made by `open`."""

    def __init__(self, store: _Store, reader: SqliteReader, vault: Vault, held: ExitStack) -> None:
        self._store, self._reader, self._vault, self._held = store, reader, vault, held
        self._writer = Writer(store.perform, store.patience, store.sign_if_due, store.finish)

    @classmethod
    def open(
        cls,
        path: Path,
        vault: Vault,
        *,
        cadence: Cadence = _CADENCE,
        clock: Callable[[], float] = time.time,  # noqa: TID251 - the rim stamps checkpoints
        busy_s: float = 5.0,
    ) -> SqliteLedger:
        """Open for writing, making the file when there is none. Blocks while it verifies the tail.

        Raises `BadConfig` (`ledger_in_use`, `ledger_version`, `vault_key_mismatch`) and
        `BrokenLedger` when the tail does not verify or the disk refuses.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        rim = _Rim(path.with_name(anchor.ANCHOR_FILE), cadence, clock, int(busy_s * 1000))
        with ExitStack() as undo:
            lock = Lock(path.with_name(path.name + ".lock"))
            undo.callback(lock.release)
            with _sqlite_errors():
                connection = undo.enter_context(closing(_writable(path, vault, busy_s)))
            reader = undo.enter_context(closing(SqliteReader(path)))
            head, signed = _verified_head(reader, vault, rim.anchor)
            store = _Store(connection, vault, rim, head, signed)
            return cls(store, reader, vault, undo.pop_all())

    @property
    def size(self) -> int:
        """How many entries are safe on disk."""
        return self._store.head.size

    async def append(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        future = self._writer.submit(_Append(tuple(drafts)))
        return cast(tuple[Entry, ...], await asyncio.wrap_future(future))

    async def entries(self, after: int = -1, limit: int = 1000) -> Sequence[Entry]:
        return await asyncio.to_thread(self._reader.entries, after, limit)

    async def trail(self, exchange: str) -> Sequence[Entry]:
        """All entries of one exchange, in order."""
        return await asyncio.to_thread(self._reader.trail, exchange)

    async def bodies(self, exchange: str) -> Mapping[str, object]:
        return await asyncio.to_thread(self._reader.bodies, exchange, self._vault)

    async def erase(self, exchange: str) -> bool:
        """Forget the exchange's data key: its bodies can never be read again, the proof stays.
        Says whether there was a key."""
        return cast(bool, await asyncio.wrap_future(self._writer.submit(_Erase(exchange))))

    async def checkpoints(self) -> Sequence[Signed]:
        return await asyncio.to_thread(self._reader.checkpoints)

    async def close(self) -> None:
        """Finish what was asked, sign the head, let the file go. May be called again."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """`close` for callers without an event loop. Blocks."""
        self._writer.close()
        self._held.close()


class _Store:
    """The writing connection and the head. Used by the writer's thread alone once it runs."""

    def __init__(
        self, connection: sqlite3.Connection, vault: Vault, rim: _Rim, head: Head, signed: int
    ) -> None:
        self.head = head
        self._connection, self._vault, self._rim = connection, vault, rim
        self._signed = signed  # size at the last checkpoint
        self._fresh = 0  # entries since the last one was cut or tried
        self._since = time.monotonic()
        self._unscrubbed = False  # an erased key may still stand in the write-ahead log

    def perform(self, jobs: list[Job]) -> None:
        """One transaction for all; every job is answered after it is on disk, or refused."""
        head, before = self.head, self.head
        answers: list[tuple[Job, object]] = []
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                answer, head = self._do(job.task, head)
                answers.append((job, answer))
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._roll_back()
            for job in jobs:
                job.future.set_exception(_unavailable(error))
            return
        self._advance(before, head)
        if any(isinstance(job.task, _Erase) for job in jobs):
            self._scrub()
        for job, answer in answers:
            _answer(job, answer)
        self.sign_if_due()

    def patience(self) -> float | None:
        """Seconds until a checkpoint is due; None while every entry is signed."""
        if self._signed == self.head.size:
            return None
        return max(0.0, self._since + self._rim.cadence.seconds - time.monotonic())

    def sign_if_due(self) -> None:
        if self.patience() == 0.0 or self._fresh >= self._rim.cadence.entries:
            self._sign()

    def finish(self) -> None:
        """Sign what is not signed yet; the connection is closed by who opened it."""
        if self._signed != self.head.size:
            self._sign()

    def _do(self, task: _Append | _Erase, head: Head) -> tuple[object, Head]:
        """Perform one task inside the transaction. What it cannot do is its answer."""
        if isinstance(task, _Erase):
            gone = self._connection.execute(tables.FORGET_KEY, (task.exchange,)).rowcount
            return gone > 0, head
        try:
            group = record.group(task.drafts, head, self._vault, self._key_of)
        except BrokenLedger as error:
            return error, head
        self._insert(group)
        return group.entries, group.head

    def _key_of(self, exchange: str) -> Key | None:
        found = self._connection.execute(tables.KEY, (exchange,)).fetchone()
        return Key(*found) if found else None

    def _insert(self, group: record.Group) -> None:
        run = self._connection.executemany
        keys = ((exchange, key.wrapped, key.since) for exchange, key in group.keys.items())
        run(tables.ADD_KEY, keys)
        run(tables.ADD_ENTRY, map(tables.columns, group.entries))
        bodies = ((row.entry.index, row.sealed) for row in group.rows if row.sealed is not None)
        run(tables.ADD_BODY, bodies)

    def _roll_back(self) -> None:
        """Nothing of the group stays. A failed COMMIT may already have ended the transaction."""
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _advance(self, before: Head, head: Head) -> None:
        if self._signed == before.size:
            self._since = time.monotonic()
        self._fresh += head.size - before.size
        self.head = head

    def _scrub(self) -> None:
        """Leave no copy of an erased key in the write-ahead log. While someone reads an old state
        it cannot be truncated; nobody waits for that, it is tried again with the next signature."""
        try:
            self._connection.execute("PRAGMA busy_timeout = 0")
            busy, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            self._connection.execute(f"PRAGMA busy_timeout = {self._rim.busy_ms}")
        except sqlite3.Error as error:
            _log.warning("write-ahead log not truncated: %s", _name(error))
            busy = True
        self._unscrubbed = bool(busy)

    def _sign(self) -> None:
        """Cut a checkpoint: first into the anchor, then into the table. When it cannot be written
        the entries are still safe; it is tried again when the next one is due."""
        self._fresh, self._since = 0, time.monotonic()
        if self._unscrubbed:
            self._scrub()
        signed = self._vault.sign(cut(self.head, self._rim.clock()))
        text = canonical_facts(signed_as_json(signed)).decode()
        row = (self.head.size, text, " ".join(self.head.frontier.peaks))
        try:
            anchor.append(self._rim.anchor, signed)
            self._connection.execute(tables.ADD_CHECKPOINT, row)
        except (OSError, sqlite3.Error) as error:
            _log.warning("checkpoint at %d not written: %s", self.head.size, _name(error))
        else:
            self._signed = self.head.size


def _verified_head(reader: SqliteReader, vault: Vault, anchor_path: Path) -> tuple[Head, int]:
    """The head, after verifying everything from the last checkpoint on; and that one's size."""
    start, anchored = Head(), anchor.last(anchor_path)
    stored = reader.resume()
    if stored is not None:
        signed, frontier = stored
        if anchored is None or anchored.checkpoint.size < signed.checkpoint.size:
            raise anchor.missing(anchor_path)
        last = reader.entries(signed.checkpoint.size - 2, 1)
        start = audit.resumed(signed, frontier, last[0] if last else None, vault.public)
    anchors = [] if anchored is None else [anchored]
    return audit.tail(reader.rows(start.size - 1), start, anchors, vault.public), start.size


def _reading(path: Path) -> str:
    """A copy on a medium that cannot be written has no room for SQLite's side files."""
    wal = path.with_name(path.name + "-wal")
    sealed = not os.access(path.parent, os.W_OK) and not wal.exists()
    return "?immutable=1" if sealed else "?mode=ro"


def _connect(where: str, busy_s: float = 5.0) -> sqlite3.Connection:
    return sqlite3.connect(
        where, timeout=busy_s, isolation_level=None, check_same_thread=False, uri=True
    )


def _writable(path: Path, vault: Vault, busy_s: float) -> sqlite3.Connection:
    connection = _connect(path.absolute().as_uri(), busy_s)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        connection.executescript(tables.SCHEMA)
    elif version != tables.VERSION:
        raise BadConfig(
            "ledger_version",
            f"the ledger has version {version}, this program reads {tables.VERSION}.",
            "Start the program that wrote it.",
            where=str(path),
        )
    connection.execute(tables.ADD_MARK, (vault.mark,))
    (mark,) = connection.execute(tables.MARK).fetchone()
    if mark != vault.mark:
        raise BadConfig(
            "vault_key_mismatch",
            "the ledger was begun with another master key.",
            "Restore the vault.key that belongs to it.",
            where=str(path),
        )
    return connection


def _answer(job: Job, answer: object) -> None:
    if isinstance(answer, BrokenLedger):
        job.future.set_exception(answer)
    else:
        job.future.set_result(answer)


@contextmanager
def _sqlite_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _unavailable(error) from None


def _unavailable(error: sqlite3.Error) -> BrokenLedger:
    return BrokenLedger(
        "ledger_unavailable",
        f"the ledger cannot be read or written ({_name(error)}).",
        "Free disk space, check the disk and that nothing else locks the ledger.",
    )


def _name(error: Exception) -> str:
    """What went wrong, without any text that was being written."""
    return str(getattr(error, "sqlite_errorname", "") or type(error).__name__)
