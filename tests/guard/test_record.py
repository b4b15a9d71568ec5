"""What the ledger is told: facts without text, texts in bodies."""

import dataclasses
import json

from guardrail.domain.exchange import Channel, Span
from guardrail.domain.finding import Finding, Gap, GapReason, Look
from guardrail.domain.verdict import Action, Confidence, Reason, Reference, Severity, Tier, Verdict
from guardrail.guard import record
from guardrail.guard.effects import Close, Ending
from guardrail.guard.flow import Flow, Sight
from guardrail.testing import ask

FOUND = Finding("phi.mobile", Span(1, 12), 0.98765432, "phi", parts=(("number", Span(1, 12)),))
GAP = Gap("onnx", GapReason.FULL)
REASON = Reason(
    "t.mask",
    "p",
    Action.REDACT,
    Severity.HIGH,
    (FOUND,),
    (GAP,),
    (Reference("个人信息保护法", "第二十八条", verified=True),),
)


def flow(text: str, *released: str) -> Flow:
    made = Flow(Channel(), 100)
    made.append(text, ())
    made.released += released
    return made


def story(*flows: Flow, second: Flow | None = None, **close: object) -> record.Story:
    sight = Sight()
    sight.add(Look((FOUND,), (GAP,), {"injection": 0.1234567}), 0)
    verdict = Verdict(
        Action.REDACT, "digest", (REASON,), Tier.CONFIRM, Confidence(0.97, "logprobs"), ("n",)
    )
    ended = Close(Ending.ANSWERED, verdict, {0: "stop"}, {"total_tokens": 3}, **close)  # type: ignore[arg-type]
    return record.Story(ask("打13800138000", asked_at=1.0), [sight], flows, ended, 2.0, second)


def by_kind(told: record.Story) -> dict[str, object]:
    return {draft.kind.value: draft for draft in record.drafts(told)}


def test_an_exchange_with_a_case() -> None:
    drafts = record.drafts(story(flow("原话", "放行"), case="case-x1"))
    assert [d.kind.value for d in drafts] == [
        "asked",
        "inspected",
        "inspected",
        "decided",
        "released",
        "opened",
    ]
    assert [d.at for d in drafts] == [1.0, 2.0, 2.0, 2.0, 2.0, 2.0]
    asked, seen, _, decided, released, opened = drafts
    assert asked.body == {"turns": [{"speaker": "user", "text": "打13800138000"}]}
    assert (asked.facts["chars"], asked.facts["turns"]) == (12, 1)
    assert seen.facts["findings"] == [
        {
            "at": "turn:0",
            "kind": "phi.mobile",
            "start": 1,
            "end": 12,
            "score": 0.987654,
            "detector": "phi",
            "dimension": None,
            "parts": [["number", 1, 12]],
        }
    ]
    assert seen.facts["gaps"] == [{"detector": "onnx", "reason": "full"}]
    assert seen.facts["scores"] == {"injection": 0.123457}
    assert decided.facts["rules"] == [
        {
            "rule": "t.mask",
            "policy": "p",
            "action": "redact",
            "severity": "high",
            "shadow": False,
            "kinds": ["phi.mobile"],
            "gaps": ["onnx"],
            "references": ["个人信息保护法 第二十八条"],
        }
    ]
    assert decided.body["withheld"][0]["text"] == "原话"
    assert released.body["channels"][0]["text"] == "放行"
    assert (released.facts["chars"], released.facts["case"]) == (2, "case-x1")
    assert (opened.facts["tier"], opened.facts["confidence"]) == ("confirm", 0.97)


def test_facts_never_hold_text_and_are_json() -> None:
    for draft in record.drafts(story(flow("患者张三", "患者"), case="c")):
        facts = json.dumps(dict(draft.facts), ensure_ascii=False)
        assert "13800138000" not in facts
        assert "张三" not in facts


def test_a_question_that_got_no_answer() -> None:
    kinds = by_kind(story())
    assert list(kinds) == ["asked", "inspected", "decided", "released"]


def test_without_tier_or_confidence() -> None:
    told = story()
    bare = Close(Ending.FAILED, Verdict(Action.ALLOW, "d"), code="deadline")
    drafts = by_kind(record.Story(told.exchange, [], [], bare, 2.0))
    assert drafts["decided"].facts["tier"] is None
    assert drafts["decided"].facts["confidence_source"] == "none"
    opened = by_kind(
        record.Story(told.exchange, [], [], Close(Ending.ANSWERED, bare.verdict, case="c"), 2.0)
    )
    assert (opened["opened"].facts["tier"], opened["opened"].facts["confidence"]) == (None, None)


def test_alternatives_are_what_left() -> None:
    drafts = by_kind(story(flow("原话"), second=flow("三项", "三项")))
    assert drafts["released"].body["channels"][0]["text"] == "三项"
    assert drafts["decided"].body["withheld"][0]["text"] == "原话"


def test_a_case_is_named_after_its_exchange() -> None:
    assert record.case_id(ask("x")) == "case-x1"


def test_a_mask_that_came_too_late_is_a_critical_block() -> None:
    verdict = record.late_mask("d")
    assert (verdict.action, verdict.reasons[0].rule) == (Action.BLOCK, "guard.late_mask")


def test_a_case_keeps_what_a_confirmed_answer_may_tell() -> None:
    """A doctor reads the answer as it is; to the caller masked spans stay masked."""
    told = dataclasses.replace(story(flow("打13800138000")), cleared={Channel(): "打<MOBILE_1>"})
    (row,) = by_kind(told)["decided"].body["withheld"]
    assert (row["text"], row["cleared"]) == ("打13800138000", "打<MOBILE_1>")
    told = dataclasses.replace(story(flow("好")), cleared={Channel(): "好"})
    assert "cleared" not in by_kind(told)["decided"].body["withheld"][0]
