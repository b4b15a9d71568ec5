from __future__ import annotations

import pytest

from guardrail.detectors.lexicon import Drug, Lexicon, lexicon
from guardrail.domain.exchange import Span


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("建议口服阿莫西林胶囊", "阿莫西林"),
        ("阿莫西林克拉维酸钾片", "阿莫西林克拉维酸钾"),
        ("吃点六味地黄丸", "六味地黄丸"),
        ("use amoxicillin now", "amoxicillin"),
        ("硝酸甘油一片", "硝酸甘油"),
        ("达喜1片", "达喜"),
    ],
)
def test_finds_the_longest_name(text: str, name: str) -> None:
    (mention,) = lexicon().find(text)
    assert mention.drug.name == name
    assert text[mention.span.start : mention.span.end] == name


@pytest.mark.parametrize(
    "text",
    [
        "可定期复查",  # 可定 is a brand only before a form or a dose
        "胰岛素抵抗怎么办",
        "甲状腺结节",
        "ciprofloxacinx is no word",
        "多喝水，补充营养，头孢的事",
        "体位改变后头晕",
    ],
)
def test_common_words_are_no_drugs(text: str) -> None:
    assert [m.drug.name for m in lexicon().find(text)] in ([], ["头孢"])


def test_knows_what_is_controlled() -> None:
    drugs = {m.drug.name: m.drug for m in lexicon().find("吗啡和艾司唑仑，还有布洛芬")}
    assert drugs["吗啡"].controlled
    assert drugs["艾司唑仑"].controlled
    assert not drugs["布洛芬"].controlled


def test_reads_pinyin_names() -> None:
    drug = lexicon().spelled("amoxilin")
    assert drug is not None
    assert drug.of == "阿莫西林"
    assert lexicon().spelled("nihao") is None
    assert len(lexicon()) > 20_000


def test_a_brand_needs_proof_right_after_it() -> None:
    small = Lexicon((Drug("可定", "b", "a", "瑞舒伐他汀"), Drug("bid", "e", "", "")))
    assert [m.span for m in small.find("可定10mg")] == [Span(0, 2)]
    assert small.find("可定期") == []
    assert small.find("abid bids") == []
