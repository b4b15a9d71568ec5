"""The anchor file."""

from __future__ import annotations

from pathlib import Path

import pytest

from guardrail.domain.errors import BrokenLedger
from guardrail.ledger.chain import Checkpoint, Signed
from guardrail.storage import anchor
from guardrail.storage.vault import Vault


def signed_at(vault: Vault, size: int) -> Signed:
    return vault.sign(Checkpoint(size, "aa" * 32, "bb" * 32, 1.5))


def test_checkpoints_come_back_in_order(tmp_path: Path, vault: Vault) -> None:
    path = tmp_path / anchor.ANCHOR_FILE
    assert (anchor.read(path), anchor.last(path)) == ((), None)
    kept = [signed_at(vault, size) for size in range(1, 40)]
    for signed in kept:
        anchor.append(path, signed)
        assert anchor.last(path) == signed
    assert anchor.read(path) == tuple(kept)


def test_a_torn_line_is_ignored_then_dropped(tmp_path: Path, vault: Vault) -> None:
    path = tmp_path / anchor.ANCHOR_FILE
    first, second = signed_at(vault, 1), signed_at(vault, 2)
    anchor.append(path, first)
    with path.open("ab") as file:
        file.write(b'{"size": 9, "ro')
    assert anchor.read(path) == (first,)
    assert anchor.last(path) == first
    anchor.append(path, second)
    assert anchor.read(path) == (first, second)


def test_a_file_of_one_torn_line_holds_nothing(tmp_path: Path, vault: Vault) -> None:
    path = tmp_path / anchor.ANCHOR_FILE
    path.write_bytes(b'{"size"')
    assert (anchor.read(path), anchor.last(path)) == ((), None)
    anchor.append(path, signed_at(vault, 1))
    assert len(anchor.read(path)) == 1


@pytest.mark.parametrize("line", ["不是 json", "{}", "[]", "3"])
def test_a_line_that_is_no_checkpoint_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / anchor.ANCHOR_FILE
    path.write_text(line + "\n", "utf-8")
    for read in (anchor.read, anchor.last):
        with pytest.raises(BrokenLedger) as caught:
            read(path)
        assert caught.value.code == "checkpoint_malformed"


def test_a_file_can_be_written_anew(tmp_path: Path, vault: Vault) -> None:
    path = tmp_path / anchor.ANCHOR_FILE
    path.write_bytes(b"lost")
    kept = (signed_at(vault, 1), signed_at(vault, 5))
    anchor.rewrite(path, kept)
    assert anchor.read(path) == kept
    assert [file.name for file in tmp_path.iterdir()] == [anchor.ANCHOR_FILE]


def test_a_missing_anchor_says_what_to_do(tmp_path: Path) -> None:
    error = anchor.missing(tmp_path / anchor.ANCHOR_FILE)
    assert error.code == "anchor_missing"
    assert "--restore-anchor" in error.remedy
