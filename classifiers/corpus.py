"""Step `data`: read the sources, divide them, prove the division, write rows per part."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from tqdm import tqdm

from classifiers import rows, twins
from classifiers.division import FREE, Part, check, only_whole_pairs, part_of, without_copies
from classifiers.rows import Row
from classifiers.settings import Workshop
from classifiers.sources import READERS, ordinary, own_twin, raw_rows

ORDINARY = Path(__file__).parent / "data" / "ordinary"
Licences = dict[str, set[str]]


class Faulty(Exception):
    """The corpus in this repository does not pass its own check."""


def run(shop: Workshop) -> None:
    """Writes data/{train,dev,test}.jsonl and data/summary.json. Raises `PartsMixed`."""
    found, licences = _read(shop)
    parts = divide(found)
    check(parts, licences)
    for part, members in parts.items():
        rows.write(shop.path("data", f"{part}.jsonl"), members)
    shop.path("data", "summary.json").write_text(json.dumps(_summary(shop, parts), indent=1))


def _read(shop: Workshop) -> tuple[list[Row], Licences]:
    found: list[Row] = []
    licences: Licences = defaultdict(set)
    for name, readers in tqdm(READERS.items(), desc="sources"):
        for raw in raw_rows(shop.data / name):
            source = raw.get("source", "")
            if reader := readers.get(source):
                found.extend(reader(raw))
                licences[source].add(raw.get("licence_class", FREE))
    found.extend(own(twins.read(())))
    for path in ordinary_files():
        lines = path.read_text("utf-8").splitlines()
        found.extend(row for line in lines for row in ordinary(json.loads(line)))
    return found, licences


def ordinary_files() -> list[Path]:
    """The harmless texts of ours."""
    return sorted(ORDINARY.glob("*.jsonl"))


def own(raws: Sequence[twins.Row]) -> list[Row]:
    """The rows of our own corpus. Raises `Faulty` where one is not of the agreed shape."""
    if wrong := list(twins.faults(raws)):
        raise Faulty(f"{len(wrong)} faults, the first: {wrong[0]}")
    return [row for raw in raws for row in own_twin(raw)]


def divide(found: Sequence[Row]) -> dict[Part, Sequence[Row]]:
    """Rows by part. Copies are dropped from the part that learns, never from the one that judges."""
    raw: dict[Part, list[Row]] = {part: [] for part in Part}
    for row in found:
        raw[part_of(row)].append(row)
    test = without_copies(raw[Part.TEST], ())
    dev = without_copies(raw[Part.DEV], test)
    train = without_copies(raw[Part.TRAIN], [*test, *dev])
    parts = {Part.TRAIN: train, Part.DEV: dev, Part.TEST: test}
    return {part: only_whole_pairs(members) for part, members in parts.items()}


def _summary(shop: Workshop, parts: dict[Part, Sequence[Row]]) -> dict[str, object]:
    digest = sha256()
    for name in sorted(READERS):
        digest.update(name.encode() + sha256((shop.data / name).read_bytes()).digest())
    for path in (*twins.files(), *ordinary_files()):
        digest.update(path.name.encode() + sha256(path.read_bytes()).digest())
    return {
        "data_version": digest.hexdigest()[:16],
        "rows": {
            part: dict(Counter(f"{row.pool} | {row.source}" for row in members))
            for part, members in parts.items()
        },
        "positives": {
            part: dict(Counter(head for row in members for head, flag in row.known.items() if flag))
            for part, members in parts.items()
        },
    }
