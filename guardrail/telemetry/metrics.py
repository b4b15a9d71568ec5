"""What Prometheus may know: counts and durations, derived from events and effects alone.

Every series has labels from a closed vocabulary (`vocabulary.py`), so their number depends on the
loaded policy and detectors and never on traffic. State is kept per exchange that is under way
(clocks and counters, no text), dropped on Close, and bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

import guardrail
from guardrail.domain.case import CaseState
from guardrail.domain.exchange import Channel, Exchange, Side
from guardrail.domain.finding import Look
from guardrail.domain.verdict import Reason, Tier, Verdict
from guardrail.guard import effects, events
from guardrail.guard.effects import Effect, Ending
from guardrail.guard.events import Event, Party
from guardrail.ledger.entry import Kind
from guardrail.telemetry.progress import Progress
from guardrail.telemetry.vocabulary import ENDPOINTS, OTHER, Learned, Vocabulary

CONTENT_TYPE = CONTENT_TYPE_LATEST
RELOADS = ("swapped", "unchanged", "refused")

_HOUSE = "guard"  # the policy that reasons of the session itself name
_OPEN_LIMIT = 10_000  # exchanges under way that are remembered; the oldest gives way

_LOOK_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_WAIT_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_WHOLE_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)
_CHARS = (10, 25, 50, 100, 250, 500, 1000, 2500)


@dataclass(frozen=True, slots=True)
class Family:
    """One metric as it is exposed (a counter's name ends in `_total`)."""

    name: str
    kind: str
    meaning: str


class _Traffic:
    def __init__(self, registry: CollectorRegistry) -> None:
        counter = partial(Counter, registry=registry)
        gauge = partial(Gauge, registry=registry)
        histogram = partial(Histogram, registry=registry)
        self.requests = counter(
            "guardrail_requests", "Exchanges that were asked.", ["endpoint", "stream", "scene"]
        )
        self.closed = counter(
            "guardrail_exchanges_closed", "Exchanges by how they ended.", ["ending"]
        )
        self.in_flight = gauge("guardrail_exchanges_in_flight", "Exchanges under way.")
        self.seconds = histogram(
            "guardrail_exchange_seconds",
            "From question to end, upstream included.",
            buckets=_WHOLE_S,
        )
        self.refused = counter(
            "guardrail_refused", "Requests that never became an exchange, by code.", ["code"]
        )
        self.upstream_errors = counter(
            "guardrail_upstream_errors", "Upstream failures by code.", ["code"]
        )


class _Leaving:
    def __init__(self, registry: CollectorRegistry) -> None:
        counter = partial(Counter, registry=registry)
        histogram = partial(Histogram, registry=registry)
        self.first_release = histogram(
            "guardrail_first_release_seconds",
            "From question to the first text that may leave (answer or notice).",
            buckets=_WAIT_S,
        )
        self.hold_seconds = histogram(
            "guardrail_hold_seconds",
            "How long streamed text waited for its release, oldest character.",
            buckets=_WAIT_S,
        )
        self.hold_chars = histogram(
            "guardrail_hold_chars",
            "Characters of a stream that had arrived since the release before.",
            buckets=_CHARS,
        )
        self.released_chars = counter("guardrail_released_chars", "Cleared characters of answers.")


class _Judging:
    def __init__(self, registry: CollectorRegistry) -> None:
        counter = partial(Counter, registry=registry)
        gauge = partial(Gauge, registry=registry)
        histogram = partial(Histogram, registry=registry)
        self.decisions = counter(
            "guardrail_decisions",
            "Verdicts at the end of an exchange; side is how far its texts were looked at.",
            ["side", "action", "tier", "scene"],
        )
        self.fired = counter(
            "guardrail_rule_fired",
            "Rules among the reasons of a verdict; shadow ones did not act.",
            ["rule", "action", "shadow"],
        )
        self.detector_seconds = histogram(
            "guardrail_detector_seconds",
            "One look of one detector at one passage.",
            ["detector"],
            buckets=_LOOK_S,
        )
        self.gaps = counter(
            "guardrail_gaps", "Looks that were due and gave no answer.", ["detector", "reason"]
        )
        self.queue_depth = gauge("guardrail_queue_depth", "Passages waiting for a classifier.")


class _Remembering:
    def __init__(self, registry: CollectorRegistry) -> None:
        counter = partial(Counter, registry=registry)
        gauge = partial(Gauge, registry=registry)
        histogram = partial(Histogram, registry=registry)
        self.index = gauge(
            "guardrail_ledger_index", "Index of the last acknowledged entry; -1 when there is none."
        )
        self.append_seconds = histogram(
            "guardrail_ledger_append_seconds",
            "From asking the ledger to its acknowledgement.",
            buckets=_LOOK_S,
        )
        self.failures = counter("guardrail_ledger_failures", "Records the ledger did not take.")
        self.cases = gauge("guardrail_cases", "Handover cases by state.", ["state"])
        self.oldest_open = gauge(
            "guardrail_cases_oldest_open_timestamp_seconds",
            "When the oldest case that nobody has claimed was opened; 0 when there is none.",
        )
        self.opened = counter("guardrail_cases_opened", "Handover cases opened.")


class _Standing:
    def __init__(self, registry: CollectorRegistry) -> None:
        counter = partial(Counter, registry=registry)
        gauge = partial(Gauge, registry=registry)
        self.build = gauge("guardrail_build_info", "Version that is running.", ["version"])
        self.model = gauge(
            "guardrail_model_info",
            "Classifier artifacts that are loaded.",
            ["name", "version", "sha256", "device"],
        )
        self.policy = gauge("guardrail_policy_info", "Digest of the policy in force.", ["digest"])
        self.reloads = counter("guardrail_policy_reload", "Policy reloads by result.", ["result"])


class _Lean:
    """A registry without the `_created` twins, which would double the series for nothing."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterable[Metric]:
        for metric in self._registry.collect():
            metric.samples = [s for s in metric.samples if not s.name.endswith("_created")]
            yield metric


class Metrics:
    """A `Watch` that counts. Each instance has its own registry; nothing is global.

    `detectors` are the names that may be labels. Call `saw` from one thread; `render` may be
    called from another.
    """

    def __init__(self, detectors: Iterable[str] = (), version: str = guardrail.__version__) -> None:
        registry = CollectorRegistry()
        self._exposed: Collector = _Lean(registry)
        self._traffic = _Traffic(registry)
        self._leaving = _Leaving(registry)
        self._judging = _Judging(registry)
        self._remembering = _Remembering(registry)
        self._standing = _Standing(registry)
        self._endpoints = Vocabulary(ENDPOINTS)
        self._detectors = Vocabulary(detectors)
        self._rules: frozenset[str] = frozenset()
        self._fired: set[str] = set()
        self._codes = Learned()
        self._refusals = Learned(limit=40)
        self._open: dict[str, Progress] = {}
        self._traffic.in_flight.set_function(lambda: len(self._open))
        self._standing.build.labels(version).set(1)
        self._zeroes()
        self.ledger(-1)

    def _zeroes(self) -> None:
        """Series that alerts divide by or take a rate of exist before the first event."""
        for ending in Ending:
            self._traffic.closed.labels(ending.value)
        for state in CaseState:
            self._remembering.cases.labels(state.value)
        for result in RELOADS:
            self._standing.reloads.labels(result)

    def saw(self, exchange: Exchange, thing: Event | Effect, at: float) -> None:
        """Count one event or effect; `at` is Unix seconds. Things of no interest pass by."""
        if isinstance(thing, Event):
            self._happened(exchange, thing, at)
        else:
            self._doing(exchange, thing, at)

    def refused(self, code: str) -> None:
        """A request was turned away before it became an exchange. `code` is one of our own."""
        self._traffic.refused.labels(self._refusals.word(code)).inc()

    def policy(self, digest: str, rules: Iterable[str]) -> None:
        """This policy is in force; only its rule ids are labels from now on."""
        self._standing.policy.clear()
        self._standing.policy.labels(digest).set(1)
        self._rules = frozenset(rules)
        for rule in self._fired - self._rules - {OTHER}:
            self._judging.fired.remove_by_labels({"rule": rule})
        self._fired &= self._rules

    def reloaded(self, result: str) -> None:
        """A reload ended as one of `RELOADS`."""
        self._standing.reloads.labels(result if result in RELOADS else OTHER).inc()

    def model(self, name: str, version: str, sha256: str, device: str) -> None:
        """This artifact is loaded; another version under the same name takes its place."""
        self._standing.model.remove_by_labels({"name": name})
        self._standing.model.labels(name, version, sha256, device).set(1)

    def queue(self, depth: Callable[[], int]) -> None:
        """Ask `depth` at every scrape; it must be cheap and must not raise."""
        self._judging.queue_depth.set_function(depth)

    def cases(self, counts: Mapping[CaseState, int], oldest_open_at: float | None = None) -> None:
        """How the docket stands; states not named count 0. Times are Unix seconds."""
        for state in CaseState:
            self._remembering.cases.labels(state.value).set(counts.get(state, 0))
        self._remembering.oldest_open.set(oldest_open_at or 0.0)

    def ledger(self, index: int) -> None:
        """The ledger's last entry as found at start; -1 where it is empty."""
        self._last_index = index
        self._remembering.index.set(index)

    def render(self) -> bytes:
        """The text exposition (`CONTENT_TYPE`). Costs about 5 µs per sample: with a large policy
        call it in a thread."""
        return generate_latest(self._exposed)

    def families(self) -> tuple[Family, ...]:
        """Every metric there is, with its type and meaning; documentation is checked against it."""
        return tuple(
            Family(
                metric.name + ("_total" if metric.type == "counter" else ""),
                metric.type,
                metric.documentation,
            )
            for metric in self._exposed.collect()
        )

    # ---- events

    def _happened(self, exchange: Exchange, thing: Event, at: float) -> None:
        match thing:
            case events.Delta(channel=channel, text=text):
                self._arrived(exchange, channel, len(text), at)
            case events.Inspected(look=look):
                self._looked(look)
            case events.Asked():
                self._asked(exchange, at)
            case events.Recorded(index=index):
                self._recorded(exchange, index, at)
            case events.Unrecorded():
                self._remembering.failures.inc()
            case events.Lost(party=Party.UPSTREAM, code=code):
                self._traffic.upstream_errors.labels(self._codes.word(code)).inc()

    def _asked(self, exchange: Exchange, at: float) -> None:
        stream = "true" if exchange.stream else "false"
        endpoint = self._endpoints.word(exchange.endpoint)
        self._traffic.requests.labels(endpoint, stream, exchange.scene.value).inc()
        if len(self._open) >= _OPEN_LIMIT:
            del self._open[next(iter(self._open))]
        self._open[exchange.id] = Progress(at)

    def _looked(self, look: Look) -> None:
        for detector, took_ms in look.took_ms.items():
            name = self._detectors.word(detector)
            self._judging.detector_seconds.labels(name).observe(took_ms / 1000)
        for gap in look.gaps:
            self._judging.gaps.labels(self._detectors.word(gap.detector), gap.reason.value).inc()

    def _arrived(self, exchange: Exchange, channel: Channel, chars: int, at: float) -> None:
        progress = self._open.get(exchange.id)
        if progress is not None and exchange.stream:
            progress.arrived(channel, chars, at)

    def _recorded(self, exchange: Exchange, index: int, at: float) -> None:
        # Groups of different exchanges may be acknowledged out of order; the index only grows.
        self.ledger(max(self._last_index, index))
        progress = self._open.get(exchange.id)
        recorded = progress.recorded(at) if progress is not None else None
        if recorded is not None:
            took_s, opened = recorded
            self._remembering.append_seconds.observe(took_s)
            self._remembering.opened.inc(opened)

    # ---- effects

    def _doing(self, exchange: Exchange, thing: Effect, at: float) -> None:
        progress = self._open.get(exchange.id)
        match thing:
            case effects.Release(channel=channel, text=text):
                self._leaving.released_chars.inc(len(text))
                self._released(exchange, channel, at)
            case effects.Close(ending=ending, verdict=verdict):
                self._closed(exchange, ending, verdict, at)
            case effects.Inspect(passage=passage) if progress and passage.side is Side.OUTPUT:
                progress.side = Side.OUTPUT
            case effects.Notify() if progress and exchange.stream:
                self._spoke(progress, at)
            case effects.Record(drafts=drafts) if progress:
                progress.recording(sum(draft.kind is Kind.OPENED for draft in drafts), at)

    def _released(self, exchange: Exchange, channel: Channel, at: float) -> None:
        progress = self._open.get(exchange.id)
        if progress is None or not exchange.stream:
            return  # a whole reply leaves at Close
        self._spoke(progress, at)
        hold = progress.released(channel, at)
        if hold is not None:
            self._leaving.hold_seconds.observe(hold.seconds)
            self._leaving.hold_chars.observe(hold.chars)

    def _closed(self, exchange: Exchange, ending: Ending, verdict: Verdict, at: float) -> None:
        self._traffic.closed.labels(ending.value).inc()
        progress = self._open.pop(exchange.id, None)
        if progress is not None:
            if ending in (Ending.ANSWERED, Ending.FILTERED):
                self._spoke(progress, at)
            self._traffic.seconds.observe(progress.lasted(at))
        side = progress.side if progress is not None else Side.INPUT
        self._judging.decisions.labels(
            side.value, verdict.action.name.lower(), _tier(verdict.tier), exchange.scene.value
        ).inc()
        self._reasons(verdict)

    def _spoke(self, progress: Progress, at: float) -> None:
        first_s = progress.spoke(at)
        if first_s is not None:
            self._leaving.first_release.observe(first_s)

    def _reasons(self, verdict: Verdict) -> None:
        for reason in verdict.reasons:
            shadow = "true" if reason.shadow else "false"
            labels = (self._rule(reason), reason.action.name.lower(), shadow)
            self._judging.fired.labels(*labels).inc()
            self._fired.add(labels[0])

    def _rule(self, reason: Reason) -> str:
        known = reason.policy == _HOUSE or reason.rule in self._rules
        return reason.rule if known else OTHER


def _tier(tier: Tier | None) -> str:
    return "none" if tier is None else tier.name.lower()
