from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.detectors.artifact import Scale, load, shipped
from guardrail.domain.errors import BadConfig
from guardrail.domain.taxonomy import taxonomy

Manifest = dict[str, Any]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "artifact"
    shutil.copytree(shipped(), folder)
    return folder


def rewrite(folder: Path, change: Callable[[Manifest], object]) -> None:
    path = folder / "artifact.json"
    data = json.loads(path.read_text("utf-8"))
    change(data)
    path.write_text(json.dumps(data), "utf-8")


def refusal(folder: Path) -> BadConfig:
    with pytest.raises(BadConfig) as refused:
        load(folder)
    assert refused.value.remedy
    return refused.value


def test_the_shipped_artifact_is_sound_and_speaks_the_taxonomy() -> None:
    artifact = load(shipped())
    wanted = taxonomy().score_keys - {"prescription"}
    assert set(artifact.labels) == wanted
    assert set(artifact.thresholds) == {"handover", "block"}
    for label in artifact.labels:
        handover, block = (artifact.thresholds[point][label] for point in ("handover", "block"))
        assert 0 < artifact.low[label] <= handover <= block <= 1
    assert artifact.facts["licence"]
    assert artifact.facts["base"]
    assert artifact.facts["data_version"]
    assert {"card.zh.md", "card.en.md"} <= artifact.files.keys()
    assert artifact.model.stat().st_size < 26_000_000


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "card.zh.md"])
def test_one_changed_byte_refuses_to_start(copy: Path, name: str) -> None:
    path = copy / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    error = refusal(copy)
    assert error.code == "model_hash"
    assert name in error.message


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "artifact.json"])
def test_a_missing_file_refuses_to_start(copy: Path, name: str) -> None:
    (copy / name).unlink()
    assert refusal(copy).code == "model_missing"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda m: m.update(labels=[*m["labels"], "eth.unheard"]), "model_labels"),
        (lambda m: m["calibration"].popitem(), "model_manifest"),
        (lambda m: m["thresholds"]["block"].popitem(), "model_manifest"),
        (lambda m: m.update(surprise=1), "model_manifest"),
        (lambda m: m.pop("window"), "model_manifest"),
        (lambda m: m["files"].pop("model.onnx"), "model_manifest"),
        (lambda m: m["files"].update({"../outside": "0"}), "model_manifest"),
        (lambda m: m.update(labels=[]), "model_manifest"),
    ],
)
def test_a_manifest_that_does_not_fit_refuses_to_start(
    copy: Path, change: Callable[[Manifest], object], code: str
) -> None:
    rewrite(copy, change)
    assert refusal(copy).code == code


def floating(manifest: Manifest, **changes: object) -> None:
    """Tables for the float graph beside those of the int8 file."""
    shifted = {
        label: {"slope": 2.0, "shift": each["shift"]}
        for label, each in manifest["calibration"].items()
    }
    given = {
        "calibration_float": shifted,
        "thresholds_float": manifest["thresholds"],
        "low_float": manifest["low"],
    }
    for key, value in (given | changes).items():
        if value is None:
            manifest.pop(key, None)
        else:
            manifest[key] = value


def unfloating(manifest: Manifest) -> None:
    """An artifact from before there were such tables."""
    floating(manifest, calibration_float=None, thresholds_float=None, low_float=None)


def test_the_float_graph_is_read_by_its_own_calibration(copy: Path) -> None:
    rewrite(copy, floating)
    artifact = load(copy)
    assert artifact.on("cpu") == artifact
    assert {scale.slope for scale in artifact.on("cuda").scales} == {2.0}
    rewrite(copy, unfloating)
    assert load(copy).on("cuda").scales == artifact.scales  # without one, by the int8 file's
    direct = replace(artifact, devices=("cpu", "cuda"))
    assert direct.on("cuda") == direct


@pytest.mark.parametrize(
    "changes",
    [
        {"low_float": None},
        {"calibration_float": {}},
        {"thresholds_float": {}},
        {"thresholds_float": {"handover": {}, "block": {}}},
    ],
)
def test_a_part_of_the_float_tables_refuses_to_start(
    copy: Path, changes: dict[str, object]
) -> None:
    rewrite(copy, lambda manifest: floating(manifest, **changes))
    assert refusal(copy).code == "model_manifest"


def test_a_manifest_that_is_no_json_names_its_place(copy: Path) -> None:
    (copy / "artifact.json").write_text("{", "utf-8")
    error = refusal(copy)
    assert error.code == "model_manifest"
    assert error.where.endswith("artifact.json")


@given(st.floats(0.01, 20), st.floats(-20, 20), st.floats(-1e3, 1e3), st.floats(0, 1e3))
def test_a_probability_is_one_and_never_falls(
    slope: float, shift: float, logit: float, more: float
) -> None:
    scale = Scale(slope, shift)
    assert 0 <= scale.probability(logit) <= scale.probability(logit + more) <= 1
