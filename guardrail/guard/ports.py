"""The protocols of the house: what the rim supplies to the guard. At most four methods each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol

from guardrail.domain.case import CaseState, HandoverCase, Step
from guardrail.domain.exchange import Caller, Exchange, Passage
from guardrail.domain.finding import Look, Report
from guardrail.guard.effects import Effect
from guardrail.guard.events import Event
from guardrail.ledger.entry import Draft, Entry


class Detector(Protocol):
    """Looks and reports; never decides. `kinds` are all finding kinds and score keys it may
    report. May raise: the panel turns that into a Gap."""

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def kinds(self) -> frozenset[str]: ...
    async def look(self, passage: Passage) -> Report: ...


class Ledger(Protocol):
    """The append-only record. `append` returns only when the entries are safe on disk."""

    async def append(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        """Link, store and sync the drafts as one group. Raises `BrokenLedger` when it cannot."""
        ...

    async def entries(self, after: int = -1, limit: int = 1000) -> Sequence[Entry]:
        """Entries with index > `after`, in order."""
        ...

    async def trail(self, exchange: str) -> Sequence[Entry]:
        """All entries of one exchange, in order."""
        ...

    async def bodies(self, exchange: str) -> Mapping[str, object]:
        """Decrypted bodies of one exchange by entry kind, the latest of each; empty where they
        were erased."""
        ...


class Upstream(Protocol):
    """The clinical LLM."""

    def ask(self, exchange: Exchange, body: bytes) -> AsyncIterator[Event]:
        """Send `body` and yield Delta, Finished and exactly one Ended (or raise `UpstreamFailed`).
        Closing the iterator cancels the call."""
        ...

    async def models(self) -> Sequence[str]:
        """Names the upstream serves. Raises `UpstreamFailed`."""
        ...

    async def close(self) -> None: ...


class Watch(Protocol):
    """Telemetry: sees every event and effect as it passes, and must not keep text."""

    def saw(self, exchange: Exchange, thing: Event | Effect, at: float) -> None: ...

    def refused(self, code: str) -> None:
        """A request that never became an exchange."""
        ...


class Panel(Protocol):
    """All detectors asked together under one deadline; silence becomes a Gap, never an error."""

    async def look(self, passage: Passage) -> Look: ...


class KeyRing(Protocol):
    """Who holds which API key."""

    @property
    def open(self) -> bool:
        """No keys are in force: whoever sits at this machine is the local caller."""
        ...

    def of_key(self, key: str) -> Caller | None: ...


class Casebook(Protocol):
    """Handover cases as a doctor of one tenant sees them; those of others do not exist."""

    def listed(self, caller: Caller, state: CaseState | None) -> list[dict[str, object]]:
        """Cases in this state (None: any), the longest waiting first."""
        ...

    def case(self, caller: Caller, case: str) -> HandoverCase:
        """Raises `BadRequest` (`case_not_found`)."""
        ...

    async def file(self, case: HandoverCase) -> dict[str, Any]:
        """Everything that is known of the case's exchange; texts are empty where erased."""
        ...

    async def take(
        self, caller: Caller, case: str, step: Step, said: Mapping[str, str]
    ) -> HandoverCase:
        """One step; `said` may hold `text` and `reason`. Raises `BadRequest` (`case_conflict`)
        and `BrokenLedger`."""
        ...
