"""Pieces: what one reply of the upstream consists of, whole or streamed.

The driver turns them one for one into `events.Delta`, `Finished` and `Ended`, adding the time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guardrail.domain.exchange import Channel


@dataclass(frozen=True, slots=True)
class Token:
    """One token with its natural-log probability. `text` is empty where the upstream's tokens do
    not add up to the text they came with: such token texts must not reach anyone."""

    text: str
    logprob: float


@dataclass(frozen=True, slots=True)
class TextPiece:
    """Text appended to one channel. `name` comes with the first piece of a tool call."""

    channel: Channel
    text: str
    name: str | None = None
    tokens: tuple[Token, ...] = ()


@dataclass(frozen=True, slots=True)
class FinishPiece:
    """Why one choice ended: stop, length, tool_calls or content_filter."""

    choice: int
    reason: str


@dataclass(frozen=True, slots=True)
class EndPiece:
    """The reply is complete. `confidence` is a value the upstream itself supplies, 0..1."""

    usage: Mapping[str, int] = field(default_factory=dict)
    confidence: float | None = None


Piece = TextPiece | FinishPiece | EndPiece
