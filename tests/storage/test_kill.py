"""kill -9 in the middle of load: no acknowledged entry is lost and the chain verifies."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from guardrail.storage import anchor, audit
from guardrail.storage.sqlite import LEDGER_FILE, Cadence, SqliteLedger, SqliteReader
from guardrail.storage.vault import Vault

ROUNDS = 12
TASKS = 8

LOAD = """
import asyncio, os, sys
from pathlib import Path
from guardrail.ledger.entry import Draft, Kind
from guardrail.storage.sqlite import Cadence, SqliteLedger
from guardrail.storage.vault import Vault

async def worker(ledger, name):
    while True:
        drafts = [Draft(kind, name, 1.0, {"说": "load"}, {"text": "患者 " * 40}) for kind in Kind]
        entries = await ledger.append(drafts)
        os.write(1, "".join(f"{e.index} {e.digest}\\n" for e in entries).encode())

async def main(path):
    ledger = SqliteLedger.open(path, Vault.existing(path.parent), cadence=Cadence(entries=25))
    async with asyncio.TaskGroup() as group:
        for number in range(int(sys.argv[2])):
            group.create_task(worker(ledger, f"工-{number}"))

asyncio.run(main(Path(sys.argv[1])))
"""


def acknowledged_until_killed(path: Path, lines: int) -> list[tuple[int, str]]:
    """Run the load, kill it right after it has acknowledged so many entries."""
    command = [sys.executable, "-c", LOAD, str(path), str(TASKS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        read = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        rest, complaint = process.communicate()
    assert process.returncode == -signal.SIGKILL, complaint.decode()
    whole = [line for line in (b"".join(read) + rest).split(b"\n")[:-1] if line]
    return [(int(index), digest.decode()) for index, digest in (line.split() for line in whole)]


def test_no_acknowledged_entry_is_lost_by_kill_9(tmp_path: Path) -> None:
    path = tmp_path / LEDGER_FILE
    vault = Vault.at(tmp_path)
    chance = random.Random(20251120)
    acknowledged: dict[int, str] = {}
    for _ in range(ROUNDS):
        acknowledged.update(acknowledged_until_killed(path, chance.randint(1, 120)))
        with closing(SqliteReader(path)) as reader:
            stored = {row.entry.index: row.entry.digest for row in reader.rows()}
        lost = {index for index, digest in acknowledged.items() if stored.get(index) != digest}
        assert not lost
        SqliteLedger.open(path, vault, cadence=Cadence()).close_now()
    with closing(SqliteReader(path)) as reader:
        kept = anchor.read(path.with_name(anchor.ANCHOR_FILE))
        assert audit.whole(reader.rows(), kept, vault.public).size == reader.size()
        assert len(reader.checkpoints()) >= ROUNDS
    assert len(acknowledged) >= ROUNDS
