"""Fakes that we ship, for our tests and for those who build on guardrail.

Nothing is patched: a fake is passed in where the real thing would be.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from guardrail.domain.exchange import Caller, Channel, Exchange, Passage, Scene, Span, Speaker, Turn
from guardrail.domain.finding import Finding, Gap, GapReason, Look, Report
from guardrail.domain.taxonomy import taxonomy
from guardrail.guard import effects, events
from guardrail.guard.effects import Effect
from guardrail.guard.events import Event
from guardrail.guard.session import Session
from guardrail.wire.pieces import Token


def ask(text: str, scene: Scene = Scene.C, **changes: object) -> Exchange:
    """An exchange with one user turn."""
    turns = (Turn(Speaker.USER, text, ("messages", 0, "content")),)
    known: dict[str, object] = {"id": "x1", "model": "m", "turns": turns, "scene": scene}
    return Exchange(**{**known, "caller": Caller(), **changes})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class ScriptedDetector:
    """Finds each word of `words` (word -> finding kind) wherever it stands.

    A word of `precursors` freezes the frontier from its place until the text has ended or
    `closes` more sentence ends were seen.
    """

    words: Mapping[str, str] = field(default_factory=dict)
    precursors: Sequence[str] = ()
    closes: int = 3
    name: str = "scripted"
    version: str = "1"

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(self.words.values()) or frozenset({"phi.mobile"})

    async def look(self, passage: Passage) -> Report:
        return self.report(passage)

    def report(self, passage: Passage) -> Report:
        """The same without waiting."""
        text = passage.text
        findings = tuple(
            Finding(kind, Span(match.start(), match.end()), 1.0, self.name)
            for word, kind in self.words.items()
            for match in re.finditer(re.escape(word), text)
        )
        return Report(self.name, self.version, self._final(passage), findings)

    def _final(self, passage: Passage) -> int:
        if passage.last:
            return len(passage.text)
        still = [
            match.start()
            for word in self.precursors
            for match in re.finditer(re.escape(word), passage.text)
            if len(re.findall(r"[。！？；\n]", passage.text[match.end() :])) <= self.closes
        ]
        return min(still, default=len(passage.text))


SCORES: Mapping[str, float] = dict.fromkeys(taxonomy().score_keys, 0.0)


def look(detector: ScriptedDetector, passage: Passage) -> Look:
    """What a panel of this one detector says, with every score known and low."""
    report = detector.report(passage)
    return Look(report.findings, (), SCORES, report.final_upto)


def blind(passage: Passage) -> Look:
    """What a panel says whose only detector was late."""
    return Look(gaps=(Gap("scripted", GapReason.LATE),), final_upto=len(passage.text))


def play(session: Session, *script: tuple[str, Event | Effect]) -> Session:
    """A dialogue: `(">>", event)` is told to the session, `("<<", effect)` is what it answers.

    Raises `AssertionError` with both lists where they differ.
    """
    told: list[Effect] = []
    expected: list[Effect] = []
    for mark, thing in (*script, (">>", None)):
        if mark == "<<":
            expected.append(thing)  # type: ignore[arg-type]
            continue
        if told != expected:
            raise AssertionError(f"expected {expected}\nbut got  {told}")
        if thing is not None:
            told, expected = session.receive(thing), []  # type: ignore[arg-type]
    return session


@dataclass(slots=True)
class Outcome:
    """What came of an exchange that was run to its end."""

    released: dict[Channel, str] = field(default_factory=dict)
    said: list[Effect] = field(default_factory=list)

    @property
    def close(self) -> effects.Close:
        return next(effect for effect in self.said if isinstance(effect, effects.Close))

    def of(self, kind: type[Effect]) -> list[Effect]:
        return [effect for effect in self.said if isinstance(effect, kind)]


@dataclass(slots=True)
class Rimless:
    """Runs a session without any rim: inspections are answered by `see`, all that wait before
    the next event, in the order that `shuffle` leaves them in."""

    session: Session
    see: Callable[[Passage], Look]
    shuffle: Callable[[list[effects.Inspect]], None] = lambda _: None
    outcome: Outcome = field(default_factory=Outcome)
    waiting: list[effects.Inspect] = field(default_factory=list)

    def run(self, script: Iterable[Event]) -> Outcome:
        """Tell the events until the session closes."""
        for event in script:
            if not self.closed:
                self._tell(event)
                self._answer()
        return self.outcome

    @property
    def closed(self) -> bool:
        return bool(self.outcome.of(effects.Close))

    def _tell(self, event: Event) -> None:
        for effect in self.session.receive(event):
            self.outcome.said.append(effect)
            if isinstance(effect, effects.Inspect):
                self.waiting.append(effect)
            elif isinstance(effect, effects.Release):
                before = self.outcome.released.get(effect.channel, "")
                self.outcome.released[effect.channel] = before + effect.text
            elif isinstance(effect, effects.Record):
                self._tell(events.Recorded(0, 0.0))

    def _answer(self) -> None:
        while self.waiting and not self.closed:
            self.shuffle(self.waiting)
            job = self.waiting.pop(0)
            self._tell(events.Inspected(job.job, self.see(job.passage), 0.0))


@dataclass(slots=True)
class ScriptedUpstream:
    """An upstream that says what it is told to. `script` gives the events for an exchange;
    an exception among them is raised in its place."""

    script: Callable[[Exchange, bytes], Sequence[Event | Exception]]
    bodies: list[bytes] = field(default_factory=list)
    cancelled: int = 0

    async def ask(self, exchange: Exchange, body: bytes) -> AsyncIterator[Event]:
        self.bodies.append(body)
        whole = False
        try:
            for thing in self.script(exchange, body):
                if isinstance(thing, Exception):
                    raise thing
                yield thing
            whole = True
        finally:
            self.cancelled += not whole

    async def models(self) -> Sequence[str]:
        return ["scripted"]

    async def close(self) -> None:
        return None


def saying(text: str, *, logprob: float | None = -0.01, reason: str = "stop") -> list[Event]:
    """The events of a reply with this text, one delta per character."""
    deltas: list[Event] = [
        events.Delta(Channel(), char, 0.0, None, () if logprob is None else (Token(char, logprob),))
        for char in text
    ]
    return [*deltas, events.Finished(0, reason, 0.0), events.Ended(0.0, {"total_tokens": 1})]
