"""The int8 file against a float file of the same weights: does it find the same?"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from classifiers import evaluate
from classifiers.exhibits import sampled
from classifiers.judged import Judged
from classifiers.measure import f1
from classifiers.rows import DIMENSIONS, HEADS, Row
from classifiers.settings import Workshop
from guardrail.detectors.artifact import Artifact

BENIGN = 300


def compared(shop: Workshop, small: Artifact, model: Path, rows: Sequence[Row]) -> dict[str, Any]:
    """F1 of both at the marks of the int8 file. `pooled`: flagged by any dimension, over pairs and
    ordinary texts; `heads`: the mean over heads of each one's own F1 on pairs."""
    pools = ("twins", "injection", "benign")
    some = sampled((row for row in rows if row.pool in pools), {"benign": BENIGN}, None)
    with tempfile.TemporaryDirectory() as folder:
        wide = as_float(small, model, Path(folder))
        found = {
            name: f1s(evaluate.by_model(shop, each, some))
            for name, each in (("int8", small), ("float", wide))
        }
    gaps = {key: round(found["int8"][key] - found["float"][key], 4) for key in ("pooled", "heads")}
    return {**found, "int8 minus float": gaps, "n": len(some)}


def as_float(small: Artifact, model: Path, folder: Path) -> Artifact:
    """The artifact with another model file in its place, in `folder`."""
    (folder / "model.onnx").symlink_to(model.resolve())
    (folder / "tokenizer.json").symlink_to(small.tokenizer.resolve())
    digest = sha256(model.read_bytes()).hexdigest()
    return replace(small, folder=folder, files={**small.files, "model.onnx": digest})


def f1s(judged: Judged) -> dict[str, float]:
    truth = np.array([any(row.known.get(d) == 1 for d in DIMENSIONS) for row in judged.rows])
    pairs = judged.picked(lambda row: bool(row.pair))
    over = pairs.probability >= pairs.points["handover"][None]
    heads = []
    for place, head in enumerate(HEADS):
        marked = np.array([row.known.get(head) == 1 for row in pairs.rows], dtype=bool)
        if judged.has(head) and marked.any():
            heads.append(f1(marked, over[:, place]))
    pooled = f1(truth, judged.flags("dimensions", "handover"))
    return {"pooled": round(pooled, 4), "heads": round(float(np.mean(heads)), 4)}
