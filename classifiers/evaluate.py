"""Step `evaluate`: what the exported file does on sources and situations it has never met.

Every share comes with its count and Wilson 95 % interval, and every figure with the n-gram
baseline's beside it, taken through the same calibration and the same thresholds' rule. The
benchmark calls `measured` on an artifact that is already signed; nothing is measured twice over.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from classifiers import baseline, calibrate, exhibits, kept, scoring
from classifiers.calibrate import probabilities
from classifiers.division import Part, written
from classifiers.exhibits import MEMBERS
from classifiers.judged import MOVED, Judged, by_artifact, with_moved
from classifiers.measure import (
    Rate,
    Scores,
    auc_facts,
    best_f1,
    curve,
    difference,
    expected_calibration_error,
    f1,
    odds,
    rate,
    reliability,
)
from classifiers.questions import (
    BLIND,
    MED_SAFETY,
    OWN,
    SEED,
    WRITERS,
    About,
    about,
    both,
    dimensional,
    from_,
    marked,
    negative,
    of_pairs,
    positive,
    questions,
    sourced,
    spoken,
)
from classifiers.rows import DIMENSIONS, HEADS, INTENTS, Row
from classifiers.scoring import Scored
from classifiers.settings import Workshop
from guardrail.detectors.artifact import Artifact, Scale
from guardrail.detectors.onnx import Session

Figures = dict[str, Any]
TOKENS = (64, 128, 192, 256)
ROUNDS = 40
SHARES = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.05, 0.07, 0.1, 0.2)


def run(shop: Workshop) -> None:
    """Writes evaluate/measures.json."""
    artifact = calibrated(shop)
    measures = measured(shop, artifact, exhibits.of(shop))
    measures["latency_ms"] = latency(Session(artifact))
    shop.path("evaluate", "measures.json").write_text(json.dumps(measures, indent=1))


def calibrated(shop: Workshop) -> Artifact:
    """The exported files with the calibration and the marks fitted to them."""
    found = json.loads(shop.path("calibrate", "calibration.json").read_text("utf-8"))
    scales = (Scale(**found["calibration"][head]) for head in HEADS)
    return replace(
        scoring.provisional(shop),
        scales=tuple(scales),
        thresholds=found["thresholds"],
        low=found["low"],
    )


def measured(shop: Workshop, artifact: Artifact, rows: Sequence[Row]) -> Figures:
    """All figures of an artifact, at its own marks, and of the n-gram baseline beside it."""
    model = by_model(shop, artifact, rows)
    return {
        "heads": [head for head in HEADS if model.has(head)],
        "model": figures(shop, model),
        "baseline": figures(shop, by_baseline(shop, rows)),
        "remembered": remembered(model),
    }


def by_model(shop: Workshop, artifact: Artifact, rows: Sequence[Row]) -> Judged:
    scored = kept.of(shop, artifact, rows)
    return _moved(by_artifact(artifact, scored.rows, scored.logits))


def by_baseline(shop: Workshop, rows: Sequence[Row]) -> Judged:
    """The n-grams, calibrated and given marks on dev by the rule that the model's marks follow."""
    if not baseline.current(shop):
        baseline.run(shop)
    dev = scoring.restore(shop.path("baseline", Part.DEV))
    fits = calibrate.fit(dev, shop.config.prior)
    marks = calibrate.thresholds(dev, fits, shop.config.false_alarms)
    logits = kept.scores(
        shop.path("scores", f"ngram-{baseline.version(shop)}.npz"),
        rows,
        lambda fresh: baseline.score(shop, fresh),
    )
    return _moved(Judged(tuple(rows), probabilities(Scored(tuple(rows), logits), fits), marks))


def _moved(judged: Judged) -> Judged:
    return with_moved(judged, judged.picked(from_("benign")))


def figures(shop: Workshop, judged: Judged) -> Figures:
    """All figures of one scorer."""
    pairs = about(judged.rows)
    return {
        "shares": shares(judged),
        "ordered": pairs_ordered(judged, pairs),
        "dimensions": {
            name: by_dimension(judged.picked(sourced(*sources)), pairs)
            for name, sources in (("written", (OWN, SEED)), ("blind", (BLIND,)))
        },
        "top dimension": _top(judged),
        "auc": {head: _auc(judged, pairs, head) for head in HEADS if judged.has(head)},
        "crisis": _crisis(judged),
        "calibration": _calibration(shop, judged),
        "curves": curves(judged),
        "gap": gap(judged, pairs),
    }


def at(judged: Judged, point: str) -> Figures:
    """Every share at one operating point, by the question's words."""
    return {
        each.key: judged.picked(each.among).found(each.by, point).facts()
        for each in questions(judged.rows)
        if each.by not in HEADS or judged.has(each.by)
    }


def shares(judged: Judged) -> dict[str, Figures]:
    """Every share at every operating point. What any head flags has no meaning at the moved
    marks, where each head has a budget of its own."""
    found = {}
    for each in questions(judged.rows):
        if each.by in HEADS and not judged.has(each.by):
            continue
        among = judged.picked(each.among)
        found[each.key] = {
            "section": each.section,
            "name": each.name,
            "by": each.by,
            "lower": each.lower,
            "at": {
                point: among.found(each.by, point).facts()
                for point in judged.points
                if not (each.by == "any" and point == MOVED)
            },
        }
    return found


def ordered(judged: Judged) -> Rate:
    """Pairs whose violation scores above its compliant twin on a head it is marked with."""
    best: dict[str, dict[bool, int]] = {}
    for number, row in enumerate(judged.rows):
        if row.pool in ("twins", "injection") and row.pair:
            best.setdefault(row.pair, {})[row.positive] = number
    found = []
    for halves in best.values():
        if len(halves) == 2:
            known = judged.rows[halves[True]].known
            heads = [HEADS.index(h) for h, flag in known.items() if flag and judged.has(h)]
            if heads:
                worse, better = (judged.probability[halves[half]][heads] for half in (True, False))
                found.append(bool(worse.max() > better.max()))
    return rate(found)


def pairs_ordered(judged: Judged, pairs: About) -> Figures:
    kinds = {
        f"{writer} ({lang})": both(dimensional(pairs), sourced(source), spoken(lang))
        for source, writer in WRITERS.items()
        for lang in ("zh", "en")
    }
    for head in ("injection", "self_harm", *INTENTS):
        if judged.has(head):
            kinds[head] = of_pairs(pairs, head)
    found = {name: ordered(judged.picked(keep)) for name, keep in kinds.items()}
    return {name: share.facts() for name, share in found.items() if share.n}


def by_dimension(judged: Judged, pairs: About) -> Figures:
    """Per dimension, on pairs about it: found by its head and by any of the 20, compliant halves
    flagged by any, pairs ordered."""
    found = {}
    for head in DIMENSIONS:
        rows = judged.picked(both(from_("twins"), of_pairs(pairs, head)))
        bad, good = rows.picked(marked(head)), rows.picked(negative)
        if bad.rows:
            found[head] = {
                point: {
                    "own": bad.found(head, point).facts(),
                    "any": bad.found("dimensions", point).facts(),
                    "compliant": good.found("dimensions", point).facts(),
                }
                for point in judged.points
            } | {"ordered": ordered(rows).facts()}
    return found


def _top(judged: Judged) -> Figures:
    """Violations whose strongest dimension is one that they are marked with."""
    asked = {
        "pairs, unseen situations": lambda row: row.pool == "twins" and row.source != BLIND,
        "blind pairs": from_("twins", BLIND),
        "MedEthicAlign": from_("violations_eval", "X-LANCE/MedEthicAlign"),
        "S-Eval medical": from_("violations_eval", "IS2Lab/S-Eval"),
        "MedSafetyBench": from_("violations_eval", MED_SAFETY),
    }
    found = {}
    for name, keep in asked.items():
        rows = judged.picked(both(keep, marked(*DIMENSIONS)))
        best = rows.probability[:, : len(DIMENSIONS)].argmax(axis=1)
        right = [row.known.get(DIMENSIONS[n]) == 1 for row, n in zip(rows.rows, best, strict=True)]
        if right:
            found[name] = rate(right).facts()
    return found


def _auc(judged: Judged, pairs: About, head: str) -> Figures:
    """On own text: rows of the head against ordinary texts, and against their own other halves."""
    own = judged.picked(both(of_pairs(pairs, head), marked(head), written)).column(head)
    near = judged.picked(both(of_pairs(pairs, head), negative, written)).column(head)
    ordinary = judged.picked(from_("benign")).column(head)
    return {"ordinary": auc_facts(own, ordinary), "twins": auc_facts(own, near)}


def _crisis(judged: Judged) -> Figures:
    """SOS-1K, posts of high suicide risk: against those of low risk, and against all others."""
    posts = judged.picked(from_("suicide_risk"))
    others = judged.picked(both(from_("crisis_eval"), negative))
    high = posts.picked(positive).column("self_harm")
    low = posts.picked(negative).column("self_harm")
    return {
        "high against low": _f1s(judged, high, low),
        "high against all": _f1s(judged, high, np.concatenate([low, others.column("self_harm")])),
    }


def _f1s(judged: Judged, high: Scores, other: Scores) -> Figures:
    truth = np.arange(len(high) + len(other)) < len(high)
    scores = np.concatenate([high, other])
    marks = {point: table[HEADS.index("self_harm")] for point, table in judged.points.items()}
    found = {point: round(f1(truth, scores >= mark), 4) for point, mark in marks.items()}
    return {"f1": found | {"best": round(best_f1(truth, scores), 4)}, **auc_facts(high, other)}


def _calibration(shop: Workshop, judged: Judged) -> Figures:
    """Promised against observed share under the stated mix, on unseen rows."""
    own = judged.picked(lambda row: row.pool in ("benign", "twins", "injection"))
    rows = Scored(own.rows, own.probability)
    heads = [head for head in HEADS if judged.has(head)]
    parts = {head: calibrate.sample(rows, head, shop.config.prior) for head in heads}
    promised, truth, weight = (
        np.concatenate([part[side] for part in parts.values()]) for side in range(3)
    )
    whole = (promised, truth, weight)
    return {
        "error": round(expected_calibration_error(*whole), 4),
        "by head": {h: round(expected_calibration_error(*part), 4) for h, part in parts.items()},
        "bins": [[round(value, 4) for value in each] for each in reliability(*whole)],
        "n": len(own.rows),
    }


def curves(judged: Judged) -> dict[str, list[list[float]]]:
    """Recall of the 20 dimensions against the share of ordinary test texts flagged."""
    pairs = about(judged.rows)
    ordinary = judged.picked(from_("benign")).margin(DIMENSIONS)
    asked = {
        "MedEthicAlign (zh)": from_("violations_eval", "X-LANCE/MedEthicAlign"),
        "S-Eval medical (zh)": from_("violations_eval", "IS2Lab/S-Eval"),
        "MedSafetyBench (en)": from_("violations_eval", MED_SAFETY),
        "pairs, unseen situations": both(dimensional(pairs), positive, written),
        "blind pairs": both(dimensional(pairs), positive, sourced(BLIND)),
    }
    lines = {
        name: curve(judged.picked(keep).margin(DIMENSIONS), ordinary, SHARES)
        for name, keep in asked.items()
    }
    return {name: line for name, line in lines.items() if line}


def gap(judged: Judged, pairs: About) -> Figures:
    """Recall on unseen situations of the corpus we train on, minus recall on unseen sources."""
    found = {}
    for lang in ("zh", "en"):
        said = judged.picked(spoken(lang))
        inside = said.picked(both(dimensional(pairs), positive, written))
        outside = said.picked(from_("violations_eval"))
        for point in judged.points:
            here, there = (part.found("dimensions", point) for part in (inside, outside))
            found[f"{lang}, {point}"] = difference(here, there) if here.n and there.n else None
    return found


def remembered(judged: Judged) -> Figures:
    """Can one tell from the scores that a pair was trained on? 0.5: no better than a coin. `loss`:
    how well the row's labels are predicted; `confidence`: how far scores are from one half."""
    told = {
        name: judged.picked(both(from_(pool, OWN)))
        for name, pool in (("trained", MEMBERS), ("unseen", "twins"))
    }
    losses = {name: _loss(part) for name, part in told.items()}
    surety = {name: np.abs(odds(part.probability)).mean(axis=1) for name, part in told.items()}
    return {
        "loss": auc_facts(-losses["trained"], -losses["unseen"]),
        "confidence": auc_facts(surety["trained"], surety["unseen"]),
        "found": {name: _recall(part).facts() for name, part in told.items()},
    }


def _recall(judged: Judged) -> Rate:
    return judged.picked(marked(*DIMENSIONS)).found("dimensions", "handover")


def _loss(judged: Judged) -> Scores:
    """Mean log loss over the heads that a row is sure of."""
    sure = [
        [row.known.get(head, 0) if head not in row.doubt else -1 for head in HEADS]
        for row in judged.rows
    ]
    known = [[head in row.known for head in HEADS] for row in judged.rows]
    truth, held = np.array(sure), np.array(known) & (np.array(sure) >= 0)
    sign = np.where(truth == 1, 1.0, -1.0)
    loss = np.logaddexp(0, -sign * odds(judged.probability))
    return np.asarray((loss * held).sum(axis=1) / np.maximum(held.sum(axis=1), 1))


def latency(session: Session, rounds: int = ROUNDS) -> dict[str, float]:
    """Median milliseconds of one window of so many tokens, one thread."""
    found = {}
    for tokens in TOKENS:
        ids = (101, *range(2000, 2000 + tokens - 2), 102)
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            session.infer([ids])
            times.append((time.perf_counter() - began) * 1000)
        found[str(tokens)] = round(float(np.median(times)), 2)
    return found
