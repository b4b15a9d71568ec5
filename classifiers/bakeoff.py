"""Variants of a run side by side: same rows, same seed, one thing changed.

    python -m classifiers.bakeoff --config classifiers/config/clinical-small.yaml \\
        --variants classifiers/config/bakeoff.yaml --work classifiers/work

Each variant is trained for a few epochs and judged on the dev part alone (unseen situations, and
scenes and generators of sources that never train). Thresholds let 1 % of ordinary dev texts pass
over any of the 20 heads. Results are kept, so an interrupted run goes on. No test row is read.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from tqdm import tqdm

from classifiers import scoring
from classifiers.division import Part
from classifiers.measure import Scores, rate
from classifiers.network import Network, padded
from classifiers.rows import DIMENSIONS, Row
from classifiers.scoring import Scored
from classifiers.settings import Workshop, load
from classifiers.train import Training
from guardrail import document
from guardrail.detectors.encoding import Encoder

FALSE_ALARMS = 0.01
BATCH_ROWS = 64
POOLS = ("benign", "twins", "violations_eval")
BENIGN_ROWS = 1500
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Variant:
    """`change`: keys of the run's configuration. `twins_share`: the share of our situations it
    may learn from. `fresh`: weights start at random instead of pre-trained."""

    name: str
    change: Json
    twins_share: float = 1.0
    fresh: bool = False


def variants(path: Path) -> list[Variant]:
    """The variants of a YAML list."""
    found = cast(list[Json], document.read(path.read_text("utf-8"), path.name).data)
    return [Variant(**each) for each in found]


def trained(shop: Workshop, variant: Variant) -> Network:
    """The network of a variant; nothing of it stays on disk."""
    run = Training(replace(shop, config=replace(shop.config, **variant.change)))
    if variant.fresh:
        run.network.encoder.apply(run.network.encoder._init_weights)  # noqa: SLF001
        run.network.encoder.embeddings.word_embeddings.weight.requires_grad = True
        run.optimiser = run._optimiser()  # noqa: SLF001
    for pool in ("twins", "injection"):
        units = [unit for unit in run.pools[pool] if kept(unit[0], variant.twins_share)]
        run.pools[pool] = units
    run.fit()
    return run.network.eval()


def kept(row: Row, share: float) -> bool:
    """Is a situation in the share? The smaller share is always part of the larger."""
    return random.Random(f"share/{row.group}").random() < share


def scored(shop: Workshop, network: Network, members: Sequence[Row]) -> Scored:
    """The network's own logits: the maximum over windows, without int8."""
    encoder = Encoder(shop.path("base", "tokenizer.json"), shop.config.shape)
    windows = [
        (number, window.ids)
        for number, row in enumerate(members)
        for window in encoder.windows(row.text)
    ]
    windows.sort(key=lambda each: len(each[1]))
    width = network.heads.out_features
    found = np.full((len(members), width), scoring.UNMOVED)
    for start in tqdm(range(0, len(windows), BATCH_ROWS), desc="score", mininterval=10):
        part = windows[start : start + BATCH_ROWS]
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            logits, _ = network(*padded([ids for _, ids in part], encoder.pad_id, "cpu"))
        for (number, _), row in zip(part, logits.float().numpy(), strict=True):
            found[number] = np.maximum(found[number], row)
    return Scored(tuple(members), found)


def figures(judged: Scored) -> Json:
    """Recall of any of the 20 heads at 1 % false alarms, and pairs ordered rightly."""
    tops = judged.logits[:, : len(DIMENSIONS)].max(axis=1)
    benign = tops[_mask(judged, lambda row: row.pool == "benign")]
    limit = float(np.quantile(benign, 1 - FALSE_ALARMS))
    found: Json = {"benign": len(benign)}
    for source in sorted({row.source for row in judged.rows if row.pool != "benign"}):
        bad = tops[_mask(judged, _of(source, positive=True))]
        found[f"{source}: found"] = rate(bad > limit).facts()
        good = tops[_mask(judged, _of(source, positive=False))]
        if len(good):
            found[f"{source}: compliant flagged"] = rate(good > limit).facts()
    found["pairs ordered"] = rate(_ordered(judged)).facts()
    return found


def _mask(judged: Scored, keep: Callable[[Row], bool]) -> Scores:
    return np.array([keep(row) for row in judged.rows], dtype=bool)


def _of(source: str, *, positive: bool) -> Callable[[Row], bool]:
    def keep(row: Row) -> bool:
        return row.pool != "benign" and row.source == source and row.positive is positive

    return keep


def _ordered(judged: Scored) -> Scores:
    """Per pair: does the violation score above its twin, on the violation's own heads?"""
    halves: dict[str, dict[bool, int]] = {}
    for number, row in enumerate(judged.rows):
        if row.pool == "twins":
            halves.setdefault(row.pair, {})[row.positive] = number
    found = []
    for pair in halves.values():
        if len(pair) == 2:
            known = judged.rows[pair[True]].known
            own = [n for n, head in enumerate(DIMENSIONS) if known.get(head)]
            if own:
                bad, good = (judged.logits[pair[side]][own].max() for side in (True, False))
                found.append(bad > good)
    return np.array(found, dtype=bool)


def members(shop: Workshop) -> list[Row]:
    """The dev rows that choose."""
    config = replace(shop.config, dev_benign=BENIGN_ROWS)
    found = scoring.members(replace(shop, config=config), Part.DEV)
    return [row for row in found if row.pool in POOLS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--variants", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    shop = Workshop(load(options.config), Path(), options.work)
    judged = members(shop)
    kept_at = shop.path("bakeoff", "results.json")
    results: Json = json.loads(kept_at.read_text()) if kept_at.exists() else {}
    for variant in variants(options.variants):
        if variant.name not in results:
            network = trained(shop, variant)
            results[variant.name] = figures(scored(shop, network, judged))
            kept_at.write_text(json.dumps(results, indent=1))
    for name, result in results.items():
        shares = {key: value for key, value in result.items() if key != "benign"}
        print(name, *(f"{key} {value['rate']:.3f}" for key, value in shares.items()), sep=" | ")


if __name__ == "__main__":
    main()
