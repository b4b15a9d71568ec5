from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from guardrail.guard import effects, events
from guardrail.guard.effects import Ending
from guardrail.guard.events import Party
from guardrail.telemetry.logs import ExchangeLog, Lines, Stream, configure, note

TOUCHED = (
    None,
    "guardrail",
    "uvicorn.error",
    "uvicorn.access",
    "uvicorn.asgi",
    "aiohttp.access",
    "presidio-analyzer",
    "decision_process",
    "tldextract",
)


@pytest.fixture(autouse=True)
def loggers_as_they_were() -> Iterator[None]:
    kept = [(log, log.level, log.disabled) for log in map(logging.getLogger, TOUCHED)]
    yield
    for log, level, disabled in kept:
        log.setLevel(level)
        log.disabled = disabled
        for handler in [one for one in log.handlers if isinstance(one, Stream)]:
            log.removeHandler(handler)


@pytest.fixture
def written() -> io.StringIO:
    stream = io.StringIO()
    configure("debug", stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_one_line_tells_how_an_exchange_ended(play: Any, written: io.StringIO) -> None:
    play.to(ExchangeLog())
    (line,) = [line for line in lines(written) if line["event"] == "exchange"]
    assert line.pop("at").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "guardrail",
        "event": "exchange",
        "exchange": "ex-1",
        "tenant": "hospital-1",
        "caller": "ward-7",
        "endpoint": "chat.completions",
        "stream": True,
        "scene": "A",
        "ms": 4020.0,
        "ending": "filtered",
        "code": "",
        "case": "case-ex-1",
        "action": "handover",
        "tier": "takeover",
        "rules": ["rx.dose", "rx.order"],
        "shadow_rules": [],
        "policy": "d1gest",
    }


def test_problems_have_a_line_each(play: Any, written: io.StringIO) -> None:
    play.but(events.Recorded, events.Unrecorded("ledger_full", 104.0)).to(ExchangeLog())
    told = [
        (line["level"], line["event"], line.get("detector") or line.get("code"))
        for line in lines(written)
        if line["event"] != "exchange"
    ]
    assert told == [
        ("warning", "gap", "ethics"),
        ("warning", "gap", "ethics"),
        ("warning", "lost", "upstream_reset"),
        ("error", "unrecorded", "ledger_full"),
    ]


def test_a_refused_request_is_a_line(written: io.StringIO) -> None:
    ExchangeLog().refused("body_too_large")
    assert [(one["event"], one["code"]) for one in lines(written)] == [
        ("refused", "body_too_large")
    ]


def test_a_failed_exchange_is_a_warning_and_a_shadow_rule_no_rule(
    play: Any, judged: Any, written: io.StringIO
) -> None:
    verdict = replace(judged("rx.dose", shadow=True), tier=None)
    close = effects.Close(Ending.FAILED, verdict, code="deadline")
    play.but(effects.Close, close).to(ExchangeLog())
    line = lines(written)[-1]
    assert (line["level"], line["code"], line["tier"]) == ("warning", "deadline", None)
    assert (line["rules"], line["shadow_rules"]) == ([], ["rx.dose"])


def test_a_caller_who_leaves_is_no_warning(play: Any, written: io.StringIO) -> None:
    ExchangeLog().saw(play.exchange, events.Lost(Party.CLIENT, "client_gone", 1.0), 1.0)
    assert [(line["level"], line["party"]) for line in lines(written)] == [("info", "client")]


def test_no_text_is_written_or_kept(play: Any, marker: str, written: io.StringIO) -> None:
    log = ExchangeLog()
    for at, thing in play.moments:
        log.saw(play.exchange, thing, at)
        assert marker not in repr(vars(log))
    assert marker not in written.getvalue()
    assert marker.encode("unicode_escape").decode() not in written.getvalue()


def test_starts_are_forgotten(play: Any, written: io.StringIO) -> None:
    log = ExchangeLog()
    for number in range(10_050):
        exchange = replace(play.exchange, id=f"ex-{number}")
        log.saw(exchange, events.Asked(exchange, 1.0), 1.0)
    assert len(log._asked_at) == 10_000
    log.saw(replace(play.exchange, id="ex-0"), play.moments[-1][1], 9.0)
    assert lines(written)[-1]["ms"] == 0.0


def test_an_exception_is_a_type_and_a_place(marker: str, written: io.StringIO) -> None:
    try:
        int(marker)
    except ValueError:
        logging.getLogger("guardrail.server").exception("bug", extra={"fields": {"code": "bug"}})
    (line,) = lines(written)
    assert (line["event"], line["code"], line["error"]) == ("bug", "bug", "ValueError")
    assert line["trace"][-1].endswith("test_an_exception_is_a_type_and_a_place")
    assert marker not in written.getvalue()


@pytest.mark.parametrize("name", ["asyncio", "aiohttp.client", "some.library"])
def test_other_libraries_say_where_and_not_what(
    name: str, marker: str, written: io.StringIO
) -> None:
    logging.getLogger(name).warning(f"query {marker} %s", marker)  # noqa: G004
    (line,) = lines(written)
    assert line["logger"] == name
    assert line["event"].startswith("test_logs:")
    assert marker not in written.getvalue()


@pytest.mark.parametrize(
    "name",
    ["uvicorn.access", "uvicorn.asgi", "aiohttp.access", "presidio-analyzer", "decision_process"],
)
def test_loggers_that_repeat_what_they_read_are_silent(
    name: str, marker: str, written: io.StringIO
) -> None:
    noisy = logging.getLogger(name)
    noisy.setLevel(logging.DEBUG)  # as some do when they are imported later
    noisy.critical("GET /desk?q=%s", marker)
    assert written.getvalue() == ""


def test_an_exception_nobody_fetched_does_not_quote_itself(
    marker: str, written: io.StringIO
) -> None:
    """asyncio puts the repr of the exception into its message."""
    loop = asyncio.new_event_loop()
    future = loop.create_future()
    future.set_exception(ValueError(marker))
    loop.call_exception_handler(
        {"message": f"never retrieved {future!r}", "exception": future.exception()}
    )
    loop.close()
    assert [line["error"] for line in lines(written)] == ["ValueError"]
    assert marker not in written.getvalue()


def test_the_server_may_speak_of_its_sockets(written: io.StringIO) -> None:
    logging.getLogger("uvicorn.error").info("Uvicorn running on %s", "loopback")
    logging.getLogger("uvicorn.error").debug("= connection is OPEN")
    assert [line["event"] for line in lines(written)] == ["Uvicorn running on loopback"]


def test_configure_again_replaces_and_the_level_counts() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure("info", first)
    configure("warning", second)
    note("quiet", code="a")
    note("loud", level="error", code="b")
    assert first.getvalue() == ""
    assert [line["event"] for line in lines(second)] == ["loud"]


def test_an_unknown_level_is_refused() -> None:
    with pytest.raises(ValueError, match="debug, info, warning, error"):
        configure("loud")


def test_stderr_is_where_it_goes_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    note("ready", port=8080)
    assert json.loads(capsys.readouterr().err)["port"] == 8080


def test_fields_that_are_no_mapping_are_left_out() -> None:
    record = logging.LogRecord("guardrail", logging.INFO, "x", 1, "event", (), None)
    record.fields = "患者"
    line = json.loads(Lines().format(record))
    assert set(line) == {"at", "level", "logger", "event"}


def test_nothing_is_attached_at_import() -> None:
    assert logging.getLogger("guardrail").handlers == []
