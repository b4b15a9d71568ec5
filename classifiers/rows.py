"""Row: one text with what is known of it per head; and how rows are kept on disk."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from guardrail.domain.taxonomy import taxonomy

DIMENSIONS = tuple(term.key for term in taxonomy().dimensions)
INTENTS = ("prescription_request", "doctor_replacement")
HEADS = (*DIMENSIONS, "injection", "self_harm", *INTENTS)


@dataclass(frozen=True, slots=True)
class Row:
    """`known` maps head to 0 or 1; an absent head is unknown and teaches nothing. `doubt` maps
    head to a weight below 1. `group` holds rows that must never be parted by a split; `pair`
    joins a violation with its compliant twin."""

    id: str
    text: str
    source: str
    pool: str
    lang: str = "zh"
    known: dict[str, int] = field(default_factory=dict)
    doubt: dict[str, float] = field(default_factory=dict)
    group: str = ""
    pair: str = ""

    @property
    def positive(self) -> bool:
        return any(self.known.values())


def clean(*, but: Iterable[str] = ()) -> dict[str, int]:
    """Every head known to be 0, except those in `but`, which stay unknown."""
    skip = set(but)
    return {head: 0 for head in HEADS if head not in skip}


def write(path: Path, rows: Iterable[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")


def read(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield Row(**json.loads(line))


def folded(text: str) -> str:
    """The text without what copies of it differ in: width, case, spaces, punctuation."""
    plain = unicodedata.normalize("NFKC", text).lower()
    return "".join(char for char in plain if char.isalnum())
