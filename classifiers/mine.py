"""Step `mine`: which ordinary training texts an earlier model takes for violations.

Random ordinary texts are nearly all easy; those few that trip a model decide where its thresholds
end. The highest-scoring share of each pool is drawn more often in training, see `epoch.draw`. Some
of them may deserve their score: nobody has read them one by one.
"""

from __future__ import annotations

import json
import random

import torch
from tqdm import tqdm

from classifiers import rows
from classifiers.division import Part
from classifiers.network import Network, padded
from classifiers.rows import Row
from classifiers.settings import Workshop
from guardrail.detectors.encoding import Encoder

BATCH_ROWS = 64
LONGEST_CHARS = 1200
HARD_SHARE = 0.1  # of the rows looked at


def run(shop: Workshop) -> None:
    """Writes data/hard.json: per pool, ids from the hardest on. Empty where no miner is named."""
    found: dict[str, list[str]] = {}
    if shop.config.miner:
        scored = _scores(shop, _members(shop))
        for pool in shop.config.hard_pools:
            ranked = sorted((score, row.id) for row, score in scored if row.pool == pool)
            found[pool] = [name for _, name in reversed(ranked)][: int(HARD_SHARE * len(ranked))]
    shop.path("data", "hard.json").write_text(json.dumps(found))


def _members(shop: Workshop) -> list[Row]:
    pools = set(shop.config.hard_pools)
    found = [
        row for row in rows.read(shop.path("data", f"{Part.TRAIN}.jsonl")) if row.pool in pools
    ]
    wanted = min(shop.config.mined_rows, len(found))
    return random.Random(f"{shop.config.seed}/mine").sample(found, wanted)


def _scores(shop: Workshop, members: list[Row]) -> list[tuple[Row, float]]:
    """The largest logit of any head in a text's last window."""
    encoder = Encoder(shop.path("base", "tokenizer.json"), shop.config.shape)
    network = Network(shop.path("base", "x").parent)
    network.load_state_dict(torch.load(shop.config.miner, map_location="cpu"))
    network.eval()
    seen = [(row, encoder.windows(row.text[:LONGEST_CHARS])[-1:]) for row in members]
    windows = sorted(
        ((row, shown[0].ids) for row, shown in seen if shown), key=lambda each: len(each[1])
    )
    found: list[tuple[Row, float]] = []
    for start in tqdm(range(0, len(windows), BATCH_ROWS), desc="mine", mininterval=10):
        part = windows[start : start + BATCH_ROWS]
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
            logits, _ = network(*padded([ids for _, ids in part], encoder.pad_id, "cpu"))
        tops = logits.float().amax(dim=1).tolist()
        found.extend((row, top) for (row, _), top in zip(part, tops, strict=True))
    return found
