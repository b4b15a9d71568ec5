"""What the rim shares: policies that are swapped, doors, the record, the proof for CONFIRM."""

from types import SimpleNamespace

import pytest

from guardrail.domain.errors import BadConfig
from guardrail.domain.exchange import Scene
from guardrail.ledger.entry import Draft, Kind
from guardrail.server.house import Doors, Shelf
from guardrail.testing import ask


def test_a_shelf_keeps_the_last_good_policies(policies) -> None:
    better = object()
    answers = [BadConfig("policy", "错"), better]

    def load():
        answer = answers.pop(0)
        if isinstance(answer, BadConfig):
            raise answer
        return answer

    shelf = Shelf(load, policies)
    with pytest.raises(BadConfig):
        shelf.reload()
    assert shelf.current is policies
    assert shelf.reload() is better
    assert shelf.current is better


def test_doors() -> None:
    doors = Doors(2)
    assert not doors.full
    doors.inside = 2
    assert doors.full


async def test_a_record_reaches_ledger_docket_and_those_who_wait(world) -> None:
    house = world().house
    told = []
    house.on_case.append(told.append)
    await house.record([Draft(Kind.REFUSED, "x-0", 1.0, {"code": "x"})])
    assert told == []
    facts = {
        "case": "case-x-1",
        "tier": "takeover",
        "scene": "A",
        "tenant": "default",
        "rules": [],
        "confidence": None,
    }
    entries = await house.record([Draft(Kind.OPENED, "x-1", 2.0, facts)])
    assert told == ["case-x-1"]
    assert [case.id for case in house.docket.cases()] == ["case-x-1"]
    assert [entry.index for entry in entries] == [1]


@pytest.mark.parametrize(("lower", "proven"), [(0.949, False), (0.95, True), (0.0, False)])
def test_confirm_is_proven_by_the_lower_bound_of_what_doctors_decided(
    world, policies, lower, proven
) -> None:
    house = world().house
    asked = []

    def proof(floor):
        asked.append(floor)
        return 100, 99, lower

    house.docket = SimpleNamespace(proof=proof)
    assert house.proven(policies, ask("头痛", Scene.A)) is proven
    assert asked == [0.95]
