"""Several watches as one."""

from __future__ import annotations

from guardrail.domain.exchange import Exchange
from guardrail.guard.effects import Effect
from guardrail.guard.events import Event
from guardrail.guard.ports import Watch


class Watches:
    """Shows every thing to each watch, in the order they were given."""

    def __init__(self, *watches: Watch) -> None:
        self._watches = watches

    def saw(self, exchange: Exchange, thing: Event | Effect, at: float) -> None:
        for watch in self._watches:
            watch.saw(exchange, thing, at)

    def refused(self, code: str) -> None:
        for watch in self._watches:
            watch.refused(code)
