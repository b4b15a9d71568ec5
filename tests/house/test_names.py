"""Names say what a thing is: no rooms for leftovers, no classes that could be anything."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath

ROOMS_FOR_LEFTOVERS = {"utils", "util", "common", "core", "helpers", "helper", "base", "misc"}
EMPTY_WORDS = ("Manager", "Handler", "Helper", "Processor", "Service", "Info", "Data", "Utils")


def complaints(source) -> list[str]:
    parts = PurePosixPath(source.name).with_suffix("").parts
    found = [f"{source.name}: {part} is no room" for part in parts if part in ROOMS_FOR_LEFTOVERS]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and says_nothing(node.name):
            found.append(f"{source.name}:{node.lineno}: class {node.name} says nothing")
        if isinstance(node, ast.ImportFrom) and node.level:
            found.append(f"{source.name}:{node.lineno}: relative import")
    return found


def says_nothing(name: str) -> bool:
    bare = name.lstrip("_")
    return bare.endswith(EMPTY_WORDS) or (bare.startswith("Base") and bare[4:5].isupper())


def test_names_say_what_they_hold(sources) -> None:
    found = [complaint for source in sources for complaint in complaints(source)]
    assert not found, "\n".join(found)


def test_planted_names_are_seen(plant) -> None:
    text = "from .x import y\nclass _TokenManager: ...\nclass BaseLook: ...\nclass Basement: ...\n"
    assert complaints(plant("guardrail/utils/text.py", text)) == [
        "guardrail/utils/text.py: utils is no room",
        "guardrail/utils/text.py:1: relative import",
        "guardrail/utils/text.py:2: class _TokenManager says nothing",
        "guardrail/utils/text.py:3: class BaseLook says nothing",
    ]
