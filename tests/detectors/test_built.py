from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from guardrail.detectors import built
from guardrail.detectors.artifact import load, shipped
from guardrail.detectors.built import GRAPH, RECORD, Logits, Precision
from guardrail.domain.errors import BadConfig

ARTIFACT = load(shipped())
RECORDED = [probe.logits for probe in ARTIFACT.probes]


def copied(source: Path, target: Path, precision: Precision) -> None:
    """Stands for the rebuilding of the graph."""
    target.write_bytes(precision.encode())


def moved(by: float) -> built.Probed:
    """Logits that are those recorded, and `by` further in half precision."""

    def probed(model: Path) -> Sequence[Logits]:
        more = by if model.read_bytes() == b"fp16" else 0.0
        return [tuple(value + more for value in row) for row in RECORDED]

    return probed


def refusal(folder: Path) -> BadConfig:
    with pytest.raises(BadConfig) as refused:
        built.find(ARTIFACT, [folder])
    assert refused.value.remedy
    return refused.value


@pytest.mark.parametrize(("precision", "halved"), [("fp16", 0.05), ("fp32", 0.0)])
def test_what_was_made_is_found_again(tmp_path: Path, precision: Precision, halved: float) -> None:
    made = built.make(ARTIFACT, tmp_path, precision, copied, moved(0.05))
    assert built.find(ARTIFACT, [tmp_path / "empty", tmp_path]) == made
    assert made.precision == precision
    assert made.model.read_bytes() == precision.encode()
    assert made.probes == tuple(RECORDED)
    assert (made.halved, made.apart) == (pytest.approx(halved), 0)


@pytest.mark.parametrize("by", [1.0, float("nan"), float("inf")])
def test_a_graph_that_computes_otherwise_is_never_recorded(tmp_path: Path, by: float) -> None:
    built.make(ARTIFACT, tmp_path, "fp16", copied, moved(0))
    with pytest.raises(BadConfig) as refused:
        built.make(ARTIFACT, tmp_path, "fp16", copied, moved(by))
    assert refused.value.code == "model_graph"
    assert refusal(tmp_path).code == "model_unbuilt"


def test_a_missing_graph_tells_where_it_was_looked_for(tmp_path: Path) -> None:
    error = refusal(tmp_path)
    assert error.code == "model_unbuilt"
    assert str(tmp_path) in error.message
    assert "guardrail models build" in error.remedy


def test_a_graph_of_other_weights_is_stale(tmp_path: Path) -> None:
    other = replace(ARTIFACT, files={**ARTIFACT.files, "model.onnx": "0" * 64})
    built.make(other, built.writable([tmp_path / "old"]), "fp16", copied, moved(0))
    assert refusal(tmp_path / "old").code == "model_stale"
    made = built.make(ARTIFACT, built.writable([tmp_path / "new"]), "fp16", copied, moved(0))
    assert built.find(ARTIFACT, [tmp_path / "old", tmp_path / "new"]) == made


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        (GRAPH, b"altered", "model_hash"),
        (GRAPH, None, "model_hash"),
        (RECORD, b"{", "model_manifest"),
        (RECORD, json.dumps({"source": ARTIFACT.digest}).encode(), "model_manifest"),
    ],
)
def test_what_was_altered_is_refused(
    tmp_path: Path, name: str, content: bytes | None, code: str
) -> None:
    built.make(ARTIFACT, tmp_path, "fp16", copied, moved(0))
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert refusal(tmp_path).code == code


def test_a_folder_that_was_named_is_the_only_one(tmp_path: Path) -> None:
    beside, under = built.folders(ARTIFACT, tmp_path)
    assert beside.parent == ARTIFACT.folder
    assert under.is_relative_to(tmp_path)
    assert under.name in ARTIFACT.digest
    assert built.folders(ARTIFACT, tmp_path, tmp_path / "own") == (tmp_path / "own",)
    assert built.folders(ARTIFACT) == (beside,)


def test_the_first_folder_that_takes_a_file_is_taken(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    closed = tmp_path / "file" / "built"
    assert built.writable([closed, tmp_path / "open"]) == tmp_path / "open"
    with pytest.raises(BadConfig) as refused:
        built.writable([closed])
    assert refused.value.code == "model_unwritable"


def test_a_record_that_cannot_be_renewed_is_refused(tmp_path: Path) -> None:
    (tmp_path / RECORD).mkdir()
    with pytest.raises(BadConfig) as refused:
        built.make(ARTIFACT, tmp_path, "fp32", copied, moved(0))
    assert refused.value.code == "model_unwritable"


def test_the_precision_is_that_of_what_runs(tmp_path: Path) -> None:
    made = built.make(ARTIFACT, tmp_path, "fp16", copied, moved(0))
    assert built.precision(ARTIFACT, made) == "fp16"
    assert built.precision(ARTIFACT, None) == "int8"
    assert built.precision(replace(ARTIFACT, devices=("cpu", "cuda")), None) == "fp32"
