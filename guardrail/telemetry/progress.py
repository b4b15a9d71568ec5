"""How one exchange under way is getting on: clocks and counters, never its text."""

from __future__ import annotations

from dataclasses import dataclass, field

from guardrail.domain.exchange import Channel, Side

_CHANNEL_LIMIT = 64  # an upstream could open tool calls without end; more are not measured


@dataclass(frozen=True, slots=True)
class Hold:
    """Text that waited for its release: since how long (oldest character) and how much."""

    seconds: float
    chars: int


@dataclass(slots=True)
class _Wait:
    since: float
    chars: int = 0


@dataclass(slots=True)
class Progress:
    """Times are the caller's clock in seconds; differences are never negative."""

    asked_at: float
    side: Side = Side.INPUT  # how far the texts have been looked at
    _spoke: bool = False
    _record_at: float | None = None
    _opens: int = 0
    _waits: dict[Channel, _Wait] = field(default_factory=dict)

    def arrived(self, channel: Channel, chars: int, at: float) -> None:
        """The upstream said `chars` more characters on this channel."""
        wait = self._waits.get(channel)
        if wait is None:
            if len(self._waits) >= _CHANNEL_LIMIT:
                return
            wait = self._waits[channel] = _Wait(at)
        elif not wait.chars:
            wait.since = at
        wait.chars += chars

    def released(self, channel: Channel, at: float) -> Hold | None:
        """What had arrived on this channel since its release before; None when nothing had."""
        wait = self._waits.get(channel)
        if wait is None or not wait.chars:
            return None
        hold = Hold(_between(wait.since, at), wait.chars)
        wait.chars = 0
        return hold

    def spoke(self, at: float) -> float | None:
        """Seconds from question to first word, the first time something leaves; then None."""
        if self._spoke:
            return None
        self._spoke = True
        return self.lasted(at)

    def lasted(self, at: float) -> float:
        """Seconds since the question."""
        return _between(self.asked_at, at)

    def recording(self, opens: int, at: float) -> None:
        """The ledger was asked to append a record that opens this many cases."""
        self._record_at, self._opens = at, opens

    def recorded(self, at: float) -> tuple[float, int] | None:
        """Seconds the ledger took and cases it opened; None when no record was under way."""
        if self._record_at is None:
            return None
        took = _between(self._record_at, at)
        self._record_at = None
        return took, self._opens


def _between(start: float, end: float) -> float:
    return max(0.0, end - start)
