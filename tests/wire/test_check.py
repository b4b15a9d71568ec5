"""One line in, one line out: offsets count characters of the text that was given."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.errors import BadRequest
from guardrail.domain.exchange import Passage, Scene, Side, Span, Speaker
from guardrail.domain.finding import Finding, Gap, GapReason, Look
from guardrail.domain.verdict import Action, Reason, Severity, Tier, Verdict
from guardrail.wire import check
from guardrail.wire.check import Sample


@pytest.mark.parametrize(
    ("line", "sample"),
    [
        ({"id": "a", "text": "我头疼", "side": "input"}, Sample("a", "我头疼", Side.INPUT)),
        (
            {"id": 7, "text": "", "side": "output", "scene": "A"},
            Sample(7, "", Side.OUTPUT, Scene.A),
        ),
        (
            {"text": "Rest.", "side": "output", "context": "发烧"},
            Sample(None, "Rest.", Side.OUTPUT, None, ("发烧",)),
        ),
        (
            {"id": None, "text": "x", "side": "input", "scene": None, "context": ["甲", "b"]},
            Sample(None, "x", Side.INPUT, None, ("甲", "b")),
        ),
    ],
)
def test_lines(line: object, sample: Sample) -> None:
    assert check.read_line(orjson.dumps(line)) == sample
    assert check.read_line(orjson.dumps(line).decode()) == sample


GOOD = {"id": "a", "text": "张三", "side": "input"}


@pytest.mark.parametrize(
    ("line", "code", "param"),
    [
        (GOOD | {"text": None}, "missing_required_parameter", "text"),
        ({"text": "x"}, "missing_required_parameter", "side"),
        (GOOD | {"text": 5}, "invalid_type", "text"),
        (GOOD | {"side": "inside"}, "invalid_value", "side"),
        (GOOD | {"side": 1}, "invalid_type", "side"),
        (GOOD | {"scene": "E"}, "invalid_value", "scene"),
        (GOOD | {"scene": 1}, "invalid_type", "scene"),
        (GOOD | {"id": True}, "invalid_type", "id"),
        (GOOD | {"id": 1.5}, "invalid_type", "id"),
        (GOOD | {"context": {}}, "invalid_type", "context"),
        (GOOD | {"context": [1]}, "invalid_type", "context[0]"),
        (GOOD | {"context": ["文"] * 65}, "array_too_long", "context"),
        (GOOD | {"note": 1}, "unknown_parameter", "note"),
        ([], "invalid_json", None),
    ],
)
def test_refused(line: object, code: str, param: str | None) -> None:
    with pytest.raises(BadRequest) as error:
        check.read_line(orjson.dumps(line))
    assert (error.value.code, error.value.param) == (code, param)
    assert "张三" not in str(error.value)
    told = check.failure(error.value, 3, "a")
    assert (told["id"], told["line"]) == ("a", 3)
    assert told["error"]["code"] == code  # type: ignore[index]


def test_passages() -> None:
    assert Sample("a", "头疼", Side.INPUT).passage == Passage("头疼", Side.INPUT, Speaker.USER)
    answer = Sample("a", "Rest.", Side.OUTPUT, None, ("发烧", "x"))
    assert answer.passage == Passage("发烧\nx\nRest.", Side.OUTPUT, Speaker.ASSISTANT, fresh=5)


def test_result() -> None:
    sample = Sample(7, "电话13800138000", Side.INPUT, None, ("你好",))
    before = Finding("phi.person", Span(0, 2), 0.5, "phi")
    across = Finding("eth.tcm", Span(1, 5), 0.7, "onnx", "eth.tcm")
    phone = Finding("phi.mobile", Span(5, 16), 0.9, "phi")
    gap = Gap("onnx", GapReason.FULL, frozenset({"self_harm", "injection"}))
    verdict = Verdict(
        Action.REDACT,
        "sha256:ab",
        (Reason("phone", "phi", Action.REDACT, Severity.HIGH, (phone,), shadow=True),),
        Tier.TAKEOVER,
    )
    line = check.result(sample, verdict, Look((before, across, phone), (gap,), {"self_harm": 0.1}))
    assert line == {
        "id": 7,
        "action": "redact",
        "tier": "takeover",
        "policy": "sha256:ab",
        "rules": [
            {"id": "phone", "policy": "phi", "severity": "high", "action": "redact", "shadow": True}
        ],
        "scores": {"self_harm": 0.1},
        "findings": [
            {
                "kind": "eth.tcm",
                "dimension": "eth.tcm",
                "start": 0,
                "end": 2,
                "score": 0.7,
                "detector": "onnx",
            },
            {
                "kind": "phi.mobile",
                "dimension": None,
                "start": 2,
                "end": 13,
                "score": 0.9,
                "detector": "phi",
            },
        ],
        "gaps": [{"detector": "onnx", "reason": "full", "kinds": ["injection", "self_harm"]}],
    }
    assert orjson.loads(orjson.dumps(line)) == line
    assert check.result(sample, Verdict(Action.ALLOW, "d"), Look())["tier"] is None


@given(
    st.text(max_size=9),
    st.lists(st.text(max_size=5), max_size=3),
    st.integers(0, 9),
    st.integers(0, 9),
)
def test_offsets_point_at_the_same_characters(
    text: str, context: list[str], start: int, length: int
) -> None:
    sample = Sample("a", text, Side.INPUT, None, tuple(context))
    passage = sample.passage
    span = Span(
        min(passage.fresh + start, len(passage.text)),
        min(passage.fresh + start + length, len(passage.text)),
    )
    found = check.result(sample, Verdict(Action.ALLOW, "d"), Look((Finding("k", span, 1.0, "d"),)))[
        "findings"
    ]
    for finding in found:  # type: ignore[attr-defined]
        assert text[finding["start"] : finding["end"]] == passage.text[span.start : span.end]
