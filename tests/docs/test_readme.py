"""What the README tells a newcomer to type exists."""

from __future__ import annotations

import json
import re
import subprocess


def test_make_targets_exist(library) -> None:
    makefile = (library.root / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    pages = ["README.md", "CONTRIBUTING.md", "requirements/README.md", "changelog.d/README.md"]
    named = set()
    for name in pages:
        text = (library.root / name).read_text("utf-8")
        named |= set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert {"demo", "test"} <= named <= targets


def test_json_bodies_are_json(library) -> None:
    """curl lines are copied as they are: their bodies must parse."""
    pages = [library.root / "README.md", *sorted((library.root / "docs").glob("*/*.md"))]
    bodies = [b for p in pages for b in re.findall(r"-d '(.*?)'", p.read_text("utf-8"), re.DOTALL)]
    assert bodies
    for body in bodies:
        json.loads(body)


def test_shell_blocks_parse(library) -> None:
    pages = [library.root / "README.md", *sorted((library.root / "docs").glob("*/*.md"))]
    for page in pages:
        blocks = re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
        for block in blocks:
            done = subprocess.run(
                ["bash", "-n"], input=block, text=True, capture_output=True, check=False
            )
            assert done.returncode == 0, (page.name, done.stderr)


def test_python_blocks_parse(library) -> None:
    pages = [library.root / "README.md", *sorted((library.root / "docs").glob("*/*.md"))]
    for page in pages:
        pattern = r"^```python\n(.*?)^```"
        for block in re.findall(pattern, page.read_text("utf-8"), re.DOTALL | re.MULTILINE):
            compile(block, page.name, "exec")
