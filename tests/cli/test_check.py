"""`guardrail check` without its heavy detectors; with them it is tried in end_to_end."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from guardrail.cli import app, check
from guardrail.detectors.panel import Panel
from guardrail.domain.exchange import Scene
from guardrail.policy.compile import load, shipped_folder
from guardrail.policy.evaluate import PolicySet
from guardrail.testing import SCORES, ScriptedDetector

WORDS = {"开药": "prescription.order", "13800138000": "phi.mobile"}


class Everything(ScriptedDetector):
    """Could find all there is: then nobody is missing."""

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(WORDS.values()) | frozenset(SCORES)


@pytest.fixture(scope="module")
def policies() -> PolicySet:
    return load(shipped_folder())


async def answers(policies: PolicySet, lines: Iterable[bytes]) -> list[dict[str, Any]]:
    panel = Panel([Everything(WORDS)])
    found = check._answers(panel, policies, lines, Scene.C)
    return [json.loads(json.dumps(row)) async for row in found]


def line(number: int, text: str, side: str = "output") -> bytes:
    return json.dumps({"id": number, "text": text, "side": side}).encode()


async def test_answers_keep_the_order_of_more_lines_than_are_judged_at_once(policies) -> None:
    lines = [line(n, "给您开药。" if n % 3 == 0 else "多休息。") for n in range(50)]
    rows = await answers(policies, lines)
    assert [row["id"] for row in rows] == list(range(50))
    assert all(("prescription.order" in str(row["rules"])) is (row["id"] % 3 == 0) for row in rows)


async def test_a_bad_line_is_told_by_its_number(policies) -> None:
    lines = [line(1, "好。"), b"\n", b"{", line(4, "x", side="both"), line(5, "Fine.")]
    rows = await answers(policies, lines)
    assert [row.get("line") for row in rows] == [None, 3, 4, None]
    assert [row["id"] for row in rows] == [1, None, None, 5]


async def test_lines_are_read_no_faster_than_they_are_judged(policies) -> None:
    read = 0

    def many() -> Iterable[bytes]:
        nonlocal read
        for n in range(100):
            read += 1
            yield line(n, "好。")

    found = check._answers(Panel([Everything(WORDS)]), policies, many(), Scene.C)
    await anext(found)
    assert read <= check.AT_ONCE
    await found.aclose()


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_line_that_is_too_long_is_one_bad_line(
    monkeypatch: pytest.MonkeyPatch, end: bytes
) -> None:
    monkeypatch.setattr(check, "MAX_LINE_BYTES", 8)
    lines = list(check._lines(io.BytesIO(b"123\n" + b"x" * 30 + b"\n" + b"1234567\n456" + end)))
    assert lines == [b"123\n", b"x" * 8, b"1234567\n", b"456" + end]


def test_one_of_text_and_file() -> None:
    for arguments in ([], ["text", "--jsonl", "-"]):
        done = CliRunner().invoke(app, ["check", *arguments])
        assert type(done.exception).__name__ == "BadRequest"
        assert "--jsonl FILE" in str(done.exception)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["check", "--jsonl", str(tmp_path / "没有.jsonl")])
    assert "cannot be read (FileNotFoundError)" in str(done.exception)


def test_one_text() -> None:
    done = CliRunner().invoke(app, ["check", "--side", "output", "建议多休息。"])
    assert (done.exit_code, json.loads(done.stdout)["action"]) == (0, "allow")
