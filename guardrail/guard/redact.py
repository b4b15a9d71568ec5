"""Findings to masked text: numbered placeholders, the same value always under the same one.

A placeholder (`<MOBILE_1>`) holds no sentence end, so a stream is never cut inside one, and it is
valid inside a JSON string. Restoring is exact: `restore(mask(text)) == text`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from guardrail.domain.exchange import Span

PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]*_[0-9]{1,6}>")


class Placeholders:
    """The placeholders of one exchange. Lives as long as the exchange and never leaves memory."""

    def __init__(self, texts: Iterable[str] = (), given: Placeholders | None = None) -> None:
        """`texts`: everything the caller wrote; a placeholder that already stands there is not
        given out, so that a caller cannot make us restore what he only guessed. `given`: those of
        other texts of the exchange; a value known there keeps its name, and no name is used for
        another value."""
        self._taken = {match for text in texts for match in PLACEHOLDER.findall(text)}
        self._by_value: dict[tuple[str, str], str] = given.by_value if given else {}
        self._values: dict[str, str] = {}
        self._count: dict[str, int] = given.count if given else {}

    @property
    def by_value(self) -> dict[tuple[str, str], str]:
        """(label, value) to placeholder, as it is now."""
        return dict(self._by_value)

    @property
    def count(self) -> dict[str, int]:
        """The highest number of each label."""
        return dict(self._count)

    @property
    def values(self) -> Mapping[str, str]:
        """Placeholder to original."""
        return self._values

    def name(self, kind: str, value: str) -> str:
        """The placeholder for this value, new or as given before."""
        label = re.sub(r"[^A-Z]", "_", kind.rpartition(".")[2].upper())
        known = self._by_value.get((label, value))
        if known:
            return known
        while True:
            self._count[label] = self._count.get(label, 0) + 1
            made = f"<{label}_{self._count[label]}>"
            if made not in self._taken:
                break
        self._by_value[label, value] = made
        self._values[made] = value
        return made

    def mask(self, text: str, spans: Iterable[tuple[Span, str]]) -> str:
        """`text` with each span replaced by the placeholder of its kind; overlaps become one."""
        out: list[str] = []
        at = 0
        for span, kind in united(spans):
            start, end = max(span.start, 0), min(span.end, len(text))
            if start >= end:
                continue
            out += [text[at:start], self.name(kind, text[start:end])]
            at = end
        return "".join([*out, text[at:]])

    def restore(self, text: str, *, json_string: bool = False) -> str:
        """Every placeholder we gave out replaced by its value (escaped where the text is JSON)."""
        if not self._values or "<" not in text:
            return text
        return PLACEHOLDER.sub(lambda match: self._value(match[0], json_string), text)

    def _value(self, placeholder: str, json_string: bool) -> str:  # noqa: FBT001 - private
        value = self._values.get(placeholder)
        if value is None:
            return placeholder
        return json.dumps(value, ensure_ascii=False)[1:-1] if json_string else value


def united(spans: Iterable[tuple[Span, str]]) -> list[tuple[Span, str]]:
    """Spans in order, overlapping ones merged under the kind of the longest."""
    merged: list[tuple[Span, str]] = []
    widest = 0
    for span, kind in sorted(spans, key=lambda pair: (pair[0].start, -pair[0].end)):
        width = span.end - span.start
        if not merged or span.start >= merged[-1][0].end:
            merged.append((span, kind))
            widest = width
            continue
        last, name = merged[-1]
        if width > widest:
            widest, name = width, kind
        merged[-1] = (Span(last.start, max(last.end, span.end)), name)
    return merged
