"""Artifacts side by side on the very same test rows, each with the marks it ships.

    python -m classifiers.compare guardrail/models/clinical-small classifiers/work2/artifact \\
        --config classifiers/config/clinical-small.yaml --work classifiers/work2

Writes compare/table.json and prints a table. Scores are kept per artifact under scores/, by text.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from classifiers import kept, scoring
from classifiers.division import Part
from classifiers.evaluate import at, by_dimension, pairs_ordered
from classifiers.judged import by_artifact
from classifiers.questions import about
from classifiers.rows import Row
from classifiers.settings import Workshop, load
from classifiers.table import cell
from guardrail.detectors import artifact
from guardrail.detectors.artifact import Artifact

Json = dict[str, Any]


def figures(shop: Workshop, judged: Sequence[Row], shipped: Artifact) -> Json:
    """All figures of one artifact, at its own marks."""
    scored = kept.of(shop, shipped, judged)
    every = by_artifact(shipped, scored.rows, scored.logits)
    pairs = about(every.rows)
    found: Json = {"pairs ordered rightly": pairs_ordered(every, pairs)}
    heads = by_dimension(every, pairs)
    for point in every.points:
        own = {
            f"violations of {head}, own head": told[point]["own"] for head, told in heads.items()
        }
        found[point] = at(every, point) | own
    return found


def table(sides: Sequence[Json]) -> list[str]:
    """One line per figure: its name, its n, and the share on every side."""
    lines = []
    for part in sides[0]:
        lines.append(f"# {part}")
        names = dict.fromkeys(name for side in sides for name in side[part])
        lines.extend(_line(name, [side[part].get(name) for side in sides]) for name in names)
    return lines


def _line(name: str, shares: Sequence[Json | None]) -> str:
    n = next(share["n"] for share in shares if share)
    return " | ".join([name, str(n), *map(cell, shares)])


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
