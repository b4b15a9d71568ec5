from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from guardrail.cli.models import app
from guardrail.detectors.artifact import shipped
from guardrail.domain.errors import BadConfig


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(arguments))
    if isinstance(done.exception, BadConfig):
        raise done.exception
    return done.exit_code, done.output


@pytest.fixture
def strange(tmp_path: Path) -> Path:
    """A sound artifact whose recorded probes are those of another model."""
    folder = tmp_path / "strange"
    shutil.copytree(shipped(), folder)
    manifest = json.loads((folder / "artifact.json").read_text("utf-8"))
    manifest["probes"][0]["logits"][0] += 3
    (folder / "artifact.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def test_list_names_the_shipped_model() -> None:
    code, text = run("list")
    assert code == 0
    assert "clinical-small" in text
    code, text = run("list", "--json")
    assert json.loads(text)[0]["facts"]["licence"] == "Apache-2.0"


def test_list_of_an_empty_folder(tmp_path: Path) -> None:
    assert run("list", str(tmp_path), "--json") == (0, "[]\n")
    code, text = run("list", str(tmp_path))
    assert code == 0
    assert "no artifact" in text


def test_verify_runs_the_probes() -> None:
    code, text = run("verify")
    assert code == 0
    assert "sound" in text
    found = json.loads(run("verify", "--json")[1])
    assert found["sound"]
    assert found["name"] == "clinical-small"


def test_a_model_that_computes_otherwise_is_found(strange: Path) -> None:
    code, text = run("verify", str(strange))
    assert code == 1
    assert "NOT the model" in text


def test_a_tampered_or_misplaced_model_cannot_run(strange: Path) -> None:
    with pytest.raises(BadConfig):
        run("verify", "--device", "tpu")
    (strange / "tokenizer.json").write_text("{}", "utf-8")
    with pytest.raises(BadConfig) as refused:
        run("verify", str(strange))
    assert refused.value.code == "model_hash"


@pytest.mark.parametrize("command", ["list", "verify"])
def test_help_has_an_example(command: str) -> None:
    assert f"Example: guardrail models {command}" in run(command, "--help")[1]
