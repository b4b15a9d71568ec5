"""Files, functions, parameters and nesting stay small; without a gate they grow back."""

from __future__ import annotations

import ast
from collections.abc import Iterator

FILE_LINES = 400
FUNCTION_LINES = 40
PARAMETERS = 6
NESTING = 4

FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
BLOCK = (
    ast.If,
    ast.For,
    ast.AsyncFor,
    ast.While,
    ast.With,
    ast.AsyncWith,
    ast.Try,
    ast.TryStar,
    ast.Match,
)


def complaints(source) -> list[str]:
    found = []
    lines = source.text.count("\n")
    if lines > FILE_LINES:
        found.append(f"{source.name}: {lines} lines (at most {FILE_LINES})")
    for node in ast.walk(source.tree):
        if isinstance(node, FUNCTION):
            where = f"{source.name}:{node.lineno} {node.name}"
            found += [f"{where}: {complaint}" for complaint in function_complaints(node)]
    return found


def function_complaints(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if lines > FUNCTION_LINES:
        yield f"{lines} lines (at most {FUNCTION_LINES})"
    if (count := parameters(node)) > PARAMETERS:
        yield f"{count} parameters (at most {PARAMETERS})"
    if (depth := nesting(node.body)) > NESTING:
        yield f"nested {depth} deep (at most {NESTING})"


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    given = node.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    own = bool(named) and named[0].arg in {"self", "cls"}
    return len(named) - own + (given.vararg is not None) + (given.kwarg is not None)


def nesting(body: list[ast.stmt]) -> int:
    """Depth of blocks; `elif` is as deep as its `if`, an inner function starts again."""
    return max((block_depth(node) for node in body), default=0)


def block_depth(node: ast.stmt) -> int:
    if not isinstance(node, BLOCK):
        return 0
    if isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        return max(1 + nesting(node.body), block_depth(node.orelse[0]))
    return 1 + max((nesting(body) for body in bodies(node)), default=0)


def bodies(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse", "finalbody"):
        yield getattr(node, name, [])
    for part in (*getattr(node, "handlers", []), *getattr(node, "cases", [])):
        yield part.body


def test_house_is_small(sources) -> None:
    found = [complaint for source in sources for complaint in complaints(source)]
    assert not found, "\n".join(found)


def test_long_file_is_seen(plant) -> None:
    assert complaints(plant("a.py", "x = 1\n" * 401)) == ["a.py: 401 lines (at most 400)"]
    assert complaints(plant("a.py", "x = 1\n" * 400)) == []


def test_long_function_is_seen(plant) -> None:
    text = "def f():\n" + "    x = 1\n" * 40
    assert complaints(plant("a.py", text)) == ["a.py:1 f: 41 lines (at most 40)"]


def test_many_parameters_are_seen(plant) -> None:
    text = "class C:\n    def f(self, a, b, c, /, d, *e, f, **g): ...\n"
    assert complaints(plant("a.py", text)) == ["a.py:2 f: 7 parameters (at most 6)"]


def test_deep_nesting_is_seen(plant) -> None:
    deep = "def f():\n for a in b:\n  if a:\n   try:\n    with a:\n     while a:\n      a()\n   except E: ...\n"
    assert complaints(plant("a.py", deep)) == ["a.py:1 f: nested 5 deep (at most 4)"]


def test_elif_is_not_nesting(plant) -> None:
    chain = "def f(a):\n if a == 0: ...\n" + "".join(f" elif a == {n}: ...\n" for n in range(9))
    assert complaints(plant("a.py", chain)) == []
