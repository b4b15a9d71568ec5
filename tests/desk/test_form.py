"""What a form sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.requests import Request

from guardrail.desk import form
from guardrail.domain.errors import BadRequest

PLAIN = form.KIND


def request_of(*chunks: bytes, kind: str = PLAIN, hangs: bool = False) -> Request:
    waiting = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]

    async def receive() -> Mapping[str, Any]:
        if waiting:
            return waiting.pop(0)
        if hangs:
            await asyncio.sleep(60)
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"content-type", kind.encode())]
    scope = {"type": "http", "method": "POST", "path": "/desk", "headers": headers}
    return Request(scope, receive)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", {}),
        (b"a=1&a=2&b=", {"a": "1", "b": ""}),
        (b"text=%E5%A4%9A%E4%BC%91%E6%81%AF%0D%0Arest+well", {"text": "多休息\nrest well"}),
    ],
)
async def test_fields(raw: bytes, expected: dict[str, str]) -> None:
    assert await form.read(request_of(raw)) == expected
    assert await form.read(request_of(*(raw[i : i + 1] for i in range(len(raw))))) == expected


@pytest.mark.parametrize(
    ("raw", "kind", "code"),
    [
        (b"a=1", "text/plain", "form_malformed"),
        (b"a=1", "multipart/form-data; boundary=x", "form_malformed"),
        (b"a=\xff", PLAIN, "form_malformed"),
        (b"a=%FF%FE", PLAIN, "form_malformed"),
        (b"&".join([b"a=1"] * 101), PLAIN, "form_malformed"),
        (b"a=" + b"x" * form.MOST_BYTES, PLAIN, "form_too_large"),
    ],
)
async def test_refused(raw: bytes, kind: str, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        await form.read(request_of(raw, kind=kind))
    assert caught.value.code == code


async def test_a_form_that_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(form, "WITHIN_S", 0.01)
    with pytest.raises(BadRequest) as caught:
        await form.read(request_of(b"a=1", hangs=True))
    assert caught.value.code == "request_timeout"
