"""`POST /v1/moderations`, answered by the guard itself in OpenAI's shape.

OpenAI's categories that nobody here measures are false with score 0, because its clients need
them, and are listed under `guardrail.unmeasured`: they were not looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import orjson

from guardrail.domain.errors import BadRequest
from guardrail.domain.finding import Finding, Look
from guardrail.domain.verdict import Action, Verdict
from guardrail.wire.payload import (
    Path,
    as_list,
    as_object,
    as_text,
    missing,
    read_object,
    unknown,
    where,
    wrong_value,
)

MAX_TEXTS = 128
MODEL = "guardrail-moderation"

# OpenAI's category -> the key or kind of ours that says the same.
_MEASURED = {
    "self-harm": "self_harm",
    "self-harm/intent": "self_harm.intent",
    "self-harm/instructions": "self_harm.method",
}
_UNMEASURED = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)


def read_moderation(body: bytes) -> tuple[str, tuple[str, ...]]:
    """The model's name as asked ("" for ours) and the texts to judge. Raises `BadRequest`."""
    asked = read_object(body)
    for key in asked.keys() - {"input", "model"}:
        raise unknown((key,))
    model = "" if asked.get("model") is None else as_text(asked["model"], ("model",))
    given = asked.get("input")
    if given is None:
        raise missing(("input",))
    if isinstance(given, str):
        return model, (given,)
    items = as_list(given, ("input",), MAX_TEXTS)
    if not items:
        raise wrong_value(("input",), "a string or a list of at least one string")
    return model, tuple(_text(item, ("input", i)) for i, item in enumerate(items))


def result(verdict: Verdict, look: Look, keys: Iterable[str]) -> dict[str, object]:
    """One text's result. `keys` are our own categories (the taxonomy's score keys)."""
    scores = _scores(look)
    acting = _named(verdict)
    ours = {key: key for key in sorted({*keys, "phi"})} | _MEASURED
    nothing = dict.fromkeys(_UNMEASURED)
    return {
        "flagged": verdict.action >= Action.REDACT,
        "categories": dict.fromkeys(nothing, False) | {n: k in acting for n, k in ours.items()},
        "category_scores": dict.fromkeys(nothing, 0.0)
        | {name: scores.get(key, 0.0) for name, key in ours.items()},
        "category_applied_input_types": {name: ["text"] for name in (*nothing, *ours)},
        "guardrail": {
            "action": verdict.action.name.lower(),
            "policy": verdict.policy_digest,
            "unmeasured": [*_UNMEASURED, *(n for n, k in ours.items() if k not in scores)],
            "gaps": [{"detector": g.detector, "reason": g.reason.value} for g in look.gaps],
        },
    }


def answer(exchange_id: str, model: str, results: Sequence[Mapping[str, object]]) -> bytes:
    """The whole reply; `model` as `read_moderation` gave it."""
    return orjson.dumps(
        {"id": f"modr-{exchange_id}", "model": model or MODEL, "results": list(results)}
    )


def _text(item: object, path: Path) -> str:
    if isinstance(item, str):
        return item
    part = as_object(item, path)
    if part.get("type") != "text":
        raise BadRequest(
            "unsupported_content",
            f"{where(path)} is of a type that cannot be inspected.",
            "Send text.",
            where((*path, "type")),
        )
    return as_text(part.get("text"), (*path, "text"))


def _scores(look: Look) -> dict[str, float]:
    """Classifier scores, and for each kind and family of findings the highest among them."""
    scores = dict(look.scores)
    for finding in look.findings:
        for key in _keys(finding):
            scores[key] = max(scores.get(key, 0.0), finding.score)
    return scores


def _named(verdict: Verdict) -> set[str]:
    """Everything that the rules which acted have found."""
    return {
        key
        for reason in verdict.reasons
        if not reason.shadow and reason.action > Action.ALLOW
        for finding in reason.findings
        for key in _keys(finding)
    }


def _keys(finding: Finding) -> set[str]:
    """`self_harm.intent` speaks for itself and for `self_harm`."""
    family = finding.kind.split(".")[0]
    return {finding.kind, family, *([finding.dimension] if finding.dimension else [])}
