"""`guardrail cases` against a small server that answers as the cases API does."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from guardrail.cli.cases import app

CASE: dict[str, Any] = {
    "id": "case-甲",
    "state": "open",
    "tier": "takeover",
    "scene": "A",
    "rules": ["confidence.low", "red_flag"],
    "opened_at": 1700000000.0,
    "decided_at": None,
    "decided_by": "",
}
FILE: dict[str, Any] = {
    "case": CASE,
    "turns": [{"speaker": "user", "text": "孩子发烧\x1b[2J怎么办"}],
    "withheld": [{"strand": "content", "text": "Take 阿莫西林"}],
    "review": {"text": "请到门诊", "reason": ""},
    "answer": "请到门诊",
}


class Clinic(ThreadingHTTPServer):
    """Remembers what it was asked and answers what it was told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Desk)
        self.asked: list[tuple[str, str, str | None, Any]] = []
        self.status, self.answer = 200, json.dumps({"cases": [CASE]}).encode()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answers(self, answer: object, status: int = 200) -> None:
        self.status = status
        self.answer = answer if isinstance(answer, bytes) else json.dumps(answer).encode()


class Desk(BaseHTTPRequestHandler):
    server: Clinic

    def do_GET(self) -> None:
        self._serve(None)

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self._serve(json.loads(self.rfile.read(length)))

    def _serve(self, body: Any) -> None:
        key = self.headers.get("Authorization")
        self.server.asked.append((self.command, self.path, key, body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def clinic() -> Iterator[Clinic]:
    with Clinic() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ran(clinic: Clinic, *arguments: str, said: str | None = None) -> Result:
    command = [*arguments, "--url", clinic.url, "--key", "k"]
    return CliRunner().invoke(app, command, input=said)


def test_the_queue_is_listed(clinic: Clinic) -> None:
    result = ran(clinic, "list", "--state", "open")
    assert result.exit_code == 0
    assert result.stdout.split() == [
        "case-甲",
        "open",
        "takeover",
        "A",
        "2023-11-14T22:13:20+00:00",
        "confidence.low,red_flag",
    ]
    assert clinic.asked == [("GET", "/guard/v1/cases?state=open", "Bearer k", None)]
    assert json.loads(ran(clinic, "list", "--json").stdout) == {"cases": [CASE]}


def test_a_case_is_shown_with_its_conversation(clinic: Clinic) -> None:
    clinic.answers(FILE)
    result = ran(clinic, "show", "case-甲/../x")
    assert clinic.asked[0][1] == "/guard/v1/cases/case-%E7%94%B2%2F..%2Fx"
    for line in (
        "state: open",
        "rules: confidence.low, red_flag",
        "opened_at: 2023-11-14T22:13:20+00:00",
        "decided_at: -",
        "decided_by: -",
        "user:",
        "model (content):\nTake 阿莫西林",
        "review (text):\n请到门诊",
        "answer:\n请到门诊",
    ):
        assert line in result.stdout
    assert "\x1b" not in result.stdout
    assert "review (reason)" not in result.stdout
    assert json.loads(ran(clinic, "show", "c", "--json").stdout) == FILE


def test_a_caller_who_is_no_doctor_sees_the_answer(clinic: Clinic) -> None:
    clinic.answers(
        {"id": "c", "state": "amended", "opened_at": "just now", "answer": "See a doctor"}
    )
    result = ran(clinic, "show", "c")
    assert "state: amended\ntier: -\nopened_at: just now\ndecided_at: -" in result.stdout
    assert "answer:\nSee a doctor" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "sent"),
    [
        (["claim", "c"], {"text": "", "reason": ""}),
        (["unclaim", "c"], {"text": "", "reason": ""}),
        (["confirm", "c"], {"text": "", "reason": ""}),
        (["amend", "c", "--text", "改为复诊"], {"text": "改为复诊", "reason": ""}),
        (["amend", "c", "--text", "-"], {"text": "from stdin 来自输入", "reason": ""}),
        (["reject", "c", "--reason", "禁忌"], {"text": "", "reason": "禁忌"}),
    ],
)
def test_a_doctor_decides(clinic: Clinic, arguments: list[str], sent: dict[str, str]) -> None:
    clinic.answers({"case": CASE | {"state": "claimed"}})
    result = ran(clinic, *arguments, said="from stdin 来自输入")
    assert (result.exit_code, result.stdout) == (0, "c is now claimed\n")
    path = f"/guard/v1/cases/c/{arguments[0]}"
    assert clinic.asked == [("POST", path, "Bearer k", sent)]
    assert json.loads(ran(clinic, "claim", "c", "--json").stdout)["case"]["state"] == "claimed"


def test_without_a_key_none_is_sent(clinic: Clinic) -> None:
    result = CliRunner().invoke(app, ["list", "--url", clinic.url + "/"])
    assert result.exit_code == 0
    assert clinic.asked == [("GET", "/guard/v1/cases", None, None)]


@pytest.mark.parametrize(
    ("answer", "status", "told"),
    [
        (
            {"error": {"code": "case_conflict", "message": "已被接手"}},
            409,
            "case_conflict: 已被接手",
        ),
        ({"error": "odd"}, 403, "http_403"),
        (b"<html>", 500, "http_500: the server answered 500."),
    ],
)
def test_a_refusal_is_told(clinic: Clinic, answer: object, status: int, told: str) -> None:
    clinic.answers(answer, status)
    result = ran(clinic, "claim", "c")
    assert result.exit_code == 1
    assert told in result.stderr


@pytest.mark.parametrize("answer", [b"<html>", b"[]"])
def test_something_else_that_answers_is_told(clinic: Clinic, answer: bytes) -> None:
    clinic.answers(answer)
    result = ran(clinic, "list")
    assert (result.exit_code, "not_json" in result.stderr) == (2, True)


def test_nobody_there_is_told(clinic: Clinic) -> None:
    result = CliRunner().invoke(app, ["list", "--url", "http://127.0.0.1:1"])
    assert (result.exit_code, "server_unreachable" in result.stderr) == (2, True)
    result = CliRunner().invoke(app, ["list", "--url", "file:///etc/passwd"])
    assert (result.exit_code, "bad_url" in result.stderr) == (1, True)
