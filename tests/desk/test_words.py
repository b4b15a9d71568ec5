"""Every sentence in both languages, each one used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from guardrail.desk import words as words_module
from guardrail.desk.words import LANGUAGES, WORDS, Words

DESK = Path(words_module.__file__).parent
BLANK = re.compile(r"\{(\w+)\}")
ZH, EN = Words("zh"), Words("en")


def sources() -> str:
    files = [*DESK.glob("*.py"), *DESK.glob("templates/*.html")]
    return "\n".join(file.read_text("utf-8") for file in files)


def asked() -> set[str]:
    """Keys that a template or a module asks for by their whole name."""
    return set(re.findall(r'\b(?:t|words)\("([a-z_.]+)"[,)]', sources()))


def test_both_languages_say_the_same() -> None:
    for key, said in WORDS.items():
        assert set(said) == set(LANGUAGES), key
        assert all(text.strip() for text in said.values()), key
        assert set(BLANK.findall(said["zh"])) == set(BLANK.findall(said["en"])), key


def test_everything_asked_for_is_there() -> None:
    assert len(asked()) > 60
    assert asked() - set(WORDS) == set()


def test_nothing_is_left_over() -> None:
    text = sources()
    groups = set(re.findall(r'(?:known\(|t\(|words\(f?)\s*"([a-z_.]+?)\.?["{]', text))
    spare = [
        key
        for key in WORDS
        if f'"{key}"' not in text and not any(key.startswith(f"{group}.") for group in groups)
        if not key.startswith("error.")
    ]
    assert spare == []


def test_an_unknown_sentence_is_a_bug() -> None:
    with pytest.raises(KeyError):
        ZH("no.such.sentence")
    assert not ZH.knows("no.such.sentence")


@pytest.mark.parametrize(
    ("kind", "zh", "en"),
    [
        ("phi.mobile", "手机号", "mobile number"),
        ("phi.input", "个人信息", "personal information"),
        ("eth.tcm.output", "中医药伦理", "traditional Chinese medicine"),
        ("prescription.order", "开具处方", "a prescription written to this patient"),
        ("injection.certain", "提示注入与越狱", "prompt injection and jailbreak"),
        ("hospital.own", "hospital", "hospital"),
    ],
)
def test_labels(kind: str, zh: str, en: str) -> None:
    assert (ZH.label(kind), EN.label(kind)) == (zh, en)


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (-5, "不到 1 分钟", "under a minute"),
        (59.9, "不到 1 分钟", "under a minute"),
        (61, "1 分钟", "1 min"),
        (3 * 3600 + 125, "3 小时 2 分", "3 h 2 min"),
        (50 * 3600, "2 天 2 小时", "2 d 2 h"),
    ],
)
def test_durations(seconds: float, zh: str, en: str) -> None:
    assert (ZH.duration(seconds), EN.duration(seconds)) == (zh, en)


def test_names_from_the_ledger_may_be_unknown() -> None:
    assert ZH.known("detector", "phi") == "隐私识别"
    assert ZH.known("detector", "clinical-small") == "clinical-small"
    assert (ZH.html_lang, EN.html_lang) == ("zh-CN", "en")
