"""The tables of the SQLite ledger: schema, statements, and rows ↔ entries. Touches no database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from guardrail.ledger.chain import Signed, signed_from_json
from guardrail.ledger.entry import Entry, Kind, malformed, read_facts

VERSION = 1
SCHEMA = """
BEGIN;
CREATE TABLE entries (
  idx INTEGER PRIMARY KEY, kind TEXT NOT NULL, exchange TEXT NOT NULL, at REAL NOT NULL,
  facts TEXT NOT NULL, body TEXT NOT NULL, previous TEXT NOT NULL, digest TEXT NOT NULL) STRICT;
CREATE INDEX entries_by_exchange ON entries (exchange);
CREATE TABLE bodies (idx INTEGER PRIMARY KEY, sealed BLOB NOT NULL) STRICT;
CREATE TABLE keys (
  exchange TEXT PRIMARY KEY, wrapped BLOB NOT NULL, since INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE checkpoints (
  size INTEGER PRIMARY KEY, signed TEXT NOT NULL, peaks TEXT NOT NULL) STRICT;
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TRIGGER entries_are_kept BEFORE DELETE ON entries
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
PRAGMA user_version = 1;
COMMIT;
"""

ENTRIES = """
SELECT idx, kind, exchange, at, facts, body, previous, digest FROM entries
WHERE idx > ? ORDER BY idx LIMIT ?"""
TRAIL = """
SELECT idx, kind, exchange, at, facts, body, previous, digest FROM entries
WHERE exchange = ? ORDER BY idx"""
ROWS = """
SELECT idx, kind, exchange, at, facts, body, previous, digest, sealed
FROM entries LEFT JOIN bodies USING (idx) WHERE idx > ? ORDER BY idx"""
BODIES = """
SELECT kind, sealed, wrapped FROM entries JOIN bodies USING (idx) JOIN keys USING (exchange)
WHERE exchange = ? AND idx >= since ORDER BY idx"""
KEY = "SELECT wrapped, since FROM keys WHERE exchange = ?"
CHECKPOINTS = "SELECT signed FROM checkpoints ORDER BY size"
LAST_CHECKPOINT = "SELECT signed, peaks FROM checkpoints ORDER BY size DESC LIMIT 1"
SIZE = "SELECT count(*) FROM entries"
MARK = "SELECT value FROM meta WHERE name = 'vault'"

ADD_ENTRY = "INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
ADD_BODY = "INSERT INTO bodies VALUES (?, ?)"
ADD_KEY = "INSERT OR IGNORE INTO keys VALUES (?, ?, ?)"
ADD_CHECKPOINT = "INSERT INTO checkpoints VALUES (?, ?, ?)"
ADD_MARK = "INSERT OR IGNORE INTO meta VALUES ('vault', ?)"
FORGET_KEY = "DELETE FROM keys WHERE exchange = ?"


def columns(entry: Entry) -> tuple[object, ...]:
    """The entry as `ADD_ENTRY` wants it."""
    facts = json.dumps(entry.facts, ensure_ascii=False)
    place = (entry.index, entry.kind.value, entry.exchange, entry.at)
    return (*place, facts, entry.body, entry.previous, entry.digest)


def entry(row: Sequence[Any]) -> Entry:
    """The reverse. Raises `BrokenLedger` (`entry_malformed`)."""
    index, kind, exchange, at, facts, body, previous, digest = row
    try:
        return Entry(index, Kind(kind), exchange, at, read_facts(facts), body, previous, digest)
    except (TypeError, ValueError):
        raise malformed(index) from None


def signed(text: str) -> Signed:
    """A stored checkpoint. Raises `BrokenLedger` (`checkpoint_malformed`)."""
    try:
        return signed_from_json(json.loads(text))
    except ValueError:
        return signed_from_json({})
