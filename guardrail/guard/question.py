"""Question: the turns of an exchange, judged one by one and masked before they go upstream.

A long turn is looked at in several passages, cut where a unit ends, so that each is answered within
a deadline that does not grow with the text. As in an answer, every passage sees the units before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from guardrail.domain.exchange import Exchange, Passage, Side, Speaker
from guardrail.domain.finding import Look
from guardrail.domain.verdict import Action, Verdict, merged
from guardrail.guard.flow import CONTEXT_UNITS, Sight
from guardrail.guard.redact import Placeholders
from guardrail.guard.window import Splitter
from guardrail.policy.evaluate import PolicySet, Scope

PASSAGE_CHARS = 1500  # one passage of this length takes the shipped classifier some 0.4 s of a core
UNIT_CHARS = 400


def cut(text: str) -> list[tuple[int, int, int]]:
    """(start, fresh, end) of each passage of a text; one where the text is short."""
    if len(text) <= PASSAGE_CHARS:
        return [(0, 0, len(text))]
    ends = [0, *Splitter(UNIT_CHARS).feed(text)]
    if ends[-1] < len(text):
        ends.append(len(text))
    passages, first = [], 0
    for unit in range(1, len(ends)):
        if unit == len(ends) - 1 or ends[unit + 1] - ends[first] > PASSAGE_CHARS:
            start = ends[max(0, first - CONTEXT_UNITS)]
            passages.append((start, ends[first], ends[unit]))
            first = unit
    return passages


def scope(exchange: Exchange, side: Side, speaker: Speaker) -> Scope:
    """Where and for whom a text of this exchange is judged."""
    return Scope(
        scene=exchange.scene,
        side=side,
        audience=exchange.caller.audience,
        tenant=exchange.caller.tenant,
        purpose=exchange.purpose,
        speaker=speaker,
    )


class Question:
    """`placeholders` are those of the caller's own texts: what may be restored for him."""

    def __init__(self, exchange: Exchange, policies: PolicySet) -> None:
        self.sights = [Sight() for _ in exchange.turns]
        self.verdict = Verdict(Action.ALLOW, policies.digest)
        self.replaced: Mapping[int, str] = {}
        self.placeholders = Placeholders(turn.text for turn in exchange.turns)
        self._exchange = exchange
        self._policies = policies

    def passages(self) -> Iterator[tuple[int, int, Passage]]:
        """(turn, where in it the passage begins, passage), in order."""
        for turn, asked in enumerate(self._exchange.turns):
            kinds = self._policies.needed(self._scope(turn))
            for start, fresh, end in cut(asked.text):
                text = asked.text[start:end]
                yield (
                    turn,
                    start,
                    Passage(
                        text,
                        Side.INPUT,
                        asked.speaker,
                        fresh=fresh - start,
                        last=end == len(asked.text),
                        kinds=kinds,
                    ),
                )

    def take(self, turn: int, start: int, look: Look) -> None:
        self.sights[turn].add(look, start)

    def judge(self) -> Verdict:
        """The strictest verdict on any turn; `replaced` then holds the masked turns."""
        verdicts = [self._judged(n) for n in range(len(self.sights))]
        self.verdict = merged([self.verdict, *verdicts])
        self.replaced = {
            n: self.placeholders.mask(self._exchange.turns[n].text, verdict.masks())
            for n, verdict in enumerate(verdicts)
            if verdict.masks()
        }
        return self.verdict

    def _judged(self, n: int) -> Verdict:
        return self._policies.judge(self._scope(n), self.sights[n].observed)

    def _scope(self, n: int) -> Scope:
        return scope(self._exchange, Side.INPUT, self._exchange.turns[n].speaker)
