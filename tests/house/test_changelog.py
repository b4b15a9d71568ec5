"""Fragments become a section of CHANGELOG.md, once."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

release = runpy.run_path(str(Path(__file__).parents[2] / "changelog.d/release.py"))["release"]


def test_fragments_move_into_the_changelog(tmp_path: Path) -> None:
    folder = tmp_path / "changelog.d"
    folder.mkdir()
    (folder / "b.fixed.md").write_text("Masks 身份证 numbers with spaces.\n", "utf-8")
    (folder / "a.added.md").write_text("A desk.\n", "utf-8")
    (folder / "README.md").write_text("stays\n", "utf-8")
    log = tmp_path / "CHANGELOG.md"
    log.write_text("# Changelog\n\n<!-- releases -->\n\n## 0.1.0 (2026-01-01)\n", "utf-8")
    release(tmp_path, "0.2.0", "2026-11-20")
    assert log.read_text("utf-8") == (
        "# Changelog\n\n<!-- releases -->\n\n## 0.2.0 (2026-11-20)\n\n### Added\n\n- A desk.\n"
        "\n### Fixed\n\n- Masks 身份证 numbers with spaces.\n\n## 0.1.0 (2026-01-01)\n"
    )
    assert [path.name for path in folder.iterdir()] == ["README.md"]
    with pytest.raises(ValueError, match="no fragments"):
        release(tmp_path, "0.3.0", "2026-11-21")
