from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from guardrail.domain.case import CaseState
from guardrail.domain.exchange import Channel, Exchange, Strand
from guardrail.domain.finding import Gap, GapReason, Look
from guardrail.domain.verdict import Action
from guardrail.guard import effects, events
from guardrail.guard.effects import Ending
from guardrail.guard.events import Party
from guardrail.telemetry.metrics import CONTENT_TYPE, RELOADS, Metrics

DETECTORS = ("lexicon", "phi", "ethics")


def fresh() -> Metrics:
    metrics = Metrics(detectors=DETECTORS, version="1.2.3")
    metrics.policy("d1gest", ["rx.order", "rx.dose"])
    return metrics


def samples(metrics: Metrics) -> Mapping[tuple[str, tuple[tuple[str, str], ...]], float]:
    text = metrics.render().decode()
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return samples(metrics).get((name, tuple(sorted(labels.items()))))


def test_an_exchange_is_counted_in_every_place(play: Any) -> None:
    metrics = fresh()
    play.to(metrics)
    seen = samples(metrics)
    for name, labels, expected in [
        ("requests_total", {"endpoint": "chat.completions", "stream": "true", "scene": "A"}, 1),
        (
            "decisions_total",
            {"side": "output", "action": "handover", "tier": "takeover", "scene": "A"},
            1,
        ),
        ("rule_fired_total", {"rule": "rx.order", "action": "handover", "shadow": "false"}, 1),
        ("rule_fired_total", {"rule": "rx.dose", "action": "handover", "shadow": "false"}, 1),
        ("detector_seconds_count", {"detector": "lexicon"}, 2),
        ("detector_seconds_sum", {"detector": "phi"}, 0.008),
        ("gaps_total", {"detector": "ethics", "reason": "late"}, 2),
        ("first_release_seconds_count", {}, 1),
        ("first_release_seconds_sum", {}, 2.0),
        ("hold_seconds_count", {}, 1),
        ("hold_seconds_sum", {}, 1.0),
        ("hold_chars_sum", {}, 20),
        ("released_chars_total", {}, 20),
        ("upstream_errors_total", {"code": "upstream_reset"}, 1),
        ("exchanges_closed_total", {"ending": "filtered"}, 1),
        ("exchanges_closed_total", {"ending": "failed"}, 0),
        ("exchanges_in_flight", {}, 0),
        ("exchange_seconds_sum", {}, 4.02),
        ("ledger_index", {}, 41),
        ("ledger_append_seconds_count", {}, 1),
        ("ledger_failures_total", {}, 0),
        ("cases_opened_total", {}, 1),
        ("build_info", {"version": "1.2.3"}, 1),
        ("policy_info", {"digest": "d1gest"}, 1),
    ]:
        key = (f"guardrail_{name}", tuple(sorted(labels.items())))
        assert seen.get(key) == pytest.approx(expected), key


def test_no_text_is_exported_or_kept(play: Any, marker: str) -> None:
    """The marker stands in every field that may hold text; the last moment is before Close."""
    metrics = fresh()
    for at, thing in play.moments[:-1]:
        metrics.saw(play.exchange, thing, at)
        assert marker not in repr(_inside(metrics))
    play.to(metrics)
    assert marker.encode() not in metrics.render()
    assert marker not in repr(_inside(metrics))


def _inside(thing: object, depth: int = 6) -> object:
    """Everything an object holds, as far as its own attributes and containers lead."""
    if depth == 0 or isinstance(thing, str | int | float | bytes | None | type):
        return thing
    if isinstance(thing, Mapping):
        return [(_inside(k, depth - 1), _inside(v, depth - 1)) for k, v in thing.items()]
    if isinstance(thing, set | frozenset | tuple | list):
        return [_inside(one, depth - 1) for one in thing]
    slots = {
        name: getattr(thing, name, None)
        for kind in type(thing).__mro__
        for name in getattr(kind, "__slots__", ())
    }
    return _inside({**getattr(thing, "__dict__", {}), **slots}, depth - 1) or repr(thing)


def test_state_goes_with_the_exchange(play: Any) -> None:
    metrics = fresh()
    for at, thing in play.moments[:-1]:
        metrics.saw(play.exchange, thing, at)
    assert value(metrics, "guardrail_exchanges_in_flight") == 1
    metrics.saw(play.exchange, play.moments[-1][1], 105.0)
    assert value(metrics, "guardrail_exchanges_in_flight") == 0


def test_exchanges_that_never_close_are_forgotten_in_the_end(play: Any) -> None:
    metrics = fresh()
    for number in range(10_050):
        exchange = replace(play.exchange, id=f"ex-{number}")
        metrics.saw(exchange, events.Asked(exchange, 1.0), 1.0)
    assert value(metrics, "guardrail_exchanges_in_flight") == 10_000
    forgotten = replace(play.exchange, id="ex-0")
    for at, thing in play.moments[1:]:
        metrics.saw(forgotten, thing, at)
    assert value(metrics, "guardrail_exchanges_in_flight") == 10_000
    assert value(metrics, "guardrail_exchanges_closed_total", ending="filtered") == 1


def test_a_whole_reply_speaks_when_it_closes(play: Any) -> None:
    metrics = fresh()
    play.asked(stream=False).to(metrics)
    assert value(metrics, "guardrail_first_release_seconds_sum") == pytest.approx(4.02)
    assert value(metrics, "guardrail_hold_seconds_count") == 0


def test_a_failed_exchange_never_spoke(play: Any, judged: Any) -> None:
    metrics = fresh()
    failed = effects.Close(Ending.FAILED, judged(), code="upstream_down")
    quiet = play.without(effects.Release, effects.Notify, effects.Inspect)
    quiet.but(effects.Close, failed).to(metrics)
    assert value(metrics, "guardrail_first_release_seconds_count") == 0
    assert value(metrics, "guardrail_exchanges_closed_total", ending="failed") == 1
    labels = {"side": "input", "action": "handover", "tier": "takeover", "scene": "A"}
    assert value(metrics, "guardrail_decisions_total", **labels) == 1


def test_a_notice_is_the_first_word_where_nothing_was_released(play: Any) -> None:
    metrics = fresh()
    play.without(effects.Release).to(metrics)
    assert value(metrics, "guardrail_first_release_seconds_sum") == pytest.approx(3.5)


def test_a_case_counts_only_when_it_is_on_record(play: Any) -> None:
    metrics = fresh()
    play.but(events.Recorded, events.Unrecorded("ledger_full", 104.02)).to(metrics)
    assert value(metrics, "guardrail_cases_opened_total") == 0
    assert value(metrics, "guardrail_ledger_failures_total") == 1


def test_the_ledger_index_never_goes_back(play: Any) -> None:
    metrics = fresh()
    assert value(metrics, "guardrail_ledger_index") == -1
    metrics.ledger(6)
    assert value(metrics, "guardrail_ledger_index") == 6
    for index in (7, 5):
        metrics.saw(play.exchange, events.Recorded(index, 1.0), 1.0)
    assert value(metrics, "guardrail_ledger_index") == 7


@pytest.mark.parametrize("party", [Party.CLIENT, Party.DEADLINE, Party.SHUTDOWN])
def test_only_the_upstream_makes_upstream_errors(play: Any, party: Party) -> None:
    metrics = fresh()
    metrics.saw(play.exchange, events.Lost(party, "gone", 1.0), 1.0)
    assert value(metrics, "guardrail_upstream_errors_total", code="gone") is None


def test_shadow_rules_are_told_apart(play: Any, judged: Any) -> None:
    metrics = fresh()
    close = effects.Close(Ending.ANSWERED, judged("rx.dose", action=Action.BLOCK, shadow=True))
    play.but(effects.Close, close).to(metrics)
    labels = {"rule": "rx.dose", "action": "block", "shadow": "true"}
    assert value(metrics, "guardrail_rule_fired_total", **labels) == 1


def test_reasons_of_the_session_itself_keep_their_name(play: Any, judged: Any) -> None:
    metrics = fresh()
    verdict = judged("guard.late_mask")
    house = replace(verdict, reasons=(replace(verdict.reasons[0], policy="guard"),), tier=None)
    play.but(effects.Close, effects.Close(Ending.FILTERED, house)).to(metrics)
    labels = {"rule": "guard.late_mask", "action": "handover", "shadow": "false"}
    assert value(metrics, "guardrail_rule_fired_total", **labels) == 1
    labels = {"side": "output", "action": "handover", "tier": "none", "scene": "A"}
    assert value(metrics, "guardrail_decisions_total", **labels) == 1


def test_rules_of_a_policy_that_is_gone_are_dropped(play: Any) -> None:
    metrics = fresh()
    play.to(metrics)
    metrics.policy("second", ["rx.order"])
    rules = {dict(labels)["rule"] for name, labels in samples(metrics) if "rule_fired" in name}
    digests = {dict(labels)["digest"] for name, labels in samples(metrics) if "policy_info" in name}
    assert (rules, digests) == ({"rx.order"}, {"second"})
    play.to(metrics)
    labels = {"rule": "other", "action": "handover", "shadow": "false"}
    assert value(metrics, "guardrail_rule_fired_total", **labels) == 1


def test_cases_queue_models_and_reloads_are_told_from_outside() -> None:
    metrics = fresh()
    depth = [3]
    metrics.queue(lambda: depth[0])
    metrics.cases({CaseState.OPEN: 2, CaseState.CONFIRMED: 5}, oldest_open_at=1_800_000_000.0)
    metrics.model("ethics", "1", "aa", "cpu")
    metrics.model("ethics", "2", "bb", "cpu")
    metrics.model("injection", "1", "cc", "cuda")
    for result in (*RELOADS, "exploded"):
        metrics.reloaded(result)
    assert value(metrics, "guardrail_queue_depth") == 3
    depth[0] = 9
    assert value(metrics, "guardrail_queue_depth") == 9
    assert value(metrics, "guardrail_cases", state="open") == 2
    assert value(metrics, "guardrail_cases", state="rejected") == 0
    oldest = "guardrail_cases_oldest_open_timestamp_seconds"
    assert value(metrics, oldest) == 1_800_000_000.0
    metrics.cases({})
    assert value(metrics, oldest) == 0
    models = {dict(labels)["sha256"] for name, labels in samples(metrics) if "model_info" in name}
    assert models == {"bb", "cc"}
    assert value(metrics, "guardrail_policy_reload_total", result="swapped") == 1
    assert value(metrics, "guardrail_policy_reload_total", result="other") == 1


HOSTILE = [
    *(f"model-{n}/../../etc" for n in range(50)),
    *(f'te"nant\n{n}{{}}' for n in range(50)),
    *(f"规则_{n}" for n in range(25)),
    *(f"plausible_code_{n}" for n in range(25)),
]


def _hostile(exchange: Exchange, name: str) -> Exchange:
    caller = replace(exchange.caller, name=name, tenant=name, role=name)
    return replace(
        exchange,
        id=name,
        model=name,
        caller=caller,
        purpose=name,
        cohort=name,
        endpoint=name,
        tools=(name,),
    )


def test_hostile_names_make_few_series(play: Any, judged: Any) -> None:
    """150 names in every place where a caller, an upstream or a model could put one."""
    metrics = fresh()
    play.to(metrics)
    before = len(samples(metrics))
    for name in HOSTILE:
        gap = Gap(name, GapReason.BROKEN)
        look = Look(gaps=(gap,), took_ms={name: 1.0})
        lost = events.Lost(Party.UPSTREAM, name, 103.0)
        channel = Channel(0, Strand.TOOL_CALL, len(name))
        (
            play.but(events.Inspected, events.Inspected(1, look, 101.0))
            .but(events.Lost, lost)
            .but(events.Delta, events.Delta(channel, "x", 101.0, name=name))
            .but(effects.Close, effects.Close(Ending.FILTERED, judged(name), code=name, case=name))
        ).asked(**vars_of(_hostile(play.exchange, name))).to(metrics)
    assert len(samples(metrics)) - before <= 40
    assert "plausible_code_24" not in metrics.render().decode()


def vars_of(exchange: Exchange) -> dict[str, object]:
    names = ("id", "model", "caller", "purpose", "cohort", "endpoint", "tools")
    return {name: getattr(exchange, name) for name in names}


def test_refusals_are_counted_by_code_and_bounded() -> None:
    metrics = fresh()
    for code in (
        "body_too_large",
        "body_too_large",
        "请求过大",
        *(f"code_{n}" for n in range(150)),
    ):
        metrics.refused(code)
    assert value(metrics, "guardrail_refused_total", code="body_too_large") == 2
    assert sum(name == "guardrail_refused_total" for name, _ in samples(metrics)) == 41
    metrics.saw(play_free_exchange(), events.Lost(Party.UPSTREAM, "upstream_busy", 1.0), 1.0)
    assert value(metrics, "guardrail_upstream_errors_total", code="upstream_busy") == 1


def play_free_exchange() -> Exchange:
    return Exchange("ex-2", "model", ())


def test_all_of_a_large_policy_stays_scrapable(play: Any, judged: Any) -> None:
    """200 rules firing over six detectors: what Prometheus gets is bounded and well below 1 MB."""
    metrics = Metrics(detectors=[f"detector-{n}" for n in range(6)])
    rules = [f"pack.rule-{n}" for n in range(200)]
    metrics.policy("d", rules)
    play.but(effects.Close, effects.Close(Ending.FILTERED, judged(*rules))).to(metrics)
    assert len(samples(metrics)) < 450
    assert len(metrics.render()) < 60_000


def test_what_is_exposed_is_declared(play: Any) -> None:
    metrics = fresh()
    play.to(metrics)
    families = metrics.families()
    assert [f.name for f in families if not re.fullmatch(r"guardrail_[a-z_]+", f.name)] == []
    assert [f.name for f in families if not f.meaning.endswith(".")] == []
    names = {family.name for family in families}
    suffix = re.compile(r"_(bucket|sum|count)$")
    exposed = {name if name in names else suffix.sub("", name) for name, _ in samples(metrics)}
    assert exposed <= names
    assert {f.kind for f in families if f.name.endswith("_total")} == {"counter"}


def test_the_exposition_is_plain_text_without_created_twins(play: Any) -> None:
    metrics = fresh()
    play.to(metrics)
    assert CONTENT_TYPE.startswith("text/plain; version=")
    assert b"_created" not in metrics.render()


def test_two_instances_share_nothing(play: Any) -> None:
    first, second = fresh(), fresh()
    play.to(first)
    assert value(second, "guardrail_ledger_index") == -1
