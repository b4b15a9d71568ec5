"""Moderations: OpenAI's shape with our categories, and what was not looked for is said."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from openai.types import ModerationCreateResponse

from guardrail.domain.errors import BadRequest
from guardrail.domain.exchange import Span
from guardrail.domain.finding import Finding, Gap, GapReason, Look
from guardrail.domain.verdict import Action, Reason, Severity, Verdict
from guardrail.wire import moderation

KEYS = ("eth.tcm", "injection", "self_harm", "prescription")


@pytest.mark.parametrize(
    ("given", "texts"),
    [
        ("我头疼", ("我头疼",)),
        ("", ("",)),
        (["我头疼", "pain"], ("我头疼", "pain")),
        ([{"type": "text", "text": "药"}], ("药",)),
    ],
)
def test_texts(given: object, texts: tuple[str, ...]) -> None:
    assert moderation.read_moderation(orjson.dumps({"input": given})) == ("", texts)
    assert moderation.read_moderation(orjson.dumps({"input": given, "model": "omni"}))[0] == "omni"


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "missing_required_parameter", "input"),
        ({"input": None}, "missing_required_parameter", "input"),
        ({"input": 5}, "invalid_type", "input"),
        ({"input": []}, "invalid_value", "input"),
        ({"input": ["文"] * 129}, "array_too_long", "input"),
        ({"input": [5]}, "invalid_type", "input[0]"),
        ({"input": [{"type": "image_url"}]}, "unsupported_content", "input[0].type"),
        ({"input": [{"type": "text", "text": 1}]}, "invalid_type", "input[0].text"),
        ({"input": "x", "model": 1}, "invalid_type", "model"),
        ({"input": "x", "hint": "文"}, "unknown_parameter", "hint"),
    ],
)
def test_refused(body: object, code: str, param: str) -> None:
    with pytest.raises(BadRequest) as error:
        moderation.read_moderation(orjson.dumps(body))
    assert (error.value.code, error.value.param) == (code, param)


def moderated(verdict: Verdict, look: Look) -> dict[str, Any]:
    """One result, after OpenAI's own model has accepted the whole reply."""
    reply = orjson.loads(moderation.answer("e1", "", [moderation.result(verdict, look, KEYS)]))
    ModerationCreateResponse.model_validate(reply)
    assert (reply["id"], reply["model"]) == ("modr-e1", "guardrail-moderation")
    return dict(reply["results"][0])


def test_a_flagged_text() -> None:
    intent = Finding("self_harm.intent", Span(0, 2), 0.9, "phrases")
    tcm = Finding("eth.tcm", Span(0, 2), 0.6, "onnx", "eth.tcm")
    phone = Finding("phi.mobile", Span(3, 9), 0.8, "phi")
    verdict = Verdict(
        Action.HANDOVER,
        "d",
        (
            Reason("r1", "p", Action.HANDOVER, Severity.HIGH, (intent,)),
            Reason("r2", "p", Action.BLOCK, Severity.HIGH, (tcm,), shadow=True),
            Reason("r3", "p", Action.ALLOW, Severity.INFO, (phone,)),
        ),
    )
    gap = Gap("slow", GapReason.LATE)
    result = moderated(
        verdict, Look((intent, tcm, phone), (gap,), {"self_harm": 0.4, "injection": 0.01})
    )
    assert result["flagged"] is True
    true = {name for name, value in result["categories"].items() if value}
    assert true == {"self-harm", "self-harm/intent", "self_harm"}
    scores = result["category_scores"]
    assert (scores["self-harm"], scores["self_harm"], scores["self-harm/intent"]) == (0.9, 0.9, 0.9)
    assert (scores["eth.tcm"], scores["phi"], scores["injection"]) == (0.6, 0.8, 0.01)
    assert (scores["prescription"], scores["violence"]) == (0.0, 0.0)
    unmeasured = set(result["guardrail"]["unmeasured"])
    assert {"violence", "sexual/minors", "prescription", "self-harm/instructions"} <= unmeasured
    assert not unmeasured & {"self-harm", "injection", "phi"}
    assert result["guardrail"]["gaps"] == [{"detector": "slow", "reason": "late"}]
    assert (
        result["categories"].keys()
        == scores.keys()
        == result["category_applied_input_types"].keys()
    )


def test_a_clean_text() -> None:
    result = moderated(Verdict(Action.ANNOTATE, "d"), Look())
    assert result["flagged"] is False
    assert not any(result["categories"].values())
    assert result["guardrail"]["action"] == "annotate"


def test_the_model_as_asked() -> None:
    assert (
        orjson.loads(moderation.answer("e", "omni-moderation-latest", []))["model"]
        == "omni-moderation-latest"
    )
