"""An error as OpenAI's clients expect it."""

from __future__ import annotations

import orjson

from guardrail.domain.errors import BadRequest, GuardrailError, UpstreamFailed


def shape(error: GuardrailError) -> dict[str, object]:
    """`{"error": {message, type, param, code}}`; the message ends with the remedy."""
    return {
        "error": {
            "message": str(error),
            "type": _type(error),
            "param": error.param if isinstance(error, BadRequest) else None,
            "code": error.code,
        }
    }


def body(error: GuardrailError) -> bytes:
    """The same as bytes."""
    return orjson.dumps(shape(error))


def _type(error: GuardrailError) -> str:
    if isinstance(error, BadRequest):
        return "invalid_request_error"
    if isinstance(error, UpstreamFailed):
        return "upstream_error"
    return "server_error"
