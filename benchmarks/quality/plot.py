"""The four plots, drawn from the facts alone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.quality.svg import Axis, Bar, Line, bars, lines
from classifiers.rows import DIMENSIONS

Facts = Mapping[str, Any]
WANTED_RECALL = 0.6
PREVALENCE = 0.1
SHARES = [(0.0, "0"), (0.2, ".2"), (0.4, ".4"), (0.6, ".6"), (0.8, ".8"), (1.0, "1")]
ALARMS = Axis(
    "share of ordinary test texts flagged (log scale)", 0.0005, 0.2,
    [(0.0005, "0.05 %"), (0.001, "0.1 %"), (0.003, "0.3 %"), (0.01, "1 %"), (0.03, "3 %"),
     (0.1, "10 %"), (0.2, "20 %")], log=True,
)  # fmt: skip


def write(folder: Path, facts: Facts) -> list[str]:
    """Writes the plots; their names."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {
        "recall-false-alarms.svg": recall(facts),
        "precision-recall.svg": precision(facts),
        "reliability.svg": reliability(facts),
        "dimensions.svg": dimensions(facts),
    }
    for name, text in drawn.items():
        (folder / name).write_text(text, "utf-8")
    return list(drawn)


def recall(facts: Facts) -> str:
    y = Axis("violations found by any dimension", 0, 1, SHARES)
    named = {
        name: Line([(a, b) for a, b in points], colour, dash)
        for name, points, colour, dash in _curves(facts)
    }
    return lines("Recall against false alarms, text never trained on", ALARMS, y, named)


def precision(facts: Facts) -> str:
    x = Axis("recall (any dimension)", 0, 1, SHARES)
    y = Axis("precision, were 10 % of texts violations", 0, 1, SHARES)
    named = {
        name: Line([(b, _precision(a, b)) for a, b in points], colour, dash)
        for name, points, colour, dash in _curves(facts)
    }
    return lines("Precision against recall, text never trained on", x, y, named)


def _precision(alarms: float, found: float) -> float:
    true, false = PREVALENCE * found, (1 - PREVALENCE) * alarms
    return true / (true + false)


def _curves(facts: Facts) -> list[tuple[str, list[list[float]], int, str]]:
    """Name, points, colour and dash: the model's lines whole, the n-grams' dashed."""
    found = []
    for scorer, words, dash in (("model", "", ""), ("baseline", ", n-gram", "5 4")):
        for number, (name, points) in enumerate(facts[scorer]["curves"].items()):
            found.append((name + words, points, number, dash))
    return found


def reliability(facts: Facts) -> str:
    x = Axis("promised probability", 0, 1, SHARES)
    y = Axis("observed share, stated mix", 0, 1, SHARES)
    named = {"as promised": Line([(0, 0), (1, 1)], 5, "2 3")}
    for number, (scorer, words) in enumerate((("model", "model"), ("baseline", "n-gram"))):
        told = facts[scorer]["calibration"]
        points = [(promised, observed) for promised, observed, _ in told["bins"]]
        name = f"{words}, expected error {told['error']:.3f}"
        named[name] = Line(points, number, "5 4" if number else "", dots=True)
    return lines("Reliability over all heads, unseen rows", x, y, named)


def dimensions(facts: Facts) -> str:
    """Bars of the blind pairs where there are any, else of our own unseen situations."""
    kind = "blind" if facts["model"]["dimensions"]["blind"] else "written"
    told, other = (facts[scorer]["dimensions"][kind] for scorer in ("model", "baseline"))
    named = {}
    for head in DIMENSIONS:
        if head in told:
            own = told[head]["handover"]["own"]
            beside = other[head]["handover"]["own"]["rate"] if head in other else None
            named[f"{head} ({own['n']})"] = Bar(own["rate"], own["low"], own["high"], beside)
    words = {"blind": "blind pairs", "written": "pairs of unseen situations"}[kind]
    title = f"Found by its own head at the 1 % mark, {words} (n); red: n-gram"
    return bars(title, named, WANTED_RECALL)
