"""One text to judge without an LLM, and what was found: a line of `guardrail check --jsonl` and
the body of `POST /guard/v1/check`.

In: `{"id", "text", "side": "input|output", "scene"?, "context"?}`; `context` is a text, or a list
of texts, that came before and is not judged again. Out: `result`; offsets count characters of `text`.
"""

from __future__ import annotations

from dataclasses import dataclass

from guardrail.domain.errors import GuardrailError
from guardrail.domain.exchange import Passage, Scene, Side, Speaker
from guardrail.domain.finding import Finding, Gap, Look
from guardrail.domain.verdict import Reason, Verdict
from guardrail.wire import problem
from guardrail.wire.payload import (
    Json,
    as_list,
    as_text,
    missing,
    read_object,
    unknown,
    wrong_type,
    wrong_value,
)

_KEYS = frozenset({"id", "text", "side", "scene", "context"})
_MAX_CONTEXT = 64


@dataclass(frozen=True, slots=True)
class Sample:
    """A text to judge. `id` is the caller's and comes back as it was; None where absent."""

    id: str | int | None
    text: str
    side: Side
    scene: Scene | None = None
    context: tuple[str, ...] = ()

    @property
    def passage(self) -> Passage:
        """What detectors get: the context as text that was judged before, then the text."""
        before = "".join(f"{text}\n" for text in self.context)
        speaker = Speaker.USER if self.side is Side.INPUT else Speaker.ASSISTANT
        return Passage(before + self.text, self.side, speaker, fresh=len(before))


def read_line(line: bytes | str) -> Sample:
    """The sample in one JSON object. Raises `BadRequest`."""
    given = read_object(line)
    for key in given.keys() - _KEYS:
        raise unknown((key,), "The keys are id, text, side, scene and context.")
    for key in ("text", "side"):
        if given.get(key) is None:
            raise missing((key,))
    return Sample(
        id=_id(given),
        text=as_text(given["text"], ("text",)),
        side=_side(given),
        scene=_scene(given),
        context=_context(given),
    )


def result(sample: Sample, verdict: Verdict, look: Look) -> dict[str, object]:
    """The answer's line. Findings that lie in the context alone are left out."""
    fresh = sample.passage.fresh
    return {
        "id": sample.id,
        "action": verdict.action.name.lower(),
        "tier": None if verdict.tier is None else verdict.tier.name.lower(),
        "policy": verdict.policy_digest,
        "rules": [_rule(reason) for reason in verdict.reasons],
        "scores": dict(look.scores),
        "findings": [_finding(f, fresh) for f in look.findings if _inside(f, fresh)],
        "gaps": [_gap(gap) for gap in look.gaps],
    }


def failure(error: GuardrailError, line: int, sample_id: str | int | None = None) -> Json:
    """The answer for a line that could not be judged; `line` counts from 1."""
    return {"id": sample_id, "line": line, **problem.shape(error)}


def _id(given: Json) -> str | int | None:
    value = given.get("id")
    if value is None or type(value) is int or isinstance(value, str):
        return value
    raise wrong_type(("id",), "a string or an integer")


def _side(given: Json) -> Side:
    try:
        return Side(as_text(given["side"], ("side",)))
    except ValueError:
        raise wrong_value(("side",), "input or output") from None


def _scene(given: Json) -> Scene | None:
    if given.get("scene") is None:
        return None
    try:
        return Scene(as_text(given["scene"], ("scene",)))
    except ValueError:
        raise wrong_value(("scene",), "A, B, C or D") from None


def _context(given: Json) -> tuple[str, ...]:
    context = given.get("context")
    if context is None:
        return ()
    if isinstance(context, str):
        return (context,)
    items = as_list(context, ("context",), _MAX_CONTEXT)
    return tuple(as_text(item, ("context", i)) for i, item in enumerate(items))


def _rule(reason: Reason) -> Json:
    return {
        "id": reason.rule,
        "policy": reason.policy,
        "severity": reason.severity.value,
        "action": reason.action.name.lower(),
        "shadow": reason.shadow,
    }


def _inside(finding: Finding, fresh: int) -> bool:
    return finding.span.end > fresh or (fresh == 0 and finding.span.end == 0)


def _finding(finding: Finding, fresh: int) -> Json:
    span = finding.span.shifted(-fresh)
    return {
        "kind": finding.kind,
        "dimension": finding.dimension,
        "start": max(span.start, 0),
        "end": span.end,
        "score": finding.score,
        "detector": finding.detector,
    }


def _gap(gap: Gap) -> Json:
    return {"detector": gap.detector, "reason": gap.reason.value, "kinds": sorted(gap.kinds)}
