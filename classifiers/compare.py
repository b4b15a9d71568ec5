"""Artifacts side by side on the very same test rows, each with the marks it ships.

    python -m classifiers.compare guardrail/models/clinical-small classifiers/work2/artifact \\
        --config classifiers/config/clinical-small.yaml --work classifiers/work2

Writes compare/table.json and prints a table. Scores are kept per artifact under compare/, by row.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from classifiers import scoring
from classifiers.calibrate import Fit, probabilities
from classifiers.division import Part
from classifiers.evaluate import Judged, at, ordered
from classifiers.rows import HEADS, Row
from classifiers.scoring import Scored
from classifiers.settings import Workshop, load
from guardrail.detectors import artifact
from guardrail.detectors.artifact import Artifact

Json = dict[str, Any]


def figures(shop: Workshop, judged: Sequence[Row], shipped: Artifact) -> Json:
    """All figures of one artifact, at its own marks."""
    scored = _scores(shop, judged, shipped)
    scales = dict(zip(shipped.labels, shipped.scales, strict=True))
    fits = [
        Fit(scales[head].slope, scales[head].shift) if head in scales else Fit(1.0, 0.0)
        for head in HEADS
    ]
    points = {
        name: np.array([table.get(head, 1.0) for head in HEADS])
        for name, table in shipped.thresholds.items()
    }
    all_rows = Judged(scored.rows, probabilities(scored, fits), points)
    pairs = {
        source: ordered(all_rows.picked(_from(source))).facts()
        for source in sorted({row.source for row in all_rows.rows if row.pool == "twins"})
    }
    return {"pairs ordered rightly": pairs} | {point: at(all_rows, point) for point in points}


def _from(source: str) -> Callable[[Row], bool]:
    return lambda row: row.source == source


def table(sides: Sequence[Json]) -> list[str]:
    """One line per figure: its name, its n, and the share on every side."""
    lines = []
    for point in sides[0]:
        lines.append(f"# {point}")
        flat = [_flat(side[point]) for side in sides]
        lines.extend(_line(name, [each[name] for each in flat]) for name in flat[0])
    return lines


def _flat(shares: Json) -> Json:
    plain = {name: share for name, share in shares.items() if name != "by dimension"}
    heads = shares.get("by dimension", {})
    return plain | {f"violations of {head}, own head": share for head, share in heads.items()}


def _scores(shop: Workshop, judged: Sequence[Row], shipped: Artifact) -> Scored:
    """Scores of the rows; only those that are not kept yet are computed."""
    path = shop.path("compare", shipped.digest[:12])
    known: dict[str, np.ndarray] = {}
    if path.with_suffix(".npy").exists():
        kept = scoring.restore(path)
        known = {
            row.id + row.text: found for row, found in zip(kept.rows, kept.logits, strict=True)
        }
    fresh = [row for row in judged if row.id + row.text not in known]
    if fresh:
        scored = scoring.score(shipped, fresh, shipped.version)
        pairs = zip(scored.rows, scored.logits, strict=True)
        known |= {row.id + row.text: found for row, found in pairs}
    rows = tuple(row for row in judged if row.id + row.text in known)
    found = Scored(rows, np.array([known[row.id + row.text] for row in rows]))
    scoring.save(path, found)
    return found


def _line(name: str, shares: Sequence[Json]) -> str:
    cells = [f"{s['rate']:.3f} ({s['low']:.3f}–{s['high']:.3f})" for s in shares]
    return " | ".join([name, str(shares[0]["n"]), *cells])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("artifacts", nargs="+", type=Path)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    shop = Workshop(load(options.config), Path(), options.work)
    judged = scoring.members(shop, Part.TEST)
    found = {
        str(folder): figures(shop, judged, artifact.load(folder)) for folder in options.artifacts
    }
    shop.path("compare", "table.json").write_text(json.dumps(found, indent=1))
    print("\n".join(table(list(found.values()))))


if __name__ == "__main__":
    main()
