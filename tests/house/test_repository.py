"""What may be committed: no registry, nothing large, nothing invisible, a line for the reader."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

ONE_FILE_BYTES = 30_000_000
ALL_FILES_BYTES = 50 * 1024 * 1024
KINDS = {"added", "changed", "fixed", "security"}
ADDRESS = re.compile(r"[a-z+]+://|--(extra-)?index-url|--find-links", re.IGNORECASE)
REGISTRY = re.compile(
    r"(index-url|find-links|registry|index_url|PIP_INDEX_URL|UV_INDEX)\w*\s*[= ]\s*[\"']?\w+://",
    re.IGNORECASE,
)
TEXT = {".py", ".md", ".yaml", ".yml", ".toml", ".txt", ".json", ".html", ".css", ".sh", ".tpl", ""}
VISIBLE_CONTROLS = {"\n", "\t"}


def addresses(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if ADDRESS.search(line)]


def unseen(text: str) -> list[str]:
    """Characters that a reader cannot see or that reorder what he sees."""
    odd = {c for c in text if unicodedata.category(c) in {"Cf", "Cc", "Co", "Cs"}}
    return sorted(f"U+{ord(c):04X}" for c in odd - VISIBLE_CONTROLS)


def test_pinned_files_name_no_address(root: Path, files: list[str]) -> None:
    pinned = [
        n
        for n in files
        if n.startswith("requirements/") or n.endswith(("package-lock.json", ".npmrc"))
    ]
    assert len(pinned) > 4
    told = {n: addresses((root / n).read_text("utf-8")) for n in pinned}
    assert {n: lines[:3] for n, lines in told.items() if lines} == {}


def test_no_file_configures_a_registry(root: Path, files: list[str]) -> None:
    texts = [n for n in files if Path(n).suffix in TEXT and not n.startswith("tests/house/")]
    found = [n for n in texts if REGISTRY.search((root / n).read_text("utf-8", errors="replace"))]
    assert found == []


def test_requirements_carry_hashes(root: Path, files: list[str]) -> None:
    for name in (n for n in files if n.startswith("requirements/") and n.endswith(".txt")):
        text = (root / name).read_text("utf-8").replace("\\\n", " ")
        bare = [line for line in text.splitlines() if line.strip() and "--hash=sha256:" not in line]
        assert bare == [], name


def test_nothing_is_large(root: Path, files: list[str]) -> None:
    sizes = {name: (root / name).stat().st_size for name in files}
    assert {n: size for n, size in sizes.items() if size > ONE_FILE_BYTES} == {}
    assert sum(sizes.values()) < ALL_FILES_BYTES


def test_source_hides_nothing(root: Path, files: list[str]) -> None:
    """Write such characters as escapes: what stands in a file is what is read."""
    texts = [n for n in files if Path(n).suffix in TEXT and "/vendor/" not in n]
    told = {n: unseen((root / n).read_text("utf-8")) for n in texts}
    assert {n: odd for n, odd in told.items() if odd} == {}


def test_changes_are_told(root: Path, files: list[str]) -> None:
    held = [n for n in files if n.startswith("changelog.d/") and n.endswith(".md")]
    notes = [n for n in held if not n.endswith("README.md")]
    assert notes
    wrong = [n for n in notes if not re.fullmatch(r"changelog\.d/[a-z0-9-]+\.([a-z]+)\.md", n)]
    assert wrong == []
    assert {n.rsplit(".", 2)[1] for n in notes} <= KINDS
    assert [n for n in notes if not (root / n).read_text("utf-8").strip()] == []


def test_planted_faults_are_seen() -> None:
    assert addresses(
        "a==1\n    --hash=sha256:0\n--extra-index-url x\nb @ https" + "://h/b.whl"
    ) == [
        "--extra-index-url x",
        "b @ https://h/b.whl",
    ]
    assert REGISTRY.search("registry=https" + "://h/")
    assert not REGISTRY.search("registry: docker.io/library")
    assert unseen("a\u200bb\u202ec\td\n") == ["U+200B", "U+202E"]
