"""One answer to one caller: what is started, when, and with which status."""

import json

import pytest

from guardrail.domain.errors import UpstreamFailed
from guardrail.domain.exchange import Caller, Channel
from guardrail.domain.verdict import Action, Verdict
from guardrail.guard import effects
from guardrail.guard.effects import Ending
from guardrail.server.reply import Reply
from guardrail.testing import ask
from guardrail.wire.chat import AnswerWriter, Request

ALLOWED = Verdict(Action.ALLOW, "d" * 8)
BLOCKED = Verdict(Action.BLOCK, "d" * 8)


class Wire:
    """Keeps the ASGI messages of one reply."""

    def __init__(self, *, stream=False, **caller) -> None:
        self.sent = []
        exchange = ask("头痛", stream=stream, caller=Caller(**caller))
        writer = AnswerWriter(exchange, Request({}, "m", ()), 0)
        self.reply = Reply(self._send, exchange, writer, "d" * 8)

    async def _send(self, message) -> None:
        self.sent.append(message)

    @property
    def status(self):
        return self.sent[0]["status"]

    @property
    def headers(self):
        return dict(self.sent[0]["headers"])

    @property
    def body(self):
        return b"".join(m["body"] for m in self.sent[1:]).decode()

    @property
    def ended(self):
        return not self.sent[-1].get("more_body", False)


def release(text):
    return effects.Release(Channel(), text)


def close(ending=Ending.ANSWERED, verdict=ALLOWED, **more):
    return effects.Close(ending, verdict, {0: "stop"}, {}, **more)


async def test_a_whole_answer_leaves_at_the_end() -> None:
    wire = Wire()
    await wire.reply.release(release("多休息。"))
    await wire.reply.keep_alive()
    assert wire.sent == []
    await wire.reply.close(close())
    assert (wire.status, wire.ended) == (200, True)
    assert json.loads(wire.body)["choices"][0]["message"]["content"] == "多休息。"
    assert wire.headers[b"content-length"] == str(len(wire.body.encode())).encode()
    assert wire.headers[b"x-guardrail-action"] == b"allow"


async def test_a_stream_begins_with_the_first_thing_to_say() -> None:
    wire = Wire(stream=True)
    await wire.reply.release(release(""))
    assert wire.sent == []
    await wire.reply.keep_alive()
    assert (wire.status, wire.body) == (200, ": hold\n\n")
    await wire.reply.release(release("多休息。"))
    await wire.reply.close(close())
    assert wire.body.endswith("data: [DONE]\n\n")
    assert [m["more_body"] for m in wire.sent[1:]] == [True, True, False]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_notice_waits_for_the_close(stream) -> None:
    wire = Wire(stream=stream)
    wire.reply.notify(effects.Notify(BLOCKED, None))
    assert wire.sent == []
    await wire.reply.close(close(Ending.FILTERED, BLOCKED, forwarded=True))
    assert '"content_filter"' in wire.body
    assert wire.headers[b"x-guardrail-action"] == b"block"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_key_may_want_blocked_questions_as_errors(stream) -> None:
    wire = Wire(stream=stream, on_block="error")
    wire.reply.notify(effects.Notify(BLOCKED, None))
    await wire.reply.close(close(Ending.FILTERED, BLOCKED))
    error = json.loads(wire.body)["error"]
    assert (wire.status, error["code"], error["param"]) == (400, "content_filter", "messages")


async def test_a_blocked_answer_is_no_error_even_then() -> None:
    wire = Wire(on_block="error")
    wire.reply.notify(effects.Notify(BLOCKED, None))
    await wire.reply.close(close(Ending.FILTERED, BLOCKED, forwarded=True))
    assert wire.status == 200


async def test_a_block_after_a_keep_alive_is_told_in_the_stream() -> None:
    wire = Wire(stream=True, on_block="error")
    await wire.reply.keep_alive()
    wire.reply.notify(effects.Notify(BLOCKED, None))
    await wire.reply.close(close(Ending.FILTERED, BLOCKED))
    assert (wire.status, wire.ended) == (200, True)
    assert '"content_filter"' in wire.body


@pytest.mark.parametrize("started", [False, True])
async def test_a_failure_gets_a_true_status_or_ends_the_stream(started) -> None:
    wire = Wire(stream=True)
    if started:
        await wire.reply.release(release("Rest."))
    await wire.reply.close(close(Ending.FAILED, code="upstream_busy"))
    assert wire.ended
    assert '"upstream_busy"' in wire.body
    assert wire.body.count("[DONE]") == started
    if not started:
        assert wire.status == 503
        assert wire.headers[b"retry-after"] == b"1"


async def test_nothing_is_written_to_who_has_gone() -> None:
    wire = Wire(stream=True)
    await wire.reply.close(close(Ending.GONE))
    assert wire.sent == []
    for stream in (False, True):
        wire = Wire(stream=stream)
        wire.reply.abandon()
        await wire.reply.release(release("Rest."))
        await wire.reply.close(close())
        await wire.reply.refuse(UpstreamFailed("upstream_reset", "x"))
        assert wire.sent == []


async def test_the_extension_can_be_switched_off() -> None:
    for wanted in (True, False):
        wire = Wire(extension=wanted)
        await wire.reply.close(close())
        assert ("guardrail" in json.loads(wire.body)) is wanted
