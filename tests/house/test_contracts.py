"""The import contracts of pyproject.toml bite: a planted fault of each kind is named.

`make imports` runs the same contracts over the real tree.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]

FAULTS = {
    "Rooms are stacked": ("guardrail/domain/finding.py", "import guardrail.server.routes"),
    "The core does no I/O": ("guardrail/guard/session.py", "import time"),
    "Detectors do not know one another": (
        "guardrail/detectors/phrases.py",
        "import guardrail.detectors.phi",
    ),
    "Heavy libraries live in one file each": ("guardrail/server/routes.py", "import sqlite3"),
    "The product never leans on its workshops": (
        "guardrail/settings.py",
        "import classifiers.train",
    ),
    "No cycles anywhere": ("guardrail/wire/sse.py", "import guardrail.wire.chat"),
}


def write(tree: Path, name: str, line: str) -> None:
    path = tree / name
    for folder in [path.parent, *path.parent.parents]:
        if folder == tree:
            break
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").touch()
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A stub of the house: every room, and every import that a contract excuses."""
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text("utf-8"), "utf-8")
    layers = next(c for c in CONTRACTS["contracts"] if c.get("exhaustive"))["layers"]
    for room in " | ".join(layers).split(" | "):
        write(tmp_path, f"guardrail/{room}.py", "")
    for name in ("domain", "guard", "ledger", "wire", "policy", "detectors", "server"):
        (tmp_path / f"guardrail/{name}.py").unlink()
    for name in ("guard/session", "domain/finding", "server/routes", "ledger/entry"):
        write(tmp_path, f"guardrail/{name}.py", "")
    write(tmp_path, "guardrail/wire/chat.py", "import guardrail.wire.sse")
    write(tmp_path, "guardrail/wire/sse.py", "")
    write(tmp_path, "guardrail/detectors/phi.py", "")
    write(tmp_path, "classifiers/train.py", "import guardrail.domain")
    write(tmp_path, "benchmarks/latency.py", "import classifiers.train")
    for module in excused_sources():
        write(tmp_path, module.replace(".", "/") + ".py", "")
    for contract in CONTRACTS["contracts"]:
        for edge in contract.get("ignore_imports", []):
            source, target = edge.split(" -> ")
            if target.startswith("guardrail"):
                write(tmp_path, target.replace(".", "/") + ".py", "")
            write(tmp_path, source.replace(".", "/") + ".py", f"import {target}")
    return tmp_path


def excused_sources() -> set[str]:
    """Modules that a contract names and that must therefore exist."""
    named: set[str] = set()
    for contract in CONTRACTS["contracts"]:
        listed = contract.get("source_modules", []) + contract.get("modules", [])
        named |= {module for module in listed if module.count(".") > 1}
    return named


def lint(tree: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "PATH": "", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_clean_tree_passes(tree: Path) -> None:
    code, said = lint(tree)
    assert code == 0, said


def test_every_planted_fault_is_named(tree: Path) -> None:
    for name, line in FAULTS.values():
        write(tree, name, line)
    code, said = lint(tree)
    assert code == 1
    flat = " ".join(said.split())
    silent = [name for name in FAULTS if f"{name} BROKEN" not in flat]
    assert not silent, said
    for name, line in FAULTS.values():
        edge = Path(name).stem, line.removeprefix("import ").rsplit(".")[-1]
        assert all(f".{end} " in flat or f"> {end}" in flat for end in edge), (edge, said)


def test_undeclared_room_is_named(tree: Path) -> None:
    write(tree, "guardrail/attic/trunk.py", "")
    code, said = lint(tree)
    assert code == 1
    assert "attic" in said


def test_every_contract_has_its_planted_fault() -> None:
    names: list[Any] = [contract["name"] for contract in CONTRACTS["contracts"]]
    assert sorted(names) == sorted(FAULTS)


def detectors(sources) -> set[str]:
    """Modules under detectors/ with a class that looks."""
    return {
        source.name.removesuffix(".py").replace("/", ".")
        for source in sources
        if source.name.startswith("guardrail/detectors/")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "look"
    }


def test_every_detector_is_kept_apart(sources) -> None:
    apart = next(c for c in CONTRACTS["contracts"] if c["type"] == "independence")["modules"]
    assert sorted(detectors(sources) - {"guardrail.detectors.panel"}) == sorted(apart)
