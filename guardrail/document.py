"""A YAML document that remembers where every value stood, so that complaints can point at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarbool import ScalarBoolean

MAX_BYTES = 1_000_000  # a policy or settings file larger than this is a mistake or an attack
MAX_NODES = 100_000  # aliases can make a small file huge ("billion laughs")


class DocumentError(ValueError):
    """The text is not a YAML document we accept. `where` is `name:line:column` (1-based)."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(f"{where}: {message}")
        self.where = where
        self.message = message


@dataclass(frozen=True, slots=True)
class Document:
    """Plain data (`dict`, `list`, scalars) and, by path, where it stood."""

    name: str
    data: object
    _tree: object

    def where(self, path: Sequence[str | int]) -> str:
        """`name:line:column` of the value at `path`, or of its nearest parent that exists."""
        node, line, column = self._tree, 1, 1
        for step in path:
            position = _position(node, step)
            if position is None:
                break
            line, column = position[0] + 1, position[1] + 1
            node = node[step]  # type: ignore[index]
        return f"{self.name}:{line}:{column}"


def read(text: str, name: str) -> Document:
    """Parse YAML 1.2. Raises `DocumentError` on syntax errors, duplicate keys, tags that are not
    plain data, and documents that are too large."""
    if len(text.encode()) > MAX_BYTES:
        raise DocumentError(f"{name}:1:1", f"larger than {MAX_BYTES} bytes")
    yaml = YAML(typ="rt", pure=True)
    yaml.allow_duplicate_keys = False
    try:
        tree = yaml.load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        spot = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else f"{name}:1:1"
        raise DocumentError(spot, str(error.problem or "not YAML")) from None
    except YAMLError:
        raise DocumentError(f"{name}:1:1", "not YAML") from None
    budget = [MAX_NODES]
    return Document(name, _plain(tree, name, budget), tree)


def _plain(node: object, name: str, budget: list[int]) -> object:
    budget[0] -= 1
    if budget[0] < 0:
        raise DocumentError(f"{name}:1:1", f"more than {MAX_NODES} values")
    if isinstance(node, CommentedMap):
        return {str(key): _plain(value, name, budget) for key, value in node.items()}
    if isinstance(node, CommentedSeq):
        return [_plain(value, name, budget) for value in node]
    return _scalar(node, name)


def _scalar(node: object, name: str) -> object:
    if node is None or isinstance(node, bool):
        return node
    if isinstance(node, ScalarBoolean):  # a boolean with an anchor; it is an int otherwise
        return bool(node)
    if isinstance(node, date):
        return node.isoformat()
    for kind in (int, float, str):
        if isinstance(node, kind):
            return kind(node)
    raise DocumentError(f"{name}:1:1", f"value of type {type(node).__name__} is not plain data")


def _position(node: object, step: str | int) -> tuple[int, int] | None:
    if isinstance(node, CommentedMap) and step in node:
        return node.lc.key(step)  # type: ignore[no-any-return]
    if isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
        return node.lc.item(step)  # type: ignore[no-any-return]
    return None
