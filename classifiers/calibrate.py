"""Step `calibrate`: logits of the exported file → probabilities and thresholds, on dev sources.

A probability needs a mix of texts to be a share of. Ours is stated in the configuration (`prior`):
per head so many violations, near misses (compliant twins and other seed rows) and ordinary texts.
With few violations per head, slope and shift are drawn towards those fitted on all heads together.
An int8 file is calibrated twice: itself, and the float graph of its weights that a GPU runs.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from classifiers import scoring
from classifiers.division import Part
from classifiers.measure import Scores, joint_thresholds
from classifiers.rows import HEADS
from classifiers.scoring import Scored
from classifiers.settings import Workshop
from guardrail.detectors.artifact import Artifact

ORDINARY = ("benign", "ordinary")
LONG_TEXTS = 4
FLOAT_PART = 3  # one row in so many: a float graph on a CPU takes twice as long
LARGEST = 700.0  # log-odds; beyond it the exponential overflows
PULL = 4.0  # weight of the common fit, in violations
LOW_SHARE = 0.5  # a head is reported from half of its lowest threshold
FLOOR = 0.10  # the prior: below it a score speaks against a violation


@dataclass(frozen=True, slots=True)
class Fit:
    slope: float
    shift: float

    def probability(self, logit: Scores) -> Scores:
        value = np.clip(self.slope * logit + self.shift, -LARGEST, LARGEST)
        return np.asarray(1 / (1 + np.exp(-value)))


def run(shop: Workshop) -> None:
    """Writes calibrate/calibration.json and the dev scores beside it."""
    artifact = scoring.provisional(shop)
    found: dict[str, object] = {"model": artifact.digest} | tables(shop, artifact, "dev")
    if shop.config.precision == "int8":
        wide = tables(shop, scoring.floating(shop), "dev_float")
        found |= {f"{name}_float": table for name, table in wide.items()}
    shop.path("calibrate", "calibration.json").write_text(json.dumps(found, indent=1))


def tables(shop: Workshop, artifact: Artifact, label: str) -> dict[str, object]:
    """Calibration, thresholds and low marks of one graph; its dev scores are left behind. Sources
    that choose a model (pools `*_eval`) calibrate nothing: their labels are not ours."""
    members = [row for row in scoring.members(shop, Part.DEV) if not row.pool.endswith("_eval")]
    if label != "dev":
        members = random.Random(f"{shop.config.seed}/{label}").sample(
            members, len(members) // FLOAT_PART
        )
    scored = scoring.score(artifact, members, label)
    scoring.save(shop.path("calibrate", label), scored)
    fits = fit(scored, shop.config.prior)
    points = {
        name: dict(zip(HEADS, map(float, values), strict=True))
        for name, values in thresholds(scored, fits, shop.config.false_alarms).items()
    }
    lowest = {head: min(point[head] for point in points.values()) for head in HEADS}
    return {
        "calibration": {
            head: {"slope": each.slope, "shift": each.shift}
            for head, each in zip(HEADS, fits, strict=True)
        },
        "thresholds": points,
        "low": {head: LOW_SHARE * value for head, value in lowest.items()},
    }


def thresholds(scored: Scored, fits: list[Fit], budgets: dict[str, float]) -> dict[str, Scores]:
    """Per operating point, thresholds that hold the budget on ordinary dev texts of which half are
    long. A long answer has more sentences to trip over: it is four texts of the sources one after
    another, whose score is the largest of the four."""
    benign = probabilities(scored.where(row.pool in ORDINARY for row in scored.rows), fits)
    whole = len(benign) // LONG_TEXTS * LONG_TEXTS
    long = benign[:whole].reshape(-1, LONG_TEXTS, benign.shape[1]).max(axis=1)
    mixed = np.concatenate([benign[: len(long)], long])
    return {name: joint_thresholds(mixed, budget, FLOOR) for name, budget in budgets.items()}


def probabilities(scored: Scored, fits: list[Fit]) -> Scores:
    columns = [each.probability(scored.logits[:, place]) for place, each in enumerate(fits)]
    return np.stack(columns, axis=1)


def fit(scored: Scored, prior: dict[str, float]) -> list[Fit]:
    """One fit per head."""
    heads = [sample(scored, head, prior) for head in HEADS]
    common = _fit(np.concatenate([np.stack(part) for part in heads], axis=1), None, 0.0)
    return [_fit(np.stack(part), common, PULL / max(1, int(part[1].sum()))) for part in heads]


def sample(scored: Scored, head: str, prior: dict[str, float]) -> tuple[Scores, Scores, Scores]:
    """Logits, truth and weights of the rows where the head is known for sure. The weights of
    violations, near misses and ordinary texts add up to their shares."""
    place = HEADS.index(head)
    kept, groups = [], []
    for number, row in enumerate(scored.rows):
        if head in row.known and head not in row.doubt:
            kept.append(number)
            near = "benign" if row.pool in ORDINARY else "near"
            groups.append("positive" if row.known[head] else near)
    counts = {group: groups.count(group) for group in prior}
    weight = np.array([prior[group] / counts[group] for group in groups])
    truth = np.array([float(group == "positive") for group in groups])
    return scored.logits[kept, place], truth, weight


def _fit(rows: Scores, common: Fit | None, pull: float) -> Fit:
    logit, truth, weight = rows
    start = np.array([np.log(common.slope), common.shift]) if common else np.array([0.0, 0.0])

    def loss(point: Scores) -> float:
        value = np.exp(point[0]) * logit + point[1]
        nll = weight * (np.logaddexp(0, value) - truth * value)
        return float(nll.sum() / weight.sum() + pull * 0.1 * ((point - start) ** 2).sum())

    found = minimize(loss, start, method="Nelder-Mead").x
    return Fit(float(np.exp(found[0])), float(found[1]))
