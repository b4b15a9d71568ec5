from __future__ import annotations

import pytest
from cel_expr_python import cel
from hypothesis import given
from hypothesis import strategies as st

from guardrail.policy import syntax
from guardrail.policy.syntax import Node

ENV = cel.NewEnv(
    variables={
        "kinds": cel.Type.List(cel.Type.STRING),
        "scene": cel.Type.STRING,
        "eth.tcm": cel.Type.DOUBLE,
    }
)


def tree(text: str) -> Node:
    return syntax.tree(ENV.compile(text).serialize())


def test_the_tree_of_a_comparison() -> None:
    assert tree("eth.tcm >= 0.9") == Node(
        "call",
        8,
        "_>=_",
        children=(Node("ident", 3, "eth.tcm"), Node("const", 11, value=0.9)),
    )


def test_constants_lists_and_offsets_in_characters() -> None:
    root = tree("scene in ['门诊', '急诊'] || true")
    assert [node.value for node in root.walk() if node.kind == "const"] == ["门诊", "急诊", True]
    assert [node.at for node in root.walk() if node.kind == "const"] == [10, 16, 25]
    assert root.depth() == 4
    assert tree("false").value is False


def test_member_calls_and_folds() -> None:
    assert [child.name for child in tree("scene.startsWith('A')").children] == ["scene", ""]
    fold = tree("kinds.exists(k, k == 'a')")
    assert fold.kind == "fold"
    assert fold.children[0] == Node("ident", 0, "kinds")
    assert fold.children[1].value is False


@pytest.mark.parametrize(
    "text",
    [
        "'a' in kinds",
        "scene == 'A' && ('a' in kinds || eth.tcm > 0.5)",
        "!(scene == 'A') && 'a' in kinds",
        "scene == 'A' ? 'a' in kinds : 'b' in kinds",
        "kinds.exists(k, !(k == 'a'))",
        "kinds.exists(k, k.contains('人') && 'b' in kinds)",
        "['a', 'b'].all(x, x in kinds)",
        "!(eth.tcm < 0.5)",
    ],
)
def test_what_may_be_written(text: str) -> None:
    assert syntax.complaint(tree(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "!('a' in kinds)",
        "('a' in kinds) == false",
        "'a' in kinds ? false : true",
        "kinds.all(k, k == 'a')",
        "kinds == ['a']",
        "['a' in kinds].exists(b, !b)",
        "kinds.map(k, k).exists(k, k == 'a')",
        "kinds.exists(k, !('a' in kinds))",
        "[kinds].exists(x, 'a' in x)",
        "('a' in kinds ? 'x' : 'y') in kinds",
        "('a' in kinds ? 'x' : 'y') in ['y']",
    ],
)
def test_one_more_finding_must_not_stop_a_rule(text: str) -> None:
    found = syntax.complaint(tree(text))
    assert found is not None
    assert "one more finding" in found[1]


@pytest.mark.parametrize(
    "text", ["1 == 1", "kinds.exists_one(k, k == 'a')", "{'a': 'b'} == {'c': 'd'}", "b'a' == b'b'"]
)
def test_what_is_not_available(text: str) -> None:
    found = syntax.complaint(tree(text))
    assert found is not None


def test_lookups() -> None:
    root = tree("'a' in kinds || scene in ['b'] || ['c'].exists(x, x in kinds)")
    assert [(node.value, node.at) for node in syntax.looked_up(root)] == [("a", 0)]


@given(
    st.sampled_from(
        ["'{}' in kinds", "kinds.exists(k, k == '{}')", "eth.tcm > 0.5 && '{}' in kinds"]
    ),
    st.lists(st.sampled_from("abc"), max_size=3),
    st.sampled_from("abc"),
    st.sampled_from(["&&", "||"]),
)
def test_allowed_conditions_only_rise_with_more_kinds(
    shape: str, kinds: list[str], more: str, join: str
) -> None:
    text = f"({shape.format('a')}) {join} ({shape.format('b')})"
    assert syntax.complaint(tree(text)) is None
    program = ENV.compile(text)
    few = program.eval(data={"kinds": kinds, "eth.tcm": 0.6}).value()
    many = program.eval(data={"kinds": [*kinds, more], "eth.tcm": 0.6}).value()
    assert many or not few
