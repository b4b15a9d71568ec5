"""Settings in, ASGI app out: the only place where objects are built.

`opened` builds a `House` and takes it down again; `application` makes the ASGI app of a house.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from guardrail.desk import pages
from guardrail.detectors import artifact, built
from guardrail.detectors.batching import Limits
from guardrail.detectors.onnx import ClassifierDetector, classifier
from guardrail.detectors.panel import Panel
from guardrail.detectors.phi import PhiDetector
from guardrail.detectors.phrases import PhraseDetector
from guardrail.detectors.prescription import PrescriptionDetector
from guardrail.detectors.recall import Recall
from guardrail.domain.case import CaseState
from guardrail.domain.errors import BadConfig, UpstreamFailed
from guardrail.guard.ports import Detector, Ledger, Upstream
from guardrail.ledger.docket import Docket
from guardrail.policy.compile import load, shipped_folder
from guardrail.policy.evaluate import PolicySet
from guardrail.server import routes
from guardrail.server.callers import Callers
from guardrail.server.cases import Cases
from guardrail.server.house import Doors, House, Shelf
from guardrail.server.proxy import Proxy
from guardrail.server.upstream import HttpUpstream
from guardrail.settings import Settings
from guardrail.storage.sqlite import LEDGER_FILE, SqliteLedger
from guardrail.storage.vault import Vault
from guardrail.telemetry.logs import ExchangeLog
from guardrail.telemetry.metrics import CONTENT_TYPE, Metrics
from guardrail.telemetry.watch import Watches

Clock = Callable[[], float]
READY_FOR_S = 5.0  # how long an upstream that answered counts as reachable
MISSING_FOR_S = 0.5  # and one that did not as missing: probes must not pile up before it
now: Clock = time.time  # noqa: TID251 - the rim's clock; everything inside is told the time


def policies(settings: Settings) -> PolicySet:
    """The policies to be in force today (a shadow that has expired counts). Raises `BadConfig`."""
    today = datetime.fromtimestamp(now(), UTC).date()
    return load(settings.policies or shipped_folder(), today)


def classifiers(settings: Settings) -> ClassifierDetector:
    """The classifier artifact, verified and loaded. Raises `BadConfig`."""
    chosen = settings.classifier
    limits = Limits(queue_tokens=chosen.queue_tokens, threads=chosen.threads)
    found = artifact.load(chosen.model or artifact.shipped())
    return classifier(
        found, chosen.device, limits, built.folders(found, settings.data, chosen.built)
    )


def detectors(judge: ClassifierDetector) -> list[Detector]:
    """Every way of looking, cheapest first."""
    return [PhiDetector(), PrescriptionDetector(), PhraseDetector(), judge]


def covered(compiled: PolicySet, looking: Sequence[Detector]) -> PolicySet:
    """The same policies, if somebody looks for all that their rules need. Raises `BadConfig`: a
    rule that waits for what nobody reports would be silent for ever."""
    unseen = compiled.needs.difference(*(detector.kinds for detector in looking))
    if unseen:
        raise BadConfig(
            "policy_unseen",
            f"no detector reports {', '.join(sorted(unseen))}, which the policies need.",
            "Remove the rules, or install the detector or model that reports it.",
        )
    return compiled


@asynccontextmanager
async def opened(
    settings: Settings,
    *,
    upstream: Upstream | None = None,
    ledger: Ledger | None = None,
    clock: Clock = now,
) -> AsyncIterator[House]:
    """Everything built and verified; taken down in order at the end.

    Raises `BadConfig` and `BrokenLedger`: then nothing has been started.
    """
    async with AsyncExitStack() as stack:
        compiled = policies(settings)
        judge = await asyncio.to_thread(classifiers, settings)
        stack.push_async_callback(judge.close)
        looking = await asyncio.to_thread(detectors, judge)
        shelf = Shelf(lambda: covered(policies(settings), looking), covered(compiled, looking))
        ledger = ledger or await _ledger(settings, clock, stack)
        docket, last = await _docket(ledger)
        upstream = upstream or HttpUpstream(settings.upstream, clock)
        stack.push_async_callback(upstream.close)
        metrics = _metrics(looking, judge, shelf, last)
        house = House(
            settings=settings,
            callers=Callers(settings.keys),
            shelf=shelf,
            panel=Recall(Panel(looking, settings.limits.inspect_ms)),
            ledger=ledger,
            docket=docket,
            upstream=upstream,
            watch=Watches(metrics, ExchangeLog()),
            clock=clock,
            render_metrics=lambda: (metrics.render(), CONTENT_TYPE),
            ready=Readiness(upstream).missing,
            on_reload=lambda result: _reloaded(metrics, shelf, result),
            models=[f"{judge.name} {judge.version}"],
            doors=Doors(settings.limits.in_flight),
        )
        _counted(house, metrics)
        yield house


def _metrics(
    looking: Sequence[Detector], judge: ClassifierDetector, shelf: Shelf, last: int
) -> Metrics:
    """Metrics that know what is loaded; `last` is the ledger's last index."""
    metrics = Metrics([detector.name for detector in looking])
    metrics.ledger(last)
    metrics.queue(lambda: judge.waiting)
    metrics.model(*judge.identity)
    _in_force(metrics, shelf)
    return metrics


def application(house: House) -> Any:  # noqa: ANN401 - an ASGI app is any callable of that shape
    """The ASGI app: the proxied paths in front, FastAPI behind."""
    cases = Cases(house)
    others = routes.application(house, cases)
    others.include_router(pages.routes(cases, house.callers, house.clock))
    return Proxy(house, others)


def metrics_application(house: House) -> Any:  # noqa: ANN401 - as above
    """The ASGI app of the port for operations alone."""
    return routes.operations(house)


class Readiness:
    """What is missing before requests can be served. Ledger, classifier and policies were
    verified when the house was built; the upstream may come and go."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._known: Sequence[str] = ()
        self._until = 0.0
        self._one_at_a_time = asyncio.Lock()

    async def missing(self) -> Sequence[str]:
        async with self._one_at_a_time:
            loop = asyncio.get_running_loop()
            if loop.time() < self._until:
                return self._known
            try:
                async with asyncio.timeout(READY_FOR_S):
                    await self._upstream.models()
            except (UpstreamFailed, TimeoutError):
                self._known, holds_s = ["upstream"], MISSING_FOR_S
            else:
                self._known, holds_s = [], READY_FOR_S
            self._until = loop.time() + holds_s
            return self._known


async def _ledger(settings: Settings, clock: Clock, stack: AsyncExitStack) -> SqliteLedger:
    def open_it() -> SqliteLedger:
        vault = Vault.at(settings.data)
        return SqliteLedger.open(settings.data / LEDGER_FILE, vault, clock=clock)

    ledger = await asyncio.to_thread(open_it)
    stack.push_async_callback(ledger.close)
    return ledger


async def _docket(ledger: Ledger) -> tuple[Docket, int]:
    """The cases as the ledger tells them, and the index of its last entry (-1: empty)."""
    docket, last = Docket(), -1
    while batch := await ledger.entries(last):
        for entry in batch:
            docket.apply(entry)
        last = batch[-1].index
    return docket, last


def _reloaded(metrics: Metrics, shelf: Shelf, result: str) -> None:
    metrics.reloaded(result)
    _in_force(metrics, shelf)


def _in_force(metrics: Metrics, shelf: Shelf) -> None:
    metrics.policy(shelf.current.digest, (rule.id for rule in shelf.current.rules))


def _counted(house: House, metrics: Metrics) -> None:
    """Keep the metrics' view of the cases up to date."""
    house.on_case.append(lambda _: _count_cases(metrics, house.docket))
    _count_cases(metrics, house.docket)


def _count_cases(metrics: Metrics, docket: Docket) -> None:
    cases = docket.cases()
    waiting = [case.opened_at for case in cases if case.state is CaseState.OPEN]
    metrics.cases(Counter(case.state for case in cases), min(waiting, default=None))
