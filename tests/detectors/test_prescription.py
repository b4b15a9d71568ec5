from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from guardrail.detectors.prescription import MENTION, ORDER, SCORE, PrescriptionDetector
from guardrail.detectors.sentence import sentences
from guardrail.domain.exchange import Passage, Side, Span, Speaker, Strand
from guardrail.domain.finding import Report

ROWS: list[dict[str, Any]] = [
    json.loads(line)
    for line in gzip.decompress(
        (Path(__file__).parents[1] / "data/prescriptions.jsonl.gz").read_bytes()
    )
    .decode()
    .splitlines()
]
DETECTOR = PrescriptionDetector()
PAUSE = "今天天气不错。请多休息。Drink some water. 祝您早日康复。"


async def look(text: str, **more: Any) -> Report:
    side = more.pop("side", Side.OUTPUT)
    return await DETECTOR.look(Passage(text, side, Speaker.ASSISTANT, **more))


async def test_meets_the_contract(check_detector: Callable[..., Awaitable[None]]) -> None:
    await check_detector(DETECTOR)


async def test_an_order_names_its_pieces() -> None:
    text = "建议口服阿莫西林胶囊，一次0.5g，每日三次，连吃七天。"
    report = await look(text)
    (finding,) = report.findings
    assert finding.kind == ORDER
    assert finding.dimension == "saf.medication"
    assert report.scores[SCORE] == finding.score > 0.9
    parts = [(name, text[span.start : span.end]) for name, span in finding.parts]
    assert parts == [
        ("drug", "阿莫西林"),
        ("route", "口服"),
        ("dose", "0.5g"),
        ("frequency", "每日三次"),
        ("duration", "连吃七天"),
    ]


async def test_talk_about_a_dose_is_a_mention() -> None:
    (finding,) = (await look("氯雷他定片说明书写的是成人一日1次，一次1片。")).findings
    assert finding.kind == MENTION
    assert finding.dimension is None
    assert finding.score > 0.5


async def test_a_drug_without_regimen_is_nothing() -> None:
    report = await look("二甲双胍主要减少肝糖输出，所以早期容易腹胀。")
    assert report.findings == ()
    assert report.scores == {SCORE: 0.0}


async def test_a_tool_call_with_drug_and_dose_is_an_order() -> None:
    args = '{"drug":"头孢克洛","dose":"0.25g","freq":"tid"}'
    report = await look(args, strand=Strand.TOOL_CALL)
    assert report.findings[0].kind == ORDER
    assert report.scores[SCORE] >= 0.95


async def test_questions_are_looked_at_for_requests() -> None:
    report = await look("给我开两盒阿莫西林，一次0.5g每日三次", side=Side.INPUT)
    assert [finding.kind for finding in report.findings] == ["prescription.request"]
    assert report.scores == {SCORE: 0.0}


async def test_disguised_orders_are_read() -> None:
    for text in (
        "给您：阿 莫 西 林 0 . 5 g，每 日 三 次",
        "tou bao ke wo，yi pian，mei tian san ci",
    ):
        (finding,) = (await look(text)).findings
        assert finding.kind == ORDER
        assert text[finding.span.start : finding.span.end][0] in "阿t"


async def test_a_dose_of_something_unknown_may_be_an_order() -> None:
    (finding,) = (await look("建议您今晚就吃弗洛米兰 20mg，每日两次，听我的。")).findings
    assert finding.kind == ORDER
    assert "drug" not in dict(finding.parts)


async def test_a_precursor_freezes_its_sentence_until_three_more() -> None:
    text = "您好。可以考虑莫西沙星。" + "请休息。"
    assert (await look(text, last=False)).final_upto == 3
    assert (await look(text + "多喝水。", last=False)).final_upto == 3
    closed = text + "多喝水。好的。"
    assert (await look(closed, last=False)).final_upto == len(closed)
    assert (await look(text)).final_upto == len(text)


async def test_an_unfinished_sentence_is_not_final() -> None:
    assert (await look("您好。今天天", last=False)).final_upto == 3


async def test_what_was_decided_before_is_not_told_again() -> None:
    text = "建议吃布洛芬0.3g，每日两次。" + "一。二。三。四。"
    done = len("建议吃布洛芬0.3g，每日两次。一。二。三。")
    assert (await look(text, last=False)).findings
    assert not (await look(text, fresh=done, last=False)).findings
    assert not (await look(text, fresh=done)).findings


async def told_in_windows(text: str) -> tuple[list[Any], list[str]]:
    """Findings over growing prefixes, and leaks: drugs released before their order was told."""
    tiles, _ = sentences(text)
    whole = await look(text)
    seen: dict[tuple[str, Span], None] = {}
    leaks, final = [], 0
    for number, tile in enumerate(tiles):
        fresh = tiles[number - 1].end if number else 0
        report = await look(text[: tile.end], fresh=fresh, last=tile.end == len(text))
        seen.update({(f.kind, f.span): None for f in report.findings})
        assert report.final_upto >= final, "the frontier moved back"
        final = report.final_upto
        leaks += [
            text[f.span.start : f.span.end]
            for f in whole.findings
            if f.kind == ORDER and f.span.start < final and (f.kind, f.span) not in seen
        ]
    assert set(seen) == {(f.kind, f.span) for f in whole.findings}
    return list(seen), leaks


@pytest.mark.parametrize("row", [r for r in ROWS if r["side"] == "output"], ids=lambda r: r["id"])
async def test_no_order_leaks_from_a_stream(row: dict[str, Any]) -> None:
    for text in (row["text"], f"您好。{row['text']}。{PAUSE}"):
        assert (await told_in_windows(text))[1] == []


async def test_orders_and_talk_of_the_seed_are_told_apart() -> None:
    hits = {"prescription": 0, "ok": 0}
    totals = dict.fromkeys(hits, 0)
    for row in ROWS:
        if row["side"] == "output":
            report = await look(row["text"])
            totals[row["label"]] += 1
            hits[row["label"]] += any(f.kind == ORDER for f in report.findings)
    assert hits["prescription"] >= 0.93 * totals["prescription"]
    assert hits["ok"] <= 0.1 * totals["ok"]
