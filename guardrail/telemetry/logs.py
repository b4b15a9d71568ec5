"""One JSON object per line on stderr: what ended, what went wrong, never what was said.

Our own lines carry `fields`: ids, codes, numbers, rule names. Other libraries log sentences that
may quote a prompt, a query string or an exception with a patient in it, so of theirs only the place
in the source and the exception's type are written; `uvicorn.error` alone, which speaks of sockets
and start-up, keeps its words. Nothing is attached at import: `configure` does it.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

import orjson

from guardrail.domain.exchange import Exchange
from guardrail.domain.verdict import Reason, Verdict
from guardrail.guard import effects, events
from guardrail.guard.effects import Effect, Ending
from guardrail.guard.events import Event, Party

LEVELS = ("debug", "info", "warning", "error")

_OWN = "guardrail"
_SPEAKING = "uvicorn.error"
# They write what they were given to read, or every request line with its query string.
_SILENT = (
    "aiohttp.access",
    "decision_process",
    "presidio-analyzer",
    "tldextract",
    "uvicorn.access",
    "uvicorn.asgi",
)
_ASKED_LIMIT = 10_000  # exchanges whose start is remembered; the oldest gives way


class Lines(logging.Formatter):
    """Writes a record as one JSON object; exceptions as type and place, without their message."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if record.name == _OWN or record.name.startswith(_OWN + "."):
            line["event"] = str(record.msg)
            line.update(_fields(record))
        elif record.name == _SPEAKING:
            line["event"] = record.getMessage().strip()
        else:
            line["event"] = f"{record.module}:{record.lineno}"
        if record.exc_info and record.exc_info[1] is not None:
            line.update(_exception(record.exc_info[1]))
        return orjson.dumps(line, default=str).decode()


class Stream(logging.StreamHandler[TextIO]):
    """Ours, so that a second `configure` finds and replaces it."""


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Send every log line of this process as JSON to `stream` (stderr when None).

    May be called again; the last call holds. Run uvicorn with `log_config=None`, else it attaches
    handlers of its own. Raises `ValueError` when `level` is not one of `LEVELS`.
    """
    if level not in LEVELS:
        raise ValueError(f"log level must be one of {', '.join(LEVELS)}")
    handler = Stream(stream if stream is not None else sys.stderr)
    handler.setFormatter(Lines())
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old, Stream):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.getLogger(_OWN).setLevel(level.upper())
    logging.getLogger(_SPEAKING).setLevel(max(logging.INFO, logging.getLevelName(level.upper())))
    for name in _SILENT:
        # Not a level: these set their own level and handlers when they are imported later.
        logging.getLogger(name).disabled = True


def note(event: str, *, level: str = "info", **fields: object) -> None:
    """Log one line of our own. `event` is a constant; fields are ids, codes and numbers."""
    logging.getLogger(_OWN).log(
        logging.getLevelNamesMapping()[level.upper()], event, extra={"fields": fields}
    )


class ExchangeLog:
    """A `Watch`: one line per exchange when it closes, and one per problem on the way."""

    def __init__(self) -> None:
        self._asked_at: dict[str, float] = {}

    def saw(self, exchange: Exchange, thing: Event | Effect, at: float) -> None:
        match thing:
            case events.Asked():
                self._remember(exchange, at)
            case events.Inspected(look=look):
                for gap in look.gaps:
                    _problem("gap", exchange, detector=gap.detector, reason=gap.reason.value)
            case events.Lost(party=party, code=code):
                level = "info" if party is Party.CLIENT else "warning"
                _problem("lost", exchange, level=level, party=party.value, code=code)
            case events.Unrecorded(code=code):
                _problem("unrecorded", exchange, level="error", code=code)
            case effects.Close():
                self._closed(exchange, thing, at)

    def refused(self, code: str) -> None:
        """A request was turned away before it became an exchange."""
        note("refused", code=code)

    def _remember(self, exchange: Exchange, at: float) -> None:
        if len(self._asked_at) >= _ASKED_LIMIT:
            del self._asked_at[next(iter(self._asked_at))]
        self._asked_at[exchange.id] = at

    def _closed(self, exchange: Exchange, close: effects.Close, at: float) -> None:
        asked_at = self._asked_at.pop(exchange.id, at)
        note(
            "exchange",
            level="warning" if close.ending is Ending.FAILED else "info",
            exchange=exchange.id,
            tenant=exchange.caller.tenant,
            caller=exchange.caller.name,
            endpoint=exchange.endpoint,
            stream=exchange.stream,
            scene=exchange.scene.value,
            ms=round(max(0.0, at - asked_at) * 1000, 1),
            ending=close.ending.value,
            code=close.code,
            case=close.case,
            **_judged(close.verdict),
        )


def _judged(verdict: Verdict) -> Mapping[str, object]:
    return {
        "action": verdict.action.name.lower(),
        "tier": None if verdict.tier is None else verdict.tier.name.lower(),
        "rules": _rules(verdict.reasons, shadow=False),
        "shadow_rules": _rules(verdict.reasons, shadow=True),
        "policy": verdict.policy_digest,
    }


def _rules(reasons: tuple[Reason, ...], *, shadow: bool) -> list[str]:
    return sorted({reason.rule for reason in reasons if reason.shadow is shadow})


def _problem(event: str, exchange: Exchange, *, level: str = "warning", **fields: object) -> None:
    note(event, level=level, exchange=exchange.id, **fields)


def _fields(record: logging.LogRecord) -> Mapping[str, object]:
    fields = getattr(record, "fields", None)
    return fields if isinstance(fields, Mapping) else {}


def _exception(error: BaseException) -> Mapping[str, object]:
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "error": type(error).__name__,
        "trace": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }
