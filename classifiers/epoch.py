"""What one epoch shows: rows drawn afresh from each pool, cut to windows, batched by length.

A violation is shown by the window in which it comes out: of a pair, the one that ends where the
two halves last differ; of a single row, the last and widest. Other parts of it may be innocent. A
compliant row is sometimes shown by any one of its windows, as the running guard sees it. Both
halves of a pair get the same benign sentences in front, or none.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from types import MappingProxyType

from classifiers.rows import Row
from classifiers.settings import RunConfig
from guardrail.detectors.encoding import Encoder, Window

PART_WINDOW_RATE = 0.4
BUCKET_ROWS = 1024
LONGEST_CHARS = 1200
SHORT_CHARS = 200  # of both halves: one window shows them whole


@dataclass(frozen=True, slots=True)
class Example:
    row: Row
    ids: tuple[int, ...]


Unit = list[Row]


def units(rows: Sequence[Row]) -> dict[str, list[Unit]]:
    """Per pool, rows that are drawn together: pairs, or single rows."""
    found: dict[str, dict[str, Unit]] = defaultdict(dict)
    for row in rows:
        found[row.pool].setdefault(row.pair or row.id, []).append(row)
    return {pool: list(members.values()) for pool, members in found.items()}


def draw(
    pools: dict[str, list[Unit]],
    config: RunConfig,
    chance: random.Random,
    hard: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> list[Unit]:
    """This epoch's units. A pool of pairs counts its rows; `hard_share` of a pool with hard rows
    (ids per pool, from step `mine`) comes from these."""
    chosen: list[Unit] = []
    for pool, rows_wanted in config.pools.items():
        members, names = pools[pool], set(hard.get(pool, ()))
        wanted = min(rows_wanted // max(1, len(members[0])), len(members))
        picked = [unit for unit in members if unit[0].id in names]
        some = min(int(wanted * config.hard_share), len(picked))
        chosen.extend(chance.sample(picked, some))
        rest = members if not picked else [unit for unit in members if unit[0].id not in names]
        chosen.extend(chance.sample(rest, min(wanted - some, len(rest))))
    chance.shuffle(chosen)
    return chosen


class Cutter:
    """Turns units into examples."""

    def __init__(self, encoder: Encoder, config: RunConfig, prefixes: Sequence[str]) -> None:
        self._encoder = encoder
        self._config = config
        self._prefixes = prefixes

    def examples(self, unit: Unit, chance: random.Random) -> list[Example]:
        prefix = ""
        if len(unit) > 1 and chance.random() < self._config.context_rate:
            prefix = chance.choice(self._prefixes)
        ends = _decided(unit) if len(unit) > 1 else (LONGEST_CHARS,)
        return [
            Example(row, self._window(row, end, prefix, chance).ids)
            for row, end in zip(unit, ends, strict=True)
        ]

    def _window(self, row: Row, end: int, prefix: str, chance: random.Random) -> Window:
        text = row.text
        if not row.positive and not row.pair and len(text) > LONGEST_CHARS:
            start = chance.randrange(len(text) - LONGEST_CHARS)
            text = text[start:]
        windows = self._encoder.windows(prefix + text[:LONGEST_CHARS], len(prefix))
        if not row.positive and chance.random() < PART_WINDOW_RATE:
            return chance.choice(windows)
        shown = [window for window in windows if window.span.start < len(prefix) + end]
        return max(
            reversed(shown), key=lambda window: window.span.end if row.pair else len(window.ids)
        )


def _decided(pair: Unit) -> tuple[int, int]:
    """Where each half of a pair has told all in which it differs from the other."""
    first, second = (row.text for row in pair)
    if len(first) + len(second) < SHORT_CHARS:
        return len(first), len(second)
    same = SequenceMatcher(None, first, second, autojunk=False).get_matching_blocks()
    tail = same[-2] if len(same) > 1 else same[-1]
    if tail.a + tail.size < len(first) or tail.b + tail.size < len(second):
        return len(first), len(second)
    return max(1, tail.a), max(1, tail.b)


def batches(
    chosen: Sequence[Unit], cutter: Cutter, config: RunConfig, chance: random.Random
) -> list[list[Example]]:
    """Batches of about `batch_rows` examples of like length; a pair stays in one batch."""
    cut = [cutter.examples(unit, chance) for unit in chosen]
    found: list[list[Example]] = []
    for start in range(0, len(cut), BUCKET_ROWS):
        part = sorted(cut[start : start + BUCKET_ROWS], key=lambda unit: len(unit[0].ids))
        batch: list[Example] = []
        for unit in part:
            batch.extend(unit)
            if len(batch) >= config.batch_rows:
                found.append(batch)
                batch = []
        if batch:
            found.append(batch)
    chance.shuffle(found)
    return found
