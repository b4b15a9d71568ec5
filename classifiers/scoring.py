"""Scores of texts through the very path that ships: the guard's windows, session and maximum."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
from tqdm import tqdm

from classifiers import rows
from classifiers.division import Part
from classifiers.measure import Scores
from classifiers.rows import HEADS, Row
from classifiers.settings import Workshop
from guardrail.detectors.artifact import Artifact, Scale
from guardrail.detectors.encoding import Encoder
from guardrail.detectors.onnx import Session

THREADS = 2
UNMOVED = -100.0
SAMPLED = {  # of each source
    "attacks_eval": 400,
    "crisis_eval": 1000,
    "instructions_eval": 500,
    "knowledge_eval": 300,
    "news_eval": 200,
    "refusals_eval": 200,
    "violations_eval": 800,
}


def provisional(shop: Workshop) -> Artifact:
    """The exported files as an artifact whose probabilities are not calibrated yet."""
    folder = shop.path("export", "model.onnx").parent
    zero = dict.fromkeys(HEADS, 0.0)
    digest = sha256((folder / "model.onnx").read_bytes()).hexdigest()
    return Artifact(
        folder=folder,
        name=shop.config.name,
        version=shop.config.version,
        labels=HEADS,
        scales=tuple(Scale(1.0, 0.0) for _ in HEADS),
        thresholds={},
        low=zero,
        shape=shop.config.shape,
        devices=devices(shop.config.precision),
        files={"model.onnx": digest},
        facts={},
    )


def floating(shop: Workshop) -> Artifact:
    """The same weights as the float graph that a GPU runs, here in fp32 on the CPU."""
    from guardrail.detectors.float_graph import rebuild

    small = provisional(shop)
    model = shop.path("float", "model.onnx")
    rebuild(small.model, model, "fp32")
    shutil.copy(small.tokenizer, model.with_name("tokenizer.json"))
    digest = sha256(model.read_bytes()).hexdigest()
    return replace(
        small, folder=model.parent, devices=devices("fp32"), files={"model.onnx": digest}
    )


def devices(precision: str) -> tuple[str, ...]:
    """Where a file of this precision may run."""
    return ("cpu",) if precision == "int8" else ("cpu", "cuda")


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows with their logits [rows, heads]: the maximum over windows."""

    rows: tuple[Row, ...]
    logits: Scores

    def where(self, keep: Iterable[bool]) -> Scored:
        mask = np.fromiter(keep, dtype=bool, count=len(self.rows))
        return Scored(
            tuple(row for row, flag in zip(self.rows, mask, strict=True) if flag), self.logits[mask]
        )


def members(shop: Workshop, part: Part) -> list[Row]:
    """The rows of a part that are scored; large pools give a fixed random sample, those that are
    only measured on one of each source."""
    benign = shop.config.dev_benign if part is Part.DEV else shop.config.test_benign
    limits = {"benign": benign} | SAMPLED
    chance = random.Random(f"{shop.config.seed}/{part}")
    pools: dict[tuple[str, str], list[Row]] = {}
    for row in rows.read(shop.path("data", f"{part}.jsonl")):
        source = row.source if row.pool in SAMPLED else ""
        pools.setdefault((row.pool, source), []).append(row)
    found: list[Row] = []
    for (pool, _), rows_ in sorted(pools.items()):
        wanted = min(limits.get(pool, len(rows_)), len(rows_))
        found.extend(rows_ if wanted == len(rows_) else chance.sample(rows_, wanted))
    return found


def score(artifact: Artifact, judged: Sequence[Row], label: str) -> Scored:
    """Rows whose text has no word at all are left out. A head that the artifact lacks is never
    moved by anything."""
    session, encoder = Session(artifact), Encoder(artifact.tokenizer, artifact.shape)
    places = [HEADS.index(label) for label in artifact.labels]

    def logits(row: Row) -> Scores | None:
        windows = encoder.windows(row.text)
        if not windows:
            return None
        found = np.full(len(HEADS), UNMOVED)
        found[places] = np.max(session.infer([w.ids for w in windows]), axis=0)
        return found

    with ThreadPoolExecutor(THREADS) as pool:
        bar = tqdm(pool.map(logits, judged), total=len(judged), desc=label, mininterval=10)
        pairs = [(row, found) for row, found in zip(judged, bar, strict=True) if found is not None]
    return Scored(tuple(row for row, _ in pairs), np.array([found for _, found in pairs]))


def save(path: Path, scored: Scored) -> None:
    np.save(path.with_suffix(".npy"), scored.logits)
    rows.write(path.with_suffix(".jsonl"), scored.rows)


def restore(path: Path) -> Scored:
    return Scored(tuple(rows.read(path.with_suffix(".jsonl"))), np.load(path.with_suffix(".npy")))
