"""The protocols stay small, and what is shipped satisfies them."""

import inspect

import pytest

from guardrail.guard import ports
from guardrail.storage.memory import MemoryLedger
from guardrail.testing import ScriptedDetector, ScriptedUpstream

PORTS = [ports.Detector, ports.Ledger, ports.Upstream, ports.Watch, ports.Panel]


def members(port: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(port) if not name.startswith("_")}


@pytest.mark.parametrize("port", PORTS)
def test_at_most_four_methods(port: type) -> None:
    assert 1 <= len(members(port)) <= 4


@pytest.mark.parametrize(
    ("port", "made"),
    [
        (ports.Detector, ScriptedDetector()),
        (ports.Ledger, MemoryLedger()),
        (ports.Upstream, ScriptedUpstream(lambda _exchange, _body: [])),
    ],
)
def test_the_fakes_have_every_method(port: type, made: object) -> None:
    assert all(hasattr(made, name) for name in members(port))
