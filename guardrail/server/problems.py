"""Errors to HTTP answers, and the one catch-all of the house.

A bug is answered without any clinical content: its traceback may hold some, so only the
exception's type and where it was raised are logged.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable

from guardrail.domain.errors import (
    BadRequest,
    BrokenLedger,
    GuardrailError,
    UpstreamFailed,
)

LOG = logging.getLogger("guardrail.server")

STATUS = {
    "invalid_api_key": 401,
    "forbidden": 403,
    "model_not_allowed": 403,
    "not_found": 404,
    "model_not_found": 404,
    "case_not_found": 404,
    "method_not_allowed": 405,
    "request_timeout": 408,
    "case_conflict": 409,
    "body_too_large": 413,
    "rate_limited": 429,
    "overloaded": 503,
    "shutting_down": 503,
    "upstream_timeout": 504,
    "upstream_refused": 400,
    "upstream_not_found": 404,
    "upstream_busy": 503,
    "deadline": 504,
}

REMEDIES = {
    "deadline": "Ask for a shorter answer, or raise limits.total_s.",
    "upstream_timeout": "Try again; operations: see upstream.first_byte_s and upstream.idle_s.",
    "upstream_refused": "Change the request: its length or a parameter does not suit this model.",
    "upstream_not_found": "See GET /v1/models; operations: see upstream.url.",
    "upstream_busy": "Try again in a moment.",
    "ledger_unavailable": "Operations: the ledger cannot be written; see its disk.",
    "shutting_down": "Try again in a moment.",
    "internal_error": "Try again; operations: see the log for this exchange.",
}

MESSAGES = {
    "deadline": "The answer took too long.",
    "shutting_down": "The server is shutting down.",
    "internal_error": "An internal error occurred; the answer was withheld.",
    "upstream_timeout": "The upstream did not answer in time.",
    "upstream_unreachable": "The upstream cannot be reached.",
    "upstream_reset": "The upstream broke off its answer.",
    "upstream_busy": "The upstream is rate-limiting us.",
    "upstream_refused": "The upstream does not accept this request.",
    "upstream_auth": "The upstream does not accept our key.",
    "upstream_not_found": "The upstream does not know this model or path.",
    "upstream_too_long": "The upstream's answer is too long.",
}


def status(error: GuardrailError) -> int:
    """The HTTP status of an error."""
    if error.code in STATUS:
        return STATUS[error.code]
    if isinstance(error, BadRequest):
        return 400
    if isinstance(error, UpstreamFailed):
        return 502
    return 503 if isinstance(error, BrokenLedger) else 500


def failure(code: str) -> GuardrailError:
    """The error a caller sees when an exchange failed with this code."""
    remedy = REMEDIES.get(code, "")
    if code.startswith("upstream"):
        message = MESSAGES.get(code, "The upstream's answer cannot be used.")
        return UpstreamFailed(code, message, remedy)
    if code in MESSAGES:
        return GuardrailError(code, MESSAGES[code], remedy)
    return BrokenLedger(
        code, "The exchange could not be recorded; the answer was withheld.", remedy
    )


def headers(error: GuardrailError) -> list[tuple[bytes, bytes]]:
    """`Retry-After` where trying again makes sense; where a body was left unread, no next request
    can follow it on this connection."""
    again = [(b"retry-after", b"1")] if status(error) in (429, 503) else []
    return [(b"connection", b"close")] if status(error) in (408, 413) else again


def report(error: BaseException) -> None:
    """Log a bug: what kind and where, never its message or its locals."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else "unknown"
    LOG.error("bug", extra={"fields": {"error": type(error).__name__, "where": where}})


async def answered(
    work: Awaitable[None], refuse: Callable[[GuardrailError], Awaitable[None]]
) -> None:
    """Run `work`; whatever it raises becomes an answer. The catch-all: a bug must neither take
    the process down nor show a caller more than that it happened."""
    try:
        await work
    except GuardrailError as error:
        await refuse(error)
    except Exception as error:  # noqa: BLE001 - the one catch-all, see above
        report(error)
        await refuse(failure("internal_error"))
