import asyncio

import pytest

from guardrail.domain.errors import BadRequest
from guardrail.server import body
from guardrail.settings import LimitSettings


def receiver(*messages):
    waiting = list(messages)

    async def receive():
        if not waiting:
            await asyncio.sleep(60)
        return waiting.pop(0)

    return receive


def part(data: bytes, *, more: bool = False):
    return {"type": "http.request", "body": data, "more_body": more}


async def read(*messages, headers=(), **limits):
    return await body.read({"headers": list(headers)}, receiver(*messages), LimitSettings(**limits))


async def test_a_body_in_parts() -> None:
    assert await read(part(b"a", more=True), part(b"b")) == b"ab"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ([(b"content-length", b"1"), (b"transfer-encoding", b"chunked")], "ambiguous_length"),
        ([(b"content-type", b"text/plain")], "unsupported_media_type"),
        ([(b"content-encoding", b"gzip")], "unsupported_encoding"),
        ([(b"content-length", b"999")], "body_too_large"),
    ],
)
async def test_headers_that_are_refused(headers, code) -> None:
    with pytest.raises(BadRequest) as error:
        await read(part(b"{}"), headers=headers, body_bytes=100)
    assert error.value.code == code


async def test_a_body_that_grows_too_large() -> None:
    with pytest.raises(BadRequest, match="larger than 3 bytes"):
        await read(part(b"ab", more=True), part(b"cd"), body_bytes=3)


async def test_a_body_that_never_comes() -> None:
    with pytest.raises(BadRequest) as error:
        await read(body_s=0.01)
    assert error.value.code == "request_timeout"


async def test_a_caller_who_leaves_before_he_has_asked() -> None:
    with pytest.raises(body.Gone):
        await read({"type": "http.disconnect"})


def test_of_a_repeated_header_the_first_counts() -> None:
    scope = {"headers": [(b"X-A", b"1"), (b"x-a", b"2")]}
    assert body.headers(scope) == {"x-a": "1"}
