"""What happened: the only things the session is told. Time is data, stamped by the driver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from guardrail.domain.exchange import Channel, Exchange
from guardrail.domain.finding import Look
from guardrail.wire.pieces import Token


@dataclass(frozen=True, slots=True)
class Asked:
    exchange: Exchange
    at: float


@dataclass(frozen=True, slots=True)
class Inspected:
    """The panel's answer to `effects.Inspect` with the same `job`."""

    job: int
    look: Look
    at: float


@dataclass(frozen=True, slots=True)
class Delta:
    """The upstream appended `text` to one channel. `name` is a tool call's function name and
    comes with the first delta of its channel."""

    channel: Channel
    text: str
    at: float
    name: str | None = None
    tokens: tuple[Token, ...] = ()


@dataclass(frozen=True, slots=True)
class Finished:
    """The upstream says why one choice ended (stop, length, tool_calls, content_filter)."""

    choice: int
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class Ended:
    """The upstream's answer is complete. `usage` holds token counts as the upstream told them."""

    at: float
    usage: Mapping[str, int] = field(default_factory=dict)
    confidence: float | None = None  # a value the upstream itself supplies, 0..1


@dataclass(frozen=True, slots=True)
class Differed:
    """The upstream's answer to `effects.Differ`; "" where it gave none."""

    text: str
    at: float


class Party(StrEnum):
    CLIENT = "client"
    UPSTREAM = "upstream"
    DEADLINE = "deadline"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True, slots=True)
class Lost:
    """Someone is gone and will not come back. `code` is a stable error code."""

    party: Party
    code: str
    at: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """The ledger has acknowledged `effects.Record`; `index` is its last entry."""

    index: int
    at: float


@dataclass(frozen=True, slots=True)
class Unrecorded:
    """The ledger could not take the record: nothing more may leave."""

    code: str
    at: float


Event = Asked | Inspected | Delta | Finished | Ended | Differed | Lost | Recorded | Unrecorded
