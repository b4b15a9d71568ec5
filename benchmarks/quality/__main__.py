"""python -m benchmarks.quality: measure an artifact, write the section, the facts and the plots."""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.quality import foreign, plot, precision, report, texts
from classifiers import evaluate, exhibits
from classifiers.questions import from_
from classifiers.rows import Row
from classifiers.settings import Workshop, load
from guardrail.detectors import artifact
from guardrail.detectors.artifact import Artifact
from guardrail.detectors.onnx import Session
from guardrail.domain.errors import BadConfig

Facts = dict[str, Any]
HERE = Path(__file__).parents[1]


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        shop = Workshop(load(options.config), options.data, options.work)
        shipped = artifact.load(options.artifact)
    except BadConfig as error:
        print(error, file=sys.stderr)
        return 2
    if not shop.path("data", "test.jsonl").exists():
        print(f"no rows in {shop.work}: `python -m classifiers data` first", file=sys.stderr)
        return 2
    try:
        facts = measured(shop, shipped, options)
    except exhibits.Blemished as error:
        print(f"blind pairs: {error}", file=sys.stderr)
        return 2
    write(options.out, facts)
    for name in ("seconds", "rows"):
        print(f"{name}: {facts['run'][name]}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks.quality", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="holds data/, baseline/, scores/")
    parser.add_argument("--artifact", type=Path, default=artifact.shipped())
    parser.add_argument(
        "--config", type=Path, default=Path("classifiers/config/clinical-small.yaml")
    )
    parser.add_argument("--float", type=Path, help="a float ONNX file of the same weights")
    parser.add_argument("--rows", type=int, help="of each pool and source, for a quick look")
    parser.add_argument("--without-other", action="store_true", help="leave the other guard out")
    parser.add_argument("--out", type=Path, default=HERE, help="folder of RESULTS.md")
    return parser


def measured(shop: Workshop, shipped: Artifact, options: argparse.Namespace) -> Facts:
    """Everything that is told, as plain facts."""
    began, load_average = time.monotonic(), os.getloadavg()[0]
    rows = exhibits.of(shop, options.rows)
    facts = evaluate.measured(shop, shipped, rows)
    rounds = min(evaluate.ROUNDS, options.rows or evaluate.ROUNDS)
    facts["latency_ms"] = evaluate.latency(Session(shipped), rounds)
    facts["texts"] = texts.cost(shipped, list(filter(from_("benign"), rows)))
    facts["other"] = _other(shop, rows, options)
    if options.float:
        facts["float"] = precision.compared(shop, shipped, options.float, rows)
    summary = json.loads(shop.path("data", "summary.json").read_text("utf-8"))
    facts["run"] = {
        "name": shipped.name,
        "version": shipped.version,
        "digest": shipped.digest,
        "data": summary["data_version"],
        "trained on": shipped.facts.get("data_version", "unknown"),
        "date": datetime.date.today().isoformat(),
        "rows": len(rows),
        "limit": options.rows,
        "load": round(load_average, 1),
        "seconds": round(time.monotonic() - began),
    }
    return facts


def _other(shop: Workshop, rows: Sequence[Row], options: argparse.Namespace) -> Facts:
    if options.without_other:
        return {"missing": "it was not asked"}
    try:
        judged = foreign.judged(shop, rows, options.rows)
    except foreign.Unavailable as error:
        return {"missing": str(error)}
    return {"package": f"{foreign.PACKAGE}@{foreign.VERSION}", "shares": evaluate.shares(judged)}


def write(out: Path, facts: Facts) -> None:
    """Writes RESULTS.md's section, quality.json and plots/ under `out`."""
    told = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    (out / "quality.json").write_text(told + "\n", "utf-8")
    plot.write(out / "plots", facts)
    results = out / "RESULTS.md"
    before = results.read_text("utf-8") if results.exists() else "# Measured\n"
    results.write_text(report.placed(before, report.section(facts)), "utf-8")


if __name__ == "__main__":
    sys.exit(main())
