"""The anchor: signed checkpoints appended to a file outside the database.

A chain cannot notice that its own tail was cut off; a signed head kept elsewhere can. The file is
JSON lines, one checkpoint each, and is meant to be copied off the machine as it grows. The anchor
is written before the database remembers the checkpoint, so it is never behind.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from guardrail.domain.errors import BrokenLedger
from guardrail.ledger.chain import Signed, signed_as_json, signed_from_json
from guardrail.storage.vault import sync_folder

ANCHOR_FILE = "checkpoints.jsonl"
_LINE_MAX = 4096  # bytes; a line has about 400


def append(path: Path, signed: Signed) -> None:
    """Add one line and sync it to disk. What a crash left of an unfinished line is dropped first.
    Raises `OSError`."""
    fresh = not path.exists()
    with path.open("ab+") as file:
        _drop_torn_line(file.fileno())
        file.write(_line(signed))
        file.flush()
        os.fsync(file.fileno())
    if fresh:
        sync_folder(path.parent)


def read(path: Path) -> tuple[Signed, ...]:
    """All checkpoints of the file; an unfinished last line is not one. No file, no checkpoints.

    Raises `BrokenLedger` (`checkpoint_malformed`).
    """
    if not path.exists():
        return ()
    *lines, _torn = path.read_bytes().split(b"\n")
    return tuple(_parsed(line) for line in lines)


def last(path: Path) -> Signed | None:
    """The last checkpoint of the file, without reading the others. Raises as `read` does."""
    if not path.exists():
        return None
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _LINE_MAX))
        *lines, _torn = file.read().split(b"\n")
    return _parsed(lines[-1]) if lines else None


def rewrite(path: Path, checkpoints: Sequence[Signed]) -> None:
    """Replace the file by these checkpoints, atomically. Raises `OSError`."""
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        file.writelines(_line(signed) for signed in checkpoints)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def _line(signed: Signed) -> bytes:
    return json.dumps(signed_as_json(signed), separators=(",", ":")).encode() + b"\n"


def _parsed(line: bytes) -> Signed:
    try:
        row = json.loads(line)
    except ValueError:
        row = {}
    return signed_from_json(row)


def _drop_torn_line(descriptor: int) -> None:
    """Cut the file back to its last complete line."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - _LINE_MAX)
    end = start + os.pread(descriptor, _LINE_MAX, start).rfind(b"\n") + 1
    if end < size:
        os.ftruncate(descriptor, end)


def missing(path: Path) -> BrokenLedger:
    """The error for a file that lacks checkpoints which the database has."""
    return BrokenLedger(
        "anchor_missing",
        f"{path} lacks checkpoints that the ledger has.",
        "Restore it from a copy, or, when it was lost by accident, run: "
        "guardrail ledger checkpoint --restore-anchor",
    )
