"""Closed sets of label values, so that no stranger can make a time series."""

from __future__ import annotations

import re
from collections.abc import Iterable

OTHER = "other"

ENDPOINTS = ("chat.completions", "completions", "responses", "embeddings", "moderations", "check")

_CODE = re.compile(r"[a-z][a-z0-9_]{0,47}", re.ASCII)


class Vocabulary:
    """Names that may be label values; every other name is `other`."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(names)

    def word(self, name: str) -> str:
        return name if name in self._names else OTHER


class Learned:
    """Stable codes met so far: the first `limit` well-formed ones, then `other`.

    For codes that another room coins (errors), where a list here would be a second truth.
    """

    def __init__(self, limit: int = 24) -> None:
        self._limit = limit
        self._known: set[str] = set()

    def word(self, code: str) -> str:
        if code in self._known:
            return code
        if len(self._known) >= self._limit or not _CODE.fullmatch(code):
            return OTHER
        self._known.add(code)
        return code
