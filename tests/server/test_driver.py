"""The loop between the session and the rim: deadlines, keep-alives, those who leave, bugs."""

import asyncio
import contextlib

import pytest

from guardrail.domain.exchange import Channel
from guardrail.guard import events
from guardrail.server import driver
from guardrail.server.body import Gone
from guardrail.settings import LimitSettings
from guardrail.storage.memory import MemoryLedger
from guardrail.testing import ScriptedDetector, saying


class Upstream:
    """Yields what it is told: an event, seconds to wait, or an exception to raise."""

    def __init__(self, *script) -> None:
        self.script, self.closed = script, 0

    async def ask(self, exchange, body):
        try:
            for thing in self.script:
                if isinstance(thing, Exception):
                    raise thing
                if isinstance(thing, float):
                    await asyncio.sleep(thing)
                else:
                    yield thing
        finally:
            self.closed += 1


def delta(text):
    return events.Delta(Channel(), text, 0.0)


def placed(world, upstream, **limits):
    w = world(limits=LimitSettings(**limits))
    w.house.upstream = upstream
    return w


async def ending(w):
    (released,) = await w.entries("released")
    return released.facts["ending"], released.facts["code"]


async def test_a_bug_behind_a_full_queue_is_not_lost(world, monkeypatch) -> None:
    """Nobody who fails may find that there is no room to say so: it would last until the deadline."""
    monkeypatch.setattr(driver, "QUEUE", 1)
    upstream = Upstream(*(delta(f"第{n}句。") for n in range(40)), ValueError("张三"))
    w = placed(world, upstream, total_s=15.0)
    async with asyncio.timeout(10):
        answer = await w.chat()
    assert (answer.status, answer.code) == (500, "internal_error")
    assert await ending(w) == ("failed", "internal_error")
    assert upstream.closed == 1


async def test_a_detector_s_bug_ends_the_exchange_at_once(world) -> None:
    class Broken:
        async def look(self, passage):
            raise ValueError("张三")

    w = world()
    w.house.panel = Broken()
    answer = await w.chat()
    assert (answer.status, answer.code) == (500, "internal_error")


async def test_a_slow_session_slows_the_upstream_down(world, monkeypatch) -> None:
    monkeypatch.setattr(driver, "QUEUE", 2)
    w = placed(world, Upstream(*saying("多休息。" * 30)))
    assert (await w.chat(stream=True)).text == "多休息。" * 30


async def test_a_caller_who_does_not_read_has_gone(world) -> None:
    w = placed(world, Upstream(*saying("第一句。第二句。再")[:-2], 60.0), write_s=0.05)
    stuck = asyncio.Event()

    async def send(message):
        await stuck.wait()

    async def receive():
        if asked:
            return asked.pop()
        await stuck.wait()
        return {"type": "http.disconnect"}

    asked = [{"type": "http.request", "body": ASKED, "more_body": False}]
    async with asyncio.timeout(10):
        await w.app(scope(), receive, send)
    assert await ending(w) == ("gone", "client_gone")


async def test_a_caller_whose_connection_breaks(world) -> None:
    w = placed(world, Upstream(*saying("第一句。第二句。再")[:-2], 60.0))

    async def send(message):
        raise OSError

    async def receive():
        if asked:
            return asked.pop()
        await asyncio.sleep(60)
        raise Gone

    asked = [{"type": "http.request", "body": ASKED, "more_body": False}]
    async with asyncio.timeout(10):
        await w.app(scope(), receive, send)
    assert await ending(w) == ("gone", "client_gone")


async def test_the_deadline_cuts_a_stream(world) -> None:
    upstream = Upstream(delta("第一句。"), 60.0)
    w = placed(world, upstream, total_s=0.3)
    answer = await w.chat(stream=True)
    assert answer.chunks[-1]["error"]["code"] == "deadline"
    assert upstream.closed == 1


async def test_no_task_is_left_behind(world) -> None:
    before = asyncio.all_tasks()
    w = placed(world, Upstream(delta("第一句。"), 60.0), total_s=0.1)
    await w.chat()
    assert asyncio.all_tasks() == before


async def test_a_process_that_ends_twice_leaves_one_record(world) -> None:
    w = placed(world, Upstream(delta("第一句。"), 60.0))
    task = asyncio.get_running_loop().create_task(w.chat(stream=True))
    await asyncio.sleep(0.1)
    task.cancel()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await ending(w) == ("failed", "shutting_down")


ASKED = '{"model":"m","stream":true,"messages":[{"role":"user","content":"头痛"}]}'.encode()


def scope():
    return {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "headers": [(b"authorization", b"Bearer app-key")],
    }


@pytest.mark.parametrize("stream", [False, True])
async def test_keep_alives_are_for_streams(world, stream) -> None:
    w = placed(world, Upstream(0.2, *saying("好。")), keepalive_s=0.05)
    answer = await w.chat(stream=stream)
    assert (b": hold" in answer.body) is stream


async def test_a_held_answer_is_kept_alive_while_the_upstream_talks(world) -> None:
    words = [thing for _ in range(20) for thing in (0.02, delta("好"))]
    w = placed(world, Upstream(*words, *saying("")[-2:]), keepalive_s=0.1)
    answer = await w.chat(stream=True, key="a-key")
    assert answer.body.count(b": hold\n\n") >= 2


async def test_a_whole_answer_is_looked_at_a_few_sentences_at_a_time(world) -> None:
    class Counting(ScriptedDetector):
        now = most = 0

        async def look(self, passage):
            Counting.now += 1
            Counting.most = max(Counting.most, Counting.now)
            await asyncio.sleep(0.002)
            Counting.now -= 1
            return self.report(passage)

    answer = await world("多休息。" * 40, detector=Counting()).chat()
    assert answer.json["choices"][0]["message"]["content"] == "多休息。" * 40
    assert Counting.most == driver.LOOKS


def streamed(w, send):
    """One streamed chat of a caller who stays."""
    asked = [{"type": "http.request", "body": ASKED, "more_body": False}]

    async def receive():
        if asked:
            return asked.pop()
        return await asyncio.Event().wait()

    return asyncio.ensure_future(w.app(scope(), receive, send))


async def test_ending_while_the_last_words_are_written_leaves_the_record(world) -> None:
    w = world("多休息")
    stalled, go_on = asyncio.Event(), asyncio.Event()

    async def send(message):
        if message["type"] == "http.response.body":
            stalled.set()
            await go_on.wait()

    task = streamed(w, send)
    await stalled.wait()
    assert await w.kinds() == []
    task.cancel()
    go_on.set()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await ending(w) == ("answered", "")


async def test_ending_while_the_record_is_written_leaves_it_once(world) -> None:
    begun = asyncio.Event()

    class Slow(MemoryLedger):
        async def append(self, drafts):
            begun.set()
            await asyncio.sleep(0.1)
            return await super().append(drafts)

    w = world("多休息。", ledger=Slow())
    said = []

    async def send(message):
        said.append(message.get("body", b""))

    task = streamed(w, send)
    await begun.wait()
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert await ending(w) == ("answered", "")
    assert b"".join(said).endswith(b"data: [DONE]\n\n")
