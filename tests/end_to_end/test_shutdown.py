"""SIGTERM and kill -9 in the middle of load."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.end_to_end.running import (
    ENDS_WITHIN_S,
    Guarded,
    free_port,
    log_of,
    scripted_llm,
    serve,
    until,
    verify,
)

ROUNDS = 5
CALLERS = 6
ASKED: Any = {"messages": [{"role": "user", "content": "我叫王小明，头痛两天了，怎么办？"}]}


@pytest.fixture(scope="module")
def llm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with scripted_llm(tmp_path_factory.mktemp("llm")) as url:
        yield url


@dataclass
class Caller(threading.Thread):
    """Asks again and again, and remembers the exchanges whose answers it holds whole."""

    running: Guarded
    model: str = "scripted"
    stream: bool = False
    once: bool = False
    acknowledged: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        super().__init__(daemon=True)

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        body = {**ASKED, "model": self.model, "stream": self.stream}
        with contextlib.suppress(httpx.TransportError), self.running.http("app-key") as http:
            while True:
                self._ask(http, body)
                if self.once:
                    return

    def _ask(self, http: httpx.Client, body: Any) -> None:
        with http.stream("POST", "/v1/chat/completions", json=body) as answer:
            assert answer.status_code == 200
            text = ""
            for piece in answer.iter_text():
                text += piece
                if '"content":"' in text:
                    self.begun.set()
        self.said.append(text)
        if not self.stream or "data: [DONE]" in text:
            self.acknowledged.append(answer.headers["x-guardrail-exchange"])


def test_kill_9_loses_no_acknowledged_exchange(tmp_path: Path, llm: str) -> None:
    acknowledged: list[str] = []
    for number in range(ROUNDS):
        with serve(tmp_path, {"upstream": {"url": llm}}) as running:
            callers = [Caller(running, stream=n % 2 == 0) for n in range(CALLERS)]
            for caller in callers:
                caller.start()
            until(lambda c=callers: all(one.acknowledged for one in c), 30)
            time.sleep(0.05 * number)
            running.process.send_signal(signal.SIGKILL)
            assert running.ended() == -signal.SIGKILL
            for caller in callers:
                caller.join(ENDS_WITHIN_S)
                acknowledged += caller.acknowledged
        told = verify(tmp_path / "data")
        assert told.returncode == 0, told.stdout + told.stderr
    assert len(acknowledged) >= ROUNDS * CALLERS
    held: dict[str, list[str]] = {}
    for entry in running.entries():
        held.setdefault(entry.exchange, []).append(entry.kind.value)
    whole = ["asked", "inspected", "inspected", "decided", "released"]
    assert [held.get(exchange) for exchange in acknowledged] == [whole] * len(acknowledged)
    assert set(map(tuple, held.values())) == {tuple(whole)}


def test_sigterm_lets_running_streams_end(tmp_path: Path, llm: str) -> None:
    operations = free_port()
    settings = {"upstream": {"url": llm}, "metrics_port": operations}
    with serve(tmp_path, settings) as running:
        callers = streaming(running, 2)
        running.process.send_signal(signal.SIGTERM)
        for base in (running.base, f"http://127.0.0.1:{operations}"):
            draining = until(lambda b=base: not_ready(b))
            assert draining == ["draining"]
        with running.http("app-key") as http:
            refused = http.post("/v1/chat/completions", json={**ASKED, "model": "scripted"})
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "shutting_down")
        assert refused.headers["retry-after"]
        assert running.ended() == 0, log_of(running.log)[-2000:]
        for caller in callers:
            caller.join(ENDS_WITHIN_S)
            assert ended_well(caller.said[0])
            (exchange,) = caller.acknowledged
            assert running.trail(exchange)[-1].facts["ending"] == "answered"
    assert verify(tmp_path / "data").returncode == 0


def test_sigterm_cuts_what_takes_too_long(tmp_path: Path, llm: str) -> None:
    settings = {"upstream": {"url": llm}, "limits": {"drain_s": 0.5}}
    with serve(tmp_path, settings) as running:
        callers = streaming(running, 2, model="fault-stall")
        running.process.send_signal(signal.SIGTERM)
        assert running.ended() == 0, log_of(running.log)[-2000:]
        for caller in callers:
            caller.join(ENDS_WITHIN_S)
            assert '"code":"shutting_down"' in caller.said[0]
            assert caller.said[0].count("[DONE]") == 1
            (exchange,) = caller.acknowledged
            assert running.trail(exchange)[-1].facts["code"] == "shutting_down"
    assert verify(tmp_path / "data").returncode == 0


def streaming(running: Guarded, count: int, model: str = "slow") -> list[Caller]:
    """Callers in the middle of one stream each."""
    callers = [Caller(running, model=model, stream=True, once=True) for _ in range(count)]
    for caller in callers:
        caller.start()
    for caller in callers:
        assert caller.begun.wait(ENDS_WITHIN_S)
    return callers


def not_ready(base: str) -> list[str]:
    with contextlib.suppress(httpx.TransportError):
        answer = httpx.get(f"{base}/readyz", timeout=5.0)
        if answer.status_code == 503:
            missing: list[str] = answer.json()["missing"]
            return missing
    return []


def ended_well(text: str) -> bool:
    lines = [line[6:] for line in text.split("\n") if line.startswith("data: ")]
    chunks = [json.loads(line) for line in lines[:-1]]
    reasons = [c["choices"][0]["finish_reason"] for c in chunks if c["choices"][0]["finish_reason"]]
    return lines[-1] == "[DONE]" and reasons == ["stop"]
