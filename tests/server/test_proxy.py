"""The proxied path from bytes to bytes."""

import asyncio
import json

import pytest

from guardrail.domain.errors import BrokenLedger, UpstreamFailed
from guardrail.domain.exchange import Channel
from guardrail.guard import effects, events
from guardrail.settings import LimitSettings
from guardrail.storage.memory import MemoryLedger
from guardrail.testing import ScriptedDetector, saying

CHAIN = ["asked", "inspected", "inspected", "decided", "released"]


async def test_a_clean_chat(world) -> None:
    w = world()
    answer = await w.chat()
    assert answer.status == 200
    assert answer.json["choices"][0]["message"]["content"] == "多休息。多喝水。"
    assert answer.json["choices"][0]["finish_reason"] == "stop"
    assert answer.json["guardrail"]["action"] == "allow"
    assert answer.headers["x-guardrail-action"] == "allow"
    assert answer.headers["x-guardrail-exchange"] == answer.json["guardrail"]["exchange"]
    assert await w.kinds() == CHAIN
    sent = json.loads(w.upstream.bodies[0])
    assert sent["messages"] == [{"role": "user", "content": "头痛怎么办"}]


async def test_a_clean_stream(world) -> None:
    w = world()
    answer = await w.chat(stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text == "多休息。多喝水。"
    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert answer.body.count(b"[DONE]") == 1
    assert await w.kinds() == CHAIN


@pytest.mark.parametrize("stream", [False, True])
async def test_a_blocked_answer(world, stream) -> None:
    w = world("先休息。给您开药。再见。")
    answer = await w.chat(stream=stream)
    assert answer.status == 200
    text = answer.text if stream else answer.json["choices"][0]["message"]["content"]
    assert "不能开药" in text
    assert "给您开药" not in answer.body.decode()
    assert ("先休息。" in text) is stream
    last = answer.chunks[-1] if stream else answer.json
    assert last["choices"][0]["finish_reason"] == "content_filter"
    assert last["guardrail"]["action"] == "block"
    assert await w.kinds() == CHAIN


async def test_a_blocked_question_as_notice_or_as_error(world) -> None:
    w = world()
    notice = await w.chat("请开药")
    assert (notice.status, notice.json["choices"][0]["finish_reason"]) == (200, "content_filter")
    error = await w.chat("请开药", key="error-key")
    assert (error.status, error.code) == (400, "content_filter")
    assert "不能开药" in error.json["error"]["message"]
    streamed = await w.chat("请开药", key="error-key", stream=True)
    assert (streamed.status, streamed.code) == (400, "content_filter")
    assert not w.upstream.bodies
    assert (await w.kinds()).count("released") == 3


async def test_blocked_answers_are_never_errors(world) -> None:
    answer = await world("给您开药。").chat(key="error-key")
    assert answer.status == 200
    assert "guardrail" not in answer.json


async def test_phi_goes_masked_and_comes_back(world) -> None:
    w = world("会打<MOBILE_1>。")
    answer = await w.chat("电话13800138000", stream=True)
    assert "13800138000" not in w.upstream.bodies[0].decode()
    assert "<MOBILE_1>" in w.upstream.bodies[0].decode()
    assert answer.text == "会打13800138000。"


async def test_a_handover_gives_notice_and_case(world) -> None:
    w = world("不要想死。")
    answer = await w.chat()
    case = answer.json["guardrail"]["case"]
    assert case in answer.json["choices"][0]["message"]["content"]
    assert [c.id for c in w.house.docket.cases()] == [case]
    assert (await w.kinds())[-1] == "opened"


async def test_scene_a_without_confidence_is_taken_over(world) -> None:
    w = world(saying("考虑偏头痛。", logprob=None))
    answer = await w.chat(key="a-key")
    assert answer.json["guardrail"]["tier"] == "takeover"
    assert "偏头痛" not in answer.body.decode()


async def test_scene_a_asks_for_alternatives(world) -> None:
    three = [{"title": t, "supporting": ["是"], "opposing": ["否"]} for t in ("甲", "乙", "丙")]

    def say(exchange, body):
        second = b"alternatives" in body
        return (
            saying(json.dumps({"alternatives": three}))
            if second
            else saying("考虑甲。", logprob=-0.1)
        )

    w = world(say)
    answer = await w.chat(key="a-key", stream=True)
    assert "1. 甲" in answer.text
    assert "考虑甲。" not in answer.text
    assert len(w.upstream.bodies) == 2


async def test_alternatives_that_fail_are_a_takeover(world) -> None:
    def say(exchange, body):
        second = b"alternatives" in body
        return (
            [UpstreamFailed("upstream_reset", "x")] if second else saying("考虑甲。", logprob=-0.1)
        )

    answer = await world(say).chat(key="a-key")
    assert answer.json["guardrail"]["tier"] == "takeover"


async def test_the_scene_header_only_makes_stricter(world) -> None:
    w = world(saying("好。", logprob=None))
    stricter = await w.chat(headers=[(b"x-guardrail-scene", b"a")])
    assert stricter.json["guardrail"]["tier"] == "takeover"
    milder = await w.chat(key="a-key", headers=[(b"x-guardrail-scene", b"D")])
    assert milder.json["guardrail"]["tier"] == "takeover"
    wrong = await w.chat(headers=[(b"x-guardrail-scene", b"Z")])
    assert (wrong.status, wrong.code) == (400, "invalid_scene")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("code", "status"),
    [("upstream_unreachable", 502), ("upstream_timeout", 504), ("upstream_bad_answer", 502)],
)
async def test_an_upstream_that_fails_at_once(world, code, status, stream) -> None:
    w = world([UpstreamFailed(code, "secret text of the upstream")])
    answer = await w.chat(stream=stream)
    assert (answer.status, answer.code) == (status, code)
    assert "secret" not in answer.body.decode()
    assert (await w.entries("released"))[0].facts["code"] == code


async def test_an_upstream_that_breaks_off_a_stream(world) -> None:
    class Breaking:
        async def ask(self, exchange, body):
            for event in saying("先休息。再")[:-2]:
                yield event
            await asyncio.sleep(0.1)
            raise UpstreamFailed("upstream_reset", "x")

    w = world()
    w.house.upstream = Breaking()
    answer = await w.chat(stream=True)
    assert answer.status == 200
    assert answer.chunks[-1]["error"]["code"] == "upstream_reset"
    said = "".join(c["choices"][0]["delta"].get("content") or "" for c in answer.chunks[:-1])
    assert said == "先休息。"


async def test_a_caller_who_leaves_leaves_a_record(world) -> None:
    async def slow(exchange, body):
        return None

    w = world("第一句。第二句。" + "很长。" * 50)
    await w.chat(stream=True, leave_after=1)
    (released,) = await w.entries("released")
    assert released.facts["ending"] in ("gone", "answered")


@pytest.mark.parametrize("stream", [False, True])
async def test_what_cannot_be_recorded_is_not_answered(world, stream) -> None:
    class Full(MemoryLedger):
        async def append(self, drafts):
            raise BrokenLedger("ledger_unavailable", "The disk is full.")

    answer = await world("好", ledger=Full()).chat(stream=stream)
    if stream:  # what was cleared has left; the end says that it does not count
        assert answer.chunks[-1]["error"]["code"] == "ledger_unavailable"
        return
    assert (answer.status, answer.code) == (503, "ledger_unavailable")
    assert "retry-after" in answer.headers


async def test_a_bug_is_answered_without_content(world) -> None:
    answer = await world([ValueError("张三13800138000")]).chat()
    assert (answer.status, answer.code) == (500, "internal_error")
    assert "张三" not in answer.body.decode()


async def test_a_silent_detector_blocks(world) -> None:
    class Stuck(ScriptedDetector):
        async def look(self, passage):
            raise RuntimeError("张三")

    answer = await world(detector=Stuck({"开药": "prescription.order"})).chat()
    assert answer.json["guardrail"]["action"] == "block"


async def test_a_deadline(world) -> None:
    class Slow:
        async def ask(self, exchange, body):
            await asyncio.sleep(60)
            yield events.Ended(0.0)

        async def close(self):
            pass

    w = world(limits=LimitSettings(total_s=0.05))
    w.house.upstream = Slow()
    answer = await w.chat()
    assert (answer.status, answer.code) == (504, "deadline")


async def test_keep_alives_hold_a_silent_stream(world) -> None:
    class Slow:
        async def ask(self, exchange, body):
            await asyncio.sleep(0.2)
            for event in saying("好。"):
                yield event

        async def close(self):
            pass

    w = world(limits=LimitSettings(keepalive_s=0.05))
    w.house.upstream = Slow()
    answer = await w.chat(stream=True)
    assert answer.body.startswith(b": hold\n\n")
    assert answer.text == "好。"
    assert (await w.chat()).json["choices"][0]["message"]["content"] == "好。"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"{", "invalid_json"),
        (b"[]", "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        (b'{"model":"m"}', None),
        (b'{"model":1,"messages":[{"role":"user","content":"x"}]}', None),
    ],
)
async def test_bad_bodies_are_refused_and_recorded(world, raw, code) -> None:
    w = world()
    answer = await w.call(raw=raw)
    assert answer.status == 400
    assert code is None or answer.code == code
    assert answer.json["error"]["type"] == "invalid_request_error"
    (refused,) = await w.entries("refused")
    assert refused.facts == {
        "code": answer.code,
        "endpoint": "chat.completions",
        "tenant": "default",
        "caller": "app",
        "bytes": len(raw),
    }
    assert w.watch.codes == [answer.code]


async def test_who_may_ask(world) -> None:
    w = world()
    for key in ("wrong", ""):
        answer = await w.chat(key=key)
        assert (answer.status, answer.code) == (401, "invalid_api_key")
    answer = await w.chat(key="one-model-key")
    assert (answer.status, answer.code) == (403, "model_not_allowed")
    assert await w.kinds() == ["refused"]


async def test_other_methods_and_paths(world) -> None:
    w = world()
    answer = await w.call(method="GET")
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    before = await w.kinds()
    assert (await w.call(method="GET", key=None)).status == 401
    assert await w.kinds() == before  # whoever has no key cannot fill the ledger
    answer = await w.call("/v1/audio/speech", {})
    assert (answer.status, answer.code) == (404, "not_found")


async def test_too_large_and_wrong_types(world) -> None:
    w = world(limits=LimitSettings(body_bytes=10))
    assert (await w.chat()).code == "body_too_large"
    w = world()
    answer = await w.chat(headers=[(b"transfer-encoding", b"chunked")])
    assert (answer.status, answer.code) == (400, "ambiguous_length")


async def test_overload_and_closing_are_said_early(world) -> None:
    w = world(limits=LimitSettings(in_flight=1))
    w.house.doors.inside = 1
    answer = await w.chat()
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (503, "overloaded", "1")
    w.house.doors.inside = 0
    w.house.doors.closing = True
    assert (await w.chat()).code == "shutting_down"


async def test_a_process_that_ends_leaves_a_record(world) -> None:
    class Slow:
        async def ask(self, exchange, body):
            yield events.Delta(Channel(), "好。再", 0.0)
            await asyncio.sleep(60)

        async def close(self):
            pass

    w = world()
    w.house.upstream = Slow()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(w.chat(stream=True))
        await asyncio.sleep(0.1)
        task.cancel()
    (released,) = await w.entries("released")
    assert released.facts["code"] == "shutting_down"


async def test_a_bug_in_the_middle_of_a_stream_ends_it_with_an_error(world) -> None:
    w = world("第一句。第二句。")
    seen = w.watch.saw

    def broken(exchange, thing, at):
        seen(exchange, thing, at)
        if isinstance(thing, effects.Record):
            raise TypeError("张三")

    w.watch.saw = broken
    answer = await w.chat(stream=True)
    assert answer.chunks[-1]["error"]["code"] == "internal_error"
    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert "张三" not in answer.body.decode()


async def test_a_caller_who_does_not_read_his_error_is_not_waited_for(world) -> None:
    w = world(limits=LimitSettings(write_s=0.05))

    async def stuck(message):
        await asyncio.sleep(60)

    async def receive():
        return {"type": "http.request", "body": b"{", "more_body": False}

    scope = {
        "type": "http",
        "path": "/v1/chat/completions",
        "method": "POST",
        "headers": [(b"authorization", b"Bearer app-key")],
    }
    async with asyncio.timeout(5):
        await w.app(scope, receive, stuck)
    assert await w.kinds() == ["refused"]
