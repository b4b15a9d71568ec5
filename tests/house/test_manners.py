"""What only one place may do: read the environment, catch everything, wait."""

from __future__ import annotations

import ast

ENVIRONMENT_READER = "guardrail/settings.py"
CATCH_ALLS = {"guardrail/server/problems.py", "guardrail/detectors/panel.py"}
# Libraries that raise bare or unrelated exceptions; each is translated into one of ours at once.
TRANSLATIONS = {
    "guardrail/detectors/encoding.py",
    "guardrail/detectors/float_graph.py",
    "guardrail/detectors/onnx.py",
}
MAY_WAIT = (
    "guardrail/app.py",
    "guardrail/cli/",
    "guardrail/desk/",
    "guardrail/detectors/",
    "guardrail/guard/ports.py",
    "guardrail/server/",
    "guardrail/storage/",
    "guardrail/testing.py",
)
WAITING = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
EVERYTHING = {"Exception", "BaseException"}
PROTOCOL_METHODS = 4


def environment_readers(source) -> list[str]:
    """Uses of os.environ, os.getenv and their kin, however they were imported."""
    words = {"environ", "environb", "getenv", "getenvb", "putenv"}
    found = []
    for node in ast.walk(source.tree):
        used = isinstance(node, ast.Attribute) and node.attr in words
        imported = isinstance(node, ast.ImportFrom) and words & {a.name for a in node.names}
        if used or imported:
            found.append(f"{source.name}:{node.lineno}")
    return found


def catch_alls(source) -> list[str]:
    return [
        f"{source.name}:{node.lineno}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ExceptHandler)
        and catches_everything(node.type)
        and not (source.name in TRANSLATIONS and translates(node))
    ]


def translates(handler: ast.ExceptHandler) -> bool:
    """The handler does nothing but raise an error of ours."""
    only = handler.body[0]
    return len(handler.body) == 1 and isinstance(only, ast.Raise) and only.exc is not None


def catches_everything(kind: ast.expr | None) -> bool:
    if isinstance(kind, ast.Tuple):
        return any(catches_everything(one) for one in kind.elts)
    return kind is None or (isinstance(kind, ast.Name) and kind.id in EVERYTHING)


def waits(source) -> list[str]:
    return [f"{source.name}:{n.lineno}" for n in ast.walk(source.tree) if isinstance(n, WAITING)]


def wide_protocols(source) -> list[str]:
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ClassDef) and "Protocol" in {ast.unparse(b) for b in node.bases}:
            methods = [
                m for m in node.body if isinstance(m, ast.FunctionDef | ast.AsyncFunctionDef)
            ]
            if len(methods) > PROTOCOL_METHODS or not source.name.endswith("guard/ports.py"):
                found.append(f"{source.name}:{node.lineno} {node.name}: {len(methods)} methods")
    return found


def test_only_settings_reads_the_environment(sources) -> None:
    others = [source for source in sources if source.name != ENVIRONMENT_READER]
    assert [where for source in others for where in environment_readers(source)] == []


def test_only_two_places_catch_everything(sources) -> None:
    places = [where for source in sources for where in catch_alls(source)]
    assert sorted(where.split(":")[0] for where in places) == sorted(CATCH_ALLS), places


def test_only_the_rim_waits(sources) -> None:
    inner = [source for source in sources if not source.name.startswith(MAY_WAIT)]
    assert [where for source in inner for where in waits(source)] == []


def test_protocols_are_narrow_and_in_one_place(sources) -> None:
    found = [where for source in sources for where in wide_protocols(source)]
    assert not found, "\n".join(found)


def test_nobody_patches(root, files) -> None:
    """Fakes are passed in. (`monkeypatch` for the environment and the working folder is fine.)"""
    word = "mock" + ".patch"
    names = [n for n in files if n.endswith(".py")]
    found = [n for n in names if word in (root / n).read_text("utf-8")]
    assert [n for n in found if not n.endswith("tests/house/test_manners.py")] == []


def test_planted_faults_are_seen(plant) -> None:
    text = (
        "import os\nfrom os import getenv\nos.environ['A']\n"
        "try: ...\nexcept (OSError, Exception): ...\n"
        "try: ...\nexcept: ...\n"
        "async def f(): ...\n"
        "class P(Protocol):\n def a(self): ...\n"
    )
    source = plant("guardrail/wire/x.py", text)
    assert environment_readers(source) == ["guardrail/wire/x.py:2", "guardrail/wire/x.py:3"]
    assert catch_alls(source) == ["guardrail/wire/x.py:5", "guardrail/wire/x.py:7"]
    translated = plant(
        "guardrail/detectors/onnx.py",
        "try: ...\nexcept Exception:\n raise BadConfig() from None\n"
        "try: ...\nexcept Exception: ...\n",
    )
    assert catch_alls(translated) == ["guardrail/detectors/onnx.py:5"]
    assert waits(source) == ["guardrail/wire/x.py:8"]
    assert wide_protocols(source) == ["guardrail/wire/x.py:9 P: 1 methods"]
