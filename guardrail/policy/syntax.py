"""The tree of a compiled condition, and the small part of CEL a condition may use.

CEL hands out its checked tree as protobuf bytes (`cel.expr.CheckedExpr`). Its wire format is fixed
by the CEL specification, so the few messages needed are read here without a generated library.

What is allowed is what can neither fail at run time nor turn a finding into leniency: logic,
comparisons, text tests, `'kind' in kinds`, `exists` and `all`. Whoever adds a function here must
keep the law "one more finding never makes a verdict milder".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

ALLOWED = {
    *("_&&_", "_||_", "!_", "_?_:_", "_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in"),
    *("_+_", "_-_", "_*_", "startsWith", "endsWith", "contains", "@not_strictly_false"),
}
KINDS = "kinds"


@dataclass(frozen=True, slots=True)
class Node:
    """One node. `kind` is const, ident, call, list, fold or other; `at` is an offset in
    characters of the condition's text. A fold's children are range, start, step, end test, result.
    """

    kind: str
    at: int
    name: str = ""
    value: float | str | bool | int | None = None
    children: tuple[Node, ...] = ()

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            yield from child.walk()

    def depth(self) -> int:
        return 1 + max((child.depth() for child in self.children), default=0)

    def mentions(self, name: str) -> bool:
        return any(node.kind == "ident" and node.name == name for node in self.walk())


def tree(serialized: bytes) -> Node:
    """The tree of a serialized checked expression."""
    checked = _one(serialized, 2)
    positions: dict[int, int] = {}
    for entry in _all(_one(checked, 5), 4):
        numbers = {field: value for field, value in _fields(entry) if isinstance(value, int)}
        positions[numbers[1]] = numbers.get(2, 0)
    return _node(_one(checked, 4), positions)


def complaint(root: Node) -> tuple[int, str] | None:
    """Where (offset) and why the condition may not be used; None when it may."""
    for node in root.walk():
        if node.kind == "other" or (node.kind == "call" and node.name not in ALLOWED):
            return node.at, f"'{node.name}' is not available in a condition"
    bad = _softening(root)
    if bad is not None:
        return bad.at, "'kinds' is used so that one more finding could stop the rule from firing"
    return None


def looked_up(root: Node) -> Iterator[Node]:
    """The constants of every `'kind' in kinds`."""
    for node in root.walk():
        if node.name == "@in" and node.children[1].name == KINDS:
            yield from (child for child in node.children[0].walk() if child.kind == "const")


def _softening(node: Node) -> Node | None:
    """The first node through which a larger `kinds` could turn true into false."""
    if not node.mentions(KINDS):
        return None
    if node.kind == "fold":
        return _softening_fold(node)
    if node.kind == "call" and node.name in ("_&&_", "_||_"):
        return _first(_softening(child) for child in node.children)
    if node.name == "_?_:_" and not node.children[0].mentions(KINDS):
        return _first(_softening(child) for child in node.children[1:])
    if node.name == "@in" and node.children[1] == Node("ident", node.children[1].at, KINDS):
        return node if node.children[0].mentions(KINDS) else None
    return node


def _softening_fold(node: Node) -> Node | None:
    over, start, step, test, result = node.children
    if over.mentions(KINDS) and (over.kind != "ident" or start.value is not False):
        return node  # only `kinds.exists(...)`: a longer list can only add a way to be true
    return _first(_softening(child) for child in (step, test, result))


def _first(found: Iterator[Node | None]) -> Node | None:
    return next((node for node in found if node is not None), None)


# --- protobuf: cel.expr.Expr and the messages below it ---------------------------------------


def _node(data: bytes, positions: dict[int, int]) -> Node:
    fields = list(_fields(data))
    at = positions.get(next((v for f, v in fields if f == 2 and isinstance(v, int)), 0), 0)
    for field, value in fields:
        if field in _READERS and isinstance(value, bytes):
            return _READERS[field](value, at, positions)
    return Node("other", at, "this kind of expression")


def _const(data: bytes, at: int, _: dict[int, int]) -> Node:
    for field, value in _fields(data):
        if field == 2:
            return Node("const", at, value=bool(value))
        if field == 5 and isinstance(value, bytes):
            return Node("const", at, value=float(struct.unpack("<d", value)[0]))
        if field == 6 and isinstance(value, bytes):
            return Node("const", at, value=value.decode())
    return Node("other", at, "a whole number, null or bytes")


def _ident(data: bytes, at: int, _: dict[int, int]) -> Node:
    return Node("ident", at, _one(data, 1).decode())


def _call(data: bytes, at: int, positions: dict[int, int]) -> Node:
    children = tuple(_node(part, positions) for part in _all(data, 1) + _all(data, 3))
    return Node("call", at, _one(data, 2).decode(), children=children)


def _list(data: bytes, at: int, positions: dict[int, int]) -> Node:
    return Node("list", at, children=tuple(_node(part, positions) for part in _all(data, 1)))


def _fold(data: bytes, at: int, positions: dict[int, int]) -> Node:
    parts = tuple(_node(_one(data, field), positions) for field in (2, 4, 6, 5, 7))
    return Node("fold", at, children=parts)


_READERS = {3: _const, 4: _ident, 6: _call, 7: _list, 9: _fold}


def _one(data: bytes, wanted: int) -> bytes:
    return _all(data, wanted)[0]


def _all(data: bytes, wanted: int) -> tuple[bytes, ...]:
    return tuple(v for f, v in _fields(data) if f == wanted and isinstance(v, bytes))


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            number, at = _varint(data, at)
            yield key >> 3, number
            continue
        size = 8
        if kind == 2:
            size, at = _varint(data, at)
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        number |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return number, at
