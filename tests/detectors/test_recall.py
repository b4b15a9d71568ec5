"""The same passage is looked at once; nothing is remembered that could be wrong or read."""

from dataclasses import replace
from typing import ClassVar

from guardrail.detectors.panel import Panel
from guardrail.detectors.recall import Recall
from guardrail.domain.exchange import Passage, Side, Speaker, Strand
from guardrail.domain.finding import Report
from guardrail.testing import ScriptedDetector

PASSAGE = Passage("打13800138000，张三", Side.INPUT, Speaker.USER)


class Counting(ScriptedDetector):
    asked: ClassVar[list[str]] = []

    async def look(self, passage: Passage) -> Report:
        self.asked.append(passage.text)
        if "坏" in passage.text:
            raise RuntimeError
        return self.report(passage)


def recall(looks: int = 10) -> tuple[Recall, list[str]]:
    detector = Counting({"13800138000": "phi.mobile"})
    detector.asked.clear()
    return Recall(Panel([detector]), looks), detector.asked


async def test_a_passage_that_comes_back_is_not_looked_at_again() -> None:
    panel, asked = recall()
    first = await panel.look(PASSAGE)
    again = await panel.look(PASSAGE)
    assert len(asked) == 1
    assert (again.findings, again.scores, again.took_ms) == (first.findings, first.scores, {})


async def test_whatever_differs_is_another_passage() -> None:
    panel, asked = recall()
    for other in (
        PASSAGE,
        replace(PASSAGE, side=Side.OUTPUT),
        replace(PASSAGE, speaker=Speaker.TOOL),
        replace(PASSAGE, strand=Strand.TOOL_CALL),
        replace(PASSAGE, fresh=1),
        replace(PASSAGE, last=False),
        replace(PASSAGE, kinds=frozenset({"phi.mobile"})),
        replace(PASSAGE, text=PASSAGE.text + " "),
        replace(PASSAGE, text="\ud800"),
    ):
        await panel.look(other)
    assert len(asked) == 9


async def test_a_look_with_a_gap_is_had_again() -> None:
    panel, asked = recall()
    for _ in range(2):
        assert (await panel.look(replace(PASSAGE, text="坏"))).gaps
    assert len(asked) == 2


async def test_the_oldest_is_forgotten() -> None:
    panel, asked = recall(looks=2)
    for text in "甲乙甲丙甲乙":
        await panel.look(replace(PASSAGE, text=text))
    assert "".join(asked) == "甲乙丙乙"


async def test_no_text_is_kept() -> None:
    panel, _ = recall()
    await panel.look(PASSAGE)
    assert "张三" not in repr(vars(panel)["_known"])
