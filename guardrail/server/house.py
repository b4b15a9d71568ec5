"""House: what the rim needs, built once by `app.py` and shared by every request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from guardrail.domain.exchange import Exchange
from guardrail.guard.ports import Ledger, Panel, Upstream, Watch
from guardrail.ledger.docket import Docket
from guardrail.ledger.entry import Draft, Entry
from guardrail.policy.evaluate import PolicySet
from guardrail.server.callers import Callers
from guardrail.settings import Settings


class Shelf:
    """The policies in force. `reload` compiles first, swaps at once, and keeps the last good set;
    exchanges under way keep the snapshot they took."""

    def __init__(self, load: Callable[[], PolicySet], current: PolicySet) -> None:
        self._load = load
        self.current = current

    def reload(self) -> PolicySet:
        """Raises `BadConfig` and changes nothing when the files do not compile."""
        self.current = self._load()
        return self.current


@dataclass(slots=True)
class Doors:
    """Whether new exchanges are let in, and how many are inside."""

    limit: int
    inside: int = 0
    closing: bool = False

    @property
    def full(self) -> bool:
        return self.inside >= self.limit


@dataclass(slots=True)
class House:
    settings: Settings
    callers: Callers
    shelf: Shelf
    panel: Panel
    ledger: Ledger
    docket: Docket
    upstream: Upstream
    watch: Watch
    clock: Callable[[], float]
    render_metrics: Callable[[], tuple[bytes, str]]
    ready: Callable[[], Awaitable[Sequence[str]]]  # names of what is not ready
    on_reload: Callable[[str], None]  # told how a reload of the policies ended
    models: Sequence[str] = ()  # classifier artifacts that are loaded
    doors: Doors = field(default_factory=lambda: Doors(256))
    on_case: list[Callable[[str], None]] = field(default_factory=list)  # told a case's id

    async def record(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        """Append to the ledger, then let the docket know. Raises `BrokenLedger`."""
        entries = await self.ledger.append(drafts)
        for entry in entries:
            self.docket.apply(entry)
            case = entry.facts.get("case")
            if isinstance(case, str):
                for tell in self.on_case:
                    tell(case)
        return entries

    def proven(self, policies: PolicySet, exchange: Exchange) -> bool:
        """Whether doctors' decisions so far prove CONFIRM: the lower 95 % bound (Wilson) of their
        agreement with answers at that confidence is itself at least the threshold."""
        floor = policies.profile(exchange.scene, exchange.caller.tenant).tiers.confirm
        _, _, lower = self.docket.proof(floor)
        return lower >= floor
