"""JSON as a caller sends it, read strictly: one meaning for one text, and bounded.

Two parsers that disagree about a duplicate key are a way past a guard, so a text that could be
read in two ways is refused.
"""

from __future__ import annotations

import re
from typing import cast

import orjson

from guardrail.domain.errors import BadRequest

MAX_DEPTH = 64
MAX_NODES = 100_000

Path = tuple[str | int, ...]
Json = dict[str, object]

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")


def read_object(body: bytes | str) -> Json:
    """The JSON object in `body`. Raises `BadRequest` for anything else than one unambiguous JSON
    object with at most `MAX_DEPTH` levels and `MAX_NODES` containers and members."""
    raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise BadRequest(
            "invalid_json",
            "The body is not valid JSON in UTF-8.",
            "Send one JSON object, for instance with the `json=` argument of your HTTP client.",
        ) from None
    if not isinstance(value, dict):
        raise BadRequest("invalid_json", "The body must be a JSON object.", "Send {...}.")
    if _members(value) != _STRING.sub(b"", raw).count(b":"):
        raise BadRequest(
            "duplicate_key",
            "An object in the body has the same key twice.",
            "Send every key once: parsers disagree about which one counts.",
        )
    return cast(Json, value)


def _members(value: object) -> int:
    """How many key-value pairs the value has, at all depths."""
    level: list[object] = [value]
    members = nodes = depth = 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise BadRequest(
                "json_too_deep",
                f"The body is nested deeper than {MAX_DEPTH} levels.",
                "Flatten the request.",
            )
        below: list[object] = []
        for item in level:
            values = item.values() if isinstance(item, dict) else cast(list[object], item)
            members += len(values) if isinstance(item, dict) else 0
            nodes += len(values)
            below += [child for child in values if isinstance(child, (dict, list))]
        if nodes > MAX_NODES:
            raise BadRequest(
                "json_too_large",
                f"The body has more than {MAX_NODES} values.",
                "Send fewer messages or smaller tool definitions.",
            )
        level = below
    return members


def where(path: Path) -> str:
    """A path as OpenAI's errors write it: `messages[2].content[0].text`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}"
    return text.removeprefix(".")


def plain_name(name: str) -> bool:
    """Whether a key may be named in an error: short and an identifier, so hardly anyone's text."""
    return _PLAIN_NAME.fullmatch(name) is not None


def wrong_type(path: Path, expected: str) -> BadRequest:
    """The error for a value of the wrong type; never quotes the value."""
    return BadRequest(
        "invalid_type",
        f"{where(path)} must be {expected}.",
        "Correct this field and send the request again.",
        where(path),
    )


def wrong_value(path: Path, expected: str) -> BadRequest:
    """The error for a value of the right type that is not accepted; never quotes the value."""
    return BadRequest(
        "invalid_value",
        f"{where(path)} must be {expected}.",
        "Correct this field and send the request again.",
        where(path),
    )


def missing(path: Path) -> BadRequest:
    """The error for a required field that is absent or null."""
    return BadRequest(
        "missing_required_parameter",
        f"{where(path)} is required.",
        "Add this field and send the request again.",
        where(path),
    )


def unknown(path: Path, remedy: str = "") -> BadRequest:
    """The error for a field that could carry text nobody would look at."""
    last = path[-1]
    named = path if isinstance(last, int) or plain_name(last) else path[:-1]
    place = where(named) or "the body"
    return BadRequest(
        "unknown_parameter",
        f"{place} is not known here and could carry text that the guard cannot inspect."
        if named == path
        else f"{place} has a field that is not known here and could carry uninspected text.",
        remedy or "Remove it, or move its text into a message.",
        where(named) or None,
    )


def as_object(value: object, path: Path) -> Json:
    if not isinstance(value, dict):
        raise wrong_type(path, "an object")
    return cast(Json, value)


def as_list(value: object, path: Path, most: int) -> list[object]:
    """A list of at most `most` items."""
    if not isinstance(value, list):
        raise wrong_type(path, "an array")
    if len(value) > most:
        raise BadRequest(
            "array_too_long",
            f"{where(path)} has more than {most} items.",
            "Send fewer.",
            where(path),
        )
    return cast(list[object], value)


def as_text(value: object, path: Path) -> str:
    if not isinstance(value, str):
        raise wrong_type(path, "a string")
    return value
