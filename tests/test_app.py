"""The house as it is really built: shipped policies, shipped classifier, every detector."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from guardrail import app
from guardrail.domain.errors import BadConfig, UpstreamFailed
from guardrail.domain.exchange import Audience, Channel, Scene, Side, Speaker
from guardrail.guard import events
from guardrail.policy.evaluate import Scope
from guardrail.server.house import House
from guardrail.settings import ClassifierSettings, Settings
from guardrail.storage.memory import MemoryLedger
from guardrail.testing import ScriptedDetector, ScriptedUpstream, saying

pytestmark = pytest.mark.may_block("building the house reads its files before anyone is served")
SAID = "考虑偏头痛。Please rest."


def upstream() -> ScriptedUpstream:
    return ScriptedUpstream(lambda exchange, body: saying(SAID, logprob=-0.6))


def client(house: House) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app.application(house))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1")


def chat(text: str, **options: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": text}], **options}


async def test_one_house_from_settings(tmp_path: Path) -> None:
    llm = upstream()
    settings = Settings(data=tmp_path / "data")
    async with app.opened(settings, upstream=llm) as house, client(house) as http:
        assert (await http.get("/readyz")).json() == {"status": "ready", "missing": []}
        answer = (await http.post("/v1/chat/completions", json=chat("我叫王小明，头痛"))).json()
        assert answer["choices"][0]["message"]["content"] == SAID
        assert "王小明".encode() not in llm.bodies[0]
        kinds = [entry.kind.value for entry in await house.ledger.entries()]
        assert kinds == ["asked", "inspected", "inspected", "decided", "released"]
        inspected = [e.facts for e in await house.ledger.entries() if e.kind.value == "inspected"]
        assert [facts["gaps"] for facts in inspected] == [[], []]
        strict = {"X-Guardrail-Scene": "A"}
        held = (await http.post("/v1/chat/completions", json=chat("头痛"), headers=strict)).json()
        case = held["guardrail"]["case"]
        assert SAID not in str(held)
        told = (await http.get("/metrics")).text
        assert 'guardrail_cases{state="open"} 1.0' in told
        assert "guardrail_model_info{" in told
        assert "王小明" not in told
        version = (await http.get("/version")).json()
        assert version["policy"] == house.shelf.current.digest
        assert len(version["models"]) == 1
        assert (await http.get("/desk", follow_redirects=True)).status_code == 200
        ops = httpx.ASGITransport(app.metrics_application(house))
        async with httpx.AsyncClient(transport=ops, base_url="http://127.0.0.1") as beside:
            assert (await beside.get("/metrics")).status_code == 200
            assert (await beside.get("/v1/models")).status_code == 404
        reloaded = await http.post("/guard/v1/policies/reload")
        assert reloaded.json() == {"digest": house.shelf.current.digest}
        assert 'result="swapped"' in (await http.get("/metrics")).text
    async with app.opened(settings, upstream=upstream()) as house:
        assert [one.id for one in house.docket.cases()] == [case]  # read out of the ledger again


async def test_a_ledger_that_is_passed_in(tmp_path: Path) -> None:
    ledger = MemoryLedger()
    settings = Settings(data=tmp_path / "data")
    async with app.opened(settings, upstream=upstream(), ledger=ledger, clock=lambda: 5.0) as house:
        assert house.ledger is ledger
        assert house.clock() == 5.0
    assert not (tmp_path / "data").exists()


async def test_what_cannot_be_verified_does_not_start(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("id: x\nrulez: []\n", "utf-8")
    for settings in (
        Settings(data=tmp_path / "data", policies=tmp_path),
        Settings(data=tmp_path / "data", classifier=ClassifierSettings(model=tmp_path / "none")),
    ):
        with pytest.raises(BadConfig):
            async with app.opened(settings, upstream=upstream()):
                pass
        assert not (tmp_path / "data").exists()


class Moody(ScriptedUpstream):
    """Says which models it has only when it is well."""

    well = False
    asked = 0

    async def models(self) -> Sequence[str]:
        self.asked += 1
        if not self.well:
            raise UpstreamFailed("upstream_unreachable", "x")
        return ["m"]


async def test_readiness_asks_the_upstream_until_it_answers_and_then_rests() -> None:
    llm = Moody(lambda exchange, body: [events.Delta(Channel(), "x", 0.0)])
    ready = app.Readiness(llm)
    assert await asyncio.gather(ready.missing(), ready.missing()) == [["upstream"]] * 2
    assert llm.asked == 1  # many probes are one question
    llm.well = True
    await asyncio.sleep(app.MISSING_FOR_S)
    assert await asyncio.gather(ready.missing(), ready.missing()) == [[], []]
    assert llm.asked == 2
    llm.well = False
    assert await ready.missing() == []  # for a few seconds it counts as reachable


def test_policies_are_those_of_the_settings(tmp_path: Path) -> None:
    assert app.policies(Settings()).digest
    with pytest.raises(BadConfig):
        app.policies(Settings(policies=tmp_path / "none"))


def test_a_rule_that_nobody_looks_for_refuses_to_start() -> None:
    compiled = app.policies(Settings())
    with pytest.raises(BadConfig, match=r"phi\.mobile") as error:
        app.covered(compiled, [ScriptedDetector({"x": "prescription.order"})])
    assert error.value.code == "policy_unseen"
    every = ScriptedDetector({kind: kind for kind in compiled.needs})
    assert app.covered(compiled, [every]) is compiled


def test_a_system_prompt_is_looked_at_for_identifiers_alone() -> None:
    needed = app.policies(Settings()).needed(
        Scope(Scene.A, Side.INPUT, Audience.PATIENT, "default", "", Speaker.SYSTEM)
    )
    assert needed
    assert all(kind.startswith("phi.") for kind in needed)
