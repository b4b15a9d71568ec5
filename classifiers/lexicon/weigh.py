"""Fit the weights by which `guardrail.detectors.speech_act` tells an order from talk about drugs.

A text is a bag of candidates: it is an order if its most order-like candidate is one. Negatives
teach with every candidate, positives with the best one (re-chosen a few times). Needs the `train`
extra. Run `python -m classifiers.lexicon.weigh FILE.jsonl.gz [MORE.jsonl.gz ...]`; rows need `text`,
`side` and `label` ("prescription" or another). Prints cross-validated figures by near-duplicate
group, then writes `prescription_weights.yaml` fitted on all rows.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import opencc
from scipy import sparse
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from guardrail.detectors import candidate, prescription, reading, sentence, speech_act
from guardrail.detectors.lexicon import lexicon

TARGET = Path(__file__).parents[2] / "guardrail/detectors/data/prescription_weights.yaml"
STRENGTH = 1.0  # inverse of the L2 penalty
ROUNDS = 4
FOLDS = 5
SAME = 0.35  # 4-gram Jaccard from which two texts are one group
RECALL = 0.95  # the bias is moved so that this share of held-out orders scores above 0.5
HEADER = """# Weights of the logistic model in `speech_act.py`; made by `classifiers/lexicon/weigh.py`.
# A positive weight speaks for an order to this patient, a negative one for talk about medicine.
"""

Features = dict[str, float]
_SHELF = prescription.Shelf()
_SIMPLE = opencc.OpenCC("t2s")


def plain(text: str) -> str:
    """What the normaliser would hand on, near enough for fitting."""
    return _SIMPLE.convert(unicodedata.normalize("NFKC", text))


def bag(text: str) -> list[Features]:
    """Features of every candidate in a text."""
    read = reading.read(plain(text), lexicon())
    tiles, _ = sentence.sentences(read.text)
    found = candidate.candidates(read.text, tiles, lexicon())
    scene = prescription.scene(read, tiles, found, _SHELF)
    return [speech_act.features(one, scene) for one in found if one.regimen]


class Model:
    def __init__(self) -> None:
        self.vector = DictVectorizer()
        self.fitted = LogisticRegression(C=STRENGTH, max_iter=3000, fit_intercept=False)

    def fit(self, bags: list[list[Features]], labels: list[int]) -> Model:
        self.vector.fit([one for each in bags for one in each])
        tables = [self.vector.transform(each) if each else None for each in bags]
        chosen = [list(range(len(each))) for each in bags]
        for _ in range(ROUNDS):
            picks = [(i, j) for i, each in enumerate(chosen) for j in each]
            self.fitted.fit(
                sparse.vstack([tables[i][j] for i, j in picks]),
                [labels[i] for i, _ in picks],
                sample_weight=[1 / (1 if labels[i] else len(chosen[i])) for i, _ in picks],
            )
            for i, table in enumerate(tables):
                if labels[i] and table is not None:
                    chosen[i] = [int(np.argmax(self.fitted.decision_function(table)))]
        return self

    def logit(self, each: list[Features]) -> float:
        if not each:
            return -20.0
        return float(self.fitted.decision_function(self.vector.transform(each)).max())

    def weights(self) -> dict[str, float]:
        return dict(zip(self.vector.feature_names_, self.fitted.coef_[0], strict=True))


def groups(texts: list[str]) -> list[int]:
    """Texts that share near-copied parts get one number."""
    grams = [{text[i : i + 4] for i in range(len(text) - 3)} for text in texts]
    parent = list(range(len(texts)))

    def root(node: int) -> int:
        while parent[node] != node:
            node = parent[node]
        return node

    holders: dict[str, list[int]] = defaultdict(list)
    for index, own in enumerate(grams):
        shared = Counter(other for gram in own for other in holders[gram])
        for other, count in shared.items():
            if count / len(own | grams[other]) >= SAME:
                parent[root(index)] = root(other)
        for gram in own:
            holders[gram].append(index)
    return [root(index) for index in range(len(texts))]


def held_out(
    rows: list[dict[str, str]], bags: list[list[Features]], labels: list[int]
) -> list[float]:
    """Logit of every row by a model that saw neither it nor its near-copies."""
    group = groups([row["text"] for row in rows])
    names = sorted(set(group))
    random.Random(0).shuffle(names)
    fold = {name: index % FOLDS for index, name in enumerate(names)}
    logits = [0.0] * len(rows)
    for number in range(FOLDS):
        train = [i for i in range(len(rows)) if fold[group[i]] != number]
        model = Model().fit([bags[i] for i in train], [labels[i] for i in train])
        for i in range(len(rows)):
            if fold[group[i]] == number:
                logits[i] = model.logit(bags[i])
    return logits


def wilson(hits: int, total: int) -> str:
    share, z = hits / total, 1.96
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * np.sqrt(share * (1 - share) / total + z * z / (4 * total**2)) / (1 + z * z / total)
    return f"{hits}/{total} = {share:.3f} [{middle - half:.3f}, {middle + half:.3f}]"


def report(labels: list[int], logits: list[float], cut: float) -> None:
    found = sum(1 for label, logit in zip(labels, logits, strict=True) if label and logit >= cut)
    wrong = sum(
        1 for label, logit in zip(labels, logits, strict=True) if not label and logit >= cut
    )
    print(
        f"cut {cut:+.2f}: recall {wilson(found, sum(labels))}, precision {wilson(found, found + wrong)}"
    )


def main(argv: list[str]) -> int:
    if len(argv) < 2:
        print("usage: python -m classifiers.lexicon.weigh FILE.jsonl.gz ...")
        return 2
    rows: list[dict[str, str]] = []
    for name in argv[1:]:
        with gzip.open(name, "rt", encoding="utf-8") as stream:
            rows += [row for row in map(json.loads, stream) if row["side"] == "output"]
    bags = [bag(row["text"]) for row in rows]
    labels = [int(row["label"] == "prescription") for row in rows]
    logits = held_out(rows, bags, labels)
    ranked = sorted(
        (logit for label, logit in zip(labels, logits, strict=True) if label), reverse=True
    )
    for recall in (0.9, RECALL, 0.97):
        report(labels, logits, ranked[int(np.ceil(recall * len(ranked))) - 1])
    cut = ranked[int(np.ceil(RECALL * len(ranked))) - 1]
    weights = Model().fit(bags, labels).weights()
    weights["bias"] = weights.get("bias", 0.0) - cut
    lines = [
        f"{name}: {value:.3f}\n" for name, value in sorted(weights.items()) if abs(value) >= 0.005
    ]
    TARGET.write_text(HEADER + "".join(lines), "utf-8")
    print(f"{len(lines)} weights from {len(rows)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
