"""What people read, zh and en; a patient never sees scores; shadow changes nothing."""

from __future__ import annotations

import pytest

from guardrail.domain.exchange import Audience, Caller, Exchange, Span, Speaker, Turn
from guardrail.domain.finding import Finding, Gap, GapReason
from guardrail.domain.verdict import Action, Confidence, Reason, Reply, Severity, Tier, Verdict
from guardrail.wire import notices

SPAN = Span(0, 2)


def reason(
    action: Action = Action.BLOCK, reply: Reply | None = None, *kinds: str, shadow: bool = False
) -> Reason:
    findings = tuple(Finding(kind, SPAN, 0.98765, "det", "saf.medication") for kind in kinds)
    gaps = (Gap("slow", GapReason.LATE, frozenset({"injection"})),)
    return Reason("rx-1", "rx", action, Severity.CRITICAL, findings, gaps, (), reply, shadow)


def exchange(*texts: str, audience: Audience = Audience.PATIENT) -> Exchange:
    turns = [Turn(Speaker.USER, "English words of a user field", ("user",))]
    turns += [Turn(Speaker.USER, text, ("messages", i, "content")) for i, text in enumerate(texts)]
    turns.append(Turn(Speaker.ASSISTANT, "Well then", ("messages", 9, "content")))
    return Exchange("ex-1", "m", tuple(turns), Caller(audience=audience))


@pytest.mark.parametrize("action", list(Action))
def test_every_action_has_words_and_says_that_a_machine_wrote_them(action: Action) -> None:
    verdict = Verdict(action, "d")
    zh, en = notices.notice(verdict, None, "zh"), notices.notice(verdict, None, "en")
    assert "自动生成" in zh.splitlines()[-1]
    assert "automatic safety system" in en.splitlines()[-1]
    assert len(zh.splitlines()) == len(en.splitlines()) == 2
    assert en.isascii()


def test_the_strictest_rules_speak_each_once_and_three_at_most() -> None:
    replies = [Reply(f"理由{i}。", f"Reason {i}.") for i in range(4)]
    verdict = Verdict(
        Action.BLOCK,
        "d",
        (
            reason(Action.REDACT, Reply("隐去。", "Masked.")),
            reason(Action.BLOCK, Reply("影子。", "Shadow."), shadow=True),
            reason(Action.BLOCK),
            reason(Action.BLOCK, replies[0], "prescription.order"),
            *(reason(Action.BLOCK, reply, "prescription.order") for reply in replies),
        ),
    )
    assert notices.notice(verdict, None, "zh").splitlines()[:-1] == [
        "理由0。",
        "理由1。",
        "理由2。",
    ]
    assert notices.notice(verdict, None, "en").splitlines()[:-1] == [
        "Reason 0.",
        "Reason 1.",
        "Reason 2.",
    ]


def test_a_rule_that_could_not_look_accuses_nobody() -> None:
    blind = Verdict(Action.BLOCK, "d", (reason(Action.BLOCK, Reply("违反伦理。", "Unethical.")),))
    zh, en = notices.notice(blind, None, "zh"), notices.notice(blind, None, "en")
    assert "未能完成安全检查" in zh
    assert "违反伦理" not in zh
    assert "could not be checked" in en
    found = reason(Action.BLOCK, Reply("开药。", "Rx."), "prescription.order")
    both = Verdict(Action.BLOCK, "d", (*blind.reasons, found))
    assert notices.notice(both, None, "en").splitlines()[0] == "Rx."


@pytest.mark.parametrize(
    ("kinds", "crisis", "emergency"),
    [
        ((), False, False),
        (("prescription.order",), False, False),
        (("self_harm.intent",), True, False),
        (("self_harm",), True, False),
        (("red_flag.emergency",), False, True),
        (("red_flag.emergency", "self_harm.method"), True, True),
    ],
)
def test_help_where_help_may_be_needed(
    kinds: tuple[str, ...], crisis: bool, emergency: bool
) -> None:
    verdict = Verdict(Action.HANDOVER, "d", (reason(Action.ANNOTATE, None, *kinds),))
    zh, en = notices.notice(verdict, "case-9", "zh"), notices.notice(verdict, "case-9", "en")
    assert ("12356" in zh, "12356" in en) == (crisis, crisis)
    assert ("急诊" in zh, "emergency department" in en) == (emergency, emergency)
    assert "case-9" in zh
    assert "Case case-9." in en
    shadowed = Verdict(Action.HANDOVER, "d", (reason(Action.BLOCK, None, *kinds, shadow=True),))
    assert "120" not in notices.notice(shadowed, None, "zh")


@pytest.mark.parametrize(
    ("texts", "lang"),
    [
        ((), "zh"),
        (("123 ?!",), "zh"),
        (("我头疼",), "zh"),
        (("I have a headache",), "en"),
        (("布洛芬 ibuprofen 400mg 怎么吃",), "zh"),
        (("My name is 张三 and I have had a fever for two days",), "en"),
        (("I have a headache", "那怎么办"), "zh"),
        (("我头疼", "what now, doctor"), "en"),
    ],
)
def test_language_of_the_last_user_turn(texts: tuple[str, ...], lang: str) -> None:
    assert notices.language(exchange(*texts)) == lang


def test_language_of_a_text_outside_a_conversation() -> None:
    turn = Turn(Speaker.USER, "What is this", ("input", 0))
    assert notices.language(Exchange("e", "m", (turn,))) == "en"


def test_headers() -> None:
    verdict = Verdict(Action.HANDOVER, "sha256:ab", (), Tier.TAKEOVER)
    assert notices.headers(exchange(), verdict) == [
        (b"x-guardrail-exchange", b"ex-1"),
        (b"x-guardrail-action", b"handover"),
        (b"x-guardrail-tier", b"takeover"),
        (b"x-guardrail-policy", b"sha256:ab"),
    ]
    plain = dict(notices.headers(exchange(), Verdict(Action.ALLOW, "甲\r\nx: y")))
    assert plain[b"x-guardrail-tier"] == b"none"
    assert plain[b"x-guardrail-policy"] == b"___x:_y"


def test_the_patients_and_the_clinicians_object() -> None:
    verdict = Verdict(
        Action.BLOCK,
        "sha256:ab",
        (reason(Action.BLOCK, Reply("药。", "Drug."), "prescription.order"), reason(shadow=True)),
        Tier.CONFIRM,
        Confidence(0.96, "logprobs"),
        ("confirm_not_proven",),
    )
    patient = notices.extension(exchange(), verdict, "c-1")
    assert patient == {
        "exchange": "ex-1",
        "action": "block",
        "tier": "confirm",
        "case": "c-1",
        "policy": "sha256:ab",
        "rules": [{"id": "rx-1", "severity": "critical", "action": "block"}],
        "confidence": None,
        "notes": ["confirm_not_proven"],
    }
    clinician = notices.extension(exchange(audience=Audience.CLINICIAN), verdict, None)
    assert clinician["confidence"] == 0.96
    assert clinician["rules"] == [
        {
            "id": "rx-1",
            "severity": "critical",
            "action": "block",
            "findings": [
                {
                    "kind": "prescription.order",
                    "dimension": "saf.medication",
                    "score": 0.9877,
                    "detector": "det",
                }
            ],
            "gaps": [{"detector": "slow", "reason": "late"}],
        }
    ]
    plain = notices.extension(exchange(), Verdict(Action.ALLOW, "d"), None)
    assert (plain["tier"], plain["confidence"], plain["rules"]) == (None, None, [])
