"""What the house rules look at: the tracked (and not yet tracked, but not ignored) files."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Source:
    """One Python file of the product."""

    name: str
    text: str
    tree: ast.Module


def source(name: str, text: str) -> Source:
    return Source(name, text, ast.parse(text, name))


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def files() -> list[str]:
    """Names, relative to the root, of every file that is or would be committed."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    return sorted(name for name in listed if name and (ROOT / name).is_file())


@pytest.fixture(scope="session")
def sources(files: list[str]) -> list[Source]:
    """Every Python file under guardrail/."""
    names = [n for n in files if n.startswith("guardrail/") and n.endswith(".py")]
    return [source(name, (ROOT / name).read_text("utf-8")) for name in names]


@pytest.fixture(scope="session")
def plant() -> Callable[[str, str], Source]:
    """Make a source out of a name and a text, to see that a rule notices."""
    return source
