"""Every relative link of every Markdown file leads somewhere."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from urllib.parse import unquote

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.DOTALL | re.MULTILINE)


def anchor(heading: str) -> str:
    plain = re.sub(r"[`*_\[\]()]", "", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(text: str) -> set[str]:
    return {anchor(line) for line in re.findall(r"^#+ (.+)$", CODE.sub("", text), re.MULTILINE)}


def broken(page: Path) -> list[str]:
    found = []
    for target in LINK.findall(CODE.sub("", page.read_text("utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, part = unquote(target).partition("#")
        file = page.parent / name if name else page
        if not file.exists():
            found.append(f"{page}: {target}")
        elif part and file.suffix == ".md" and part not in anchors(file.read_text("utf-8")):
            found.append(f"{page}: {target} (no such heading)")
    return found


def test_links_lead_somewhere(library) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=library.root,
        capture_output=True,
        check=True,
        text=True,
    ).stdout.split("\0")
    pages = [library.root / name for name in listed if name and (library.root / name).exists()]
    assert len(pages) > 10
    found = [said for page in pages for said in broken(page)]
    assert not found, "\n".join(found)


def test_broken_link_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "a.md"
    page.write_text("# 转 人工\n[a](b.md) [c](#转-人工) [d](#gone) `[e](f.md)`\n", "utf-8")
    said = [line.split(": ")[1] for line in broken(page)]
    assert said == ["b.md", "#gone (no such heading)"]
