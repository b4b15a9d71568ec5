"""What was built here to run an artifact's weights on a GPU: where it lies, and whether it fits.

One weights file ships, int8 for the CPU. `guardrail models build` makes the float graph of the same
weights at install (`float_graph.py`) and leaves two files in a folder: the graph, and a record that
names the weights it was made from by their SHA-256. A graph of other weights is never run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from guardrail.detectors.artifact import Artifact, digest_of
from guardrail.domain.errors import BadConfig

GRAPH, RECORD = "cuda.onnx", "cuda.json"
BESIDE = "built"  # a folder in the artifact's own
HALVED_LOGITS = 0.1  # fp16 against fp32 of the same weights, on the probes
Precision = Literal["fp16", "fp32"]
Logits = tuple[float, ...]
Rebuild = Callable[[Path, Path, Precision], None]
Probed = Callable[[Path], Sequence[Logits]]
_REMEDY = "Run `guardrail models build --device cuda`."


@dataclass(frozen=True, slots=True)
class Built:
    """A graph on disk. `probes` are the logits of the artifact's probes in fp32; `apart` is how far
    these are from the int8 file's, at most, `halved` how far the graph itself is from them."""

    model: Path
    precision: Precision
    digest: str
    probes: tuple[Logits, ...]
    apart: float
    halved: float


class _RecordShape(msgspec.Struct, forbid_unknown_fields=True):
    source: str
    precision: Precision
    digest: str
    probes: list[list[float]]
    apart: float
    halved: float


def folders(
    artifact: Artifact, data: Path | None = None, named: Path | None = None
) -> tuple[Path, ...]:
    """Where a graph of this artifact may lie, best first: the folder that was named, or else beside
    the artifact and, where that is read-only, in the data folder."""
    if named is not None:
        return (named,)
    under = (data / "models" / artifact.digest[:16],) if data is not None else ()
    return (artifact.folder / BESIDE, *under)


def find(artifact: Artifact, among: Sequence[Path]) -> Built:
    """The graph of these very weights. Raises `BadConfig`: `model_unbuilt` where there is none,
    `model_stale` where it was made from others, `model_hash` where it was altered."""
    complaint = BadConfig(
        "model_unbuilt",
        f"{artifact.name} has no graph for cuda in {' or '.join(map(str, among))}.",
        _REMEDY,
    )
    for folder in among:
        if not (folder / RECORD).is_file():
            continue
        try:
            return _read(artifact, folder)
        except BadConfig as error:
            complaint = error
    raise complaint


def precision(artifact: Artifact, instead: Built | None) -> str:
    """In what numbers the artifact's own file, or the graph in its place, computes."""
    if instead is not None:
        return instead.precision
    return "fp32" if "cuda" in artifact.devices else "int8"


def writable(among: Sequence[Path]) -> Path:
    """The first folder that takes a file; it is made. Raises `BadConfig`."""
    for folder in among:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                return folder
        except OSError:
            continue
    raise BadConfig(
        "model_unwritable",
        f"no file can be written in {' or '.join(map(str, among))}.",
        "Name a folder that can be written: `--out FOLDER`.",
    )


def make(
    artifact: Artifact, folder: Path, precision: Precision, rebuild: Rebuild, probed: Probed
) -> Built:
    """Build into a folder, measure on the artifact's probes, and record. `probed` gives their
    logits by a model file. Raises `BadConfig` where it cannot be written, or where the graph is too
    far from the same weights in fp32; then no record is left, so nothing runs it."""
    graph, record = folder / GRAPH, folder / RECORD
    _forget(record)
    rebuild(artifact.model, graph, "fp32")
    truth = probed(graph)
    if precision != "fp32":
        rebuild(artifact.model, graph, precision)
    halved = apart(probed(graph), truth)
    if not halved <= HALVED_LOGITS:
        raise BadConfig(
            "model_graph",
            f"in {precision} logits move by {halved:.3f}; {HALVED_LOGITS} is allowed.",
            "Build with `--precision fp32`.",
        )
    shape = _RecordShape(
        source=artifact.digest,
        precision=precision,
        digest=digest_of(graph),
        probes=[list(row) for row in truth],
        apart=apart(truth, [probe.logits for probe in artifact.probes]),
        halved=halved,
    )
    try:
        record.write_bytes(msgspec.json.encode(shape) + b"\n")
    except OSError as error:
        raise _refused(record, error) from None
    return _read(artifact, folder)


def apart(some: Sequence[Logits], others: Sequence[Logits]) -> float:
    """The largest distance of two logits that should be equal; infinite where one is no number."""
    rows = [np.abs(np.subtract(a, b)) for a, b in zip(some, others, strict=True)]
    largest = float(np.concatenate(rows).max()) if rows else 0.0
    return largest if np.isfinite(largest) else float("inf")


def _read(artifact: Artifact, folder: Path) -> Built:
    record = folder / RECORD
    try:
        given = msgspec.json.decode(record.read_bytes(), type=_RecordShape)
    except (OSError, msgspec.DecodeError) as error:
        raise BadConfig(
            "model_manifest", f"{record}: {type(error).__name__}", _REMEDY, where=str(record)
        ) from None
    if given.source != artifact.digest:
        raise BadConfig("model_stale", f"{folder / GRAPH} was made from other weights.", _REMEDY)
    if not (folder / GRAPH).is_file() or digest_of(folder / GRAPH) != given.digest:
        raise BadConfig("model_hash", f"{folder / GRAPH} is not what was built.", _REMEDY)
    probes = tuple(tuple(row) for row in given.probes)
    return Built(folder / GRAPH, given.precision, given.digest, probes, given.apart, given.halved)


def _forget(record: Path) -> None:
    try:
        record.unlink(missing_ok=True)
    except OSError as error:
        raise _refused(record, error) from None


def _refused(path: Path, error: OSError) -> BadConfig:
    told = f"{path} cannot be written ({type(error).__name__})."
    return BadConfig("model_unwritable", told, "Name a folder that can be: `--out FOLDER`.")
