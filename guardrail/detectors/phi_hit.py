"""What the recognisers of personal data share: a hit, and looking at what stands around it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple


class Hit(NamedTuple):
    """Personal data of `kind` at `text[start:end]`; `score` is how sure the rule is, 0..1."""

    kind: str
    start: int
    end: int
    score: float


_CLAUSE = re.compile(r"[。！？!?；;\n]")


def before(text: str, start: int, chars: int = 16) -> str:
    """Up to `chars` characters before `start`, within the same sentence, lower-case."""
    window = text[max(0, start - chars) : start]
    return _CLAUSE.split(window)[-1].lower()


def after(text: str, end: int, chars: int = 12) -> str:
    """Up to `chars` characters after `end`, within the same sentence, lower-case."""
    return _CLAUSE.split(text[end : end + chars], maxsplit=1)[0].lower()


def part_of_decimal(text: str, start: int, end: int) -> bool:
    """Whether a digit run is a piece of a longer figure such as 0.13800138000."""
    return (
        text[max(0, start - 2) : start][-1:] == "." and text[start - 2 : start - 1].isdigit()
    ) or (text[end : end + 1] == "." and text[end + 1 : end + 2].isdigit())


def strongest(hits: Iterable[Hit]) -> list[Hit]:
    """Hits in order of place, without those inside a longer one; of equals the surest stays."""
    kept: list[Hit] = []
    for hit in sorted(hits, key=lambda h: (h.start, -h.end, -h.score)):
        if not kept or hit.end > kept[-1].end:
            kept.append(hit)
    return kept
