from __future__ import annotations

import pytest

from guardrail.detectors import phi_label


def _found(text: str) -> list[tuple[str, str]]:
    return [
        (hit.kind[4:], text[hit.start : hit.end])
        for _, rule in phi_label.RULES
        for hit in rule(text)
    ]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("住院号：0012345。", "record_number", "0012345"),
        ("病历号是ZY20240001，", "record_number", "ZY20240001"),
        ("就诊卡号码 88001234", "record_number", "88001234"),
        ("（CT号：015220）", "record_number", "015220"),
        ("12345678是我的住院号", "record_number", "12345678"),
        ("0012345（住院号）", "record_number", "0012345"),
        ("MRN: A1234567", "record_number", "A1234567"),
        ("Patient ID is 00-98765", "record_number", "00-98765"),
        ("医保卡号 123456789012", "insurance_number", "123456789012"),
        ("Insurance policy number: XK9988776", "insurance_number", "XK9988776"),
        ("护照号E12345678", "passport", "E12345678"),
        ("passport number 123456789", "passport", "123456789"),
        ("她带着G87654321来的", "passport", "G87654321"),
        ("军官证：南字第0012345号", "passport", "南字第0012345号"),
        ("Driver's license: D1234567", "passport", "D1234567"),
        ("微信号 wang_test01", "social_account", "wang_test01"),
        ("加我VX：abc12345", "social_account", "abc12345"),
        ("QQ是12345678", "social_account", "12345678"),
        ("出生日期：1990年3月7日", "birth_date", "1990年3月7日"),
        ("生日是3月7日", "birth_date", "3月7日"),
        ("1985-02-03出生", "birth_date", "1985-02-03"),
        ("DOB: 03/07/1990", "birth_date", "03/07/1990"),
        ("born on March 7, 1990", "birth_date", "March 7, 1990"),
        ("born on 7 March 1990", "birth_date", "7 March 1990"),
    ],
)
def test_a_label_gives_its_value_away(text: str, kind: str, value: str) -> None:
    assert (kind, value) in _found(text)


@pytest.mark.parametrize(
    "text",
    [
        "2024年3月7日入院，住院7天，门诊复查3次",
        "关注微信公众号dxyhealth，公众号微信health12",
        "微信支付abc12345，QQ群里说的，QQ是abcdef",
        "病历12页，检查2次",
        "The visit 12 was born from need; insurance covers 80%.",
        "妊娠40周出生，出生体重3200g",
    ],
)
def test_without_a_label_or_a_value_nothing_is_found(text: str) -> None:
    assert _found(text) == []


def test_a_label_at_the_end_waits_for_its_value() -> None:
    assert phi_label.LABEL_AT_END.search("住院号：00")
    assert phi_label.LABEL_AT_END.search("date of birth")
    assert not phi_label.LABEL_AT_END.search("住院号：0012345。")
