"""One exchange in which everything happens, with a marker in every place that may hold text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from guardrail.domain.exchange import (
    Caller,
    Channel,
    Exchange,
    Passage,
    Scene,
    Side,
    Span,
    Speaker,
    Strand,
    Turn,
)
from guardrail.domain.finding import Finding, Gap, GapReason, Look
from guardrail.domain.verdict import Action, Reason, Reply, Severity, Tier, Verdict
from guardrail.guard import effects, events
from guardrail.guard.effects import Effect, Ending
from guardrail.guard.events import Event, Party, Token
from guardrail.guard.ports import Watch
from guardrail.ledger.entry import Draft, Kind

MARKER = "患者张三MARKER"

Moment = tuple[float, Event | Effect]


@dataclass(frozen=True)
class Play:
    """An exchange and its moments, ready to be shown to a watch."""

    exchange: Exchange
    moments: Sequence[Moment]

    def to(self, watch: Watch) -> None:
        for at, thing in self.moments:
            watch.saw(self.exchange, thing, at)

    def asked(self, **changes: object) -> Play:
        return replace(self, exchange=replace(self.exchange, **changes))

    def but(self, kind: type, thing: Event | Effect) -> Play:
        """The same with every thing of this kind replaced."""
        moments = [(at, thing if isinstance(old, kind) else old) for at, old in self.moments]
        return replace(self, moments=moments)

    def without(self, *kinds: type) -> Play:
        return replace(self, moments=[m for m in self.moments if not isinstance(m[1], kinds)])


def verdict(*rules: str, action: Action = Action.HANDOVER, shadow: bool = False) -> Verdict:
    found = Finding("prescription.order", Span(0, 4), 0.9, "lexicon")
    reply = Reply(zh=MARKER, en=MARKER)
    reasons = tuple(
        Reason(rule, "rx", action, Severity.HIGH, findings=(found,), reply=reply, shadow=shadow)
        for rule in rules
    )
    return Verdict(action, "d1gest", reasons, tier=Tier.TAKEOVER)


def _exchange() -> Exchange:
    turns = (Turn(Speaker.USER, f"头痛 headache {MARKER}", ("messages", 0, "content")),)
    caller = Caller(name="ward-7", tenant="hospital-1")
    return Exchange("ex-1", MARKER, turns, caller, scene=Scene.A, stream=True, asked_at=100.0)


def _moments(exchange: Exchange) -> list[Moment]:
    text, tool = Channel(), Channel(0, Strand.TOOL_CALL, 1)
    asked = Passage(exchange.turns[0].text, Side.INPUT, Speaker.USER)
    answer = Passage(MARKER * 2, Side.OUTPUT, Speaker.ASSISTANT)
    gap = Gap("ethics", GapReason.LATE, frozenset({"injection"}))
    looked = Look(gaps=(gap,), took_ms={"lexicon": 2.0, "phi": 4.0})
    close = effects.Close(Ending.FILTERED, verdict("rx.order", "rx.dose"), case="case-ex-1")
    drafts = (
        Draft(Kind.DECIDED, exchange.id, 104.0, {}, {"withheld": [{"text": MARKER}]}),
        Draft(Kind.OPENED, exchange.id, 104.0, {"case": "case-ex-1"}),
    )
    return [
        (100.0, events.Asked(exchange, 100.0)),
        (100.0, effects.Inspect(1, asked)),
        (100.0, effects.Forward({0: MARKER}, ask_logprobs=True)),
        (100.1, events.Inspected(1, looked, 100.1)),
        (101.0, events.Delta(text, MARKER, 101.0, tokens=(Token(MARKER, -0.1),))),
        (101.5, events.Delta(text, MARKER, 101.5)),
        (101.5, events.Delta(tool, MARKER, 101.5, name=MARKER)),
        (101.5, effects.Inspect(2, answer)),
        (101.6, events.Inspected(2, looked, 101.6)),
        (102.0, effects.Release(text, MARKER, tokens=(Token(MARKER, -0.1),))),
        (102.0, effects.Release(text, MARKER)),
        (103.0, events.Finished(0, "stop", 103.0)),
        (103.0, events.Lost(Party.UPSTREAM, "upstream_reset", 103.0)),
        (103.5, effects.Notify(close.verdict, close.case)),
        (103.5, effects.Cancel()),
        (104.0, effects.Record(drafts)),
        (104.02, events.Recorded(41, 104.02)),
        (104.02, close),
    ]


@pytest.fixture
def play() -> Play:
    """A streamed question of scene A whose answer is cut off and handed over."""
    exchange = _exchange()
    return Play(exchange, _moments(exchange))


@pytest.fixture
def judged() -> Callable[..., Verdict]:
    return verdict


@pytest.fixture
def marker() -> str:
    return MARKER
