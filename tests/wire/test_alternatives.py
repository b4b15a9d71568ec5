"""Three alternatives: asked for in one call, accepted only as exactly that, rendered in zh and en."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from guardrail.domain.exchange import Caller, Scene
from guardrail.wire import alternatives
from guardrail.wire.alternatives import Question
from guardrail.wire.chat_request import read_request


def differing(lang: str, **fields: Any) -> dict[str, Any]:
    asked = {"model": "m", "messages": [{"role": "user", "content": "电话13800138000，头疼"}]}
    _, request = read_request(
        orjson.dumps(asked | fields),
        exchange_id="e",
        caller=Caller(),
        scene=Scene.A,
        purpose="",
        cohort="",
        at=0.0,
    )
    return dict(orjson.loads(alternatives.body(Question(request, {0: "电话<电话1>，头疼"}, lang))))


@pytest.mark.parametrize(("lang", "word"), [("zh", "恰好三个"), ("en", "exactly three")])
def test_the_call_keeps_the_mask_and_drops_what_does_not_fit(lang: str, word: str) -> None:
    tool = {"type": "function", "function": {"name": "lab"}}
    body = differing(
        lang,
        stream=True,
        stream_options={"include_usage": True},
        n=2,
        tools=[tool],
        tool_choice="auto",
        logprobs=True,
        top_logprobs=3,
        max_tokens=5,
        temperature=0.1,
    )
    assert body.keys() == {"model", "messages", "temperature", "max_tokens", "response_format"}
    assert body["messages"][0] == {"role": "user", "content": "电话<电话1>，头疼"}
    assert word in body["messages"][1]["content"]
    assert body["max_tokens"] == alternatives.MAX_TOKENS
    assert body["response_format"]["json_schema"]["strict"] is True


ONE = {"title": " 紧张性头痛 ", "supporting": ["双侧", "压迫感"], "opposing": ["有发热"]}
THREE = orjson.dumps({"alternatives": [ONE, ONE, ONE]}).decode()


@pytest.mark.parametrize("text", [THREE, f"\n{THREE} ", f"```json\n{THREE}\n```", f"```{THREE}```"])
def test_read(text: str) -> None:
    found = alternatives.read(text)
    assert found is not None
    assert [one.title for one in found] == [ONE["title"]] * 3
    assert found[0].opposing == ["有发热"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "三个备选：……",
        "{}",
        f"```{THREE}",
        "\ud800",
        orjson.dumps({"alternatives": [ONE, ONE]}).decode(),
        orjson.dumps({"alternatives": [ONE] * 4}).decode(),
        orjson.dumps({"alternatives": [ONE, ONE, ONE | {"title": "  "}]}).decode(),
        orjson.dumps({"alternatives": [ONE, ONE, ONE | {"supporting": []}]}).decode(),
        orjson.dumps({"alternatives": [ONE, ONE, ONE | {"opposing": []}]}).decode(),
        orjson.dumps({"alternatives": [ONE, ONE, ONE | {"opposing": "no"}]}).decode(),
    ],
)
def test_anything_else_is_nothing(text: str) -> None:
    assert alternatives.read(text) is None


@pytest.mark.parametrize(
    ("lang", "lines"),
    [
        (
            "zh",
            [
                "以下三项备选供医生独立研判，不是结论：",
                "1. 紧张性头痛",
                "   支持：双侧；压迫感",
                "   反对：有发热",
            ],
        ),
        (
            "en",
            [
                "Three alternatives for your own judgement, not a conclusion:",
                "1. 紧张性头痛",
                "   For: 双侧; 压迫感",
                "   Against: 有发热",
            ],
        ),
    ],
)
def test_rendered(lang: str, lines: list[str]) -> None:
    found = alternatives.read(THREE)
    assert found is not None
    text = alternatives.rendered(found, lang)
    assert text.splitlines()[:4] == lines
    assert len(text.splitlines()) == 10
    assert text.endswith("\n")
