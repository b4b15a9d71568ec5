"""Strict JSON: one meaning for one text, bounded, and errors that quote nothing."""

from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.domain.errors import BadRequest
from guardrail.wire import payload

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(max_size=8), JSON_VALUES, max_size=5), st.booleans())
def test_every_object_without_duplicates_is_read_as_it_is(
    value: dict[str, object], ascii_only: bool
) -> None:
    assert payload.read_object(json.dumps(value, ensure_ascii=ascii_only)) == value


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid_json"),
        (b"{", "invalid_json"),
        (b"[]", "invalid_json"),
        (b'"\xe4\xbd\xa0\xe5\xa5\xbd"', "invalid_json"),
        (b'{"a":NaN}', "invalid_json"),
        (b'{"a":"\xff"}', "invalid_json"),
        (b'{"a":"\\ud800"}', "invalid_json"),
        ('{"a":"\ud800"}', "invalid_json"),
        (b'{"a":1}{"a":2}', "invalid_json"),
        (b'{"a":1,"a":1}', "duplicate_key"),
        (b'{"a":1,"\\u0061":2}', "duplicate_key"),
        ('{"问":[{"甲":1,"甲":":"}]}', "duplicate_key"),
        (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", "json_too_deep"),
        (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "invalid_json"),
        (b'{"a":[' + b",".join([b"1"] * 100_001) + b"]}", "json_too_large"),
    ],
)
def test_refused(body: bytes | str, code: str) -> None:
    with pytest.raises(BadRequest) as error:
        payload.read_object(body)
    assert error.value.code == code
    assert error.value.remedy


@pytest.mark.parametrize("text", ['a":"b', "\\", '\\"', "你:好", '","x":"', "\\\\:", "\n:"])
def test_colons_and_quotes_inside_strings_are_no_keys(text: str) -> None:
    value = {text: {"文": text, "n": [text, {text: None}]}}
    assert payload.read_object(orjson.dumps(value)) == value


def test_the_deepest_allowed() -> None:
    body = b'{"a":' + b"[" * 63 + b"]" * 63 + b"}"
    assert "a" in payload.read_object(body)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("model",), "model"),
        (("messages", 2, "content", 0, "text"), "messages[2].content[0].text"),
        ((0, "a"), "[0].a"),
    ],
)
def test_where(path: payload.Path, text: str) -> None:
    assert payload.where(path) == text


@pytest.mark.parametrize(
    ("path", "param"),
    [
        (("magic",), "magic"),
        (("张三的电话13800138000",), None),
        (("messages", 0, "secret text"), "messages[0]"),
        (("messages", 0), "messages[0]"),
    ],
)
def test_an_unknown_name_is_told_only_where_it_is_plain(
    path: payload.Path, param: str | None
) -> None:
    error = payload.unknown(path)
    assert error.param == param
    assert error.code == "unknown_parameter"
    assert "13800138000" not in str(error)
    assert "secret" not in str(error)
    assert error.remedy
    assert payload.unknown(path, "Use tools.").remedy == "Use tools."


def test_typed_readers() -> None:
    assert payload.as_object({"a": 1}, ("x",)) == {"a": 1}
    assert payload.as_list([1], ("x",), 1) == [1]
    assert payload.as_text("文", ("x",)) == "文"
    with pytest.raises(BadRequest, match="x must be an object"):
        payload.as_object([], ("x",))
    with pytest.raises(BadRequest, match="x must be an array"):
        payload.as_list({}, ("x",), 1)
    with pytest.raises(BadRequest, match="x must be a string") as error:
        payload.as_text(1, ("x",))
    assert (error.value.code, error.value.param) == ("invalid_type", "x")
    with pytest.raises(BadRequest) as too_many:
        payload.as_list([1, 2], ("x", 3), 1)
    assert (too_many.value.code, too_many.value.param) == ("array_too_long", "x[3]")
    assert payload.missing(("model",)).code == "missing_required_parameter"
    assert payload.wrong_value(("n",), "between 1 and 8").message == "n must be between 1 and 8."
