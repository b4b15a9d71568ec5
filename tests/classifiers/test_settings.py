from __future__ import annotations

from pathlib import Path

import pytest

from classifiers.__main__ import main
from classifiers.settings import Workshop, load
from guardrail.domain.errors import BadConfig

CONFIG = Path(__file__).parents[2] / "classifiers" / "config" / "clinical-small.yaml"


def test_the_shipped_configuration_is_whole() -> None:
    config = load(CONFIG)
    assert config.shape.max_tokens <= 256  # 35 ms on one core
    assert sum(config.prior.values()) == pytest.approx(1)
    assert config.false_alarms["block"] < config.false_alarms["handover"] <= 0.01


def test_the_artifact_goes_where_the_configuration_says_unless_told_otherwise(
    tmp_path: Path,
) -> None:
    config = load(CONFIG)
    assert Workshop(config, tmp_path, tmp_path).artifact == Path(config.artifact)
    assert Workshop(config, tmp_path, tmp_path, tmp_path / "a").artifact == tmp_path / "a"


def test_an_unknown_key_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(CONFIG.read_text("utf-8") + "epoch: 3\n", "utf-8")
    with pytest.raises(BadConfig, match=r"run\.yaml:\d+:\d+: unknown key epoch"):
        load(path)


@pytest.mark.parametrize("text", ["name: x\n", "name: [\n", None])
def test_what_is_no_configuration_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "run.yaml"
    if text is not None:
        path.write_text(text, "utf-8")
    with pytest.raises(BadConfig):
        load(path)


def test_a_bad_configuration_ends_with_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "--config", str(tmp_path / "none.yaml")]) == 2
    assert "none.yaml" in capsys.readouterr().err


def test_a_step_that_is_done_is_not_done_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = Workshop(load(CONFIG), tmp_path, tmp_path)
    shop.path("data", "summary.json").write_text("{}")
    assert main(["data", "--config", str(CONFIG), "--work", str(tmp_path)]) == 0
    assert "already done" in capsys.readouterr().out
