"""A request's body and headers off the ASGI wire, bounded in bytes and in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from guardrail.domain.errors import BadRequest
from guardrail.settings import LimitSettings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Gone(Exception):
    """The caller left before he had asked."""


def headers(scope: Scope) -> Mapping[str, str]:
    """Header names in lower case; of a repeated header the first counts."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return found


async def read(scope: Scope, receive: Receive, limits: LimitSettings) -> bytes:
    """The whole body. Raises `BadRequest` (411, 413, 415, 408) and `Gone`."""
    _acceptable(headers(scope), limits)
    chunks: list[bytes] = []
    left = limits.body_bytes
    try:
        async with asyncio.timeout(limits.body_s):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Gone
                chunk = message.get("body", b"")
                left -= len(chunk)
                if left < 0:
                    raise _too_large(limits)
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        raise BadRequest(
            "request_timeout", "The request body did not arrive in time.", "Send it faster."
        ) from None


def _acceptable(found: Mapping[str, str], limits: LimitSettings) -> None:
    if "content-length" in found and "transfer-encoding" in found:
        # RFC 9112 §6.1: a proxy and we might disagree where the request ends.
        raise BadRequest(
            "ambiguous_length", "Both Content-Length and Transfer-Encoding were sent.", "Send one."
        )
    kind = found.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise BadRequest(
            "unsupported_media_type", "The body is not application/json.", "Set Content-Type."
        )
    if found.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest(
            "unsupported_encoding", "Compressed bodies are not accepted.", "Send it uncompressed."
        )
    length = found.get("content-length", "0")
    if length.isdigit() and int(length) > limits.body_bytes:
        raise _too_large(limits)


def _too_large(limits: LimitSettings) -> BadRequest:
    return BadRequest(
        "body_too_large",
        f"The body is larger than {limits.body_bytes} bytes.",
        "Send less, or raise limits.body_bytes.",
    )
