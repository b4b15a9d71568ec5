"""A case and its file in words and segments."""

from __future__ import annotations

from typing import Any

import pytest

from guardrail.desk.figures import MOST
from guardrail.desk.view import CaseView, case_view, content_of, percent, row
from guardrail.desk.words import Words
from guardrail.domain.case import CaseState, HandoverCase
from guardrail.domain.verdict import Tier
from tests.desk.paper import ANSWER, NOW, QUESTION, case_file, finding, handover

ZH, EN = Words("zh"), Words("en")


def seen(file: dict[str, Any], case: HandoverCase | None = None, words: Words = ZH) -> CaseView:
    return case_view(case or handover(), file, "dr-li", NOW, words)


def told(view: CaseView) -> str:
    return "".join(part.text for text in view.turns for part in text.segments)


def test_texts_are_whole_and_marked() -> None:
    view = seen(case_file())
    assert told(view) == QUESTION
    assert [(part.text, part.numbers) for part in view.turns[0].segments if part.numbers] == [
        ("王小明", (1,)),
        ("13800138000", (2,)),
    ]
    assert [part.text for part in view.answer[0].segments if part.numbers] == [ANSWER[6:20]]
    assert (view.turns[0].title, view.answer[0].title) == ("提问者", "模型的回答")


def test_findings_in_words() -> None:
    zh, en = seen(case_file()).findings, seen(case_file(), words=EN).findings
    assert [found.told for found in zh.values()] == [
        "姓名 · 0.98 · 隐私识别",
        "手机号 · 0.98 · 隐私识别",
        "用药安全 · 0.61 · 隐私识别",
    ]
    assert [(f.label, f.place, f.style) for f in en.values()] == [
        ("person name", "turn 1", "pattern"),
        ("mobile number", "turn 1", "pattern"),
        ("medication", "answer", "score"),
    ]


def test_a_finding_in_a_text_that_is_not_shown_is_listed_without_a_link() -> None:
    found = [
        finding("turn:7", "phi.email", 0, 3),
        finding("alternatives", "phi.email", 0, 3),
        finding("turn:0", "phi.email", 2, 2),
        finding("turn:x", "phi.email", 0, 3),
    ]
    view = seen(case_file(inspected=[{"findings": found}]))
    assert [f.shown for f in view.findings.values()] == [False] * 4
    assert [f.place for f in view.findings.values()] == [
        "对话第 8 段",
        "备选判断",
        "对话第 1 段",
        "回答",
    ]


def test_rules_notes_and_facts() -> None:
    view = seen(case_file())
    rule = view.rules[0]
    assert (rule.label, rule.action, rule.severity) == ("个人信息", "脱敏", "高")
    assert rule.kinds == ["手机号"]
    assert rule.gaps == ["clinical-small"]
    assert rule.references == ["个人信息保护法 第二十八条"]
    assert "实测正确率" in view.notes[0]
    facts = dict(view.facts)
    assert facts["置信度"] == "60.0 %（词元概率）"
    assert facts["策略摘要"] == "f6d8d407a1fc"
    assert (facts["处置"], facts["读者"], facts["已发给调用方"]) == ("转人工", "患者", "回答未发出")
    assert dict(seen(case_file(), words=EN).facts)["Confidence"] == "60.0 % (token probabilities)"


def test_unknown_confidence() -> None:
    file = case_file(decided={"action": "handover", "confidence": None, "rules": []})
    assert dict(seen(file).facts)["置信度"] == "未知"
    assert dict(seen(file, words=EN).facts)["Confidence"] == "unknown"


@pytest.mark.parametrize(
    ("value", "said"), [(0.9499, "94.9 %"), (0.95, "95.0 %"), (0.29, "29.0 %"), (1, "100.0 %")]
)
def test_percent_never_rounds_up(value: float, said: str) -> None:
    assert percent(value) == said


def test_history() -> None:
    reviewed = [
        {"at": NOW, "step": "claim", "by": "dr-li"},
        {"at": NOW, "step": "amend", "by": "x"},
    ]
    view = seen(case_file(reviewed=reviewed))
    assert [(step.what, step.who) for step in view.history] == [
        ("开立工单", "ward"),
        ("认领", "dr-li"),
        ("修改", "x"),
    ]


def said_as(choice: int, strand: str, text: str, name: str | None = None) -> dict[str, Any]:
    return {"choice": choice, "strand": strand, "index": 0, "name": name, "text": text}


def test_every_strand_of_every_choice() -> None:
    withheld = [
        said_as(0, "content", "甲"),
        said_as(0, "reasoning", "想"),
        said_as(1, "content", "乙 two"),
        said_as(1, "tool_call", "{}", "look_up"),
        said_as(1, "refusal", ""),
    ]
    view = seen(case_file(withheld=withheld))
    assert [text.title for text in view.answer] == [
        "模型的回答 · 备选 1",
        "模型的推理过程 · 备选 1",
        "模型的回答 · 备选 2",
        "模型的工具调用 · look_up · 备选 2",
    ]
    assert view.content == content_of(case_file(withheld=withheld)) == "甲\n\n乙 two"


def test_what_the_caller_was_given() -> None:
    said = [said_as(0, "content", "原话")]
    nothing = seen(case_file(withheld=said, left=[said_as(0, "content", "")]))
    assert (nothing.kept, nothing.seen, nothing.left) == (True, False, "")
    all_of_it = seen(case_file(withheld=said, left=said))
    assert (all_of_it.kept, all_of_it.seen, all_of_it.left) == (False, True, "")
    other = seen(case_file(withheld=said, left=[said_as(0, "content", "1. 偏头痛")]))
    assert (other.kept, other.seen, other.left) == (False, False, "1. 偏头痛")


def test_silence_and_erasure() -> None:
    silent = seen(case_file(answer=""))
    assert (silent.silent, silent.erased, silent.content) == (True, False, "")
    erased = seen(case_file(turns=[], withheld=[], left=[]))
    assert (erased.erased, list(erased.turns), list(erased.answer)) == (True, [], [])
    assert len(erased.findings) == 3


@pytest.mark.parametrize(
    ("state", "review", "standing", "reason"),
    [
        (CaseState.CONFIRMED, {"text": "", "reason": ""}, ANSWER, ""),
        (CaseState.AMENDED, {"text": "改好的 better", "reason": "剂量"}, "改好的 better", "剂量"),
        (CaseState.REJECTED, {"text": "", "reason": "不对 wrong"}, "", "不对 wrong"),
        (CaseState.OPEN, {}, "", ""),
    ],
)
def test_what_stands(state: CaseState, review: dict[str, str], standing: str, reason: str) -> None:
    case = handover(state=state, decided_at=NOW - 60)
    view = seen(case_file(review=review), case)
    assert (view.standing, view.reason) == (standing, reason)
    assert view.decided == (state is not CaseState.OPEN)


def test_figures_are_for_the_confirm_tier() -> None:
    assert seen(case_file()).figures == ()
    view = seen(case_file(), handover(tier=Tier.CONFIRM))
    assert [figure.text for figure in view.figures] == ["10 mg", "1", "一次", "七天"]
    assert not view.many
    many = seen(case_file(answer="1片 " * MOST), handover(tier=Tier.CONFIRM))
    assert many.many


def test_mine_is_what_i_claimed() -> None:
    claimed = handover(state=CaseState.CLAIMED, claimed_by="dr-li")
    assert seen(case_file(), claimed).mine
    assert not seen(case_file(), handover(state=CaseState.CLAIMED, claimed_by="dr-wu")).mine
    assert seen(case_file(), handover(tier=None)).tier == ""


def listed(**changes: Any) -> dict[str, Any]:
    known = {
        "id": "case-1",
        "state": "open",
        "tier": "takeover",
        "scene": "A",
        "rules": ["phi.input", "phi.output", "eth.tcm.output"],
        "opened_at": NOW - 3700,
        "confidence": 0.6,
        "claimed_by": "",
        "decided_by": "",
        "decided_at": None,
    }
    return {**known, **changes}


def test_a_row_of_the_queue() -> None:
    made = row(listed(), "dr-li", NOW, ZH)
    assert (made.tier, made.confidence, made.waited) == ("takeover", "60.0 %", "1 小时 1 分")
    assert made.rules == ["个人信息", "中医药伦理"]
    assert (made.by, made.mine) == ("", False)
    mine = row(listed(state="claimed", claimed_by="dr-li", tier=None), "dr-li", NOW, EN)
    assert (mine.by, mine.mine, mine.tier) == ("dr-li", True, "")
    decided = listed(state="amended", decided_by="dr-wu", decided_at=NOW - 3580, confidence=None)
    done = row(decided, "dr-li", NOW, EN)
    assert (done.by, done.waited, done.confidence) == ("dr-wu", "2 min", "unknown")
