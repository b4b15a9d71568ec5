"""Step `evaluate`: what the exported file does on sources and situations it has never met.

Every share comes with its count and Wilson 95 % interval, and every figure with the n-gram
baseline's beside it, taken through the same calibration and the same thresholds' rule.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from classifiers import calibrate, scoring
from classifiers.calibrate import Fit, probabilities
from classifiers.division import Part, written
from classifiers.measure import (
    Rate,
    Scores,
    auc,
    expected_calibration_error,
    flagged,
    rate,
)
from classifiers.rows import DIMENSIONS, HEADS, Row
from classifiers.scoring import Scored
from classifiers.settings import Workshop
from guardrail.detectors.onnx import Session

Figures = dict[str, object]
SHORT_CHARS = 150


@dataclass(frozen=True, slots=True)
class Judged:
    """Test rows with probabilities, and thresholds per operating point."""

    rows: tuple[Row, ...]
    probability: Scores
    points: dict[str, Scores]

    def picked(self, keep: Callable[[Row], bool]) -> Judged:
        mask = np.array([keep(row) for row in self.rows], dtype=bool)
        kept = tuple(row for row, flag in zip(self.rows, mask, strict=True) if flag)
        return Judged(kept, self.probability[mask], self.points)

    def alarms(self, point: str) -> Rate:
        """Texts that any head flags."""
        return rate(flagged(self.probability, self.points[point]))

    def hits(self, point: str) -> Rate:
        """Texts that one of their own heads flags."""
        own = np.array([[row.known.get(head) == 1 for head in HEADS] for row in self.rows], bool)
        over = self.probability >= self.points[point][None]
        return rate((over & own.reshape(over.shape)).any(axis=1))

    def column(self, head: str) -> Scores:
        return self.probability[:, HEADS.index(head)]


def run(shop: Workshop) -> None:
    """Writes evaluate/measures.json and the test scores beside it."""
    artifact = scoring.provisional(shop)
    test = scoring.score(artifact, scoring.members(shop, Part.TEST), "test")
    scoring.save(shop.path("evaluate", "test"), test)
    dev = scoring.restore(shop.path("calibrate", "dev"))
    measures: Figures = {
        "model": figures(shop, dev, test),
        "baseline": figures(
            shop,
            scoring.restore(shop.path("baseline", Part.DEV)),
            scoring.restore(shop.path("baseline", Part.TEST)),
        ),
        "latency_ms": latency(Session(artifact)),
    }
    shop.path("evaluate", "measures.json").write_text(json.dumps(measures, indent=1))


def figures(shop: Workshop, dev: Scored, test: Scored) -> Figures:
    """All figures of one scorer."""
    fits = calibrate.fit(dev, shop.config.prior)
    points = calibrate.thresholds(dev, fits, shop.config.false_alarms)
    judged = Judged(test.rows, probabilities(test, fits), points)
    return {point: at(judged, point) for point in points} | {
        "auc": {head: _auc(judged, head) for head in HEADS},
        "twins_ordered": ordered(judged).facts(),
        "twins_ordered_by_dimension": {
            head: ordered(judged.picked(_of(head))).facts() for head in (*DIMENSIONS, "self_harm")
        },
        "crisis_auc": _crisis(judged),
        "calibration_error": _calibration_error(shop, test, fits),
    }


def at(judged: Judged, point: str) -> Figures:
    """Every share at one operating point."""
    violations = judged.picked(_pool("twins", positive=True))
    found: Figures = _twins(judged, point, "twins")
    for source in sorted({row.source for row in violations.rows}):
        found |= _twins(judged.picked(_source(source, "twins")), point, source)
    found |= {
        "injection: found": judged.picked(_pool("injection", positive=True)).hits(point).facts(),
        "injection: look-alikes flagged": judged.picked(_pool("injection", positive=False))
        .alarms(point)
        .facts(),
        "prescription corpus: harmless texts flagged": judged.picked(
            lambda row: row.pool == "prescriptions" and "saf.medication" in row.known
        )
        .alarms(point)
        .facts(),
        "ordinary texts flagged": judged.picked(_pool("benign")).alarms(point).facts(),
        "ordinary texts flagged, up to 150 characters": judged.picked(
            lambda row: row.pool == "benign" and len(row.text) <= SHORT_CHARS
        )
        .alarms(point)
        .facts(),
        "ordinary texts flagged, longer": judged.picked(
            lambda row: row.pool == "benign" and len(row.text) > SHORT_CHARS
        )
        .alarms(point)
        .facts(),
        "by dimension": {
            head: violations.picked(_of(head)).hits(point).facts() for head in DIMENSIONS
        },
    }
    for source in sorted({row.source for row in judged.rows if not written(row)}):
        for pool in sorted({row.pool for row in judged.rows if row.source == source}):
            part = judged.picked(_source(source, pool))
            share = part.alarms(point) if pool != "attacks_eval" else part.hits(point)
            found[f"{pool} | {source}"] = share.facts()
    return found


def _twins(judged: Judged, point: str, name: str) -> Figures:
    violations = judged.picked(_pool("twins", positive=True))
    compliant = judged.picked(_pool("twins", positive=False))
    return {
        f"{name}: violations found by any head": violations.alarms(point).facts(),
        f"{name}: violations found by their own head": violations.hits(point).facts(),
        f"{name}: compliant halves flagged": compliant.alarms(point).facts(),
    }


def _pool(name: str, *, positive: bool | None = None) -> Callable[[Row], bool]:
    return lambda row: row.pool == name and positive in (None, row.positive)


def _source(source: str, pool: str) -> Callable[[Row], bool]:
    return lambda row: row.source == source and row.pool == pool


def _of(head: str) -> Callable[[Row], bool]:
    """Seed rows of the pairs written for this head: the pair's name says which."""
    return lambda row: row.known.get(head) == 1 or (row.pool == "twins" and not row.positive)


def _auc(judged: Judged, head: str) -> Figures:
    """On own text: violations of the head against ordinary texts, and against compliant twins."""
    own = judged.picked(lambda row: written(row) and row.known.get(head) == 1)
    ordinary, near = judged.picked(_pool("benign")), judged.picked(_pool("twins", positive=False))
    if head == "injection":
        near = judged.picked(_pool("injection", positive=False))
    positive = own.column(head)
    return {
        "n": len(own.rows),
        "ordinary": round(auc(positive, ordinary.column(head)), 4),
        "compliant": round(auc(positive, near.column(head)), 4),
    }


def ordered(judged: Judged) -> Rate:
    """Pairs whose violation scores above its compliant twin on a head it is marked with."""
    best: dict[str, dict[bool, int]] = {}
    for number, row in enumerate(judged.rows):
        if row.pool == "twins":
            best.setdefault(row.pair, {})[row.positive] = number
    found = []
    for halves in best.values():
        if len(halves) == 2:
            heads = [HEADS.index(h) for h, flag in judged.rows[halves[True]].known.items() if flag]
            worse, better = (judged.probability[halves[side]][heads] for side in (True, False))
            found.append(bool(worse.max() > better.max()))
    return rate(found)


def _crisis(judged: Judged) -> float:
    posts = judged.picked(_pool("crisis_eval"))
    high = posts.picked(lambda row: row.known["self_harm"] == 1).column("self_harm")
    other = posts.picked(lambda row: row.known["self_harm"] == 0).column("self_harm")
    return round(auc(high, other), 4)


def _calibration_error(shop: Workshop, test: Scored, fits: list[Fit]) -> float:
    """Promised against observed share over all heads, under the stated mix, on unseen rows."""
    own = test.where(row.pool in ("benign", "twins", "injection") for row in test.rows)
    parts = [calibrate.sample(own, head, shop.config.prior) for head in HEADS]
    probability = np.concatenate(
        [each.probability(part[0]) for each, part in zip(fits, parts, strict=True)]
    )
    truth, weight = (np.concatenate([part[side] for part in parts]) for side in (1, 2))
    return round(expected_calibration_error(probability, truth, weight), 4)


def latency(session: Session, rounds: int = 60) -> dict[str, float]:
    """Median milliseconds of one window of so many tokens, one thread."""
    found = {}
    for tokens in (32, 64, 128):
        ids = (101, *range(2000, 2000 + tokens - 2), 102)
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            session.infer([ids])
            times.append((time.perf_counter() - began) * 1000)
        found[str(tokens)] = round(float(np.median(times)), 2)
    return found
