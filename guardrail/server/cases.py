"""Cases at the rim: one case with its conversation, a step taken once, waiting for a decision."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any, cast

from guardrail.domain.case import DECIDED, CaseState, HandoverCase, Step
from guardrail.domain.errors import BadRequest
from guardrail.domain.exchange import Caller
from guardrail.ledger import docket
from guardrail.ledger.entry import Entry, Kind
from guardrail.server.house import House

MAX_WAIT_S = 60.0
LOOK_UP_S = 1.0  # a server that is to end must not wait for those who wait


class Cases:
    """The docket as doctors and callers use it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._one_at_a_time = asyncio.Lock()
        self._waiting: dict[str, set[asyncio.Event]] = {}
        house.on_case.append(self._told)

    def listed(self, caller: Caller, state: CaseState | None) -> list[dict[str, object]]:
        """Cases of the caller's tenant, the longest waiting first."""
        return [shown(case) for case in self._house.docket.cases(state, caller.tenant)]

    def case(self, caller: Caller, case: str) -> HandoverCase:
        """Raises `BadRequest` (404), also for a case of another tenant: nobody learns of it."""
        found = self._house.docket.case(case)
        if found.tenant != caller.tenant:
            raise BadRequest(
                "case_not_found", "There is no such case.", "List the cases to see their ids."
            )
        return found

    async def file(self, case: HandoverCase) -> dict[str, Any]:
        """Everything the ledger knows of the case's exchange; texts are empty where erased."""
        trail = await self._house.ledger.trail(case.exchange)
        bodies = cast(Mapping[str, Any], await self._house.ledger.bodies(case.exchange))
        return {
            "case": shown(case),
            "asked": _facts(trail, Kind.ASKED),
            "decided": _facts(trail, Kind.DECIDED),
            "released": _facts(trail, Kind.RELEASED),
            "inspected": [dict(e.facts) for e in trail if e.kind is Kind.INSPECTED],
            "reviewed": [{"at": e.at, **e.facts} for e in trail if e.kind is Kind.REVIEWED],
            "turns": bodies.get("asked", {}).get("turns", []),
            "withheld": bodies.get("decided", {}).get("withheld", []),
            "left": bodies.get("released", {}).get("channels", []),
            "review": bodies.get("reviewed", {}),
        }

    async def take(
        self, caller: Caller, case: str, step: Step, said: Mapping[str, str]
    ) -> HandoverCase:
        """One step of a doctor. Raises `BadRequest` (`case_conflict`) and `BrokenLedger`."""
        async with self._one_at_a_time:
            draft = docket.review(
                self.case(caller, case),
                step,
                caller.name,
                self._house.clock(),
                said.get("text", ""),
                said.get("reason", ""),
            )
            await self._house.record([draft])
        return self._house.docket.case(case)

    async def answer(self, case: HandoverCase) -> dict[str, object]:
        """What the caller who was told to wait gets: the decision, and the text that stands."""
        out: dict[str, object] = {
            "id": case.id,
            "state": case.state.value,
            "tier": case.tier.name.lower() if case.tier else None,
            "opened_at": case.opened_at,
            "decided_at": case.decided_at,
            "answer": None,
        }
        if case.state in DECIDED:
            out["answer"] = answer_of(case, await self.file(case))
        return out

    async def wait(self, case: HandoverCase, seconds: float) -> HandoverCase:
        """The case as soon as it is decided, or as it is when the time is up or the server ends."""
        if case.state in DECIDED or seconds <= 0:
            return case
        moved = asyncio.Event()
        waiting = self._waiting.setdefault(case.id, set())
        waiting.add(moved)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(seconds, MAX_WAIT_S)):
                    await self._decided(case.id, moved)
        finally:
            waiting.discard(moved)
            if not waiting:
                self._waiting.pop(case.id, None)
        return self._house.docket.case(case.id)

    def _open(self, case: str) -> bool:
        return self._house.docket.case(case).state not in DECIDED

    async def _decided(self, case: str, moved: asyncio.Event) -> None:
        while self._open(case) and not self._house.doors.closing:
            moved.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(moved.wait(), LOOK_UP_S)

    def _told(self, case: str) -> None:
        for moved in self._waiting.get(case, ()):
            moved.set()


def shown(case: HandoverCase) -> dict[str, object]:
    """The case as JSON."""
    out = asdict(case)
    out["state"] = case.state.value
    out["tier"] = case.tier.name.lower() if case.tier else None
    out["rules"] = list(case.rules)
    return out


def answer_of(case: HandoverCase, file: Mapping[str, Any]) -> str | None:
    """The text that stands after the doctor's decision; None where he rejected it."""
    written = str(file["review"].get("text", ""))
    if case.state is CaseState.AMENDED:
        return written
    if case.state is CaseState.CONFIRMED:
        rows = [row for row in file["withheld"] if row["strand"] == "content"]
        said = [row.get("cleared", row["text"]) for row in rows]  # masked spans stay masked
        return "\n\n".join(said) or written or None
    return None


def _facts(trail: Sequence[Entry], kind: Kind) -> dict[str, object]:
    return next((dict(entry.facts) for entry in trail if entry.kind is kind), {})
