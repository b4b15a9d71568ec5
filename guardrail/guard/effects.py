"""What to do next: commands of the session that the driver performs in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from guardrail.domain.exchange import Channel, Passage
from guardrail.domain.verdict import Verdict
from guardrail.ledger.entry import Draft
from guardrail.wire.pieces import Token


@dataclass(frozen=True, slots=True)
class Inspect:
    """Ask the panel about a passage; answer with `events.Inspected(job=...)`.

    Several may be under way at once; answers may come in any order.
    """

    job: int
    passage: Passage


@dataclass(frozen=True, slots=True)
class Forward:
    """Send the question upstream. `replaced` maps index of a turn to its masked text."""

    replaced: Mapping[int, str]
    ask_logprobs: bool


@dataclass(frozen=True, slots=True)
class Differ:
    """Ask the upstream once more, for three alternatives with evidence for and against each;
    answer with `events.Differed`. `lang` is the reader's language, zh or en."""

    replaced: Mapping[int, str]
    lang: str


@dataclass(frozen=True, slots=True)
class Release:
    """Cleared text for the caller, in order per channel. `name` comes with the first release of
    a tool call; `tokens` only where the caller asked for logprobs and nothing was altered."""

    channel: Channel
    text: str
    name: str | None = None
    tokens: tuple[Token, ...] = ()


@dataclass(frozen=True, slots=True)
class Notify:
    """Tell the caller in place of (the rest of) the answer. On a whole reply nothing that was
    collected before it may leave."""

    verdict: Verdict
    case: str | None


@dataclass(frozen=True, slots=True)
class Cancel:
    """Drop the upstream: nothing it may still say is wanted."""


@dataclass(frozen=True, slots=True)
class Record:
    """Append these entries as one group; answer with `Recorded` or `Unrecorded`."""

    drafts: tuple[Draft, ...]


class Ending(StrEnum):
    """How an exchange ends for the caller."""

    ANSWERED = "answered"  # all that was cleared has left; finish reasons are the upstream's
    FILTERED = "filtered"  # a notice took the place of the answer or of its rest
    FAILED = "failed"  # upstream, deadline or ledger failed; `code` says what
    GONE = "gone"  # the caller left


@dataclass(frozen=True, slots=True)
class Close:
    """The end. A whole reply is written now; a stream gets its one terminal event."""

    ending: Ending
    verdict: Verdict
    finish: Mapping[int, str] = field(default_factory=dict)  # choice -> finish_reason
    usage: Mapping[str, int] = field(default_factory=dict)
    case: str | None = None
    code: str = ""
    forwarded: bool = False  # whether the question went upstream


Effect = Inspect | Forward | Differ | Release | Notify | Cancel | Record | Close
