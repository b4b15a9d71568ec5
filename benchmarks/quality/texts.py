"""What a whole text costs: every sentence is a window of its own, with what stands before it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from classifiers.rows import Row
from guardrail.detectors.artifact import Artifact
from guardrail.detectors.encoding import Encoder
from guardrail.detectors.onnx import Session

BANDS = {"up to 64": (1, 64), "65–128": (65, 128), "129–256": (129, 256), "257–512": (257, 512)}
TEXTS = 40


def cost(artifact: Artifact, ordinary: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """Per band of a text's tokens: median windows, and median and 95th percentile milliseconds of
    cutting and scoring them all, one thread."""
    session, encoder = Session(artifact), Encoder(artifact.tokenizer, artifact.shape)
    tokenizer = Tokenizer.from_file(str(artifact.tokenizer))
    tokenizer.no_truncation()
    sizes = [len(tokenizer.encode(row.text, add_special_tokens=False).ids) for row in ordinary]
    found = {}
    for name, (low, high) in BANDS.items():
        sized = zip(ordinary, sizes, strict=True)
        texts = [row.text for row, size in sized if low <= size <= high][:TEXTS]
        told = [_one(session, encoder, text) for text in texts]
        if told:
            times = [ms for _, ms in told]
            found[name] = {
                "texts": len(told),
                "windows": float(np.median([windows for windows, _ in told])),
                "p50": round(float(np.median(times)), 1),
                "p95": round(float(np.quantile(times, 0.95)), 1),
            }
    return found


def _one(session: Session, encoder: Encoder, text: str) -> tuple[int, float]:
    began = time.perf_counter()
    windows = encoder.windows(text)
    if windows:
        session.infer([window.ids for window in windows])
    return len(windows), (time.perf_counter() - began) * 1000
