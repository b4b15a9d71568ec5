"""The image is built from pinned files, runs without root, and carries nothing it does not need."""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(scope="module")
def dockerfile(root: Path) -> str:
    return (root / "Dockerfile").read_text("utf-8")


def stages(dockerfile: str) -> dict[str, str]:
    """Stage name -> its text."""
    parts = re.split(r"^FROM \S+ AS (\S+)$", dockerfile, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_hadolint_finds_nothing(root: Path, run: Any) -> None:
    done = run("hadolint", root / "Dockerfile")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_base_can_be_chosen_and_cpu_is_the_default(dockerfile: str) -> None:
    assert "ARG BASE_IMAGE=python:3.12-slim" in dockerfile
    froms = re.findall(r"^FROM (\S+) AS (\S+)$", dockerfile, re.MULTILINE)
    own = {name for _, name in froms}
    assert {source for source, _ in froms if source not in own} == {"${BASE_IMAGE}"}
    assert froms[-1] == ("runtime", "cpu")
    assert ("runtime", "gpu") in froms


@pytest.mark.parametrize("device", ["cpu", "gpu"])
def test_what_is_installed_is_pinned(dockerfile: str, device: str) -> None:
    text = stages(dockerfile)[f"packages-{device}"]
    assert f"pip install --require-hashes -r requirements/{device}.txt" in text
    assert "pip install --no-deps --no-build-isolation ." in text
    final = stages(dockerfile)[device]
    assert re.findall(r"^COPY (.*)$", final, re.MULTILINE) == [
        f"--from=packages-{device} /opt/guardrail /opt/guardrail"
    ]


def test_it_runs_without_root_and_checks_itself(dockerfile: str) -> None:
    runtime = stages(dockerfile)["runtime"]
    assert re.findall(r"^USER (.*)$", dockerfile, re.MULTILINE) == ["10001:10001"]
    assert "/livez" in runtime
    assert "curl" not in dockerfile
    assert 'ENTRYPOINT ["guardrail"]' in runtime
    assert 'CMD ["serve", "--host", "0.0.0.0", "--port", "8080"' in runtime


def test_no_setting_is_baked_in(dockerfile: str) -> None:
    """The environment wins over guardrail.yaml: what the image sets, a file could not change."""
    assert re.findall(r"GUARDRAIL_\w+", dockerfile) == []


def test_only_what_is_named_is_sent_to_the_builder(root: Path) -> None:
    lines = (root / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    opened = [rule[1:] for rule in rules if rule.startswith("!")]
    for kept in ("guardrail-data/vault.key", ".git/config", "NOTES.md", "shared/x", ".venv/x"):
        assert not any(fnmatch.fnmatch(kept, rule) for rule in opened), kept
    for sent in ("requirements/cpu.txt", "guardrail/app.py", "policies/a.yaml", "README.md"):
        assert any(fnmatch.fnmatch(sent, rule) for rule in opened), sent


def test_everything_copied_is_sent(dockerfile: str, root: Path) -> None:
    opened = (root / ".dockerignore").read_text("utf-8")
    for words in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.MULTILINE):
        for source in words.split()[:-1]:
            assert f"!{source.split('/')[0]}" in opened, source


def test_pins_carry_hashes_and_name_no_host(root: Path) -> None:
    files = sorted((root / "requirements").glob("*.txt"))
    assert {"cpu.txt", "gpu.txt", "postgres.txt", "train.txt"} <= {file.name for file in files}
    for file in files:
        text = file.read_text("utf-8")
        assert "://" not in text, file.name
        assert not re.search(r"--(index|extra-index|find-links|trusted-host)", text), file.name
        joined = text.replace("\\\n", " ").splitlines()
        entries = [line for line in joined if line and not line.startswith("#")]
        assert entries
        assert [e.split()[0] for e in entries if "--hash=sha256:" not in e] == [], file.name


def test_cpu_and_gpu_never_meet(root: Path) -> None:
    def runtimes(name: str) -> set[str]:
        text = (root / "requirements" / name).read_text("utf-8")
        return set(re.findall(r"^(onnxruntime[a-z-]*)==", text, re.MULTILINE))

    assert runtimes("cpu.txt") == {"onnxruntime"}
    assert runtimes("gpu.txt") == {"onnxruntime-gpu"}
