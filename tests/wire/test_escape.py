"""Arguments without \\uXXXX: the same JSON, and the same text however it is cut."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.wire.escape import Unescaper, unescaped

ESCAPED = st.text(
    alphabet=st.sampled_from(list('\\\\\\\\uuud8DdCc3019aFe"n/ 处方x\n')), max_size=40
)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ('{"drug":"\\u963f\\u83ab\\u897f\\u6797"}', '{"drug":"阿莫西林"}'),
        ('{"to":"\\u0031\\u0033800138000"}', '{"to":"13800138000"}'),
        ('{"face":"\\ud83d\\ude00"}', '{"face":"😀"}'),
        ('{"half":"\\ud83d"}', '{"half":"\\ud83d"}'),
        ('{"half":"\\ude00\\ud83d\\u4f60"}', '{"half":"\\ude00\\ud83d你"}'),
        ('{"quote":"\\u0022\\u005c\\u000a"}', '{"quote":"\\u0022\\u005c\\u000a"}'),
        ('{"path":"C:\\\\u4f60"}', '{"path":"C:\\\\u4f60"}'),
        ('{"odd":"\\\\\\u4f60"}', '{"odd":"\\\\你"}'),
        ('{"bad":"\\u12zz\\u4f60"}', '{"bad":"\\u12zz你"}'),
        ("plain 文", "plain 文"),
        ("tail \\u4f6", "tail \\u4f6"),
        ("tail \\", "tail \\"),
    ],
)
def test_undone_where_it_changes_nothing(text: str, plain: str) -> None:
    assert unescaped(text) == plain
    assert unescaped(plain) == plain


@given(st.recursive(st.text(max_size=8), lambda inner: st.lists(inner, max_size=3), max_leaves=6))
def test_the_json_keeps_its_meaning(value: object) -> None:
    text = json.dumps(value, ensure_ascii=True)
    assert json.loads(unescaped(text)) == value


@given(ESCAPED, st.data())
def test_any_cut_gives_the_same_text(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    unescaper = Unescaper()
    parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    out = "".join(unescaper.feed(part) for part in parts) + unescaper.end()
    assert out == unescaped(text)
    assert unescaper.end() == ""


@given(ESCAPED)
def test_at_most_twelve_characters_are_held(text: str) -> None:
    unescaper = Unescaper()
    assert len(unescaper.feed(text) + unescaper.end()) <= len(text)
    unescaper.feed(text)
    assert len(unescaper.end()) <= 12
