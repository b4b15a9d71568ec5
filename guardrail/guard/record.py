"""What the ledger is told of one exchange: facts without text, texts in encrypted bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from guardrail.domain.exchange import Channel, Exchange, Side
from guardrail.domain.finding import Finding
from guardrail.domain.verdict import Action, Reason, Severity, Verdict
from guardrail.guard.effects import Close
from guardrail.guard.flow import Flow, Sight
from guardrail.ledger.entry import Draft, Kind


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that is known of an exchange when it ends."""

    exchange: Exchange
    turns: Sequence[Sight]
    flows: Sequence[Flow]
    close: Close
    at: float
    second: Flow | None = None  # the alternatives that left in place of the answer
    cleared: Mapping[Channel, str] = field(default_factory=dict)  # what a case's answer may tell


def case_id(exchange: Exchange) -> str:
    """A case is named after its exchange: each has at most one."""
    return f"case-{exchange.id}"


def late_mask(digest: str) -> Verdict:
    """A text that was to be masked had begun to leave: stop, and say so in the record."""
    reason = Reason("guard.late_mask", "guard", Action.BLOCK, Severity.CRITICAL)
    return Verdict(Action.BLOCK, digest, (reason,))


def drafts(story: Story) -> tuple[Draft, ...]:
    """The exchange's one chain of entries, in the order things happened."""
    asked = [
        _draft(story, Kind.ASKED, _asked(story), _question(story), at=story.exchange.asked_at),
        _draft(story, Kind.INSPECTED, _inspected(Side.INPUT, _question_sights(story))),
    ]
    answered = []
    if story.flows:
        answered = [_draft(story, Kind.INSPECTED, _inspected(Side.OUTPUT, _answer_sights(story)))]
    ended = [
        _draft(story, Kind.DECIDED, _decided(story.close.verdict), _withheld(story)),
        _draft(story, Kind.RELEASED, _released(story), _left(story)),
    ]
    opened = [_draft(story, Kind.OPENED, _opened(story))] if story.close.case else []
    return (*asked, *answered, *ended, *opened)


def _draft(
    story: Story,
    kind: Kind,
    facts: dict[str, object],
    body: dict[str, object] | None = None,
    *,
    at: float | None = None,
) -> Draft:
    return Draft(kind, story.exchange.id, story.at if at is None else at, facts, body)


def _asked(story: Story) -> dict[str, object]:
    exchange, caller = story.exchange, story.exchange.caller
    return {
        "scene": exchange.scene.value,
        "audience": caller.audience.value,
        "tenant": caller.tenant,
        "caller": caller.name,
        "role": caller.role,
        "model": exchange.model,
        "endpoint": exchange.endpoint,
        "stream": exchange.stream,
        "turns": len(exchange.turns),
        "chars": sum(len(turn.text) for turn in exchange.turns),
        "purpose": exchange.purpose,
        "cohort": exchange.cohort,
    }


def _question(story: Story) -> dict[str, object]:
    turns = story.exchange.turns
    return {"turns": [{"speaker": turn.speaker.value, "text": turn.text} for turn in turns]}


def _question_sights(story: Story) -> list[tuple[str, Sight]]:
    return [(f"turn:{n}", sight) for n, sight in enumerate(story.turns)]


def _answer_sights(story: Story) -> list[tuple[str, Sight]]:
    seen = [(place(flow.channel), flow.sight) for flow in story.flows]
    return [*seen, *([("alternatives", story.second.sight)] if story.second else [])]


def place(channel: Channel) -> str:
    """Where in an answer something stands: `<choice>/<strand>/<index>`."""
    return f"{channel.choice}/{channel.strand.value}/{channel.index}"


def _inspected(side: Side, sights: list[tuple[str, Sight]]) -> dict[str, object]:
    gaps = {gap: None for _, sight in sights for gap in sight.gaps}
    scores: dict[str, float] = {}
    for _, sight in sights:
        for key, score in sight.scores.items():
            scores[key] = max(score, scores.get(key, 0.0))
    return {
        "side": side.value,
        "findings": [
            _finding(at, found) for at, sight in sights for found in sight.findings.values()
        ],
        "gaps": [{"detector": gap.detector, "reason": gap.reason.value} for gap in gaps],
        "scores": {key: round(score, 6) for key, score in sorted(scores.items())},
    }


def _finding(at: str, found: Finding) -> dict[str, object]:
    return {
        "at": at,
        "kind": found.kind,
        "start": found.span.start,
        "end": found.span.end,
        "score": round(found.score, 6),
        "detector": found.detector,
        "dimension": found.dimension,
        "parts": [[name, span.start, span.end] for name, span in found.parts],
    }


def _decided(verdict: Verdict) -> dict[str, object]:
    confidence = verdict.confidence
    return {
        "action": verdict.action.name.lower(),
        "tier": verdict.tier.name.lower() if verdict.tier else None,
        "confidence": confidence.value if confidence else None,
        "confidence_source": confidence.source if confidence else "none",
        "policy": verdict.policy_digest,
        "notes": list(verdict.notes),
        "rules": [_rule(reason) for reason in verdict.reasons],
    }


def _rule(reason: Reason) -> dict[str, object]:
    return {
        "rule": reason.rule,
        "policy": reason.policy,
        "action": reason.action.name.lower(),
        "severity": reason.severity.value,
        "shadow": reason.shadow,
        "kinds": sorted({found.kind for found in reason.findings}),
        "gaps": sorted({gap.detector for gap in reason.gaps}),
        "references": [
            f"{reference.instrument} {reference.article}".strip() for reference in reason.references
        ],
    }


def _withheld(story: Story) -> dict[str, object]:
    """The answer as the upstream gave it, for a doctor, and as its caller may get it from him."""
    rows = [_channel(flow, flow.text) for flow in story.flows]
    for row, flow in zip(rows, story.flows, strict=True):
        if story.cleared.get(flow.channel, flow.text) != flow.text:
            row["cleared"] = story.cleared[flow.channel]
    return {"withheld": rows}


def _left(story: Story) -> dict[str, object]:
    return {"channels": [_channel(flow, "".join(flow.released)) for flow in _leaving(story)]}


def _leaving(story: Story) -> Sequence[Flow]:
    return [story.second] if story.second else story.flows


def _channel(flow: Flow, text: str) -> dict[str, object]:
    channel = flow.channel
    return {
        "choice": channel.choice,
        "strand": channel.strand.value,
        "index": channel.index,
        "name": flow.name,
        "text": text,
    }


def _released(story: Story) -> dict[str, object]:
    close = story.close
    return {
        "ending": close.ending.value,
        "code": close.code,
        "case": close.case,
        "finish": {str(choice): reason for choice, reason in close.finish.items()},
        "usage": dict(close.usage),
        "chars": sum(len(piece) for flow in _leaving(story) for piece in flow.released),
    }


def _opened(story: Story) -> dict[str, object]:
    verdict, exchange = story.close.verdict, story.exchange
    return {
        "case": story.close.case,
        "tier": verdict.tier.name.lower() if verdict.tier else None,
        "scene": exchange.scene.value,
        "tenant": exchange.caller.tenant,
        "rules": [reason.rule for reason in verdict.reasons if not reason.shadow],
        "confidence": verdict.confidence.value if verdict.confidence else None,
    }
