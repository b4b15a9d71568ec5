"""What a form sent: fields of `application/x-www-form-urlencoded`, bounded in bytes and in time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from guardrail.domain.errors import BadRequest

MOST_BYTES = 1_200_000  # the longest text is 100 000 characters; one may become nine bytes
MOST_FIELDS = 100
WITHIN_S = 30.0
KIND = "application/x-www-form-urlencoded"


async def read(request: Request) -> Mapping[str, str]:
    """Fields by name; of a repeated one the first counts. Line ends are plain `\\n`.

    Raises `BadRequest` (`form_too_large`, `form_malformed`, `request_timeout`).
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != KIND:
        raise _malformed()
    try:
        async with asyncio.timeout(WITHIN_S):
            raw = await _bytes(request)
    except TimeoutError:
        raise BadRequest("request_timeout", "The form did not arrive in time.") from None
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            max_num_fields=MOST_FIELDS,
            errors="strict",
        )
    except ValueError:
        raise _malformed() from None
    fields: dict[str, str] = {}
    for name, value in pairs:
        # Browsers send a text area's line ends as CR LF; the model wrote LF.
        fields.setdefault(name, value.replace("\r\n", "\n"))
    return fields


async def _bytes(request: Request) -> bytes:
    chunks, left = [], MOST_BYTES
    async for chunk in request.stream():
        left -= len(chunk)
        if left < 0:
            raise BadRequest("form_too_large", f"The form is larger than {MOST_BYTES} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)


def _malformed() -> BadRequest:
    return BadRequest("form_malformed", "The form cannot be read.", "Open the page again.")
