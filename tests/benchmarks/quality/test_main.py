from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.quality.__main__ import main
from guardrail.detectors import artifact

LARGEST_BYTES = 400 * 1024


def test_one_command_leaves_section_facts_and_plots(out: Path, facts: dict[str, Any]) -> None:
    assert sorted(path.name for path in (out / "plots").iterdir()) == [
        "dimensions.svg", "precision-recall.svg", "recall-false-alarms.svg", "reliability.svg",
    ]  # fmt: skip
    assert sum(path.stat().st_size for path in (out / "plots").iterdir()) < LARGEST_BYTES
    assert (out / "RESULTS.md").read_text("utf-8").startswith("# Measured\n\nkept\n")
    assert facts["run"]["rows"] > 20
    assert set(facts["heads"]) == set(artifact.load(artifact.shipped()).labels)


def test_every_share_has_its_count_and_interval(facts: dict[str, Any]) -> None:
    for scorer in ("model", "baseline"):
        for told in facts[scorer]["shares"].values():
            for share in told["at"].values():
                assert share["n"] > 0
                assert share["low"] <= share["rate"] <= share["high"]


def test_no_text_of_any_source_is_in_what_is_written(out: Path) -> None:
    for path in (out / "quality.json", out / "RESULTS.md"):
        assert "咳嗽" not in path.read_text("utf-8")
        assert "别让人看出来" not in path.read_text("utf-8")


def test_a_work_folder_without_rows_is_refused(tmp_path: Path, capsys) -> None:
    assert main(["--data", str(tmp_path), "--work", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "classifiers data" in capsys.readouterr().err


def test_a_foreign_artifact_is_refused(tmp_path: Path, capsys) -> None:
    (tmp_path / "artifact.json").write_text("{}")
    asked = ["--data", str(tmp_path), "--work", str(tmp_path), "--artifact", str(tmp_path)]
    assert main(asked) == 2
    assert "Restore the artifact folder" in capsys.readouterr().err
