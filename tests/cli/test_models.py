from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from guardrail.cli.models import app
from guardrail.detectors import built
from guardrail.detectors.artifact import load, shipped
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


def test_list_tells_what_would_run_on_each_device() -> None:
    cpu, cuda = json.loads(run("list", "--json")[1])[0]["runs"]
    assert (cpu["device"], cpu["precision"]) == ("cpu", "int8")
    assert len(cpu["digest"]) == 64
    assert cuda["device"] == "cuda"
    assert f"cpu int8 {cpu['digest'][:16]}  cuda " in run("list")[1]


def test_build_makes_the_graph_of_the_shipped_weights(tmp_path: Path) -> None:
    """The whole of it: the shipped file's own graph, measured on its probes."""
    found = json.loads(run("build", "--out", str(tmp_path), "--json")[1])
    made = built.find(load(shipped()), [tmp_path])
    assert found == {"device": "cuda", "precision": "fp16", "digest": made.digest}
    assert made.halved <= built.HALVED_LOGITS
    assert 0 < made.apart < 1.5


@pytest.mark.parametrize("given", [("--device", "tpu"), ("--precision", "int4")])
def test_what_cannot_be_built_is_told(tmp_path: Path, given: tuple[str, str]) -> None:
    with pytest.raises(BadConfig) as refused:
        run("build", "--out", str(tmp_path), *given)
    assert refused.value.code == "model_device"


def test_without_onnx_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.delitem(sys.modules, "guardrail.detectors.float_graph", raising=False)
    with pytest.raises(BadConfig) as refused:
        run("build", "--out", str(tmp_path))
    assert refused.value.code == "onnx_missing"
    assert "gpu" in refused.value.remedy


def test_build_refuses_where_nothing_can_be_written_or_read(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadConfig) as refused:
        run("build", "--out", str(tmp_path / "file"))
    assert refused.value.code == "model_unwritable"
    with pytest.raises(BadConfig) as refused:
        run("build", str(tmp_path), "--out", str(tmp_path / "out"))
    assert refused.value.code == "model_missing"


def test_a_float_artifact_needs_nothing_built(strange: Path) -> None:
    manifest = json.loads((strange / "artifact.json").read_text("utf-8"))
    manifest["devices"] = ["cpu", "cuda"]
    (strange / "artifact.json").write_text(json.dumps(manifest), "utf-8")
    assert "as it is" in run("build", str(strange))[1]
    assert not (strange / built.BESIDE).exists()
    assert [
        r["device"] for r in json.loads(run("list", str(strange.parent), "--json")[1])[0]["runs"]
    ] == [
        "cpu",
        "cuda",
    ]


def test_verify_on_cuda_names_the_graph_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BadConfig) as refused:
        run("verify", "--device", "cuda", "--built", str(tmp_path))
    assert refused.value.code == "model_unbuilt"
    assert str(tmp_path) in refused.value.message


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


@pytest.mark.parametrize("command", ["list", "build", "verify"])
def test_help_has_an_example(command: str) -> None:
    assert f"Example: guardrail models {command}" in run(command, "--help")[1]
