"""tests/ mirrors guardrail/: each source file has its test file, each room its map."""

from __future__ import annotations

import ast
from pathlib import PurePosixPath

WITHOUT_TESTS: frozenset[str] = frozenset()  # keep it empty
MAP_LINES = range(3, 16)


def expected_test(name: str) -> str:
    """guardrail/policy/compile.py -> tests/policy/test_compile.py"""
    path = PurePosixPath(name)
    folder = PurePosixPath("tests", *path.parent.parts[1:])
    return str(folder / f"test_{path.stem.strip('_')}.py")


def missing_tests(names: list[str], files: list[str]) -> list[str]:
    wanted = {n: expected_test(n) for n in names if not n.endswith("/__init__.py")}
    there = set(files)
    return [
        f"{n} has no {t}" for n, t in wanted.items() if t not in there and n not in WITHOUT_TESTS
    ]


def test_every_source_has_its_test_file(sources, files) -> None:
    found = missing_tests([source.name for source in sources], files)
    assert not found, "\n".join(found)


def test_missing_test_is_seen() -> None:
    names = ["guardrail/__init__.py", "guardrail/__main__.py", "guardrail/wire/sse.py"]
    assert missing_tests(names, ["tests/test_main.py"]) == [
        "guardrail/wire/sse.py has no tests/wire/test_sse.py"
    ]


def test_tests_have_no_packages(files) -> None:
    assert [n for n in files if n.startswith("tests/") and n.endswith("__init__.py")] == []


def map_complaint(source) -> str | None:
    text = (ast.get_docstring(source.tree) or "").strip()
    lines = len(text.splitlines())
    if lines in MAP_LINES:
        return None
    return f"{source.name}: a map of {lines} lines (3 to 15)"


def test_every_room_has_a_map(sources, files) -> None:
    folders = {str(PurePosixPath(s.name).parent) for s in sources}
    bare = [f for f in sorted(folders) if f"{f}/__init__.py" not in files]
    assert bare == []
    maps = [source for source in sources if source.name.endswith("/__init__.py")]
    assert [said for source in maps if (said := map_complaint(source))] == []


def test_missing_map_is_seen(plant) -> None:
    assert map_complaint(plant("guardrail/x/__init__.py", '"""One line."""\n'))
    assert map_complaint(plant("guardrail/x/__init__.py", '"""One.\n\nTwo.\n"""\n')) is None
