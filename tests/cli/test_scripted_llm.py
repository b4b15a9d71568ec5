"""The scripted LLM over its API."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from guardrail.cli import scripted_llm
from guardrail.cli.fault import FAULTS
from guardrail.cli.scripted_llm import SCRIPT, answer, application
from guardrail.wire import alternatives

TOOL = {"type": "function", "function": {"name": "book_visit"}}


@pytest.fixture
def llm() -> Iterator[TestClient]:
    with TestClient(application()) as client:
        yield client


def ask(llm: TestClient, text: Any, model: str = "scripted", **options: Any) -> Any:
    body = {"model": model, "messages": [{"role": "user", "content": text}], **options}
    return llm.post("/v1/chat/completions", json=body)


def chunks(answered: Any) -> list[dict[str, Any]]:
    lines = [line[6:] for line in answered.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_models(llm: TestClient) -> None:
    names = [row["id"] for row in llm.get("/v1/models").json()["data"]]
    assert names == ["scripted", "echo", "slow", *FAULTS]
    assert ask(llm, "x", model="other").status_code == 404
    assert ask(llm, "x", model="fault-500").status_code == 500


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("请开点药", "阿莫西林"),
        ("Please prescribe something", "阿莫西林"),
        ("没把握就直说", "可能是过敏"),
        ("我的手机是<MOBILE_1>", "<MOBILE_1>"),
        ("I have a headache", "Please rest"),
        ("别的问题", "多休息"),
        ("预约", "多休息"),
    ],
)
def test_keywords_choose_the_line(llm: TestClient, question: str, said: str) -> None:
    message = ask(llm, question).json()["choices"][0]["message"]
    assert said in message["content"]
    parts = [{"type": "text", "text": question}]
    assert ask(llm, parts).json()["choices"][0]["message"] == message


def test_the_prescription_spreads_over_three_sentences() -> None:
    said = answer("scripted", "开药").said
    assert said.count("。") >= 3
    assert "阿莫西林" not in said.split("。")[2]


def test_echo_and_slow(llm: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripted_llm, "SLOW_S", 0.0)
    assert ask(llm, "说一遍", model="echo").json()["choices"][0]["message"]["content"] == "说一遍"
    heard = chunks(ask(llm, "头痛", model="slow", stream=True))
    assert (
        "".join(c["choices"][0]["delta"].get("content", "") for c in heard[:-1]) == SCRIPT[-1].said
    )


def test_how_sure_it_is(llm: TestClient) -> None:
    whole = ask(llm, "这可能是什么诊断", logprobs=True).json()["choices"][0]
    tokens = whole["logprobs"]["content"]
    assert "".join(token["token"] for token in tokens) == whole["message"]["content"]
    assert all(math.exp(token["logprob"]) == pytest.approx(0.88) for token in tokens)
    assert "logprobs" not in ask(llm, "这可能是什么诊断").json()["choices"][0]


def test_the_stream_says_the_same(llm: TestClient) -> None:
    heard = chunks(ask(llm, "请推理", stream=True, logprobs=True, n=2))
    assert heard[-1]["choices"] == []
    assert heard[-1]["usage"]["total_tokens"] > 0
    said: dict[int, str] = {0: "", 1: ""}
    thought: dict[int, str] = {0: "", 1: ""}
    for chunk in heard[:-1]:
        choice = chunk["choices"][0]
        said[choice["index"]] += choice["delta"].get("content", "")
        thought[choice["index"]] += choice["delta"].get("reasoning_content", "")
    message = ask(llm, "请推理").json()["choices"][0]["message"]
    assert set(said.values()) == {message["content"]}
    assert set(thought.values()) == {message["reasoning_content"]}


def test_a_tool_is_called_where_there_is_one(llm: TestClient) -> None:
    choice = ask(llm, "请预约", tools=[TOOL]).json()["choices"][0]
    (call,) = choice["message"]["tool_calls"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("tool_calls", None)
    assert call["function"]["name"] == "book_visit"
    assert json.loads(call["function"]["arguments"])["department"] == "神经内科"
    heard = chunks(ask(llm, "book a visit", tools=[TOOL], stream=True))
    assert heard[0]["choices"][0]["delta"]["tool_calls"][0] == {"index": 0, **call}
    assert heard[1]["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_it_knows_three_alternatives(lang: str) -> None:
    asked = alternatives._ASK[lang]
    assert alternatives.read(answer("scripted", f"头痛\n{asked}").said) is not None


def test_nobody_asked(llm: TestClient) -> None:
    body = {"model": "scripted", "messages": [{"role": "system", "content": "x"}]}
    assert llm.post("/v1/chat/completions", json=body).status_code == 200
