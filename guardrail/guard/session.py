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
    RECORDING  Recorded, Unrecorded     one Close                              -> DONE
    any of the first four: Lost         record what there is                   -> RECORDING

Answers to `Inspect` may come in any order; each flow takes them in the order of its units, and
judges and commits after every single one, so that what leaves depends on the text alone.

A BLOCK ends the exchange at once. A HANDOVER mutes it: nothing more is released, but the answer is
read to its end, because a doctor cannot judge half an answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from guardrail.domain.exchange import Channel, Exchange, Passage, Side, Speaker, Strand
from guardrail.domain.verdict import Action, Confidence, Verdict, merged
from guardrail.guard import confidence, effects, events, record
from guardrail.guard.effects import Effect, Ending
from guardrail.guard.events import Event
from guardrail.guard.flow import Flow, Sight
from guardrail.guard.redact import Placeholders
from guardrail.policy.evaluate import HoldMode, Observed, PolicySet, Profile, Scope, TierWhen


class State(Enum):
    IDLE = auto()
    ASKING = auto()
    ANSWERING = auto()
    SETTLING = auto()
    RECORDING = auto()
    DONE = auto()


class OutOfTurn(Exception):
    """This event cannot happen in this state: the driver has a bug."""


class Session:
    """See the module. `proven` says whether CONFIRM's measured correctness holds."""

    def __init__(self, policies: PolicySet, *, proven: bool = False) -> None:
        self.state = State.IDLE
        self._policies = policies
        self._proven = proven
        self._turn_jobs: dict[int, int] = {}  # job -> turn
        self._unit_jobs: dict[int, tuple[Flow, int, bool]] = {}  # job -> flow, unit, last
        self._next_job = 0
        self._flows: dict[Channel, Flow] = {}
        self._finish: dict[int, str] = {}
        self._usage: Mapping[str, int] = {}
        self._supplied: float | None = None
        self._muted = False
        self._forwarded = False
        self._answer: Verdict | None = None
        self._exchange: Exchange
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
        self._sights = [Sight() for _ in event.exchange.turns]
        self._question = Verdict(Action.ALLOW, self._policies.digest)
        self._placeholders = Placeholders(turn.text for turn in event.exchange.turns)
        self._own = Placeholders(turn.text for turn in event.exchange.turns)
        out: list[Effect] = []
        for n, turn in enumerate(event.exchange.turns):
            job = self._job()
            self._turn_jobs[job] = n
            out.append(effects.Inspect(job, Passage(turn.text, Side.INPUT, turn.speaker)))
        return out or self._question_judged(event.at)

    def _on_question_inspected(self, event: events.Inspected) -> list[Effect]:
        self._sights[self._turn_jobs.pop(event.job)].add(event.look, 0)
        return [] if self._turn_jobs else self._question_judged(event.at)

    def _question_judged(self, at: float) -> list[Effect]:
        verdicts = [self._judge_turn(n) for n in range(len(self._sights))]
        self._question = merged([self._question, *verdicts])
        if self._question.action is Action.HANDOVER:
            # The answer that a doctor will give instead; how sure it is, nobody can say yet.
            scope = self._scope(Side.OUTPUT, Speaker.ASSISTANT)
            self._question = self._policies.tiered(self._question, scope, confidence.UNKNOWN)
        if self._question.action >= Action.HANDOVER:
            return self._stop(Ending.FILTERED, at)
        self.state = State.ANSWERING
        self._forwarded = True
        return [effects.Forward(self._masked_turns(verdicts), self._asks_logprobs)]

    def _judge_turn(self, turn: int) -> Verdict:
        speaker = self._exchange.turns[turn].speaker
        return self._policies.judge(self._scope(Side.INPUT, speaker), _observed(self._sights[turn]))

    def _masked_turns(self, verdicts: list[Verdict]) -> dict[int, str]:
        masked = {}
        for n, (turn, verdict) in enumerate(zip(self._exchange.turns, verdicts, strict=True)):
            spans = [
                (finding.span, finding.kind)
                for reason in verdict.reasons
                if reason.action is Action.REDACT and not reason.shadow
                for finding in reason.findings
            ]
            if spans:
                masked[n] = self._placeholders.mask(turn.text, spans)
        return masked

    @property
    def _asks_logprobs(self) -> bool:
        return self._profile.ask_logprobs or self._exchange.wants_logprobs

    # -- the answer

    def _on_delta(self, event: events.Delta) -> list[Effect]:
        flow = self._flows.get(event.channel)
        if flow is None:
            flow = self._flows[event.channel] = Flow(event.channel, self._profile.hold.max_chars)
        flow.name = flow.name or event.name
        flow.append(event.text, event.tokens)
        return self._inspections(flow)

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
            scope = self._scope(Side.OUTPUT, Speaker.ASSISTANT)
            flow.verdict = self._policies.judge(scope, _observed(flow.sight))
            if flow.verdict.action is Action.BLOCK or flow.leaked():
                return out + self._stop(Ending.FILTERED, event.at)
            self._muted = self._muted or flow.verdict.action is Action.HANDOVER
            out += self._commit(flow)
        return out + self._settle(event.at)

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
        told = text
        if self._profile.restore:
            in_json = flow.channel.strand is Strand.TOOL_CALL
            told = self._placeholders.restore(text, json_string=in_json)
        kept = tokens if self._exchange.wants_logprobs and told == raw else ()
        return [effects.Release(flow.channel, told, flow.name if first else None, kept)]

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
        self._answer = self._tiered()
        if self._answer.action >= Action.HANDOVER:
            return self._stop(Ending.FILTERED, at)
        out: list[Effect] = []
        for flow in self._flows.values():
            out += self._release(flow)
        return out + self._record(Ending.ANSWERED, at)

    def _tiered(self) -> Verdict:
        verdict = merged(
            [
                Verdict(Action.ALLOW, self._policies.digest),
                *(flow.verdict for flow in self._flows.values() if flow.verdict),
            ]
        )
        return self._policies.tiered(
            verdict, self._scope(Side.OUTPUT, Speaker.ASSISTANT), self._confidence()
        )

    def _confidence(self) -> Confidence:
        if self._supplied is not None:
            return confidence.from_upstream(self._supplied, proven=self._proven)
        contents = [f for c, f in self._flows.items() if c.strand is Strand.CONTENT]
        return confidence.from_logprobs((f.logprobs for f in contents), proven=self._proven)

    # -- the end

    def _on_lost(self, event: events.Lost) -> list[Effect]:
        gone = event.party is events.Party.CLIENT
        dropped = self.state in (State.ANSWERING, State.SETTLING)
        cancel: list[Effect] = [effects.Cancel()] if dropped else []
        ending = Ending.GONE if gone else Ending.FAILED
        return cancel + self._record(ending, event.at, code=event.code)

    def _stop(self, ending: Ending, at: float) -> list[Effect]:
        out: list[Effect] = []
        if self.state in (State.ANSWERING, State.SETTLING):
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
            self._exchange, self._sights, list(self._flows.values()), self._close, at
        )
        return [effects.Record(record.drafts(story))]

    def _overall(self) -> Verdict:
        flows = [flow.verdict for flow in self._flows.values() if flow.verdict]
        verdict = merged([self._question, *flows, *([self._answer] if self._answer else [])])
        if any(flow.leaked() for flow in self._flows.values()):
            verdict = merged([verdict, record.late_mask(self._policies.digest)])
        return verdict

    def _on_recorded(self, _: events.Recorded) -> list[Effect]:
        self.state = State.DONE
        return [self._close]

    def _on_unrecorded(self, event: events.Unrecorded) -> list[Effect]:
        self.state = State.DONE
        close = self._close
        return [effects.Close(Ending.FAILED, close.verdict, code=event.code)]

    def _ignore(self, _: Event) -> list[Effect]:
        return []

    def _scope(self, side: Side, speaker: Speaker) -> Scope:
        exchange = self._exchange
        return Scope(
            scene=exchange.scene,
            side=side,
            audience=exchange.caller.audience,
            tenant=exchange.caller.tenant,
            purpose=exchange.purpose,
            speaker=speaker,
        )


def _observed(sight: Sight) -> Observed:
    return Observed(tuple(sight.findings.values()), tuple(sight.gaps), sight.scores)


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
    (State.RECORDING, events.Recorded): "_on_recorded",
    (State.RECORDING, events.Unrecorded): "_on_unrecorded",
    # Late news while the record is being written: nothing may change any more.
    (State.RECORDING, events.Inspected): "_ignore",
    (State.RECORDING, events.Delta): "_ignore",
    (State.RECORDING, events.Finished): "_ignore",
    (State.RECORDING, events.Ended): "_ignore",
    (State.RECORDING, events.Lost): "_ignore",
}
