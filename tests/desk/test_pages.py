"""The routes of /desk over paper cases."""

from __future__ import annotations

import re
from html import unescape

import pytest

from guardrail.desk import pages, render
from guardrail.desk.figures import MOST
from guardrail.desk.session import FAILURES
from guardrail.domain.case import CaseState, Step
from guardrail.domain.verdict import Tier
from tests.desk.paper import ANSWER, NOW, QUESTION, PaperDesk, case_file, handover

CASE = "/desk/cases/case-1"
WRITTEN = "考虑接触性皮炎。\nStop the cream & come back <soon>."


def text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


# -- signing in


async def test_a_stranger_is_sent_to_the_door_and_back(desk: PaperDesk) -> None:
    visitor = desk.visitor()
    assert (await visitor.get("/desk")).headers["location"] == "/desk/sign-in"
    sent = (await visitor.get(CASE)).headers["location"]
    assert sent == f"/desk/sign-in?back={CASE}"
    assert f'name="back" value="{CASE}"' in (await visitor.get(sent)).text
    done = await visitor.send("/desk/sign-in", sent, key="doctor-key", back=CASE)
    assert (done.status_code, done.headers["location"]) == (303, CASE)
    assert (await visitor.get(CASE)).status_code == 200
    assert (await visitor.get("/desk/sign-in")).headers["location"] == "/desk"


async def test_a_wrong_key_is_told_and_not_repeated(desk: PaperDesk) -> None:
    visitor = desk.visitor()
    for key in ("secret-guess", "app-key"):
        refused = await visitor.sign_in(key)
        assert refused.status_code == 401
        assert "密钥不正确，或不是医生密钥。" in refused.text
        assert key not in refused.text
    assert (await visitor.get("/desk")).status_code == 303


async def test_keys_cannot_be_tried_by_the_thousand(desk: PaperDesk) -> None:
    visitor = desk.visitor(address="10.0.0.9")
    for _ in range(FAILURES):
        await visitor.sign_in("guess")
    assert (await visitor.sign_in()).status_code == 429
    assert (await desk.visitor(address="10.0.0.8").sign_in()).status_code == 303
    desk.now += 61
    assert (await visitor.sign_in()).status_code == 303


async def test_signing_out(desk: PaperDesk) -> None:
    doctor = await desk.doctor()
    cookie = doctor.http.cookies["guardrail_desk"]
    assert (await doctor.send("/desk/sign-out")).headers["location"] == "/desk/sign-in"
    doctor.http.cookies.set("guardrail_desk", cookie)
    assert (await doctor.get("/desk")).status_code == 303


async def test_a_session_ends_after_twelve_hours(desk: PaperDesk) -> None:
    doctor = await desk.doctor()
    desk.now += 12 * 3600
    assert (await doctor.get("/desk")).headers["location"] == "/desk/sign-in"
    polled = await doctor.get("/desk/queue?state=open")
    assert polled.headers["hx-redirect"] == "/desk/sign-in"
    assert polled.content == b""


async def test_without_keys_nobody_signs_in(desk: PaperDesk) -> None:
    desk.keys.open = True
    visitor = desk.visitor()
    page = await visitor.get("/desk")
    assert page.status_code == 200
    assert "退出登录" not in page.text
    assert (await visitor.get("/desk/sign-in")).headers["location"] == "/desk"
    assert (await visitor.step("claim")).status_code == 303
    assert desk.book.cases["case-1"].claimed_by == "local"
    foreign = await desk.visitor("http://evil.example").get(CASE)
    assert foreign.status_code == 403
    assert "皮疹" not in foreign.text


# -- forms


@pytest.mark.parametrize("path", [f"{CASE}/claim", "/desk/sign-out", "/desk/language"])
async def test_a_form_that_was_not_ours_changes_nothing(desk: PaperDesk, path: str) -> None:
    doctor, other = await desk.doctor(), await desk.doctor("second-key")
    for seal in ("", "0" * 64, await other.seal("/desk")):
        refused = await doctor.http.post(path, data={"seal": seal, "lang": "en"})
        assert refused.status_code == 403
        assert "页面已过期" in refused.text
    assert (await doctor.get("/desk")).status_code == 200
    assert desk.book.cases["case-1"].state is CaseState.OPEN


async def test_signing_in_needs_a_form_of_ours(desk: PaperDesk) -> None:
    visitor = desk.visitor()
    refused = await visitor.http.post("/desk/sign-in", data={"key": "doctor-key"})
    assert refused.status_code == 403
    assert (await visitor.get("/desk")).status_code == 303


async def test_a_body_that_is_no_form(desk: PaperDesk) -> None:
    doctor = await desk.doctor()
    refused = await doctor.http.post(f"{CASE}/claim", json={"seal": await doctor.seal("/desk")})
    assert refused.status_code == 400
    assert "无法读取表单" in refused.text


async def test_language(desk: PaperDesk) -> None:
    doctor = await desk.doctor()
    assert '<html lang="zh-CN">' in (await doctor.get("/desk")).text
    done = await doctor.send("/desk/language", lang="en", back="/desk?state=claimed")
    assert done.headers["location"] == "/desk?state=claimed"
    page = (await doctor.get(CASE)).text
    assert '<html lang="en">' in page
    assert "Your decision" in page
    assert "您的决定" not in page
    await doctor.send("/desk/language", lang="xx")
    assert '<html lang="en">' in (await doctor.get("/desk")).text


# -- the queue


async def test_the_queue(desk: PaperDesk) -> None:
    desk.book.put(handover("case-2", tier=Tier.DIFFERENTIAL, rules=(), confidence=None))
    desk.book.put(handover("case-3", state=CaseState.CLAIMED, claimed_by="dr-li"))
    doctor = await desk.doctor()
    page = (await doctor.get("/desk")).text
    assert page.index("case-1") < page.index("case-2")
    assert "case-3" not in page
    told = text_of(page)
    for said in ("人工接管", "独立研判", "个人信息", "置信度 未知", "已等待 1 小时 5 分"):
        assert said in told
    assert 'hx-get="/desk/queue?state=open" hx-trigger="every 5s"' in page
    part = (await doctor.get("/desk/queue?state=open")).text
    assert part.strip() in page
    claimed = (await doctor.get("/desk?state=claimed")).text
    assert "case-3" in claimed
    assert "我在处理" in claimed


async def test_decided_cases_the_latest_first(desk: PaperDesk) -> None:
    states = (CaseState.CONFIRMED, CaseState.AMENDED, CaseState.REJECTED)
    for n, state in enumerate(states, 4):
        case = handover(f"case-{n}", state=state, decided_by="dr-wu", decided_at=NOW + n)
        desk.book.put(case)
    page = (await (await desk.doctor()).get("/desk?state=decided")).text
    assert page.index("case-6") < page.index("case-5") < page.index("case-4")
    assert [word for word in ("已驳回", "已修改", "已确认") if word not in page] == []
    assert "case-1" not in page


async def test_an_empty_queue_and_a_long_one(desk: PaperDesk) -> None:
    doctor = await desk.doctor()
    assert "没有正在处理的工单" in (await doctor.get("/desk?state=claimed")).text
    assert "没有等待认领的工单" not in (await doctor.get("/desk?state=nonsense")).text
    desk.book.cases.clear()
    assert "没有等待认领的工单" in (await doctor.get("/desk")).text
    for n in range(pages.MOST_ROWS + 3):
        desk.book.put(handover(f"case-{n}"))
    page = (await doctor.get("/desk")).text
    assert page.count('<li id="row-') == pages.MOST_ROWS
    assert "只显示 200 件，共 203 件。" in page


async def test_no_page_of_the_queue_shows_patient_text(desk: PaperDesk) -> None:
    page = (await (await desk.doctor()).get("/desk")).text
    assert not re.search("王小明|13800138000|皮疹|氯雷他定", page)


# -- one case


async def test_a_case_page(desk: PaperDesk) -> None:
    page = (await (await desk.doctor()).get(CASE)).text
    assert "<script>" not in page
    assert ANSWER in text_of(page)
    assert QUESTION in text_of(page)
    title = re.search("<title>(.*)</title>", page)
    assert title is not None
    assert title[1] == "工单 人工接管 · 医生工作台"
    assert not re.search("王小明|皮疹", "".join(re.findall(r'(?:href|action|id)="[^"]*"', page)))


async def test_cases_of_another_hospital_do_not_exist(desk: PaperDesk) -> None:
    stranger = await desk.doctor("other-key")
    assert "case-1" not in (await stranger.get("/desk")).text
    for path in (CASE, "/desk/cases/case-unknown"):
        refused = await stranger.get(path)
        assert refused.status_code == 404
        assert "没有这个工单" in refused.text
        assert "王小明" not in refused.text
    assert (await stranger.send(f"{CASE}/claim")).status_code == 404
    assert desk.book.cases["case-1"].state is CaseState.OPEN


async def test_claim_and_put_back(desk: PaperDesk) -> None:
    doctor = await desk.doctor()
    assert "认领" in (await doctor.get(CASE)).text
    done = await doctor.step("claim")
    assert done.headers["location"] == f"{CASE}?done=claim"
    page = (await doctor.get(f"{CASE}?done=claim")).text
    assert "已认领" in page
    assert f"\n{ANSWER}</textarea>" in unescape(page)
    other = await desk.doctor("second-key")
    seen = (await other.get(CASE)).text
    assert "dr-li 正在处理这个工单" in seen
    assert "<textarea" not in seen
    assert (await other.step("unclaim")).status_code == 303
    assert desk.book.cases["case-1"].state is CaseState.OPEN


async def test_confirm(desk: PaperDesk) -> None:
    doctor = await desk.doctor()
    await doctor.step("claim")
    await doctor.step("confirm", text="ignored", reason="ignored")
    assert desk.book.cases["case-1"].state is CaseState.CONFIRMED
    assert desk.book.said[-1] == {"text": "", "reason": ""}
    page = (await doctor.get(f"{CASE}?done=confirm")).text
    assert "原文有效" in page
    assert "<textarea" not in page


async def test_amend(desk: PaperDesk) -> None:
    doctor = await desk.doctor()
    await doctor.step("claim")
    await doctor.step("amend", text=WRITTEN.replace("\n", "\r\n"), reason="更准确")
    assert desk.book.said[-1] == {"text": WRITTEN, "reason": "更准确"}
    assert WRITTEN in text_of((await doctor.get(CASE)).text)


async def test_reject_needs_a_reason(desk: PaperDesk) -> None:
    doctor = await desk.doctor()
    await doctor.step("claim")
    refused = await doctor.step("reject", reason="  ")
    assert refused.status_code == 400
    assert "驳回须写明理由" in refused.text
    assert (await doctor.step("reject", reason="依据不足")).status_code == 303
    assert desk.book.said[-1] == {"text": "", "reason": "依据不足"}


async def test_a_conflict_loses_nothing_that_was_typed(desk: PaperDesk) -> None:
    first, second = await desk.doctor(), await desk.doctor("second-key")
    await first.step("claim")
    await second.step("unclaim")
    await second.step("claim")
    refused = await first.step("amend", text=WRITTEN, reason="因为")
    assert refused.status_code == 409
    assert "刚刚变了" in refused.text
    assert f"\n{WRITTEN}\n\n因为</textarea>" in unescape(refused.text)
    assert desk.book.cases["case-1"].claimed_by == "dr-wu"


async def test_a_ledger_that_cannot_be_written_loses_nothing_that_was_typed(
    desk: PaperDesk,
) -> None:
    doctor = await desk.doctor()
    await doctor.step("claim")
    desk.book.broken = True
    refused = await doctor.step("amend", text=WRITTEN, reason="因为 & why")
    assert refused.status_code == 503
    assert "ledger_unavailable" in refused.text
    assert f"\n{WRITTEN}</textarea>" in unescape(refused.text)
    assert 'value="因为 &amp; why"' in refused.text
    rejected = await doctor.step("reject", reason="不对")
    assert "\n不对</textarea>" in rejected.text


async def test_being_signed_out_loses_nothing_that_was_typed(desk: PaperDesk) -> None:
    doctor = await desk.doctor()
    await doctor.step("claim")
    seal = await doctor.seal(CASE)
    desk.now += 13 * 3600
    refused = await doctor.http.post(f"{CASE}/amend", data={"seal": seal, "text": WRITTEN})
    assert refused.status_code == 401
    assert WRITTEN in unescape(refused.text)
    assert desk.book.cases["case-1"].state is CaseState.CLAIMED


async def test_too_long_a_text(desk: PaperDesk) -> None:
    doctor = await desk.doctor()
    await doctor.step("claim")
    for text in ("长" * 100_001, "长" * 140_000):
        assert (await doctor.step("amend", text=text)).status_code == 413


async def test_the_confirm_tier_asks_for_every_figure(desk: PaperDesk) -> None:
    desk.book.put(handover(tier=Tier.CONFIRM))
    doctor = await desk.doctor()
    await doctor.step("claim")
    page = (await doctor.get(CASE)).text
    assert re.findall(r'name="checked-(\d)" value="1" required', page) == ["0", "1", "2", "3"]
    assert "<b>10 mg</b>" in page
    refused = await doctor.step("confirm", **{"checked-0": "1", "checked-2": "1"})
    assert refused.status_code == 400
    assert re.findall(r'name="checked-(\d)" value="1" required checked', refused.text) == ["0", "2"]
    ticks = {f"checked-{n}": "1" for n in range(4)}
    assert (await doctor.step("confirm", **ticks)).status_code == 303


async def test_more_figures_than_are_listed_need_one_more_tick(desk: PaperDesk) -> None:
    file = case_file(answer="1片 " * (MOST + 1))
    desk.book.put(handover(tier=Tier.CONFIRM), file)
    doctor = await desk.doctor()
    await doctor.step("claim")
    ticks = {f"checked-{n}": "1" for n in range(MOST)}
    assert (await doctor.step("confirm", **ticks)).status_code == 400
    assert (await doctor.step("confirm", **ticks, **{f"checked-{MOST}": "1"})).status_code == 303


async def test_the_confirm_tier_without_figures(desk: PaperDesk) -> None:
    desk.book.put(handover(tier=Tier.CONFIRM), case_file(answer="多休息。"))
    doctor = await desk.doctor()
    await doctor.step("claim")
    assert "回答中没有数字" in (await doctor.get(CASE)).text
    assert (await doctor.step("confirm")).status_code == 303


async def test_silence_cannot_be_confirmed(desk: PaperDesk) -> None:
    desk.book.put(handover(), case_file(answer=""))
    doctor = await desk.doctor()
    await doctor.step("claim")
    page = (await doctor.get(CASE)).text
    assert "模型没有作答" in page
    assert "/confirm" not in page
    assert (await doctor.step("confirm")).status_code == 400


# -- everything else


@pytest.mark.parametrize("path", ["/desk/nowhere", "/desk/cases/", "/desk/static/none.js"])
async def test_nowhere(desk: PaperDesk, path: str) -> None:
    refused = await (await desk.doctor()).get(path)
    assert refused.status_code == 404
    assert "没有这个页面" in refused.text


async def test_an_unknown_step(desk: PaperDesk) -> None:
    assert (await (await desk.doctor()).step("delete")).status_code == 404


async def test_every_answer_is_shut(desk: PaperDesk) -> None:
    doctor = await desk.doctor()
    for path in ("/desk", "/desk/queue", CASE, "/desk/nowhere", "/desk/sign-in"):
        answer = await doctor.get(path)
        assert {name: answer.headers[name] for name in render.PAGE_HEADERS} == render.PAGE_HEADERS
    page = (await doctor.get("/desk")).text
    assets = re.findall(r'(?:href|src)="(/desk/static/[^"]+)"', page)
    assert len(assets) == 3
    for path in assets:
        assert (await doctor.get(path)).status_code == 200


async def test_what_was_done_is_said_only_in_our_words(desk: PaperDesk) -> None:
    doctor = await desk.doctor()
    for done in Step:
        assert 'role="status"' in (await doctor.get(f"{CASE}?done={done.value}")).text
    assert 'role="status"' not in (await doctor.get(f"{CASE}?done=<b>")).text


async def test_the_pages_are_not_in_the_api_document(desk: PaperDesk) -> None:
    assert "/desk" not in str(desk.app.openapi()["paths"])
