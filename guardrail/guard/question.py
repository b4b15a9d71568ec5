"""Question: the turns of an exchange, judged one by one and masked before they go upstream."""

from __future__ import annotations

from collections.abc import Mapping

from guardrail.domain.exchange import Exchange, Passage, Side
from guardrail.domain.finding import Look
from guardrail.domain.verdict import Action, Verdict, merged
from guardrail.guard.flow import Sight
from guardrail.guard.redact import Placeholders
from guardrail.policy.evaluate import PolicySet, Scope


class Question:
    """`placeholders` are those of the caller's own texts: what may be restored for him."""

    def __init__(self, exchange: Exchange, policies: PolicySet) -> None:
        self.sights = [Sight() for _ in exchange.turns]
        self.verdict = Verdict(Action.ALLOW, policies.digest)
        self.replaced: Mapping[int, str] = {}
        self.placeholders = Placeholders(turn.text for turn in exchange.turns)
        self._exchange = exchange
        self._policies = policies

    def passages(self) -> list[Passage]:
        """One per turn, in order."""
        return [Passage(turn.text, Side.INPUT, turn.speaker) for turn in self._exchange.turns]

    def take(self, turn: int, look: Look) -> None:
        self.sights[turn].add(look, 0)

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
        exchange = self._exchange
        scope = Scope(
            scene=exchange.scene,
            side=Side.INPUT,
            audience=exchange.caller.audience,
            tenant=exchange.caller.tenant,
            purpose=exchange.purpose,
            speaker=exchange.turns[n].speaker,
        )
        return self._policies.judge(scope, self.sights[n].observed)
