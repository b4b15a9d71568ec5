"""Cases at the rim beyond what the API shows."""

import asyncio

from guardrail.server import cases as cases_module
from guardrail.server.cases import Cases, answer_of


async def test_a_waiter_that_gives_up_leaves_nothing_behind(world) -> None:
    w = world("不要想死。")
    case = (await w.chat()).json["guardrail"]["case"]
    cases = Cases(w.house)
    found = w.house.docket.case(case)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(cases.wait(found, 30))
        await asyncio.sleep(0.01)
        task.cancel()
    assert not cases._waiting


async def test_a_server_that_ends_lets_waiters_go(world, monkeypatch) -> None:
    monkeypatch.setattr(cases_module, "LOOK_UP_S", 0.02)
    w = world("不要想死。")
    found = w.house.docket.case((await w.chat()).json["guardrail"]["case"])
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        task = group.create_task(Cases(w.house).wait(found, 30))
        await asyncio.sleep(0.05)
        assert not task.done()
        w.house.doors.closing = True
    assert task.result() == found


async def test_an_erased_exchange_has_no_answer_any_more(world) -> None:
    w = world("不要想死。")
    case = (await w.chat()).json["guardrail"]["case"]
    for step in ("claim", "confirm"):
        await w.call(f"/guard/v1/cases/{case}/{step}", key="doctor-key")
    decided = w.house.docket.case(case)
    await w.house.ledger.erase(decided.exchange)
    file = await Cases(w.house).file(decided)
    assert (file["turns"], file["withheld"]) == ([], [])
    assert answer_of(decided, file) is None
