"""The tour that `guardrail demo` prints: each of its five lines shows what its title says."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import signal
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.end_to_end.running import GUARDRAIL, Guarded, alive, children, free_port, log_of, until

ACTIONS = ["allow", "redact", "block", "block", "handover"]


def tour(running: Guarded) -> list[tuple[str, str]]:
    """(title, command) of every line."""
    lines = log_of(running.log).splitlines()
    return [
        (title.removeprefix("# "), command)
        for title, command in pairwise(lines)
        if command.startswith("curl ")
    ]


def ran(command: str) -> Any:
    """What the command's request answers; cut short, because a small LLM takes its time."""
    words = shlex.split(command)
    url = next(word for word in words if word.startswith("http"))
    headers = dict(words[n + 1].split(": ", 1) for n, word in enumerate(words) if word == "-H")
    body = {**json.loads(words[words.index("-d") + 1]), "max_tokens": 48}
    answer = httpx.post(url, headers=headers, json=body, timeout=60.0)
    assert answer.status_code == 200
    return answer.json()


@pytest.mark.parametrize("kind", ["scripted", "small"])
def test_the_tour_shows_what_it_says(kind: str, request: pytest.FixtureRequest) -> None:
    running: Guarded = request.getfixturevalue(kind)
    steps = tour(running)
    assert len(steps) == 5
    assert [ran(command)["guardrail"]["action"] for _, command in steps] == ACTIONS
    assert all(re.search("[一-鿿]", title) and re.search("[a-z]", title) for title, _ in steps)


def test_a_command_of_the_tour_runs_as_printed(scripted: Guarded) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    _, command = tour(scripted)[2]
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, check=True, timeout=60
    )
    assert '"finish_reason":"content_filter"' in done.stdout


def test_the_pages_of_the_tour_are_there(scripted: Guarded) -> None:
    said = log_of(scripted.log)
    pages = re.findall(rf"{re.escape(scripted.base)}/(?:desk|metrics|readyz|openapi\.json)", said)
    assert len(pages) == 4
    for page in pages:
        assert httpx.get(page, follow_redirects=True, timeout=30.0).status_code == 200, page


def test_a_demo_that_ends_while_it_starts_takes_its_llm_along(tmp_path: Path) -> None:
    command = [*GUARDRAIL, "demo", "--scripted", "--port", str(free_port())]
    command += ["--data", str(tmp_path / "data")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as run:
        llms = until(lambda: children(run.pid), 60)
        run.send_signal(signal.SIGTERM)
        assert run.wait(30) == 0
    until(lambda: not any(map(alive, llms)))
