"""A scripted Chinese clinical LLM with OpenAI's API, which misbehaves on request.

`python -m guardrail.cli.scripted_llm PORT`. The model's name says how it behaves: `scripted` answers
by keywords of the last question; `echo` says the question again; `fault-<name>` breaks the wire in
the way its name says (`FAULTS`). For the demo and for tests; it needs no weights.
"""

from __future__ import annotations

import asyncio
import math
import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from guardrail.wire.alternatives import COUNT
from guardrail.wire.sse import frame

Json = dict[str, Any]
HANG_S = 3600.0


@dataclass(frozen=True, slots=True)
class Line:
    """What is said where `asked` occurs in the last question, and how sure each token was.

    `arguments`: instead of saying anything, the caller's first tool is called with this JSON; a line
    with them is passed by where the caller declared no tool.
    """

    asked: str
    said: str
    probability: float = 0.97
    reasoning: str = ""
    arguments: str = ""


# The first line that fits is said. The prescription is spread over three sentences on purpose.
SCRIPT = (
    Line(
        "三个备选|three alternatives|exactly three",
        orjson.dumps(
            {
                "alternatives": [
                    {"title": "偏头痛", "supporting": ["单侧搏动样疼痛"], "opposing": ["无畏光"]},
                    {
                        "title": "紧张型头痛",
                        "supporting": ["双侧紧箍感"],
                        "opposing": ["活动后加重"],
                    },
                    {"title": "鼻窦炎", "supporting": ["近期感冒"], "opposing": ["无脓涕"]},
                ][:COUNT]
            }
        ).decode(),
    ),
    Line(
        "开.{0,6}(药|处方)|prescri",
        "您的症状像是细菌感染。建议使用阿莫西林胶囊。每次服用0.5克，每日三次，饭后口服。"
        "连续服用七天，请按时服药。",
    ),
    Line("预约|book", "", arguments='{"department": "神经内科", "date": "2026-03-02"}'),
    Line("推理|reason", "建议多休息，注意观察。", 0.97, "先考虑常见原因，再排除危险信号。"),
    Line("没把握|不确定|unsure", "可能是过敏，也可能是感染，需要进一步检查。", 0.6),
    Line("诊断|diagnos", "考虑偏头痛的可能性较大，建议到神经内科就诊。", 0.88),
    Line("电话|手机|phone", "好的，我们会按您留下的<MOBILE_1>与您联系。"),
    Line("hello|headache|fever", "Please rest, drink enough water and see a doctor if it lasts. "),
    Line("", "建议您多休息、多喝水，清淡饮食。如果症状持续超过三天或加重，请到医院就诊。"),
)


def answer(model: str, question: str, *, tools: bool = False) -> Line:
    """What this model says to this question."""
    if model == "echo":
        return Line("", question)
    lines = (line for line in SCRIPT if tools or not line.arguments)
    return next(line for line in lines if re.search(line.asked, question, re.IGNORECASE))


async def _silence() -> AsyncIterator[bytes]:
    await asyncio.sleep(HANG_S)
    yield b""


async def _drip(text: bytes, pause_s: float, end: float = 0.0) -> AsyncIterator[bytes]:
    for at in range(0, len(text), 16):
        yield text[at : at + 16]
        await asyncio.sleep(pause_s)
    await asyncio.sleep(end)


class Broken(Exception):
    """Raised inside a response to cut its connection."""


async def _cut(text: bytes) -> AsyncIterator[bytes]:
    yield text
    raise Broken


def _events(text: str) -> bytes:
    return frame(_chunk("fault", {"content": text}))


SSE = "text/event-stream"
FAULTS: Mapping[str, Callable[[], Response]] = {
    "fault-500": lambda: Response(b"secret prompt text", 500),
    "fault-429": lambda: Response(b"slow down", 429),
    "fault-401": lambda: Response(b"who are you", 401),
    "fault-html": lambda: Response(b"<html>hello</html>", media_type="text/html"),
    "fault-bad-json": lambda: Response(b'{"choices": [', media_type="application/json"),
    "fault-empty": lambda: Response(b"", media_type="application/json"),
    "fault-hang": lambda: StreamingResponse(_silence(), media_type=SSE),
    "fault-reset": lambda: StreamingResponse(_cut(_events("先休息。再")), media_type=SSE),
    "fault-truncated": lambda: StreamingResponse(_drip(_events("先休息。再"), 0), media_type=SSE),
    "fault-broken-sse": lambda: StreamingResponse(_drip(b"data: {oops\n\n", 0), media_type=SSE),
    "fault-not-utf8": lambda: StreamingResponse(
        _drip(
            _events("先休息。")
            + b'data: {"choices":[{"index":0,"delta":{"content":"\xff\xfe"}}]}\n\n',
            0,
        ),
        media_type=SSE,
    ),
    "fault-slow": lambda: StreamingResponse(_drip(_events("慢慢来。") * 50, 0.05), media_type=SSE),
    "fault-stall": lambda: StreamingResponse(_drip(_events("先休息。"), 0, HANG_S), media_type=SSE),
}


def application() -> FastAPI:
    """The ASGI app."""
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.get("/v1/models")
    async def models() -> Json:
        names = ["scripted", "echo", *FAULTS]
        rows = [{"id": name, "object": "model", "owned_by": "guardrail"} for name in names]
        return {"object": "list", "data": rows}

    @app.post("/v1/chat/completions", response_model=None)
    async def chat(request: Request) -> Response:
        asked: Json = orjson.loads(await request.body())
        model = str(asked.get("model"))
        if model in FAULTS:
            return FAULTS[model]()
        if model not in ("scripted", "echo"):
            return JSONResponse({"error": {"message": "no such model"}}, 404)
        line = answer(model, _question(asked), tools=bool(asked.get("tools")))
        if asked.get("stream"):
            return StreamingResponse(_stream(asked, line), media_type=SSE)
        return JSONResponse(_whole(asked, line))

    return app


def _question(asked: Json) -> str:
    said = [m for m in asked["messages"] if m["role"] == "user"]
    content = said[-1]["content"] if said else ""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)


def _whole(asked: Json, line: Line) -> Json:
    message: Json = {"role": "assistant", "content": line.said or None}
    if line.reasoning:
        message["reasoning_content"] = line.reasoning
    if line.arguments:
        message["tool_calls"] = [_call(asked, line)]
    choice: Json = {"message": message, "finish_reason": _finish(line)}
    if asked.get("logprobs"):
        choice["logprobs"] = {"content": [_token(char, line) for char in line.said]}
    choices = [{"index": n, **choice} for n in range(asked.get("n") or 1)]
    return {
        "id": "x",
        "object": "chat.completion",
        "model": "s",
        "choices": choices,
        **_usage(line),
    }


async def _stream(asked: Json, line: Line) -> AsyncIterator[bytes]:
    for n in range(asked.get("n") or 1):
        if line.reasoning:
            yield frame(_chunk("s", {"reasoning_content": line.reasoning}, n))
        if line.arguments:
            yield frame(_chunk("s", {"tool_calls": [{"index": 0, **_call(asked, line)}]}, n))
        for at in range(0, len(line.said), 2):
            piece = line.said[at : at + 2]
            chunk = _chunk("s", {"content": piece}, n)
            if asked.get("logprobs"):
                tokens = [_token(char, line) for char in piece]
                chunk["choices"][0]["logprobs"] = {"content": tokens}
            yield frame(chunk)
            await asyncio.sleep(0)
        chunk = _chunk("s", {}, n)
        chunk["choices"][0]["finish_reason"] = _finish(line)
        yield frame(chunk)
    yield frame({"id": "x", "object": "chat.completion.chunk", "choices": [], **_usage(line)})
    yield b"data: [DONE]\n\n"


def _chunk(model: str, delta: Json, index: int = 0) -> Json:
    choice = {"index": index, "delta": delta, "finish_reason": None}
    return {"id": "x", "object": "chat.completion.chunk", "model": model, "choices": [choice]}


def _finish(line: Line) -> str:
    return "tool_calls" if line.arguments else "stop"


def _call(asked: Json, line: Line) -> Json:
    name = asked["tools"][0]["function"]["name"]
    return {
        "id": "call_1",
        "type": "function",
        "function": {"name": name, "arguments": line.arguments},
    }


def _token(char: str, line: Line) -> Json:
    raw = list(char.encode())
    return {"token": char, "logprob": math.log(line.probability), "bytes": raw, "top_logprobs": []}


def _usage(line: Line) -> Json:
    said = len(line.said)
    return {"usage": {"prompt_tokens": 1, "completion_tokens": said, "total_tokens": said + 1}}


if __name__ == "__main__":
    uvicorn.run(application(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
