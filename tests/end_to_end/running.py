"""Real processes for end-to-end tests: guardrail and the LLM behind it, on loopback."""

from __future__ import annotations

import contextlib
import hashlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import openai

from guardrail.ledger.entry import Entry
from guardrail.storage.sqlite import LEDGER_FILE, SqliteReader
from guardrail.storage.vault import Vault

STARTS_WITHIN_S = 120.0  # with two busy cores; alone it is ready in about ten
ENDS_WITHIN_S = 30.0
KEYS: Mapping[str, Mapping[str, str]] = {
    "app-key": {"name": "app"},
    "ward-key": {"name": "ward", "scene": "A", "audience": "clinician"},
    "strict-key": {"name": "strict", "on_block": "error"},
    "doctor-key": {"name": "dr-li", "role": "doctor", "scene": "A", "audience": "clinician"},
    "ops-key": {"name": "ops", "role": "ops"},
}
Found = TypeVar("Found")


@dataclass(frozen=True)
class Guarded:
    """A guardrail that runs, and what it wrote."""

    process: subprocess.Popen[bytes]
    port: int
    data: Path
    log: Path

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.base}/v1"

    def client(self, key: str = "demo-c", **options: Any) -> openai.OpenAI:
        return openai.OpenAI(base_url=self.url, api_key=key, max_retries=0, timeout=60.0, **options)

    def http(self, key: str = "demo-c", timeout_s: float = 60.0) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"}
        return httpx.Client(base_url=self.base, headers=headers, timeout=timeout_s)

    def trail(self, exchange: str) -> Sequence[Entry]:
        """What the ledger holds of one exchange, read beside the server."""
        with contextlib.closing(SqliteReader(self.data / LEDGER_FILE)) as reader:
            return reader.trail(exchange)

    def entries(self) -> Sequence[Entry]:
        """Everything the ledger holds."""
        with contextlib.closing(SqliteReader(self.data / LEDGER_FILE)) as reader:
            return [row.entry for row in reader.rows()]

    def bodies(self, exchange: str) -> Mapping[str, Any]:
        """The encrypted texts of one exchange, opened."""
        vault = Vault.existing(self.data)
        with contextlib.closing(SqliteReader(self.data / LEDGER_FILE)) as reader:
            return reader.bodies(exchange, vault)

    def kinds(self, exchange: str) -> list[str]:
        return [entry.kind.value for entry in self.trail(exchange)]

    def ended(self, within_s: float = ENDS_WITHIN_S) -> int:
        """The exit code, once the process has ended."""
        return self.process.wait(within_s)


def log_of(path: Path) -> str:
    return path.read_text("utf-8", errors="replace")


def until(look: Callable[[], Found], within_s: float = 10.0, *, every_s: float = 0.05) -> Found:
    """What `look` finds as soon as that is true. Raises `AssertionError` when the time is up."""
    end = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {within_s} s: {look}")
        time.sleep(every_s)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is not there any more afterwards. Its output goes to `log`."""
    with log.open("ab") as out:
        run = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    try:
        yield run
    finally:
        stop(run)


def stop(run: subprocess.Popen[bytes]) -> None:
    if run.poll() is None:
        run.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.wait(ENDS_WITHIN_S)
    if run.poll() is None:
        run.kill()
        run.wait(ENDS_WITHIN_S)


def answering(url: str, run: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until GET `url` says 200."""

    def well() -> bool:
        assert run.poll() is None, log_of(log)[-4000:]
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(url, timeout=10.0).status_code == 200
        return False

    try:
        until(well, STARTS_WITHIN_S, every_s=0.1)
    except AssertionError:
        raise AssertionError(f"{url} did not answer\n{log_of(log)[-4000:]}") from None


@contextlib.contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[Guarded]:
    """`guardrail demo`, ready."""
    port, log = free_port(), folder / "demo.log"
    data = folder / "data"
    command = [*GUARDRAIL, "demo", "--port", str(port), "--data", str(data), *arguments]
    with process(command, log) as run:
        answering(f"http://127.0.0.1:{port}/readyz", run, log)
        llms = children(run.pid)
        yield Guarded(run, port, data, log)
        stop(run)
        assert run.returncode == 0, log_of(log)[-4000:]
        assert llms
        assert not any(map(alive, llms))


def children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8").split()))


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


@contextlib.contextmanager
def scripted_llm(folder: Path, port: int | None = None) -> Iterator[str]:
    """The scripted LLM alone; its base URL."""
    port, log = port or free_port(), folder / "llm.log"
    url = f"http://127.0.0.1:{port}/v1"
    with process([sys.executable, "-m", "guardrail.cli.scripted_llm", str(port)], log) as run:
        answering(f"{url}/models", run, log)
        yield url


@contextlib.contextmanager
def serve(folder: Path, settings: Mapping[str, Any], *, ready: bool = True) -> Iterator[Guarded]:
    """`guardrail serve` with these settings on a port it finds itself. `ready`: wait for /readyz
    and not only for the port."""
    config, log = folder / "guardrail.json", folder / "serve.log"
    known = {"port": 0, "data": str(folder / "data"), "keys": keys()}
    config.write_text(json.dumps({**known, **settings}), "utf-8")
    began = log.stat().st_size if log.exists() else 0
    with process([*GUARDRAIL, "serve", "--config", str(config)], log) as run:
        port = until(lambda: _listening(run, log, began), STARTS_WITHIN_S)
        if ready:
            answering(f"http://127.0.0.1:{port}/readyz", run, log)
        yield Guarded(run, port, folder / "data", log)


def keys() -> list[dict[str, str]]:
    """`KEYS` as settings know them."""
    return [
        {**facts, "sha256": hashlib.sha256(key.encode()).hexdigest()} for key, facts in KEYS.items()
    ]


def verify(data: Path) -> subprocess.CompletedProcess[str]:
    """`guardrail ledger verify` on a folder."""
    command = [*GUARDRAIL, "ledger", "verify", "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def guardrail(*arguments: str, said: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Any other command, run to its end."""
    command = [*GUARDRAIL, *arguments]
    return subprocess.run(command, input=said, capture_output=True, check=False, timeout=120)


def _listening(run: subprocess.Popen[bytes], log: Path, began: int) -> int:
    """The port that the log names, 0 while it does not."""
    said = log.read_bytes()[began:].decode("utf-8", errors="replace")
    assert run.poll() is None, said[-4000:]
    for line in said.splitlines():
        with contextlib.suppress(ValueError, TypeError):
            row = json.loads(line)
            if isinstance(row, dict) and "listening" in row.values():
                return int(row["port"])
    return 0


GUARDRAIL = (sys.executable, "-m", "guardrail")
