"""The way back: which characters of the original made a character of the edited text."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from guardrail.domain.exchange import Span

Edit = tuple[int, int, str]  # start and end in the text before, what stands there afterwards


@dataclass(frozen=True, slots=True)
class Layer:
    """One pass of edits over a text: the text after it, and where its edits stand on both sides.

    Only edits that change a length are kept; a pass that swaps one character for one costs
    nothing here. The characters of one edit are one unit: all of the new ones were made by all of
    the old ones.
    """

    text: str
    length_before: int
    before: tuple[int, ...] = ()  # start of each edit in the text before
    before_end: tuple[int, ...] = ()
    after: tuple[int, ...] = ()  # start of each edit in the text after
    after_end: tuple[int, ...] = ()

    def origin(self, index: int) -> Span:
        """The characters before the edits that made character `index` of `text`."""
        at = bisect_right(self.after, index) - 1
        if at < 0:
            return Span(index, index + 1)
        if index < self.after_end[at]:
            return Span(self.before[at], self.before_end[at])
        start = self.before_end[at] + index - self.after_end[at]
        return Span(start, start + 1)

    def back(self, offset: int) -> int:
        """Where the unit that starts at `offset` of `text` starts in the text before."""
        if offset >= len(self.text):
            return self.length_before
        return self.origin(offset).start

    def back_span(self, span: Span) -> Span:
        """Everything before the edits that made `text[span]`; what was dropped inside or right
        behind it (a mark on its last character) included. An empty span comes back empty."""
        if span.start >= span.end:
            start = self.back(span.start)
            return Span(start, start)
        end = max(self.origin(span.end - 1).end, self.back(span.end))
        return Span(self.origin(span.start).start, end)

    def upto(self, offset: int) -> int:
        """How many characters of `text` were made wholly by what stood before `offset`."""
        at = bisect_right(self.before, offset) - 1
        if at < 0:
            return offset
        if offset >= self.before_end[at]:
            return self.after_end[at] + offset - self.before_end[at]
        return self.after[at]


def layer(text: str, edits: Iterable[Edit]) -> Layer:
    """Apply `edits` (in order, not overlapping, none empty on the side before) to `text`."""
    pieces: list[str] = []
    before: list[int] = []
    before_end: list[int] = []
    after: list[int] = []
    after_end: list[int] = []
    done = length = 0
    for start, end, new in edits:
        pieces += (text[done:start], new)
        length += start - done
        if len(new) != end - start or len(new) > 1:
            before.append(start)
            before_end.append(end)
            after.append(length)
            after_end.append(length + len(new))
        length += len(new)
        done = end
    pieces.append(text[done:])
    return Layer(
        "".join(pieces),
        len(text),
        tuple(before),
        tuple(before_end),
        tuple(after),
        tuple(after_end),
    )
