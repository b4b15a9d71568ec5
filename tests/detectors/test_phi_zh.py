from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.detectors import phi_zh
from guardrail.detectors.phi_hit import Hit

Rule = Callable[[str], Iterator[Hit]]


def _texts(rule: Rule, text: str) -> list[str]:
    return [text[hit.start : hit.end] for hit in rule(text)]


def _id(body: str) -> str:
    return body + phi_zh.check_digit(body)


MADE_UP = _id("11010519491231002")


def test_the_example_of_the_standard_passes() -> None:
    assert MADE_UP == "11010519491231002X"
    assert phi_zh.is_resident_id(MADE_UP)
    assert not phi_zh.is_resident_id("110105194912310021")
    assert phi_zh.is_luhn("4111111111111111")
    assert not phi_zh.is_luhn("4111111111111112")


@given(
    st.sampled_from(["11", "31", "44", "51", "65"]),
    st.integers(0, 9999),
    st.dates(date(1900, 1, 1), date(2099, 12, 31)),
    st.integers(0, 999),
    st.sampled_from(["", "身份证", "ID: ", "号码是", "x"]),
)
def test_every_valid_resident_id_is_found_and_no_other_check_digit_is_as_sure(
    province: str, area: int, born: date, serial: int, lead: str
) -> None:
    number = _id(f"{province}{area:04d}{born:%Y%m%d}{serial:03d}")
    (hit,) = phi_zh.resident_ids(f"{lead}{number}，")
    assert hit == Hit("phi.resident_id", len(lead), len(lead) + 18, 0.99)
    slip = number[:17] + ("0" if number[17] != "0" else "1")
    (less,) = phi_zh.resident_ids(f"{lead}{slip}，")
    assert less.score < 0.99


@pytest.mark.parametrize(
    ("rule", "text", "found"),
    [
        (phi_zh.resident_ids, f"身份证号{MADE_UP.lower()}。", [MADE_UP.lower()]),
        (phi_zh.resident_ids, "证号110105 19491231 002X", ["110105 19491231 002X"]),
        (phi_zh.resident_ids, "身份证110105194912310021", ["110105194912310021"]),
        (phi_zh.resident_ids, "流水 1101 0519 4912 3100 21", []),
        (phi_zh.resident_ids, "旧身份证号110105491231002", ["110105491231002"]),
        (phi_zh.resident_ids, "编号110105491231002", []),
        (phi_zh.resident_ids, "身份证991231491231002 110105194902300021", []),
        (phi_zh.resident_ids, f"0.{MADE_UP}", []),
        (phi_zh.mobiles, "电话13800138000转", ["13800138000"]),
        (phi_zh.mobiles, "+86 138-0013-8000", ["+86 138-0013-8000"]),
        (phi_zh.mobiles, "8613800138000 and 008613800138000", ["8613800138000", "008613800138000"]),
        (phi_zh.mobiles, "手机 13 80 01 38 00 0", ["13 80 01 38 00 0"]),
        (phi_zh.mobiles, "13 80 01 38 00 0", []),
        (phi_zh.mobiles, "138001380001 12800138000", []),
        (phi_zh.mobiles, "值0.13800138000，13800138000.5，13800138000元", []),
        (phi_zh.mobiles, "Call 18008608747 for help", []),
        (phi_zh.mobiles, "患者电话18008608747", ["18008608747"]),
        (
            phi_zh.landlines,
            "电话010-62281234，(021)52281234转801",
            ["010-62281234", "(021)52281234转801"],
        ),
        (phi_zh.landlines, "+86-10-62281234", ["+86-10-62281234"]),
        (phi_zh.landlines, "座机07556228123", ["07556228123"]),
        (phi_zh.landlines, "编号01062281234", []),
        (phi_zh.landlines, "心理援助热线010-82951332；医院总机021-64041990", []),
        (phi_zh.landlines, "2024-2228-1234 10-62281234", []),
        (phi_zh.landlines, "联系0.010-62281234", []),
        (phi_zh.bank_cards, "4111 1111 1111 1111", ["4111 1111 1111 1111"]),
        (phi_zh.bank_cards, "银行卡6222021234567890123", ["6222021234567890123"]),
        (phi_zh.bank_cards, "6222021234567890123", []),
        (phi_zh.bank_cards, "订单号4111111111111111", []),
        (phi_zh.bank_cards, "card 3.4111111111111111", []),
        (phi_zh.bank_cards, "IBAN GB82 WEST 1234 5698 7654 32", ["GB82 WEST 1234 5698 7654 32"]),
        (phi_zh.bank_cards, "GB82WEST12345698765433 AB12ABCDABCDABC", []),
        (phi_zh.plates, "车牌京A12345，粤B·D12345", ["京A12345", "粤B·D12345"]),
        (phi_zh.plates, "新HABCDE，维生素B12", []),
    ],
)
def test_numbers_beside_chinese_text(rule: Rule, text: str, found: list[str]) -> None:
    assert _texts(rule, text) == found


@pytest.mark.parametrize(
    "text",
    [
        "血压130/80mmHg，血糖5.6mmol/L，白细胞10.5×10^9/L，2024年3月7日复查",
        "阿莫西林0.5g 3次/日 7天；5%葡萄糖250ml",
        "Take 400 mg at 08:00, 16:00 and 24:00 for 14 days.",
    ],
)
def test_doses_readings_and_dates_are_nobodys(text: str) -> None:
    assert [hit for _, rule in phi_zh.RULES for hit in rule(text)] == []
