from __future__ import annotations

import pytest

from guardrail.detectors.dose import HINT, parts
from guardrail.domain.exchange import Span


def taken_apart(text: str) -> list[tuple[str, str]]:
    return [(p.name, text[p.span.start : p.span.end]) for p in parts(text, Span(0, len(text)))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("一次0.5g，每日三次，连吃七天", ["dose:0.5g", "frequency:每日三次", "course:连吃七天"]),
        ("10mgbid", ["dose:10mg", "frequency:bid"]),
        ("0.5，tid", ["bare:0.5", "frequency:tid"]),
        ("90bid", ["bare:90", "frequency:bid"]),
        ("半片，睡前", ["count:半片", "frequency:睡前"]),
        ("口服 2粒 q8h prn", ["route:口服", "count:2粒", "frequency:q8h", "frequency:prn"]),
        ("两喷，早晚各一次", ["count:两喷", "frequency:早晚各一次"]),
        ("15mg/kg，每6小时一次", ["dose:15mg/kg", "frequency:每6小时一次"]),
        (
            "500 mg twice daily for 7 days",
            ["dose:500 mg", "frequency:twice daily", "course:for 7 days"],
        ),
        ("one tablet every 8 hours", ["count:one tablet", "frequency:every 8 hours"]),
        ("20mg×28片", ["dose:20mg", "quantity:×28片"]),
        ("必要时 空腹", ["occasion:必要时", "timing:空腹"]),
        ("血糖6.4mmol/l，每天快走", ["frequency:每天"]),
        ("百日咳，第7个月，24小时内", []),
    ],
)
def test_takes_doses_apart(text: str, expected: list[str]) -> None:
    assert [f"{name}:{piece}" for name, piece in taken_apart(text)] == expected


def test_looks_only_where_told() -> None:
    assert parts("10mg 每日三次", Span(5, 9))[0].name == "frequency"


@pytest.mark.parametrize(
    ("text", "hit"), [("10 mg", True), ("两片", True), ("盐5克", False), ("30分钟", False)]
)
def test_hint_is_for_doses_that_food_seldom_has(text: str, hit: bool) -> None:
    assert (HINT.search(text) is not None) is hit
