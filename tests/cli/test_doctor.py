"""`guardrail doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from guardrail.cli import app
from guardrail.cli.doctor import installed, runtime

CPU, GPU = "onnxruntime", "onnxruntime-gpu"


@pytest.mark.parametrize(
    ("there", "well", "told"),
    [
        ({CPU: "1.31.0"}, True, "1.31.0 (cpu)"),
        ({GPU: "1.31.0"}, True, "1.31.0 (gpu)"),
        ({CPU: "1.30.0", GPU: "1.31.0"}, False, "both 1.30.0 (cpu) and 1.31.0 (gpu)"),
        ({}, False, "not installed"),
    ],
)
def test_exactly_one_runtime(there: dict[str, str], well: bool, told: str) -> None:
    check = runtime(lambda name: there.get(name, ""))
    assert check.well is well
    assert told in check.told
    assert bool(check.remedy) is not well


def test_versions_of_distributions() -> None:
    assert installed("pytest")
    assert installed("no-such-distribution") == ""


def test_settings_that_cannot_be_read_end_the_round(tmp_path: Path) -> None:
    path = tmp_path / "guardrail.yaml"
    path.write_text("porrt: 1\n", "utf-8")
    done = CliRunner().invoke(app, ["doctor", "--config", str(path), "--json"])
    assert done.exit_code == 1
    checks = {check["name"]: check for check in json.loads(done.stdout)}
    assert set(checks) == {"onnxruntime", "settings"}
    assert "config_unknown_key" in checks["settings"]["told"]
    assert "'port'" in checks["settings"]["remedy"]


def test_everything_is_looked_at(tmp_path: Path) -> None:
    folder = tmp_path / "policies"
    folder.mkdir()
    (folder / "x.yaml").write_text("id: x\n", "utf-8")
    (tmp_path / "data").write_text("a file", "utf-8")
    path = tmp_path / "guardrail.yaml"
    path.write_text(
        f"policies: {folder}\ndata: {tmp_path}/data\nclassifier: {{model: {tmp_path}/none}}\n",
        "utf-8",
    )
    done = CliRunner().invoke(app, ["doctor", "--config", str(path)])
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Python 3.")
    told = [line for line in lines if line.startswith(("ok ", "BAD"))]
    verdicts = {line[4:].split(":")[0]: line[:3] for line in told}
    assert verdicts == {
        "onnxruntime": "ok ",
        "settings": "ok ",
        "policies": "BAD",
        "classifier": "BAD",
        "data": "BAD",
    }
