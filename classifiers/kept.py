"""Scores that are kept, by text, so that a second command or an interrupted one does not pay twice.

No text is kept, only its hash: the file may lie about, but it is as private as a list of hashes is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np

from classifiers import scoring
from classifiers.measure import Scores
from classifiers.rows import HEADS, Row
from classifiers.scoring import Scored
from classifiers.settings import Workshop
from guardrail.detectors.artifact import Artifact

CHUNK = 800
Score = Callable[[Sequence[Row]], Scores]


def of(shop: Workshop, artifact: Artifact, rows: Sequence[Row]) -> Scored:
    """Logits [rows, HEADS] by this artifact; rows without any word are left out."""
    shape = sha256(repr((artifact.shape, HEADS)).encode()).hexdigest()[:6]
    path = shop.path("scores", f"{artifact.digest[:12]}-{shape}.npz")

    def score(fresh: Sequence[Row]) -> Scores:
        scored = scoring.score(artifact, fresh, artifact.version)
        found = {row.text: logits for row, logits in zip(scored.rows, scored.logits, strict=True)}
        blank = np.full(len(HEADS), np.nan)
        return np.array([found.get(row.text, blank) for row in fresh])

    logits = scores(path, rows, score)
    return Scored(tuple(rows), logits).where(~np.isnan(logits[:, 0]))


def scores(path: Path, rows: Sequence[Row], score: Score) -> Scores:
    """One line of scores per row; `score` is asked for the texts that are not in `path` yet."""
    known = _read(path)
    fresh = list({_key(row): row for row in rows if _key(row) not in known}.values())
    for start in range(0, len(fresh), CHUNK):
        part = fresh[start : start + CHUNK]
        known |= zip(map(_key, part), score(part), strict=True)
        known |= _read(path)  # another run may have kept some meanwhile
        _write(path, known)
    return np.array([known[_key(row)] for row in rows], dtype=np.float64)


def _key(row: Row) -> int:
    return int.from_bytes(sha256(row.text.encode("utf-8", "replace")).digest()[:8], "big")


def _read(path: Path) -> dict[int, Scores]:
    if not path.exists():
        return {}
    with np.load(path) as kept:
        return dict(zip(map(int, kept["keys"]), kept["scores"], strict=True))


def _write(path: Path, known: dict[int, Scores]) -> None:
    beside = path.with_name(path.stem + ".part.npz")
    keys = np.fromiter(known.keys(), dtype=np.uint64, count=len(known))
    np.savez(beside, keys=keys, scores=np.array(list(known.values()), dtype=np.float32))
    beside.replace(path)
