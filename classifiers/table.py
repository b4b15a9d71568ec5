"""How a share is written in a table; the same in the model cards and in the benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Facts = Mapping[str, Any]
BY = {"any": "any head", "dimensions": "any of the 20", "own": "its own head"}
NOTHING = "–"


def cell(share: Facts | None, n: int | None = None) -> str:
    """`.620 (.580–.659)`; with its own n where that differs from the line's."""
    if not share or not share["n"]:
        return NOTHING
    other = f" n {share['n']}" if n not in (None, share["n"]) else ""
    return f"{_short(share['rate'])} ({_short(share['low'])}–{_short(share['high'])}){other}"


def area(told: Facts) -> str:
    """An AUC with its interval."""
    if told.get("auc") is None:
        return NOTHING
    return f"{_short(told['auc'])} ({_short(told['low'])}–{_short(told['high'])})"


def gap(told: Facts) -> str:
    return f"{told['gap']:+.3f} ({told['low']:+.3f} to {told['high']:+.3f})"


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0") if value < 1 else f"{value:.2f}"
