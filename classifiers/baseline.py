"""Step `baseline`: character n-grams and logistic regression, the bar every model must clear.

Trained on the same rows and measured by the same figures; never shipped.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from classifiers import rows, scoring
from classifiers.division import Part
from classifiers.epoch import draw, units
from classifiers.measure import Scores
from classifiers.rows import HEADS, Row
from classifiers.scoring import Scored
from classifiers.settings import Workshop

LONGEST_CHARS = 400
FEATURES = 150_000
NEVER = -20.0  # the log-odds of a head that no training row shows


@dataclass(frozen=True, slots=True)
class Grams:
    """Log-odds per head: a weighted sum of n-gram features."""

    features: TfidfVectorizer
    weights: Scores  # [features, heads]
    shifts: Scores

    def score(self, judged: Sequence[Row]) -> Scores:
        return np.asarray(self.features.transform(_texts(judged)) @ self.weights + self.shifts)


def run(shop: Workshop) -> None:
    """Writes baseline/grams.joblib, and baseline/dev.{npy,jsonl}: its log-odds for dev rows."""
    members = _training_rows(shop)
    grams = trained(members)
    joblib.dump(grams, _path(shop))
    dev = scoring.members(shop, Part.DEV)
    scoring.save(shop.path("baseline", Part.DEV), Scored(tuple(dev), grams.score(dev)))
    told = {"rows": len(members), "data": _data(shop)}
    shop.path("baseline", "scores.json").write_text(json.dumps(told))


def current(shop: Workshop) -> bool:
    """Is there a baseline, and did it learn from the rows that are there now?"""
    told = shop.path("baseline", "scores.json")
    return (
        _path(shop).exists()
        and told.exists()
        and json.loads(told.read_text("utf-8")).get("data") == _data(shop)
    )


def _data(shop: Workshop) -> str:
    summary = json.loads(shop.path("data", "summary.json").read_text("utf-8"))
    return str(summary["data_version"])


def trained(members: Sequence[Row]) -> Grams:
    features = TfidfVectorizer(
        analyzer="char", ngram_range=(1, 3), min_df=2, max_features=FEATURES, sublinear_tf=True
    )
    seen = features.fit_transform(_texts(members)).astype(np.float32)
    weights = np.zeros((seen.shape[1], len(HEADS)), dtype=np.float32)
    shifts = np.full(len(HEADS), NEVER)

    def learn(head: str) -> None:
        known = [number for number, row in enumerate(members) if head in row.known]
        target = [members[number].known[head] for number in known]
        if len(set(target)) == 2:
            model = LogisticRegression(C=10.0, class_weight="balanced", solver="liblinear")
            model.fit(seen[known], target)
            place = HEADS.index(head)
            weights[:, place], shifts[place] = model.coef_[0], model.intercept_[0]

    with ThreadPoolExecutor(scoring.THREADS) as pool:
        list(tqdm(pool.map(learn, HEADS), total=len(HEADS), desc="baseline heads", mininterval=10))
    return Grams(features, weights, shifts)


def score(shop: Workshop, judged: Sequence[Row]) -> Scores:
    """Log-odds [rows, heads] by the trained baseline."""
    grams: Grams = joblib.load(_path(shop))
    return grams.score(judged)


def version(shop: Workshop) -> str:
    """Which training it is, for scores that are kept."""
    return f"{_path(shop).stat().st_mtime_ns:x}"


def _path(shop: Workshop) -> Path:
    return shop.path("baseline", "grams.joblib")


def _training_rows(shop: Workshop) -> list[Row]:
    """One epoch's draw: the mix the network learns from."""
    pools = units(list(rows.read(shop.path("data", f"{Part.TRAIN}.jsonl"))))
    chosen = draw(pools, shop.config, random.Random(shop.config.seed))
    return [row for unit in chosen for row in unit]


def _texts(members: Sequence[Row]) -> list[str]:
    return [row.text[:LONGEST_CHARS] for row in members]
