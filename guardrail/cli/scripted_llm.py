"""A scripted Chinese clinical LLM with OpenAI's API, which misbehaves on request.

`python -m guardrail.cli.scripted_llm PORT`. The model's name says how it behaves: `scripted` answers
by keywords of the last question, `slow` the same at a person's pace; `echo` says the question again;
`fault-<name>` breaks its answer in the way its name says (`fault.py`). For the demo and for tests; it
needs no weights.
"""

from __future__ import annotations

import asyncio
import math
import re
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import orjson
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from guardrail.cli.fault import FAULTS, broken
from guardrail.wire.alternatives import COUNT
from guardrail.wire.sse import frame

Json = dict[str, Any]
SSE = "text/event-stream"
ANSWERS = ("scripted", "echo", "slow")  # models that answer as they should
SLOW_S = 0.1


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


def application() -> FastAPI:
    """The ASGI app."""
    app = FastAPI(docs_url=None, redoc_url=None)

    @app.get("/v1/models")
    async def models() -> Json:
        names = [*ANSWERS, *FAULTS]
        rows = [{"id": name, "object": "model", "owned_by": "guardrail"} for name in names]
        return {"object": "list", "data": rows}

    @app.post("/v1/chat/completions", response_model=None)
    async def chat(request: Request) -> Response:
        asked: Json = orjson.loads(await request.body())
        model = str(asked.get("model"))
        if model in FAULTS:
            return broken(model, stream=bool(asked.get("stream")))
        if model not in ANSWERS:
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
            await asyncio.sleep(SLOW_S if asked["model"] == "slow" else 0)
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
