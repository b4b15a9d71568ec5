"""The programs these tests drive, the chart as helm renders it, and metrics with some life in them.

A program that is missing skips its tests; with GUARDRAIL_NO_SKIP=1 `tests/conftest.py` makes that
a failure.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from guardrail.domain.case import CaseState
from guardrail.domain.exchange import Channel, Exchange, Passage, Side, Speaker
from guardrail.domain.finding import Gap, GapReason, Look
from guardrail.domain.verdict import Action, Reason, Severity, Tier, Verdict
from guardrail.guard import effects, events
from guardrail.guard.effects import Effect, Ending
from guardrail.guard.events import Event, Party
from guardrail.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "guardrail"
PLACES = (ROOT / ".tools" / "bin", ROOT / ".tools" / "venv" / "bin", Path(sys.executable).parent)

Run = Callable[..., subprocess.CompletedProcess[str]]
Render = Callable[..., list[dict[str, Any]]]

MINIMAL: Mapping[str, Any] = {
    "settings": {
        "upstream": {"url": "http://llm.models.svc:8000/v1"},
        "keys": [{"name": "his", "sha256": "0" * 64, "tenant": "hospital-1", "scene": "B"}],
    }
}


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def chart() -> Path:
    return CHART


@pytest.fixture(scope="session")
def run() -> Run:
    """Run a program by name; its output comes back, whatever its exit code."""

    def _run(program: str, *args: object, given: str | None = None) -> Any:
        found = next((str(p / program) for p in PLACES if (p / program).is_file()), None)
        found = found or shutil.which(program)
        if found is None:
            pytest.skip(f"{program} is not installed (make tools)")
        return subprocess.run(
            [found, *map(str, args)], input=given, capture_output=True, text=True, check=False
        )

    return _run


@pytest.fixture
def template(run: Run, tmp_path: Path) -> Run:
    """`helm template` with MINIMAL values and these over them."""

    def _template(values: Mapping[str, Any] = {}, *args: str, of: Path = CHART) -> Any:
        file = tmp_path / "values.json"
        file.write_text(json.dumps({**MINIMAL, **values}), "utf-8")
        return run("helm", "template", "ward", of, "--namespace", "ns", "-f", file, *args)

    return _template


@pytest.fixture
def render(template: Run) -> Render:
    """The rendered documents."""

    def _render(*args: Any, **named: Any) -> list[dict[str, Any]]:
        done = template(*args, **named)
        assert done.returncode == 0, done.stderr
        return [document for document in yaml.safe_load_all(done.stdout) if document]

    return _render


@pytest.fixture(scope="session")
def lived() -> Metrics:
    """Metrics in which every family has at least one series."""
    metrics = Metrics(detectors=["phi"])
    metrics.policy("d1gest", ["rx.order"])
    metrics.model("ethics", "1", "aa", "cpu")
    metrics.cases({CaseState.OPEN: 1}, oldest_open_at=1.0)
    metrics.refused("malformed_json")
    exchange = Exchange("ex-1", "model", (), stream=True)
    for at, thing in _moments(exchange):
        metrics.saw(exchange, thing, at)
    return metrics


def _moments(exchange: Exchange) -> list[tuple[float, Event | Effect]]:
    reason = Reason("rx.order", "rx", Action.BLOCK, Severity.HIGH)
    verdict = Verdict(Action.BLOCK, "d1gest", (reason,), tier=Tier.TAKEOVER)
    passage = Passage("每日三次 three times a day", Side.OUTPUT, Speaker.ASSISTANT)
    gap = Gap("phi", GapReason.LATE)
    return [
        (0.0, events.Asked(exchange, 0.0)),
        (0.1, effects.Inspect(1, passage)),
        (0.2, events.Inspected(1, Look(gaps=(gap,), took_ms={"phi": 1.0}), 0.2)),
        (0.3, events.Delta(Channel(), "好。", 0.3)),
        (0.4, effects.Release(Channel(), "好。")),
        (0.5, events.Lost(Party.UPSTREAM, "upstream_reset", 0.5)),
        (0.6, effects.Record(())),
        (0.7, events.Recorded(3, 0.7)),
        (0.7, effects.Close(Ending.FAILED, verdict)),
    ]
