"""Errors in OpenAI's shape, remedy included, zh and en."""

from __future__ import annotations

import orjson
import pytest

from guardrail.domain.errors import (
    BadConfig,
    BadRequest,
    BrokenLedger,
    GuardrailError,
    UpstreamFailed,
)
from guardrail.wire import problem


@pytest.mark.parametrize(
    ("error", "kind", "param", "message"),
    [
        (BadRequest("c", "No.", "Do.", "n"), "invalid_request_error", "n", "No. Do."),
        (BadRequest("c", "内容未通过。", ""), "invalid_request_error", None, "内容未通过。"),
        (UpstreamFailed("c", "Down.", "Wait."), "upstream_error", None, "Down. Wait."),
        (BrokenLedger("c", "Full.", "Free space."), "server_error", None, "Full. Free space."),
        (BadConfig("c", "Bad.", "Fix.", "f:1"), "server_error", None, "f:1: Bad. Fix."),
    ],
)
def test_shape(error: GuardrailError, kind: str, param: str | None, message: str) -> None:
    told = {"error": {"message": message, "type": kind, "param": param, "code": "c"}}
    assert problem.shape(error) == told
    assert orjson.loads(problem.body(error)) == told
