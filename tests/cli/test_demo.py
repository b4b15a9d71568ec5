"""`guardrail demo`: its settings, its tour, the LLM it starts."""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from guardrail.cli import demo
from guardrail.domain.errors import BadConfig
from guardrail.domain.exchange import Audience, Scene
from guardrail.server.callers import Callers
from guardrail.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return demo.demo_settings("http://127.0.0.1:9/v1", 8123, tmp_path)


def test_one_key_per_scene_and_each_is_its_own_name(settings: Settings) -> None:
    callers = Callers(settings.keys)
    for letter in "abcd":
        caller = callers.of_key(f"demo-{letter}")
        assert caller is not None
        assert caller.scene is Scene(letter.upper())
        assert caller.audience is (Audience.CLINICIAN if letter in "ab" else Audience.PATIENT)
    roles = {
        name: found.role for name in ("demo-doctor", "demo-ops") if (found := callers.of_key(name))
    }
    assert roles == {"demo-doctor": "doctor", "demo-ops": "ops"}
    assert settings.loopback


@pytest.mark.parametrize("scripted", [False, True])
def test_five_questions_with_the_port_and_the_model(settings: Settings, scripted: bool) -> None:
    told = demo.tour(settings, "folder/模型.gguf", scripted=scripted)
    commands = [line for line in told.splitlines() if line.startswith("curl ")]
    assert len(commands) == 5
    for command in commands:
        body = json.loads(re.search(r"-d '(.*)'$", command)[1])
        assert body["model"] == "folder/模型.gguf"
        assert "http://127.0.0.1:8123/v1/chat/completions" in command
    assert "模型.gguf" in told.splitlines()[1]


class Llm(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        data = json.dumps({"data": [{"id": "甲"}, {"id": "乙"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def llm() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Llm) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()
        thread.join()


def test_the_model_is_the_first_that_is_listed(llm: str) -> None:
    assert demo.model_of(llm) == "甲"


def test_an_llm_that_does_not_start_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(BadConfig) as refused, demo.upstream(scripted=True):
        pass
    assert refused.value.code == "demo_llm_failed"


def test_sigterm_while_it_starts_is_an_orderly_end() -> None:
    with pytest.raises(SystemExit) as ended:
        demo._leave(15, None)
    assert ended.value.code == 0
