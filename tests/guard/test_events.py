import dataclasses

import pytest

from guardrail.guard import events


def test_events_are_facts_that_nobody_changes() -> None:
    lost = events.Lost(events.Party.CLIENT, "client_gone", 1.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        lost.code = "x"  # type: ignore[misc]


def test_every_event_says_when() -> None:
    kinds = events.Event.__args__  # type: ignore[attr-defined]
    assert all("at" in {f.name for f in dataclasses.fields(kind)} for kind in kinds)
