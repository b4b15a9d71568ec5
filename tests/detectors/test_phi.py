from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

import pytest
from presidio_analyzer.entity_recognizer import EntityRecognizer
from presidio_analyzer.pattern import Pattern
from presidio_analyzer.pattern_recognizer import PatternRecognizer

from guardrail.detectors import phi
from guardrail.detectors.phi import LANGUAGE, ClinicalRecognizer, PhiDetector
from guardrail.domain.exchange import Passage, Side, Span, Speaker
from guardrail.guard.ports import Detector

TALK = (
    "您好，患者姓名：王建国，男，45岁，手机号13800138000，住院号：0012345。",
    "我叫李娜，家住北京市朝阳区建国路88号院3号楼2单元501室，微信号 wang_test01。",
    "身份证号11010519491231002X，出生日期：1949年12月31日，银行卡4111 1111 1111 1111。",
    "12345678是我的住院号，邮箱zhang.san@example.com.cn，车牌京A12345。\n",
    "My name is John Smith, DOB 03/07/1990, SSN 123-45-6789. Call 415-555-2671, IP 10.1.2.3!",
    "多喝水，每日三次，每次0.5g。 Drink water. ",
)


def _passage(text: str, *, last: bool = True) -> Passage:
    return Passage(text, Side.INPUT, Speaker.USER, last=last)


async def test_meets_the_contract(check_detector: Callable[[Detector], Awaitable[None]]) -> None:
    await check_detector(PhiDetector())


async def test_every_kind_in_one_talk() -> None:
    text = "".join(TALK)
    report = await PhiDetector().look(_passage(text))
    said = [(f.kind[4:], text[f.span.start : f.span.end]) for f in report.findings]
    assert said == [
        ("person", "王建国"),
        ("mobile", "13800138000"),
        ("record_number", "0012345"),
        ("person", "李娜"),
        ("address", "北京市朝阳区建国路88号院3号楼2单元501室"),
        ("social_account", "wang_test01"),
        ("resident_id", "11010519491231002X"),
        ("birth_date", "1949年12月31日"),
        ("bank_card", "4111 1111 1111 1111"),
        ("record_number", "12345678"),
        ("email", "zhang.san@example.com.cn"),
        ("plate", "京A12345"),
        ("person", "John Smith"),
        ("birth_date", "03/07/1990"),
        ("ssn", "123-45-6789"),
        ("landline", "415-555-2671"),
        ("ip", "10.1.2.3"),
    ]


@pytest.mark.parametrize("text", TALK)
async def test_what_is_sure_stays_whatever_follows(text: str) -> None:
    """At any cut of a stream: below `final_upto` the whole text adds and changes nothing."""
    detector = PhiDetector()
    whole = {(f.kind, f.span) for f in (await detector.look(_passage(text))).findings}
    for cut in range(len(text)):
        report = await detector.look(_passage(text[:cut], last=False))
        upto = report.final_upto
        assert {(k, s) for k, s in whole if s.start < upto} == {
            (f.kind, f.span) for f in report.findings if f.span.start < upto
        }, text[:cut]


async def test_a_finished_sentence_is_sure_to_its_end() -> None:
    for text in ("多喝水，注意休息。", "Drink water and rest. ", "手机号13800138000。"):
        assert (await PhiDetector().look(_passage(text, last=False))).final_upto == len(text)


async def test_long_texts_are_read_beside_the_loop() -> None:
    text = "休息。" * 4_000 + "手机号13800138000"
    (finding,) = (await PhiDetector().look(_passage(text))).findings
    assert finding.span == Span(len(text) - 11, len(text))


async def test_an_operators_recogniser_joins_in() -> None:
    badge: EntityRecognizer = PatternRecognizer(
        "BADGE", patterns=[Pattern("badge", r"工号[A-Z]\d{4}", 0.7)], supported_language=LANGUAGE
    )
    other = PatternRecognizer(
        "NOISE", patterns=[Pattern("noise", "noise", 0.7)], supported_language=LANGUAGE
    )
    detector = PhiDetector([badge, other], {"BADGE": "phi.record_number"})
    (finding,) = (await detector.look(_passage("工号A1234 noise"))).findings
    assert (finding.kind, finding.score) == ("phi.record_number", 0.7)
    assert detector.kinds == phi.KINDS


def test_presidio_asks_for_the_kinds_it_wants() -> None:
    recognizer = ClinicalRecognizer()
    assert recognizer.load() is None
    text = "手机号13800138000，邮箱a@b.example"
    (only,) = recognizer.analyze(text, ["phi.email"])
    assert only.entity_type == "phi.email"


async def test_presidio_has_no_voice(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        await PhiDetector().look(_passage(TALK[0]))
    out, err = capfd.readouterr()
    assert not caplog.records
    assert out == err == ""
    for name in ("presidio-analyzer", "decision_process"):
        logger = logging.getLogger(name)
        assert logger.disabled
        assert all(isinstance(handler, logging.NullHandler) for handler in logger.handlers)
