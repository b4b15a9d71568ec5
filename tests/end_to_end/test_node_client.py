"""The official Node client against a running guardrail."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.running import Guarded

PROJECT = Path(__file__).parent / "node"


@pytest.fixture(scope="module")
def told(scripted: Guarded) -> dict[str, Any]:
    """What `client.mjs` found out."""
    node = shutil.which("node")
    if node is None or not (PROJECT / "node_modules" / "openai").is_dir():
        pytest.skip("node or the openai package is missing: run `make node`")
    command = [node, "client.mjs", scripted.url, "demo-c"]
    done = subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def test_a_chat(told: dict[str, Any]) -> None:
    assert told["clean"].startswith("建议您多休息")
    assert told["action"] == "allow"


def test_a_stream(told: dict[str, Any]) -> None:
    assert told["stream"] == {
        "text": "Please rest, drink enough water and see a doctor if it lasts. ",
        "reasons": ["stop"],
        "action": "allow",
    }


def test_blocks(told: dict[str, Any]) -> None:
    assert told["blocked"]["reason"] == "content_filter"
    assert "人工智能不能开具处方" in told["blocked"]["text"]
    assert "阿莫西林" not in told["blocked"]["text"]
    assert told["injection"]["reasons"] == ["content_filter"]
    assert told["injection"]["action"] == "block"


def test_errors_models_and_moderations(told: dict[str, Any]) -> None:
    assert told["refused"] == {
        "name": "NotFoundError",
        "status": 404,
        "code": "upstream_not_found",
    }
    assert told["models"][:2] == ["scripted", "echo"]
    assert told["flagged"] is True
