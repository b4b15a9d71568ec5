"""Move the fragments of changelog.d into CHANGELOG.md: python changelog.d/release.py 1.2.0 2026-11-20"""

from __future__ import annotations

import sys
from pathlib import Path

TITLES = {"added": "Added", "changed": "Changed", "fixed": "Fixed", "security": "Security"}
MARK = "<!-- releases -->\n"


def section(folder: Path, version: str, day: str) -> str:
    """The fragments as one section, kinds in the order of TITLES."""
    parts = [f"\n## {version} ({day})\n"]
    for kind, title in TITLES.items():
        texts = [path.read_text("utf-8").strip() for path in sorted(folder.glob(f"*.{kind}.md"))]
        if texts:
            parts.append(f"\n### {title}\n\n" + "".join(f"- {text}\n" for text in texts))
    return "".join(parts)


def release(root: Path, version: str, day: str) -> None:
    """Write CHANGELOG.md and remove the fragments. Raises ValueError where there are none."""
    folder, log = root / "changelog.d", root / "CHANGELOG.md"
    fragments = [path for kind in TITLES for path in folder.glob(f"*.{kind}.md")]
    if not fragments:
        raise ValueError("changelog.d holds no fragments")
    before, mark, after = log.read_text("utf-8").partition(MARK)
    if not mark:
        raise ValueError(f"CHANGELOG.md has no line {MARK.strip()}")
    log.write_text(before + mark + section(folder, version, day) + after, "utf-8")
    for path in fragments:
        path.unlink()


if __name__ == "__main__":
    release(Path(__file__).parents[1], *sys.argv[1:])
