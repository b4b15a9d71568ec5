"""A chat completion's request: bytes to an `Exchange` with its turns, and on to the upstream.

Turns stand in this order: the texts beside the conversation (user, safety_identifier, metadata,
stop, prediction), then the messages as they came, so the last turn belongs to the last message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict, Unpack, cast

import orjson

from guardrail.domain.exchange import Caller, Exchange, Scene, Speaker
from guardrail.wire.message import Conversation
from guardrail.wire.parameter import model_name, settings, tool_names
from guardrail.wire.payload import (
    Json,
    Path,
    as_list,
    as_object,
    plain_name,
    read_object,
    unknown,
    wrong_value,
)

_MAX_METADATA = 16
_MAX_STOPS = 16


class Arrival(TypedDict):
    """What the rim knows of a request beside its body. `at` is Unix seconds."""

    exchange_id: str
    caller: Caller
    scene: Scene
    purpose: str
    cohort: str
    at: float


@dataclass(frozen=True, slots=True)
class Request:
    """What is forwarded. `paths[i]` is where turn `i` of the exchange stands in `body`."""

    body: Mapping[str, object]
    model: str
    paths: tuple[Path, ...]
    include_usage: bool = False


def read_request(body: bytes, **arrival: Unpack[Arrival]) -> tuple[Exchange, Request]:
    """The question in `body`. Raises `BadRequest` (see `payload`, `parameter`, `message`)."""
    asked = read_object(body)
    model = model_name(asked.get("model"))
    kept = settings(asked)
    conversation = Conversation()
    kept |= _texts(asked, conversation)
    kept["messages"] = conversation.read(asked.get("messages"))
    options = asked.get("stream_options")
    exchange = Exchange(
        id=arrival["exchange_id"],
        model=model,
        turns=tuple(conversation.turns),
        caller=arrival["caller"],
        scene=arrival["scene"],
        purpose=arrival["purpose"],
        cohort=arrival["cohort"],
        stream=kept.get("stream") is True,
        choices=cast(int, kept.get("n", 1)),
        tools=tool_names(kept.get("tools")),
        wants_logprobs=kept.get("logprobs") is True,
        asked_at=arrival["at"],
    )
    include_usage = isinstance(options, dict) and options.get("include_usage") is True
    paths = tuple(turn.path for turn in exchange.turns)
    return exchange, Request({"model": model, **kept}, model, paths, include_usage)


def upstream_body(
    request: Request,
    replaced: Mapping[int, str],
    *,
    ask_logprobs: bool,
    model: str | None = None,
) -> bytes:
    """The body for the upstream: turns in `replaced` (index of a turn to masked text) written in
    their places, `model` in place of the caller's name for it. Alternatives of tokens are texts
    that nobody could clear, so `top_logprobs` is 1 whatever the caller wanted: the least that
    llama.cpp can be asked for (it takes 0 as no logprobs at all, and sends 20 by default)."""
    body: object = request.body
    for index, text in replaced.items():
        body = _written(body, request.paths[index], text)
    sent = dict(cast(Json, body))
    sent.pop("top_logprobs", None)
    if model is not None:
        sent["model"] = model
    if ask_logprobs or sent.get("logprobs") is True:
        sent |= {"logprobs": True, "top_logprobs": 1}
    if sent.get("stream") is True:
        sent["stream_options"] = {"include_usage": True}
    return orjson.dumps(sent)


def _written(node: object, path: Path, text: str) -> object:
    """A copy of `node` with `text` at `path`; what lies beside the path is shared."""
    if not path:
        return text
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        items = list(cast(list[object], node))
        items[step] = _written(items[step], rest, text)
        return items
    members = dict(cast(Json, node))
    members[step] = _written(members[step], rest, text)
    return members


def _texts(asked: Json, conversation: Conversation) -> Json:
    """The texts beside the messages, checked and remembered as turns."""
    kept: Json = {}
    for key in ("user", "safety_identifier"):
        if asked.get(key) is not None:
            kept[key] = conversation.text(asked[key], (key,), Speaker.USER)
    if asked.get("metadata") is not None:
        kept["metadata"] = _metadata(asked["metadata"], conversation)
    if asked.get("stop") is not None:
        kept["stop"] = _stop(asked["stop"], conversation)
    if asked.get("prediction") is not None:
        kept["prediction"] = _prediction(asked["prediction"], conversation)
    for key in ("tools", "response_format"):
        _descriptions(asked.get(key), (key,), conversation)
    return kept


def _descriptions(value: object, path: Path, conversation: Conversation) -> None:
    """What an app says of its tools and formats is the app's own word, like a system prompt; but
    an identifier in it must not go upstream either."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "description" and isinstance(inner, str):
                conversation.text(inner, (*path, key), Speaker.SYSTEM)
            else:
                _descriptions(inner, (*path, key), conversation)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            _descriptions(inner, (*path, index), conversation)


def _metadata(value: object, conversation: Conversation) -> Json:
    metadata = as_object(value, ("metadata",))
    if len(metadata) > _MAX_METADATA:
        raise wrong_value(("metadata",), f"at most {_MAX_METADATA} pairs")
    for key in metadata:
        if not plain_name(key):
            raise unknown(("metadata", key), "Name metadata with letters, digits, _ and -.")
    return {
        key: conversation.text(item, ("metadata", key), Speaker.USER)
        for key, item in metadata.items()
    }


def _stop(value: object, conversation: Conversation) -> str | list[str]:
    if isinstance(value, str):
        return conversation.text(value, ("stop",), Speaker.USER)
    stops = as_list(value, ("stop",), _MAX_STOPS)
    return [conversation.text(item, ("stop", i), Speaker.USER) for i, item in enumerate(stops)]


def _prediction(value: object, conversation: Conversation) -> Json:
    prediction = as_object(value, ("prediction",))
    if prediction.get("type") != "content":
        raise wrong_value(("prediction", "type"), "content")
    for key in prediction.keys() - {"type", "content"}:
        raise unknown(("prediction", key))
    path = ("prediction", "content")
    content = conversation.content(prediction.get("content"), path, Speaker.ASSISTANT)
    return {"type": "content", "content": content}
