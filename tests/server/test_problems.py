import logging

import pytest

from guardrail.domain.errors import BadRequest, BrokenLedger, GuardrailError, UpstreamFailed
from guardrail.server import problems


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (BadRequest("whatever", "m"), 400),
        (BadRequest("invalid_api_key", "m"), 401),
        (BadRequest("body_too_large", "m"), 413),
        (UpstreamFailed("upstream_reset", "m"), 502),
        (UpstreamFailed("upstream_timeout", "m"), 504),
        (UpstreamFailed("upstream_refused", "m"), 400),
        (UpstreamFailed("upstream_not_found", "m"), 404),
        (UpstreamFailed("upstream_busy", "m"), 503),
        (BrokenLedger("ledger_unavailable", "m"), 503),
        (GuardrailError("internal_error", "m"), 500),
    ],
)
def test_statuses(error: GuardrailError, status: int) -> None:
    assert problems.status(error) == status


@pytest.mark.parametrize("code", [*problems.MESSAGES, "upstream_new", "ledger_unavailable"])
def test_every_failure_says_something_and_keeps_its_code(code: str) -> None:
    error = problems.failure(code)
    assert error.code == code
    assert error.message.endswith(".")


def test_trying_again_helps_where_it_is_said() -> None:
    assert problems.headers(problems.failure("shutting_down")) == [(b"retry-after", b"1")]
    assert problems.headers(problems.failure("internal_error")) == []


@pytest.mark.parametrize("code", ["body_too_large", "request_timeout"])
def test_a_connection_with_an_unread_body_is_closed(code: str) -> None:
    assert problems.headers(BadRequest(code, "m")) == [(b"connection", b"close")]


async def test_the_catch_all_tells_callers_and_logs_nothing_of_the_content(caplog) -> None:
    told: list[GuardrailError] = []

    async def refuse(error: GuardrailError) -> None:
        told.append(error)

    async def bug() -> None:
        raise KeyError("患者张三")

    async def known() -> None:
        raise BadRequest("x", "m")

    with caplog.at_level(logging.ERROR):
        await problems.answered(bug(), refuse)
        await problems.answered(known(), refuse)
    assert [error.code for error in told] == ["internal_error", "x"]
    (record,) = caplog.records
    assert record.fields["error"] == "KeyError"
    assert "test_problems.py" in record.fields["where"]
    assert "张三" not in str(record.__dict__)


def test_an_error_without_a_traceback_can_be_reported(caplog) -> None:
    problems.report(ValueError("x"))
    assert caplog.records[0].fields["where"] == "unknown"
