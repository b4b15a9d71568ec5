from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

import pytest

from guardrail.detectors.panel import Panel
from guardrail.domain.exchange import Passage, Side, Span, Speaker
from guardrail.domain.finding import Finding, Gap, GapReason, Report
from guardrail.testing import ScriptedDetector

MOBILE = frozenset({"phi.mobile", "injection"})


class Spotter:
    """Reports every `word` in the text and is sure up to its last character."""

    version = "1"

    def __init__(self, name: str, word: str, scores: Mapping[str, float] | None = None) -> None:
        self.name = name
        self.kinds = MOBILE
        self._word = word
        self._scores = scores or {}
        self.seen: list[Passage] = []

    async def look(self, passage: Passage) -> Report:
        self.seen.append(passage)
        start = passage.text.find(self._word)
        findings: tuple[Finding, ...] = ()
        if start >= 0:
            whole = Span(start, start + len(self._word))
            head = Span(start, start + 1)
            findings = (Finding("phi.mobile", whole, 0.9, self.name, parts=(("head", head),)),)
        upto = len(passage.text) if passage.last else max(start, 0)
        return Report(self.name, "1", upto, findings, self._scores)


class Misfit:
    """Answers with whatever it is told to do."""

    version = "1"
    kinds = MOBILE

    def __init__(self, name: str, answer: Callable[[], Report]) -> None:
        self.name = name
        self._answer = answer

    async def look(self, passage: Passage) -> Report:
        return self._answer()


class Sleeper:
    name, version, kinds = "sleeper", "1", MOBILE
    cancelled = False

    async def look(self, passage: Passage) -> Report:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        raise AssertionError


def _passage(text: str, fresh: int = 0, *, last: bool = True) -> Passage:
    return Passage(text, Side.INPUT, Speaker.USER, fresh=fresh, last=last)


def _raising(error: Exception) -> Callable[[], Report]:
    def answer() -> Report:
        raise error

    return answer


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("电话13800138000。", "电话█。"),
        ("电话１３８００１３８０００。", "电话█。"),
        ("电话1 3 8 0 0 1 3 8 0 0 0。", "电话█。"),
        ("电话一三八零零一三八零零零。", "电话█。"),
        ("call 1\u200b3\u200b8\u200b00138000\u200b now", "call █ now"),
        ("call %31%33%38%30%30%31%33%38%30%30%30 now", "call █ now"),
    ],
)
async def test_findings_come_back_in_the_text_as_given(text: str, masked: str) -> None:
    look = await Panel([Spotter("a", "13800138000")]).look(_passage(text))
    (finding,) = look.findings
    span = finding.span
    assert text[: span.start] + "█" + text[span.end :] == masked
    assert finding.parts[0][1].start == span.start
    assert look.final_upto == len(text)
    assert not look.gaps


async def test_a_detector_sees_plain_text_and_where_it_is_new() -> None:
    spotter = Spotter("a", "药物")
    await Panel([spotter]).look(_passage("\u200b藥\u200b物 new", fresh=4))
    (seen,) = spotter.seen
    assert (seen.text, seen.fresh) == ("药物 new", 2)


async def test_sure_only_as_far_as_the_least_sure_and_the_normaliser() -> None:
    panel = Panel([Spotter("a", "头"), Spotter("b", "head")])
    assert (await panel.look(_passage("\u200b安头 head.", last=False))).final_upto == 2
    assert (await Panel([]).look(_passage("说完。", last=False))).final_upto == 3
    assert (await Panel([]).look(_passage("电话 1 3 8", last=False))).final_upto == 3


async def test_scores_are_the_strongest_of_all() -> None:
    panel = Panel([Spotter("a", "x", {"injection": 0.2}), Spotter("b", "x", {"injection": 0.7})])
    assert (await panel.look(_passage("清白 clean"))).scores == {"injection": 0.7}


async def test_the_order_does_not_depend_on_who_is_asked_first() -> None:
    one, two = Spotter("one", "乙"), Spotter("two", "甲")
    there = await Panel([one, two]).look(_passage("甲乙"))
    back = await Panel([two, one]).look(_passage("甲乙"))
    assert there.findings == back.findings
    assert [finding.detector for finding in there.findings] == ["two", "one"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (_raising(ValueError("13800138000")), GapReason.BROKEN),
        (_raising(asyncio.QueueFull()), GapReason.FULL),
        (_raising(TimeoutError()), GapReason.LATE),
        (lambda: Report("odd", "1", 99), GapReason.BROKEN),
        (lambda: Report("odd", "1", 1, scores={"unheard": 1.0}), GapReason.BROKEN),
        (
            lambda: Report("odd", "1", 1, (Finding("phi.mobile", Span(0, 99), 1.0, "odd"),)),
            GapReason.BROKEN,
        ),
        (
            lambda: Report("odd", "1", 1, (Finding("phi.ssn", Span(0, 1), 1.0, "odd"),)),
            GapReason.BROKEN,
        ),
    ],
)
async def test_what_goes_wrong_is_a_gap_and_the_others_still_count(
    answer: Callable[[], Report], reason: GapReason, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        panel = Panel([Misfit("odd", answer), Spotter("a", "电话")])
        look = await panel.look(_passage("电话13800138000"))
    assert look.gaps == (Gap("odd", reason, MOBILE),)
    assert [finding.detector for finding in look.findings] == ["a"]
    assert set(look.took_ms) == {"odd", "a"}
    assert "13800138000" not in caplog.text


async def test_a_late_detector_is_cancelled() -> None:
    sleeper = Sleeper()
    look = await Panel([sleeper, Spotter("a", "迟")], deadline_ms=5).look(_passage("迟 late"))
    assert look.gaps == (Gap("sleeper", GapReason.LATE, MOBILE),)
    assert sleeper.cancelled
    assert len(look.findings) == 1


async def test_a_text_that_takes_too_long_to_undo_is_late_for_all() -> None:
    look = await Panel([Spotter("a", "x")], deadline_ms=0).look(_passage("长" * 30_000))
    assert look.gaps == (Gap("a", GapReason.LATE, MOBILE),)
    assert look.final_upto == 0


async def test_a_text_beyond_the_bound_is_not_looked_at() -> None:
    spotter = Spotter("a", "x")
    missing = Gap("classifier", GapReason.MISSING, frozenset({"injection"}))
    panel = Panel([spotter], max_chars=3, missing=[missing])
    assert (await panel.look(_passage("太长了吧"))).gaps == (
        missing,
        Gap("a", GapReason.TOO_LONG, MOBILE),
    )
    assert not spotter.seen
    assert (await panel.look(_passage("不长"))).gaps == (missing,)
    assert panel.detectors == (spotter,)


async def test_time_is_read_from_the_clock_given() -> None:
    ticks = iter(range(100))
    panel = Panel([Spotter("a", "x")], deadline_ms=1e6, clock=lambda: float(next(ticks)))
    assert (await panel.look(_passage("钟 clock"))).took_ms == {"a": 1000.0}


async def test_only_those_are_asked_whose_word_anyone_will_read() -> None:
    phone = ScriptedDetector({"13800138000": "phi.mobile"}, name="phone")
    order = ScriptedDetector({"开药": "prescription.order"}, name="order")
    passage = Passage("开药13800138000", Side.INPUT, Speaker.USER, kinds=frozenset({"phi.mobile"}))
    look = await Panel([phone, order]).look(passage)
    assert list(look.took_ms) == ["phone"]
    assert {found.kind for found in look.findings} == {"phi.mobile"}
    blind = await Panel([phone, order], max_chars=3).look(passage)
    assert [gap.detector for gap in blind.gaps] == ["phone"]
