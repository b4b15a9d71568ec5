from __future__ import annotations

import re

import pytest

from classifiers import wording
from classifiers.questions import questions
from classifiers.rows import DIMENSIONS, INTENTS, Row

PROPER = (
    r"MedEthicAlign|S-Eval|MedSafetyBench|llama3|MedicalGPT|LlmMedEval|SafetyBench|CHECKED|MedEthicsBench"
    r"|BIPIA|JailBench|SOS-1K|JADE|Flames|dev"
)
SOURCES = ("X-LANCE/MedEthicAlign", "IS2Lab/S-Eval", "AI4LIFE-GROUP/med-safety-bench",
           "shibing624/MedicalGPT", "yy-hh/LlmMedEval", "thu-coai/SafetyBench", "microsoft/BIPIA",
           "STAIR-BUPT/JailBench", "whitzard-ai/jade-db", "AIFlames/Flames", "own/twins",
           "seed/twins", "blind/twins", "seed/injection")  # fmt: skip
POOLS = ("violations_eval", "benign", "instructions_eval", "knowledge_eval", "refusals_eval",
         "news_eval", "dilemmas_eval", "attacks_eval", "inserted", "payloads_eval", "suicide_risk",
         "crisis_eval", "general_harm", "twins", "injection")  # fmt: skip


def every() -> list[Row]:
    """A row of each kind, so that every question has one to answer it."""
    heads = (DIMENSIONS[0], "injection", "self_harm", *INTENTS)
    return [
        Row("x", "x", source, pool, lang, {head: flag}, group=place, pair=f"{source}{lang}{head}")
        for source in SOURCES
        for pool in POOLS
        for lang in ("zh", "en")
        for head in heads
        for flag in (1, 0)
        for place in ("start", "middle", "end")
    ]


def test_every_question_is_told_in_chinese_but_for_names() -> None:
    found = questions(every())
    assert len({question.section for question in found}) == len(wording.SECTIONS)
    for question in found:
        told = wording.name(question.name, "zh")
        assert not re.search("[a-z]{2}", re.sub(PROPER, "", told)), told
        assert wording.name(question.name, "en") == question.name
        assert wording.section(question.section, "zh") != wording.section(question.section, "en")


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("found at 1 % here: S-Eval medical requests (zh) ≥ 0.75",
         "在本测试 1 % 误报处检出：S-Eval 医疗请求（中文） ≥ 0.75"),
        ("injection look-alikes flagged at its 1 % here: seed pairs ≤ 5 %",
         "形似注入而无害，在其 1 % 误报处被标出：种子成对文本 ≤ 5 %"),
    ],
)  # fmt: skip
def test_targets_in_both_languages(words: str, wanted: str) -> None:
    assert wording.target(words, "zh") == wanted
    assert wording.target(words, "en") == words


def test_who_flags() -> None:
    assert wording.by("injection", "zh", "its head") == "该输出头"
    assert wording.by("own", "en", "its own head") == "its own head"
    assert wording.measured("0.4 (best of all marks 0.6)", "zh") == "0.4 (所有阈值中最好 0.6)"
