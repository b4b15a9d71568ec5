"""Flow: one channel of an answer on its way through the guard, with its commit frontier.

Text is appended by the upstream, judged unit by unit in order, and committed up to a frontier.
Only text below the frontier is ever released. The frontier follows the detectors' `final_upto`
(a precursor freezes it at the start of its own unit) and never cuts a span that is to be masked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from guardrail.domain.exchange import Channel, Passage, Side, Span, Speaker, Strand
from guardrail.domain.finding import Finding, Gap, Look
from guardrail.domain.verdict import Verdict
from guardrail.guard.redact import Placeholders
from guardrail.guard.window import Splitter
from guardrail.policy.evaluate import Observed
from guardrail.wire.pieces import Token

# Whole units a detector sees before the new one. A prescription may stretch over three more sentences,
# and the decision on it looks four back and three ahead: with 8, what was seen in a window is what
# would be seen in the whole text (tests/detectors/test_prescription.py).
CONTEXT_UNITS = 8
UNMEASURED = (
    0.1  # share of a text that may lack log-probabilities (some servers omit the last piece's)
)


class Sight:
    """What has been seen in one text so far: findings (each once), best scores, gaps."""

    def __init__(self) -> None:
        self.findings: dict[tuple[str, Span, str], Finding] = {}
        self.scores: dict[str, float] = {}
        self.gaps: dict[Gap, None] = {}

    def add(self, look: Look, offset: int, since: int = 0) -> None:
        """Take in a look at text that begins at `offset`; what it found in text that ends before
        `since` was judged elsewhere and does not count."""
        for seen in look.findings:
            found = _moved(seen, offset)
            if since and found.span.end <= since:
                continue
            key = (found.kind, found.span, found.detector)
            known = self.findings.get(key)
            if known is None or known.score < found.score:
                self.findings[key] = found
        for key_, score in look.scores.items():
            self.scores[key_] = max(score, self.scores.get(key_, 0.0))
        self.gaps.update(dict.fromkeys(look.gaps))

    @property
    def observed(self) -> Observed:
        """The same as policy reads it."""
        return Observed(tuple(self.findings.values()), tuple(self.gaps), self.scores)


class Flow:
    """See the module. Offsets are characters of the channel's whole text."""

    def __init__(
        self, channel: Channel, max_chars: int, kinds: frozenset[str] | None = None
    ) -> None:
        self.channel = channel
        self._kinds = kinds
        self.name: str | None = None
        self.text = ""
        self.sight = Sight()
        self.verdict: Verdict | None = None
        self.released: list[str] = []
        self.committed = 0
        self._splitter = Splitter(max_chars)
        self._ends: list[int] = []  # ends of units known so far
        self._looks: dict[int, tuple[Look, bool]] = {}  # unit -> answer waiting for its turn
        self._asked = 0  # units handed out for inspection
        self._judged = 0  # units whose answers were taken in, in order
        self._since = 0  # text before this is context
        self._final_upto = 0
        self._ended = False
        self._tokens: list[tuple[int, int, Token]] = []
        self.logprobs: list[float] = []
        self._unmeasured = 0  # characters that came without any log-probability

    def append(self, text: str, tokens: tuple[Token, ...]) -> None:
        """Take in what the upstream said; units that are now whole can be asked for."""
        at = len(self.text)
        self.text += text
        self.logprobs += [token.logprob for token in tokens]
        self._unmeasured += 0 if tokens else len(text)
        if "".join(token.text for token in tokens) == text:
            for token in tokens:
                self._tokens.append((at, at + len(token.text), token))
                at += len(token.text)
        # The arguments of a tool call are one unit: nobody can act on half of them.
        if self.channel.strand is not Strand.TOOL_CALL:
            self._ends += self._splitter.feed(text)

    def skip(self) -> None:
        """What stands here so far is context that was judged elsewhere: it is never handed out."""
        if len(self.text) > self._end_of(len(self._ends) - 1):
            self._ends.append(len(self.text))
        self._asked = self._judged = len(self._ends)
        self._since = len(self.text)
        self._final_upto = self.committed = len(self.text)

    def end(self) -> None:
        """Nothing more will be appended: the rest is a unit of its own."""
        self._ended = True
        if len(self.text) > self._end_of(len(self._ends) - 1):
            self._ends.append(len(self.text))

    def passages(self) -> Iterator[tuple[int, Passage]]:
        """(unit, passage) for every whole unit that was not handed out yet."""
        while self._asked < len(self._ends):
            unit = self._asked
            self._asked += 1
            yield unit, self._passage(unit)

    def reinspection(self) -> tuple[int, Passage] | None:
        """The last unit once more, told that nothing follows, where a precursor is still open."""
        waiting = self._asked > self._judged
        if not self._ended or waiting or not self._ends or self._final_upto >= len(self.text):
            return None
        self._judged = len(self._ends) - 1
        return self._judged, self._passage(self._judged)

    def take(self, unit: int, look: Look, *, last: bool) -> Iterator[None]:
        """Take in answers in order; yields once for each unit whose turn has come, so that the
        caller judges and commits after every single one."""
        self._looks[unit] = (look, last)
        while self._judged in self._looks:
            answer, final = self._looks.pop(self._judged)
            start = self._context_start(self._judged)
            self.sight.add(answer, start, self._since)
            self._final_upto = len(self.text) if final else start + answer.final_upto
            self._judged += 1
            yield

    @property
    def done(self) -> bool:
        """Everything was appended, judged, and nothing is open any more."""
        settled = self._judged == len(self._ends) and self._final_upto >= len(self.text)
        return self._ended and settled

    @property
    def measured(self) -> Sequence[float]:
        """The log-probabilities where they speak for the text; none where much came without."""
        return self.logprobs if self._unmeasured <= len(self.text) * UNMEASURED else ()

    def commit(self) -> tuple[str, tuple[Token, ...]]:
        """Move the frontier as far as it may go; returns the raw text between and its tokens."""
        upto = min(self._final_upto, self._end_of(self._judged - 1))
        upto = self._whole_units(upto)
        while cut := [span.start for span, _ in self.masks() if span.start < upto < span.end]:
            upto = self._whole_units(min(cut))
        start, self.committed = self.committed, max(upto, self.committed)
        tokens = tuple(t for a, b, t in self._tokens if start <= a and b <= self.committed)
        return self.text[start : self.committed], tokens

    def masks(self) -> list[tuple[Span, str]]:
        """Spans that the verdict wants masked, with their kinds."""
        return self.verdict.masks() if self.verdict else []

    def masked(self, start: int, end: int, placeholders: Placeholders) -> str:
        """`text[start:end]` with the spans to be masked replaced."""
        spans = [(span.shifted(-start), kind) for span, kind in self.masks() if span.end > start]
        return placeholders.mask(self.text[start:end], spans)

    def leaked(self) -> bool:
        """A span that is to be masked straddles the frontier: its head has already left."""
        return any(span.start < self.committed < span.end for span, _ in self.masks())

    def _passage(self, unit: int) -> Passage:
        start = self._context_start(unit)
        end = self._ends[unit]
        return Passage(
            text=self.text[start:end],
            side=Side.OUTPUT,
            speaker=Speaker.ASSISTANT,
            strand=self.channel.strand,
            fresh=self._end_of(unit - 1) - start,
            last=self._ended and end == len(self.text),
            kinds=self._kinds,
        )

    def _context_start(self, unit: int) -> int:
        return self._end_of(unit - 1 - CONTEXT_UNITS)

    def _end_of(self, unit: int) -> int:
        return self._ends[unit] if unit >= 0 else 0

    def _whole_units(self, upto: int) -> int:
        return self._end_of(bisect_right(self._ends, upto) - 1)


def _moved(finding: Finding, by: int) -> Finding:
    if by == 0:
        return finding
    parts = tuple((name, span.shifted(by)) for name, span in finding.parts)
    return Finding(
        finding.kind,
        finding.span.shifted(by),
        finding.score,
        finding.detector,
        finding.dimension,
        parts,
    )
