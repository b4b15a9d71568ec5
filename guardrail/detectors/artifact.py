"""Artifact: a classifier on disk, with the manifest that says what it is and how to read it.

A folder with `artifact.json`, the ONNX file, its tokenizer and its model cards. Every file is
checked against the manifest's SHA-256 before anything is built from it: a model that is not the
one that was calibrated does not start.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from guardrail.detectors.encoding import Shape
from guardrail.domain.errors import BadConfig
from guardrail.domain.taxonomy import taxonomy

MANIFEST = "artifact.json"
SHIPPED = "clinical-small"
_REMEDY = "Restore the artifact folder, or set `classifier.model` to a sound one."


@dataclass(frozen=True, slots=True)
class Scale:
    """Logit → probability, fitted on this very file: 1 / (1 + exp(-(slope * logit + shift)))."""

    slope: float
    shift: float

    def probability(self, logit: float) -> float:
        """Between 0 and 1, monotone in the logit."""
        value = self.slope * logit + self.shift
        return 1 / (1 + math.exp(-value)) if value > -700 else 0.0


@dataclass(frozen=True, slots=True)
class Probe:
    """A text and the logits of its last window, as recorded when the artifact was made."""

    text: str
    logits: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """How logits are read: calibration, thresholds and low marks fitted to one graph."""

    scales: tuple[Scale, ...]
    thresholds: Mapping[str, Mapping[str, float]]
    low: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Artifact:
    """`devices` are those on which the model file runs as it is; `floating`, where there is one, is
    how the float graph of the same weights is read. `thresholds` maps operating point (`handover`,
    `block`) to score key to probability; `low` is the mark below which a head is not even reported as a finding."""

    folder: Path
    name: str
    version: str
    labels: tuple[str, ...]
    scales: tuple[Scale, ...]
    thresholds: Mapping[str, Mapping[str, float]]
    low: Mapping[str, float]
    shape: Shape
    devices: tuple[str, ...]
    files: Mapping[str, str]
    facts: Mapping[str, str]
    probes: tuple[Probe, ...] = ()
    floating: Reading | None = None

    def on(self, device: str) -> Artifact:
        """The same, read as fits what runs on that device."""
        if self.floating is None or device in self.devices:
            return self
        given = self.floating
        return replace(self, scales=given.scales, thresholds=given.thresholds, low=given.low)

    @property
    def digest(self) -> str:
        """SHA-256 of the model file."""
        return self.files["model.onnx"]

    @property
    def model(self) -> Path:
        return self.folder / "model.onnx"

    @property
    def tokenizer(self) -> Path:
        return self.folder / "tokenizer.json"

    def probabilities(self, logits: Sequence[float]) -> dict[str, float]:
        """Calibrated probability per label."""
        rows = zip(self.labels, self.scales, logits, strict=True)
        return {label: scale.probability(float(logit)) for label, scale, logit in rows}


class _ScaleShape(msgspec.Struct, forbid_unknown_fields=True):
    slope: float
    shift: float


class _WindowShape(msgspec.Struct, forbid_unknown_fields=True):
    max_tokens: int
    context_sentences: int
    context_tokens: int
    stride: int


class _ProbeShape(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    logits: list[float]


class _ManifestShape(msgspec.Struct, forbid_unknown_fields=True):
    format: int
    name: str
    version: str
    labels: list[str]
    calibration: dict[str, _ScaleShape]
    thresholds: dict[str, dict[str, float]]
    low: dict[str, float]
    window: _WindowShape
    devices: list[str]
    files: dict[str, str]
    facts: dict[str, str]
    probes: list[_ProbeShape]
    calibration_float: dict[str, _ScaleShape] | None = None
    thresholds_float: dict[str, dict[str, float]] | None = None
    low_float: dict[str, float] | None = None


def shipped() -> Path:
    """The folder of the artifact that comes with the package."""
    return Path(str(files("guardrail"))) / "models" / SHIPPED


def load(folder: Path) -> Artifact:
    """Read and verify. Raises `BadConfig` where the manifest or a file is missing, malformed or
    altered, or where labels are not names of the taxonomy."""
    given = _manifest(folder / MANIFEST)
    _verify(folder, given.files)
    _check_names(folder, given)
    return Artifact(
        folder=folder,
        name=given.name,
        version=given.version,
        labels=tuple(given.labels),
        scales=_scales(given.labels, given.calibration),
        thresholds=given.thresholds,
        low=given.low,
        shape=Shape(**msgspec.structs.asdict(given.window)),
        devices=tuple(given.devices),
        files=given.files,
        facts=given.facts,
        probes=tuple(Probe(probe.text, tuple(probe.logits)) for probe in given.probes),
        floating=_floating(folder, given),
    )


def _scales(labels: Sequence[str], table: Mapping[str, _ScaleShape]) -> tuple[Scale, ...]:
    return tuple(Scale(table[label].slope, table[label].shift) for label in labels)


def _floating(folder: Path, given: _ManifestShape) -> Reading | None:
    scales, thresholds, low = given.calibration_float, given.thresholds_float, given.low_float
    if scales is None and thresholds is None and low is None:
        return None
    if scales is None or thresholds is None or low is None:
        raise BadConfig("model_manifest", f"{folder}: a part of the *_float tables", _REMEDY)
    _check_tables(folder, given.labels, [scales, low, *thresholds.values()])
    if thresholds.keys() != given.thresholds.keys():
        raise BadConfig("model_manifest", f"{folder}: operating points differ", _REMEDY)
    return Reading(_scales(given.labels, scales), thresholds, low)


def _manifest(path: Path) -> _ManifestShape:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_ManifestShape)
    except OSError:
        raise BadConfig("model_missing", f"no model manifest at {path}", _REMEDY) from None
    except msgspec.DecodeError as error:
        raise BadConfig("model_manifest", str(error), _REMEDY, where=str(path)) from None


def _verify(folder: Path, expected: Mapping[str, str]) -> None:
    for name in ("model.onnx", "tokenizer.json", *expected):
        if name not in expected or Path(name).name != name:
            raise BadConfig("model_manifest", f"{name} is not a listed file", _REMEDY)
        path = folder / name
        if not path.is_file():
            raise BadConfig("model_missing", f"{path} is missing", _REMEDY)
        found = digest_of(path)
        if found != expected[name]:
            raise BadConfig(
                "model_hash", f"{path} has sha256 {found}, expected {expected[name]}", _REMEDY
            )


def _check_names(folder: Path, given: _ManifestShape) -> None:
    labels = set(given.labels)
    if strange := labels - taxonomy().score_keys:
        raise BadConfig("model_labels", f"{folder}: unknown labels {sorted(strange)}", _REMEDY)
    _check_tables(folder, given.labels, [given.calibration, given.low, *given.thresholds.values()])


def _check_tables(folder: Path, named: Sequence[str], tables: Sequence[Mapping[str, Any]]) -> None:
    labels = set(named)
    if not labels or any(table.keys() != labels for table in tables):
        raise BadConfig(
            "model_manifest", f"{folder}: labels, calibration and thresholds differ", _REMEDY
        )


def digest_of(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    digest = sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()
