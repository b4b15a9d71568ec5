"""Session: one exchange as a state machine. Events in, effects out; nothing else.

Theory of operation
-------------------
A session is told what happened (`receive(event)`) and answers with effects to be performed in
order. There is one path: a whole reply is a stream with one piece.

    IDLE       Asked                    every turn is inspected                -> ASKING
    ASKING     Inspected (last one)     verdict on the question: forward       -> ANSWERING
                                        or stop with a notice                  -> RECORDING
    ANSWERING  Delta, Finished          whole units are inspected; cleared text is released
               Inspected                judge, commit, release; a block stops  -> RECORDING
               Ended                    the rest is inspected                  -> SETTLING
    SETTLING   Inspected (last one)     tier, last release or notice           -> RECORDING
                                        or, for a clinician who shall judge for himself,
                                        ask for three alternatives             -> DIFFERING
    DIFFERING  Differed                 the alternatives are inspected like any answer
               Inspected (last one)     they leave in place of the answer      -> RECORDING
    RECORDING  Recorded, Unrecorded     one Close                              -> DONE
    any of these, once asked: Lost      record what there is                   -> RECORDING

Answers to `Inspect` may come in any order; each flow takes them in the order of its units, and
judges and commits after every single one, so that what leaves depends on the text alone.

A BLOCK ends the exchange at once. A HANDOVER mutes it: nothing more is released, but the answer is
read to its end, because a doctor cannot judge half an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import Enum, auto

from guardrail.domain.exchange import (
    Audience,
    Channel,
    Exchange,
    Passage,
    Side,
    Speaker,
    Strand,
)
from guardrail.domain.verdict import Action, Confidence, Tier, Verdict, merged
from guardrail.guard import confidence, effects, events, record
from guardrail.guard.effects import Effect, Ending
from guardrail.guard.events import Event
from guardrail.guard.flow import Flow
from guardrail.guard.question import Question, scope
from guardrail.guard.redact import Placeholders
from guardrail.policy.evaluate import HoldMode, PolicySet, Profile, Scope, TierWhen
from guardrail.wire import alternatives
from guardrail.wire.notices import language


class State(Enum):
    IDLE = auto()
    ASKING = auto()
    ANSWERING = auto()
    SETTLING = auto()
    DIFFERING = auto()
    RECORDING = auto()
    DONE = auto()


WAITING = (State.ANSWERING, State.SETTLING, State.DIFFERING)  # an upstream call may be under way


class OutOfTurn(Exception):
    """This event cannot happen in this state: the driver has a bug."""


class Session:
    """See the module. `proven` says whether CONFIRM's measured correctness holds."""

    def __init__(self, policies: PolicySet, *, proven: bool = False) -> None:
        self.state = State.IDLE
        self._policies = policies
        self._proven = proven
        self._turn_jobs: dict[int, tuple[int, int]] = {}  # job -> turn, where its passage begins
        self._unit_jobs: dict[int, tuple[Flow, int, bool]] = {}  # job -> flow, unit, last
        self._next_job = 0
        self._flows: dict[Channel, Flow] = {}
        self._finish: dict[int, str] = {}
        self._usage: Mapping[str, int] = {}
        self._supplied: float | None = None
        self._muted = False
        self._forwarded = False
        self._answer: Verdict | None = None
        self._second: Flow | None = None
        self._exchange: Exchange
        self._question: Question
        self._own: Placeholders
        self._profile: Profile
        self._close: effects.Close

    def receive(self, event: Event) -> list[Effect]:
        """What to do next. Raises `OutOfTurn` where the event cannot happen in this state."""
        step = TABLE.get((self.state, type(event)))
        if step is None:
            raise OutOfTurn(f"{type(event).__name__} in {self.state.name}")
        effects_: list[Effect] = getattr(self, step)(event)
        return effects_

    # -- the question

    def _on_asked(self, event: events.Asked) -> list[Effect]:
        self.state = State.ASKING
        self._exchange = event.exchange
        self._profile = self._policies.profile(event.exchange.scene, event.exchange.caller.tenant)
        self._question = Question(event.exchange, self._policies)
        out: list[Effect] = []
        for turn, start, passage in self._question.passages():
            job = self._job()
            self._turn_jobs[job] = turn, start
            out.append(effects.Inspect(job, passage))
        return out or self._question_judged(event.at)

    def _on_question_inspected(self, event: events.Inspected) -> list[Effect]:
        self._question.take(*self._turn_jobs.pop(event.job), event.look)
        return [] if self._turn_jobs else self._question_judged(event.at)

    def _question_judged(self, at: float) -> list[Effect]:
        if self._question.judge().action is Action.HANDOVER:
            # The answer that a doctor will give instead; how sure it is, nobody can say yet.
            self._answer = self._policies.tiered(
                self._question.verdict, self._scope(), confidence.UNKNOWN
            )
        if self._question.verdict.action >= Action.HANDOVER:
            return self._stop(Ending.FILTERED, at)
        self.state = State.ANSWERING
        texts = (turn.text for turn in self._exchange.turns)
        self._own = Placeholders(texts, given=self._question.placeholders)
        self._forwarded = True
        return [effects.Forward(self._question.replaced, self._asks_logprobs)]

    @property
    def _asks_logprobs(self) -> bool:
        return self._profile.ask_logprobs or self._exchange.wants_logprobs

    # -- the answer

    def _on_delta(self, event: events.Delta) -> list[Effect]:
        flow = self._flows.get(event.channel)
        if flow is None:
            flow = self._flows[event.channel] = self._flow(event.channel)
        flow.name = flow.name or event.name
        flow.append(event.text, event.tokens)
        return self._inspections(flow)

    def _flow(self, channel: Channel) -> Flow:
        kinds = self._policies.needed(self._scope())
        return Flow(channel, self._profile.hold.max_chars, kinds)

    def _on_finished(self, event: events.Finished) -> list[Effect]:
        self._finish[event.choice] = event.reason
        return []

    def _on_ended(self, event: events.Ended) -> list[Effect]:
        self.state = State.SETTLING
        self._usage = event.usage
        self._supplied = event.confidence
        out: list[Effect] = []
        for flow in self._flows.values():
            flow.end()
            out += self._inspections(flow)
        return out + self._settle(event.at)

    def _on_answer_inspected(self, event: events.Inspected) -> list[Effect]:
        flow, unit, last = self._unit_jobs.pop(event.job)
        out: list[Effect] = []
        for _ in flow.take(unit, event.look, last=last):
            verdict = self._judge(flow)
            if verdict.action is Action.BLOCK or flow.leaked():
                return out + self._stop(Ending.FILTERED, event.at)
            self._muted = self._muted or verdict.action is Action.HANDOVER
            out += self._commit(flow)
        return out + self._settle(event.at)

    def _judge(self, flow: Flow) -> Verdict:
        flow.verdict = self._policies.judge(self._scope(), flow.sight.observed)
        return flow.verdict

    def _commit(self, flow: Flow) -> list[Effect]:
        if self._muted or self._holds_all:
            return []
        return self._release(flow)

    @property
    def _holds_all(self) -> bool:
        return (
            self._profile.hold.mode is HoldMode.FULL or self._profile.tiers.when is TierWhen.ALWAYS
        )

    def _release(self, flow: Flow) -> list[Effect]:
        start = flow.committed
        raw, tokens = flow.commit()
        first = start == 0 and not flow.released
        if not raw and not (first and flow.name and flow.done):
            return []
        text = flow.masked(start, flow.committed, self._own)
        flow.released.append(text)
        told = self._restored(flow, text)
        kept = tokens if self._exchange.wants_logprobs and told == raw else ()
        return [effects.Release(flow.channel, told, flow.name if first else None, kept)]

    def _restored(self, flow: Flow, text: str) -> str:
        """Masked text of this channel as the caller reads it."""
        if not self._profile.restore:
            return text
        in_json = flow.channel.strand is Strand.TOOL_CALL
        return self._question.placeholders.restore(text, json_string=in_json)

    def _cleared(self, flow: Flow) -> str:
        """All of a channel as it would have left."""
        return self._restored(flow, flow.masked(0, len(flow.text), self._own))

    def _inspections(self, flow: Flow) -> list[Effect]:
        return [self._inspect(flow, unit, passage) for unit, passage in flow.passages()]

    def _inspect(self, flow: Flow, unit: int, passage: Passage) -> Effect:
        job = self._job()
        self._unit_jobs[job] = (flow, unit, passage.last)
        return effects.Inspect(job, passage)

    def _job(self) -> int:
        self._next_job += 1
        return self._next_job

    def _settle(self, at: float) -> list[Effect]:
        """Where the answer has ended and everything was looked at: the verdict on the whole."""
        if self.state is not State.SETTLING or self._unit_jobs:
            return []
        open_ends = [(flow, flow.reinspection()) for flow in self._flows.values()]
        again = [self._inspect(flow, *pending) for flow, pending in open_ends if pending]
        if again:
            return again
        judged = self._judged()
        self._answer = self._tiered(judged)
        if self._wants_alternatives(judged):
            self.state = State.DIFFERING
            return [effects.Differ(self._question.replaced, language(self._exchange))]
        if self._answer.action >= Action.HANDOVER:
            return self._stop(Ending.FILTERED, at)
        out: list[Effect] = []
        for flow in self._flows.values():
            out += self._release(flow)
        return out + self._record(Ending.ANSWERED, at)

    def _judged(self) -> Verdict:
        flows = [flow.verdict for flow in self._flows.values() if flow.verdict]
        return merged([Verdict(Action.ALLOW, self._policies.digest), *flows])

    def _tiered(self, verdict: Verdict) -> Verdict:
        return self._policies.tiered(verdict, self._scope(), self._confidence())

    # -- three alternatives in place of one conclusion

    def _wants_alternatives(self, judged: Verdict) -> bool:
        """A clinician judges for himself; an answer that a rule handed over stays with the case."""
        clinician = self._exchange.caller.audience is Audience.CLINICIAN
        middle = self._answer is not None and self._answer.tier is Tier.DIFFERENTIAL
        said = any(flow.text for flow in self._flows.values())
        return clinician and middle and said and judged.action < Action.HANDOVER

    def _on_differed(self, event: events.Differed) -> list[Effect]:
        found = alternatives.read(event.text)
        if found is None:
            return self._undiffered(event.at)
        self._second = self._flow(Channel())
        text = alternatives.rendered(found, language(self._exchange))
        self._second.append(text, ())
        self._second.end()
        return self._inspections(self._second)

    def _on_alternatives_inspected(self, event: events.Inspected) -> list[Effect]:
        flow, unit, last = self._unit_jobs.pop(event.job)
        for _ in flow.take(unit, event.look, last=last):
            self._judge(flow)
        if self._unit_jobs:
            return []
        if flow.verdict is None or flow.verdict.action >= Action.HANDOVER:
            return self._undiffered(event.at)
        self._finish = {}  # how the answer ended that these replace
        return [*self._release(flow), *self._record(Ending.ANSWERED, event.at)]

    def _undiffered(self, at: float) -> list[Effect]:
        """No alternatives that may leave: then nobody but a doctor can answer."""
        assert self._answer is not None  # noqa: S101 - DIFFERING is only entered with one
        notes = (*self._answer.notes, "alternatives_unavailable")
        self._answer = replace(self._answer, tier=Tier.TAKEOVER, notes=notes)
        self._second = None
        return self._stop(Ending.FILTERED, at)

    def _confidence(self) -> Confidence:
        if self._supplied is not None:
            return confidence.from_upstream(self._supplied, proven=self._proven)
        contents = [f for c, f in self._flows.items() if c.strand is Strand.CONTENT]
        return confidence.from_logprobs((f.measured for f in contents), proven=self._proven)

    # -- the end

    def _on_lost(self, event: events.Lost) -> list[Effect]:
        gone = event.party is events.Party.CLIENT
        cancel: list[Effect] = [effects.Cancel()] if self.state in WAITING else []
        ending = Ending.GONE if gone else Ending.FAILED
        return cancel + self._record(ending, event.at, code=event.code)

    def _stop(self, ending: Ending, at: float) -> list[Effect]:
        out: list[Effect] = []
        if self.state in WAITING:
            out.append(effects.Cancel())
        recorded = self._record(ending, at)
        return [*out, effects.Notify(self._close.verdict, self._close.case), *recorded]

    def _record(self, ending: Ending, at: float, code: str = "") -> list[Effect]:
        self.state = State.RECORDING
        verdict = self._overall()
        failed = ending in (Ending.FAILED, Ending.GONE)
        case = None if failed or verdict.tier is None else record.case_id(self._exchange)
        finish = {n: self._finish.get(n, "stop") for n in range(self._exchange.choices)}
        if ending is Ending.FILTERED:
            finish = dict.fromkeys(finish, "content_filter")
        self._close = effects.Close(
            ending, verdict, finish, self._usage, case, code, self._forwarded
        )
        story = record.Story(
            self._exchange,
            self._question.sights,
            list(self._flows.values()),
            self._close,
            at,
            self._second,
            {flow.channel: self._cleared(flow) for flow in self._flows.values() if case},
        )
        return [effects.Record(record.drafts(story))]

    def _overall(self) -> Verdict:
        verdict = merged([self._question.verdict, self._judged(), *self._later_verdicts()])
        if any(flow.leaked() for flow in self._flows.values()):
            verdict = merged([verdict, record.late_mask(self._policies.digest)])
        return verdict

    def _later_verdicts(self) -> list[Verdict]:
        second = self._second.verdict if self._second else None
        return [verdict for verdict in (self._answer, second) if verdict]

    def _on_recorded(self, _: events.Recorded) -> list[Effect]:
        self.state = State.DONE
        return [self._close]

    def _on_unrecorded(self, event: events.Unrecorded) -> list[Effect]:
        self.state = State.DONE
        close = self._close
        return [effects.Close(Ending.FAILED, close.verdict, code=event.code)]

    def _ignore(self, _: Event) -> list[Effect]:
        return []

    def _scope(self) -> Scope:
        return scope(self._exchange, Side.OUTPUT, Speaker.ASSISTANT)


# Every pair that may happen, and the method that answers it; any other pair is refused.
TABLE: dict[tuple[State, type], str] = {
    (State.IDLE, events.Asked): "_on_asked",
    (State.ASKING, events.Inspected): "_on_question_inspected",
    (State.ANSWERING, events.Delta): "_on_delta",
    (State.ANSWERING, events.Finished): "_on_finished",
    (State.ANSWERING, events.Inspected): "_on_answer_inspected",
    (State.ANSWERING, events.Ended): "_on_ended",
    (State.SETTLING, events.Inspected): "_on_answer_inspected",
    (State.ASKING, events.Lost): "_on_lost",
    (State.ANSWERING, events.Lost): "_on_lost",
    (State.SETTLING, events.Lost): "_on_lost",
    (State.DIFFERING, events.Differed): "_on_differed",
    (State.DIFFERING, events.Inspected): "_on_alternatives_inspected",
    (State.DIFFERING, events.Lost): "_on_lost",
    (State.RECORDING, events.Recorded): "_on_recorded",
    (State.RECORDING, events.Unrecorded): "_on_unrecorded",
    # Late news while the record is being written: nothing may change any more.
    (State.RECORDING, events.Inspected): "_ignore",
    (State.RECORDING, events.Delta): "_ignore",
    (State.RECORDING, events.Finished): "_ignore",
    (State.RECORDING, events.Ended): "_ignore",
    (State.RECORDING, events.Differed): "_ignore",
    (State.RECORDING, events.Lost): "_ignore",
}
