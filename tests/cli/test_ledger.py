"""`guardrail ledger`, run as a person would."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from guardrail.cli.ledger import app
from guardrail.ledger import merkle
from guardrail.ledger.chain import signed_from_json
from guardrail.ledger.entry import Draft, Kind, digest_of, from_json
from guardrail.storage.anchor import ANCHOR_FILE
from guardrail.storage.sqlite import LEDGER_FILE, Cadence, SqliteLedger
from guardrail.storage.vault import MASTER_FILE, PUBLIC_FILE, Vault, is_genuine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ledger of ten entries in five exchanges; the third one's texts are erased."""

    async def fill(data: Path) -> None:
        ledger = SqliteLedger.open(data / LEDGER_FILE, Vault.at(data), cadence=Cadence(entries=4))
        for number in range(5):
            asked = Draft(Kind.ASKED, f"交换-{number}", 1.0, {"n": number}, {"text": "患者 \ud83d"})
            await ledger.append([asked, Draft(Kind.DECIDED, f"交换-{number}", 2.0, {})])
        await ledger.erase("交换-2")
        await ledger.close()

    data = tmp_path / "data"
    asyncio.run(fill(data))
    return data


def ran(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def tampered_with(folder: Path, script: str) -> None:
    with closing(sqlite3.connect(folder / LEDGER_FILE)) as connection:
        connection.executescript(
            f"DROP TRIGGER entries_stay; DROP TRIGGER entries_are_kept; {script}"
        )


def test_a_whole_ledger_verifies(folder: Path) -> None:
    result = ran("verify", "--data", folder)
    assert result.exit_code == 0
    assert "10 entries and 3 checkpoints verify" in result.stdout
    told = json.loads(ran("verify", "--data", folder, "--json").stdout)
    assert (told["ok"], told["entries"], told["checkpoints"]) == (True, 10, 3)


def test_the_first_bad_entry_is_named(folder: Path) -> None:
    tampered_with(folder, "UPDATE entries SET facts = '{\"n\": 9}' WHERE idx = 4;")
    result = ran("verify", "--data", folder)
    assert result.exit_code == 1
    assert "entry_changed: entry 4 was changed." in result.stderr
    told = json.loads(ran("verify", "--data", folder, "--json").stdout)
    assert (told["ok"], told["index"], told["code"]) == (False, 4, "entry_changed")
    assert told["remedy"]


def test_an_anchor_kept_elsewhere_finds_a_cut_tail(folder: Path, tmp_path: Path) -> None:
    kept = shutil.copy(folder / ANCHOR_FILE, tmp_path / "kept.jsonl")
    tampered_with(
        folder, "DELETE FROM entries WHERE idx > 3; DELETE FROM checkpoints WHERE size > 4;"
    )
    lines = (folder / ANCHOR_FILE).read_text().splitlines(keepends=True)
    (folder / ANCHOR_FILE).write_text(lines[0])
    assert ran("verify", "--data", folder).exit_code == 0
    result = ran("verify", "--data", folder, "--anchor", kept)
    assert result.exit_code == 1
    assert "entries 4 to 9 were signed and are gone" in result.stderr


def test_a_lost_anchor_can_be_restored(folder: Path) -> None:
    (folder / ANCHOR_FILE).unlink()
    result = ran("verify", "--data", folder)
    assert (result.exit_code, "--restore-anchor" in result.stderr) == (1, True)
    assert ran("checkpoint", "--data", folder, "--restore-anchor").exit_code == 0
    assert ran("verify", "--data", folder).exit_code == 0


def test_whose_signature_counts_can_be_said(folder: Path) -> None:
    public = (folder / PUBLIC_FILE).read_text().strip()
    (folder / PUBLIC_FILE).unlink()
    result = ran("verify", "--data", folder)
    assert (result.exit_code, "key_missing" in result.stderr) == (2, True)
    assert ran("verify", "--data", folder, "--public-key", public).exit_code == 0
    other = ran("verify", "--data", folder, "--public-key", Vault.fresh().public)
    assert (other.exit_code, "checkpoint_forged" in other.stderr) == (1, True)


@pytest.mark.parametrize("command", [["verify"], ["checkpoint"], ["export"], ["prove", "0"]])
def test_no_ledger_is_said_plainly(tmp_path: Path, command: list[str]) -> None:
    result = ran(*command, "--data", tmp_path / "none")
    assert result.exit_code == 2
    assert "ledger_not_found" in result.stderr


def test_the_signed_head_is_printed(folder: Path) -> None:
    signed = signed_from_json(json.loads(ran("checkpoint", "--data", folder).stdout))
    assert signed.checkpoint.size == 10
    assert is_genuine(signed, (folder / PUBLIC_FILE).read_text().strip())


def test_while_a_server_writes_its_last_signed_head_is_printed(folder: Path) -> None:
    async def with_a_server() -> tuple[Result, Result, Result]:
        ledger = SqliteLedger.open(folder / LEDGER_FILE, Vault.at(folder))
        await ledger.append([Draft(Kind.ASKED, "new", 3.0, {})])
        commands = (("checkpoint",), ("verify",), ("prove", 10))
        results = [await asyncio.to_thread(ran, *c, "--data", folder) for c in commands]
        await ledger.close()
        return results[0], results[1], results[2]

    checkpoint, verify, unsigned = asyncio.run(with_a_server())
    assert json.loads(checkpoint.stdout)["size"] == 10
    assert "11 entries" in verify.stdout
    assert (unsigned.exit_code, "not_signed_yet" in unsigned.stderr) == (2, True)
    assert json.loads(ran("checkpoint", "--data", folder).stdout)["size"] == 11


def test_an_empty_ledger_has_no_head(tmp_path: Path) -> None:
    SqliteLedger.open(tmp_path / LEDGER_FILE, Vault.at(tmp_path)).close_now()
    result = ran("checkpoint", "--data", tmp_path)
    assert (result.exit_code, "no_checkpoint" in result.stderr) == (2, True)
    assert "0 entries and 0 checkpoints" in ran("verify", "--data", tmp_path).stdout


def test_another_key_cannot_sign(folder: Path) -> None:
    (folder / MASTER_FILE).write_text("00" * 32)
    result = ran("checkpoint", "--data", folder)
    assert (result.exit_code, "vault_key_mismatch" in result.stderr) == (2, True)


def exported(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_entries_are_exported_without_texts(folder: Path) -> None:
    lines = exported(ran("export", "--data", folder).stdout)
    assert [digest_of(from_json(line)) for line in lines] == [line["digest"] for line in lines]
    assert len(lines) == 10
    assert all("content" not in line for line in lines)


def test_texts_are_exported_when_asked_for(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    result = ran("export", "--data", folder, "--bodies", "--out", out)
    assert (result.exit_code, result.stdout) == (0, "")
    lines = exported(out.read_text("utf-8"))
    said = [line["content"] for line in lines if line["kind"] == "asked"]
    assert said == [{"text": "患者 \ud83d"} if n != 2 else None for n in range(5)]
    assert all(line["content"] is None for line in lines if line["kind"] == "decided")


def test_a_file_that_cannot_be_written_is_said_plainly(folder: Path, tmp_path: Path) -> None:
    result = ran("export", "--data", folder, "--out", tmp_path / "no" / "out.jsonl")
    assert (result.exit_code, "No such file" in result.stderr) == (2, True)


@pytest.mark.parametrize("index", [0, 4, 9])
def test_an_entry_is_proved_to_be_part_of_what_was_signed(folder: Path, index: int) -> None:
    proof = json.loads(ran("prove", index, "--data", folder).stdout)
    signed = signed_from_json(proof["checkpoint"])
    entry = from_json(proof["entry"])
    assert is_genuine(signed, (folder / PUBLIC_FILE).read_text().strip())
    assert entry.digest == digest_of(entry)
    checkpoint = signed.checkpoint
    size, root = checkpoint.size, checkpoint.root
    assert merkle.includes(entry.digest, index, size, proof["path"], root)
    assert proof["leaf"] == merkle.leaf(entry.digest)


def test_what_was_rewritten_is_not_proved(folder: Path) -> None:
    tampered_with(folder, "UPDATE entries SET digest = printf('%064d', 7) WHERE idx = 4;")
    result = ran("prove", 1, "--data", folder)
    assert (result.exit_code, "ledger_rewritten" in result.stderr) == (1, True)
