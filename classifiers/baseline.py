"""Step `baseline`: character n-grams and logistic regression, the bar every model must clear.

Trained on the same rows and measured by the same figures; never shipped.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from classifiers import rows, scoring
from classifiers.division import Part
from classifiers.epoch import draw, units
from classifiers.rows import HEADS, Row
from classifiers.scoring import Scored
from classifiers.settings import Workshop

LONGEST_CHARS = 400
FEATURES = 150_000


def run(shop: Workshop) -> None:
    """Writes baseline/{dev,test}.{npy,jsonl}: its log-odds for the rows that the model is judged on."""
    members = _training_rows(shop)
    vectoriser = TfidfVectorizer(
        analyzer="char", ngram_range=(1, 3), min_df=2, max_features=FEATURES, sublinear_tf=True
    )
    features = vectoriser.fit_transform(_texts(members))
    judged = {part: scoring.members(shop, part) for part in (Part.DEV, Part.TEST)}
    sparse = {part: vectoriser.transform(_texts(found)) for part, found in judged.items()}
    logits = {part: np.zeros((len(found), len(HEADS))) for part, found in judged.items()}
    for place, head in enumerate(tqdm(HEADS, desc="baseline heads")):
        known = [number for number, row in enumerate(members) if head in row.known]
        target = [members[number].known[head] for number in known]
        model = LogisticRegression(C=10.0, class_weight="balanced", solver="liblinear")
        model.fit(features[known], target)
        for part, matrix in sparse.items():
            logits[part][:, place] = model.decision_function(matrix)
    for part, found in judged.items():
        scoring.save(shop.path("baseline", part), Scored(tuple(found), logits[part]))
    shop.path("baseline", "scores.json").write_text(json.dumps({"rows": len(members)}))


def _training_rows(shop: Workshop) -> list[Row]:
    """One epoch's draw: the mix the network learns from."""
    pools = units(list(rows.read(shop.path("data", f"{Part.TRAIN}.jsonl"))))
    chosen = draw(pools, shop.config, random.Random(shop.config.seed))
    return [row for unit in chosen for row in unit]


def _texts(members: Sequence[Row]) -> list[str]:
    return [row.text[:LONGEST_CHARS] for row in members]
