"""The clinical LLM over HTTP, against a server in this process that behaves as it is told."""

import asyncio
import contextlib
import json

import pytest
from aiohttp import web

from guardrail.domain.errors import UpstreamFailed
from guardrail.domain.exchange import Channel, Strand
from guardrail.guard import events
from guardrail.server.upstream import HttpUpstream
from guardrail.settings import UpstreamSettings
from guardrail.testing import ask
from guardrail.wire.sse import DONE, frame

SSE, JSON = "text/event-stream", "application/json"


class Llm:
    """Serves one answer: a status, a type and pieces of body (a number waits so many seconds,
    None resets the connection)."""

    def __init__(self) -> None:
        self.pieces, self.kind, self.status, self.headers = [], JSON, 200, {}
        self.asked, self.left = [], asyncio.Event()

    def says(self, *pieces, kind=JSON, status=200, **headers):
        self.pieces, self.kind, self.status, self.headers = pieces, kind, status, headers

    async def serve(self, request):
        self.asked.append(
            (request.method, request.path, dict(request.headers), await request.read())
        )
        headers = {"Content-Type": self.kind, **self.headers}
        response = web.StreamResponse(status=self.status, headers=headers)
        try:
            await response.prepare(request)
            for piece in self.pieces:
                if piece is None:
                    request.transport.abort()
                elif isinstance(piece, bytes):
                    await response.write(piece)
                else:
                    await asyncio.sleep(piece)
            await response.write_eof()
        except (asyncio.CancelledError, OSError):
            self.left.set()
            raise
        return response


@pytest.fixture
async def llm():
    """`llm`: the server's behaviour; `llm.open(**settings)`: an upstream that asks it."""
    behaviour = Llm()
    application = web.Application(handler_args={"handler_cancellation": True})
    application.router.add_route("*", "/{path:.*}", behaviour.serve)
    runner = web.AppRunner(application, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = site._server.sockets[0].getsockname()[1]
    async with contextlib.AsyncExitStack() as stack:

        def opened(**settings):
            url = settings.pop("url", f"http://127.0.0.1:{port}/v1/")
            made = HttpUpstream(UpstreamSettings(url=url, **settings), lambda: 7.0)
            stack.push_async_callback(made.close)
            return made

        behaviour.open = opened
        yield behaviour
    await runner.cleanup()


def delta(text, **more):
    return frame({"choices": [{"index": 0, "delta": {"content": text}, **more}]})


async def heard(upstream, **exchange):
    answer = upstream.ask(ask("头痛", **exchange), b'{"model":"m"}')
    async with asyncio.timeout(10):
        return [event async for event in answer]


async def failure(upstream, **exchange):
    with pytest.raises(UpstreamFailed) as error:
        await heard(upstream, **exchange)
    return error.value


async def test_a_whole_answer(llm) -> None:
    message = {"role": "assistant", "content": "多休息。", "reasoning_content": "想"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    llm.says(json.dumps({"choices": [choice], "usage": {"total_tokens": 3}}).encode())
    told = await heard(llm.open(key="secret"))
    texts = {e.channel: e.text for e in told if isinstance(e, events.Delta)}
    assert texts == {Channel(): "多休息。", Channel(0, Strand.REASONING): "想"}
    assert told[-2] == events.Finished(0, "stop", 7.0)
    assert told[-1] == events.Ended(7.0, {"total_tokens": 3}, None)
    ((method, path, headers, body),) = llm.asked
    assert (method, path, body) == ("POST", "/v1/chat/completions", b'{"model":"m"}')
    assert headers["Authorization"] == "Bearer secret"
    assert headers["Accept-Encoding"] == "identity"


async def test_a_stream_in_odd_pieces(llm) -> None:
    data = delta("多休息。") + delta("Rest.", finish_reason="stop") + DONE
    llm.says(*(data[at : at + 3] for at in range(0, len(data), 3)), kind=SSE)
    told = await heard(llm.open(), stream=True)
    assert "".join(e.text for e in told if isinstance(e, events.Delta)) == "多休息。Rest."
    assert isinstance(told[-1], events.Ended)
    assert "Authorization" not in llm.asked[0][2]


async def test_what_comes_after_the_end_is_not_waited_for(llm) -> None:
    llm.says(delta("好", finish_reason="stop") + DONE, 60.0, kind=SSE)
    assert isinstance((await heard(llm.open(), stream=True))[-1], events.Ended)
    await asyncio.wait_for(llm.left.wait(), 5)  # the connection was closed, not kept


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "upstream_refused"),
        (401, "upstream_auth"),
        (403, "upstream_auth"),
        (404, "upstream_not_found"),
        (422, "upstream_refused"),
        (429, "upstream_busy"),
        (500, "upstream_error"),
        (302, "upstream_error"),
    ],
)
async def test_refusals_say_nothing_of_the_upstream_s_words(llm, status, code) -> None:
    llm.says("患者张三的提示词".encode(), kind="text/plain", status=status, Location="/elsewhere")
    error = await failure(llm.open())
    assert error.code == code
    assert f"HTTP {status}" in str(error)
    assert "张三" not in str(error)
    assert len(llm.asked) == 1  # no redirect is followed, nothing is tried again


@pytest.mark.parametrize(("stream", "kind"), [(True, JSON), (False, SSE), (False, "text/html")])
async def test_the_wrong_type(llm, stream, kind) -> None:
    llm.says(b"{}", kind=kind)
    assert (await failure(llm.open(), stream=stream)).code == "upstream_bad_answer"


async def test_a_compressed_answer(llm) -> None:
    llm.says(b"\x1f\x8b", **{"Content-Encoding": "gzip"})
    assert (await failure(llm.open())).code == "upstream_bad_answer"


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        ((delta("先休息。"), None), "upstream_reset"),
        ((delta("先休息。"), 60.0), "upstream_timeout"),
        ((delta("先休息。"),), "upstream_truncated"),
        ((b"data: {oops\n\n",), "upstream_invalid_json"),
        ((b"data: \xff\xfe\n\n",), "upstream_invalid_utf8"),
        ((delta("长" * 900), delta("长" * 900)), "upstream_too_long"),
    ],
)
async def test_streams_that_break(llm, pieces, code) -> None:
    llm.says(*pieces, kind=SSE)
    error = await failure(llm.open(idle_s=0.2, max_answer_bytes=4000), stream=True)
    assert error.code == code
    assert "休息" not in str(error)


async def test_an_upstream_that_never_answers(llm) -> None:
    async def silent(reader, writer):
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    assert (await failure(llm.open(url=url, first_byte_s=0.2))).code == "upstream_timeout"
    server.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://[oops/v1"])
async def test_an_upstream_that_is_not_there(llm, url) -> None:
    assert (await failure(llm.open(url=url))).code == "upstream_unreachable"


async def test_leaving_cancels_generation(llm) -> None:
    llm.says(delta("好。"), 60.0, kind=SSE)
    answer = llm.open().ask(ask("头痛", stream=True), b"{}")
    assert (await anext(answer)).text == "好。"
    await answer.aclose()
    await asyncio.wait_for(llm.left.wait(), 5)


async def test_cookies_are_not_kept(llm) -> None:
    llm.says(b'{"data": []}', **{"Set-Cookie": "seen=x; Path=/"})
    port = llm.open()._base.rpartition(":")[2]
    upstream = llm.open(url=f"http://localhost:{port}")  # a jar keeps none of an IP address
    await upstream.models()
    await upstream.models()
    assert all("Cookie" not in headers for _, _, headers, _ in llm.asked)


async def test_models(llm) -> None:
    rows = [{"id": "a/b-1:2"}, {"id": "每日三次，每次两片"}, {"id": {"text": "b"}}]
    llm.says(json.dumps({"data": rows}).encode())
    upstream = llm.open()
    assert await upstream.models() == ["a/b-1:2"]  # what is no name is a text nobody looked at
    for wrong in (b"{}", b"[", b'{"data": [1]}'):
        llm.says(wrong)
        with pytest.raises(UpstreamFailed, match="model list"):
            await upstream.models()
    llm.says(b"", status=500)
    with pytest.raises(UpstreamFailed, match="HTTP 500"):
        await upstream.models()
