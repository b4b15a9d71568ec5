from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guardrail.document import MAX_BYTES, DocumentError, read

TEXT = """\
# 药房规则
id: 处方
list:
  - one
  - {a: 1.5, b: [true, null]}
block: |
  第一行
  second
day: 2027-01-31
base: &base {x: 1}
more: {<<: *base, y: 0x10}
1: number
"""


def test_plain_data() -> None:
    assert read(TEXT, "a.yaml").data == {
        "id": "处方",
        "list": ["one", {"a": 1.5, "b": [True, None]}],
        "block": "第一行\nsecond\n",
        "day": "2027-01-31",
        "base": {"x": 1},
        "more": {"x": 1, "y": 16},
        "1": "number",
    }
    plain = read(TEXT, "a.yaml").data
    assert isinstance(plain, dict)
    assert {type(value) for value in plain.values()} == {str, list, dict}


@pytest.mark.parametrize(
    ("path", "where"),
    [
        ((), "1:1"),
        (("id",), "2:1"),
        (("list", 0), "4:5"),
        (("list", 1, "b"), "5:14"),
        (("list", 1, "b", 1), "5:24"),
        (("list", 7, "deeper"), "3:1"),
        (("list", "不存在"), "3:1"),
        (("nothing", "here"), "1:1"),
        (("id", "deeper"), "2:1"),
    ],
)
def test_where_things_stand(path: tuple[str | int, ...], where: str) -> None:
    assert read(TEXT, "规则.yaml").where(path) == f"规则.yaml:{where}"


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("a: [\n", "2:1", ""),
        ("a: 1\na: 2\n", "2:1", "duplicate key"),
        ("药: {a: 1, a: 2}\n", "1:11", "duplicate key"),
        ("a: !!python/object:os.system x\n", "1:1", "not plain data"),
        ("a: \x00\n", "1:1", "not YAML"),
        ("a: *none\n", "1:4", "undefined alias"),
        ("x" * (MAX_BYTES + 1), "1:1", "larger than"),
        ("[" + "0," * 100_001 + "]", "1:1", "more than 100000 values"),
    ],
)
def test_what_is_refused(text: str, where: str, words: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read(text, "a.yaml")
    assert caught.value.where == f"a.yaml:{where}"
    assert words in caught.value.message
    assert str(caught.value) == f"a.yaml:{where}: {caught.value.message}"


def test_a_small_file_cannot_become_huge() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(DocumentError, match="more than 100000 values"):
        read("\n".join(lines), "bomb.yaml")


def test_scalars_with_an_anchor_stay_what_they_are() -> None:
    found = read("[&a true, *a, &b 1, &c 1.5, &d 药]", "a.yaml").data
    assert repr(found) == "[True, True, 1, 1.5, '药']"


def test_an_empty_text_is_nothing() -> None:
    assert read("", "a.yaml").data is None
    assert read("# 只有注释\n", "a.yaml").where(("id",)) == "a.yaml:1:1"


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-999, 999), st.sampled_from(["药", "a b", "0", "是"])
)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["甲", "b", "c d"]), inner, max_size=3),
    ),
    max_leaves=8,
)


def flow(tree: object) -> str:
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key}: {flow(value)}" for key, value in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(flow, tree)) + "]"
    return f'"{tree}"' if isinstance(tree, str) else {None: "null"}.get(tree, str(tree).lower())


@given(trees)
def test_what_is_written_is_read(tree: object) -> None:
    assert read(flow(tree), "a.yaml").data == tree


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        where = read(text, "a.yaml").where(())
    except DocumentError as error:
        where = error.where
    assert where.startswith("a.yaml:")
