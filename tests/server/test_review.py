"""The cases API: what a doctor and a caller see and may do."""

import asyncio

import pytest


async def opened(world, text="不要想死。好。", **options):
    w = world(text, **options)
    answer = await w.chat("我不开心")
    return w, answer.json["guardrail"]["case"]


async def step(w, case, what, key="doctor-key", **said):
    return await w.call(f"/guard/v1/cases/{case}/{what}", said or None, key=key)


async def seen(w, case, key="app-key", wait=b""):
    return (await w.call(f"/guard/v1/cases/{case}", method="GET", key=key, query=wait)).json


async def test_a_doctor_confirms_and_the_caller_gets_the_answer(world) -> None:
    w, case = await opened(world)
    (listed,) = (await w.call("/guard/v1/cases", method="GET", key="doctor-key")).json["cases"]
    assert (listed["id"], listed["state"]) == (case, "open")
    assert await seen(w, case) == {
        "id": case,
        "state": "open",
        "tier": "differential",
        "opened_at": 1_700_000_000.0,
        "decided_at": None,
        "answer": None,
    }
    assert (await step(w, case, "claim")).json["case"]["state"] == "claimed"
    assert (await step(w, case, "confirm", reason="可以")).json["case"]["state"] == "confirmed"
    told = await seen(w, case)
    assert (told["state"], told["answer"]) == ("confirmed", "不要想死。好。")
    assert (await w.kinds())[-2:] == ["reviewed", "reviewed"]


async def test_the_doctor_sees_the_whole_file(world) -> None:
    w, case = await opened(world)
    file = await seen(w, case, key="doctor-key")
    assert file["turns"] == [{"speaker": "user", "text": "我不开心"}]
    assert file["withheld"][0]["text"] == "不要想死。好。"
    (found,) = [f for facts in file["inspected"] for f in facts["findings"]]
    assert (found["kind"], found["at"]) == ("self_harm.intent", "0/content/0")
    assert file["decided"]["rules"][0]["rule"] == "t.hand"


async def test_an_amendment_is_what_the_caller_gets(world) -> None:
    w, case = await opened(world)
    await step(w, case, "claim")
    assert (await step(w, case, "amend", text=" ")).code == "amend_without_text"
    await step(w, case, "amend", text="请来门诊。", reason="太短")
    assert (await seen(w, case))["answer"] == "请来门诊。"


async def test_a_rejection_gives_no_answer(world) -> None:
    w, case = await opened(world)
    await step(w, case, "claim")
    await step(w, case, "reject", reason="不对")
    told = await seen(w, case)
    assert (told["state"], told["answer"]) == ("rejected", None)


async def test_steps_out_of_order_are_conflicts(world) -> None:
    w, case = await opened(world)
    early = await step(w, case, "confirm")
    assert (early.status, early.code) == (409, "case_conflict")
    await step(w, case, "claim")
    assert (await step(w, case, "claim")).status == 409
    assert (await step(w, case, "unclaim")).json["case"]["state"] == "open"


async def test_two_doctors_at_once_cannot_both_claim(world) -> None:
    w, case = await opened(world)
    both = await asyncio.gather(step(w, case, "claim"), step(w, case, "claim"))
    assert sorted(answer.status for answer in both) == [200, 409]


async def test_who_may_review(world) -> None:
    w, case = await opened(world)
    assert (await step(w, case, "claim", key="app-key")).status == 403
    assert (await w.call("/guard/v1/cases", method="GET")).status == 403
    assert (await step(w, case, "claim", key="other-key")).status == 404
    assert (await w.call("/guard/v1/cases", method="GET", key="other-key")).json["cases"] == []


async def test_waiting_ends_with_the_decision(world) -> None:
    w, case = await opened(world)
    await step(w, case, "claim")
    waiting, _ = await asyncio.gather(
        seen(w, case, wait=b"wait=10"), step(w, case, "amend", text="请来门诊。")
    )
    assert waiting["answer"] == "请来门诊。"
    assert (await seen(w, case, wait=b"wait=10"))["state"] == "amended"


async def test_waiting_ends_when_the_time_is_up(world) -> None:
    w, case = await opened(world)
    assert (await seen(w, case, wait=b"wait=0.05"))["state"] == "open"


@pytest.mark.parametrize("query", [b"wait=abc", b"wait=-1", b"wait=999"])
async def test_a_wait_that_is_no_time_is_refused(world, query) -> None:
    w, case = await opened(world)
    answer = await w.call(f"/guard/v1/cases/{case}", method="GET", query=query)
    assert (answer.status, answer.code, answer.json["error"]["param"]) == (
        400,
        "invalid_request",
        "wait",
    )


async def test_a_body_that_is_no_decision_is_refused_without_quoting_it(world) -> None:
    w, case = await opened(world)
    answer = await step(w, case, "claim", txt="张三的病历")
    assert answer.status == 400
    assert "张三" not in answer.body.decode()


async def test_a_question_handed_over_is_answered_by_the_doctor(world) -> None:
    w = world()
    case = (await w.chat("我想死")).json["guardrail"]["case"]
    await step(w, case, "claim")
    await step(w, case, "confirm", text="我是医生，请马上来院。")
    assert (await seen(w, case))["answer"] == "我是医生，请马上来院。"


async def test_a_confirmed_answer_keeps_its_masks(world) -> None:
    w = world("不要想死。请打13800138000。")
    case = (await w.chat("不舒服")).json["guardrail"]["case"]
    for step in ("claim", "confirm"):
        await w.call(f"/guard/v1/cases/{case}/{step}", key="doctor-key")
    told = await w.call(f"/guard/v1/cases/{case}", method="GET")
    assert told.json["answer"] == "不要想死。请打<MOBILE_1>。"
