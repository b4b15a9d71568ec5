"""RunConfig: all that a run depends on, read from one YAML file; unknown keys are refused."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

from guardrail import document
from guardrail.detectors.encoding import Shape
from guardrail.domain.errors import BadConfig


@dataclass(frozen=True, slots=True)
class RunConfig:
    name: str
    version: str
    seed: int
    artifact: str
    base: str
    start: str
    miner: str
    mined_rows: int
    hard_pools: list[str]
    hard_share: float
    max_tokens: int
    context_tokens: int
    context_sentences: int
    stride: int
    precision: str
    epochs: int
    pools: dict[str, int]
    batch_rows: int
    learning_rate: float
    head_learning_rate: float
    positive_weight: float
    ranking_weight: float
    context_rate: float
    prior: dict[str, float]
    false_alarms: dict[str, float]
    dev_benign: int
    test_benign: int

    @property
    def shape(self) -> Shape:
        return Shape(self.max_tokens, self.context_sentences, self.context_tokens, self.stride)


@dataclass(frozen=True, slots=True)
class Workshop:
    """A run: its configuration, the data folder, the folder that holds what steps leave, and where
    the artifact goes when not to where the configuration says."""

    config: RunConfig
    data: Path
    work: Path
    out: Path | None = None

    @property
    def artifact(self) -> Path:
        return self.out or Path(self.config.artifact)

    def path(self, *parts: str) -> Path:
        """A file of the run; its folder is made."""
        path = self.work.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def load(path: Path) -> RunConfig:
    """Raises `BadConfig` on unreadable files and on unknown or missing keys."""
    try:
        found = document.read(path.read_text("utf-8"), path.name)
    except (OSError, document.DocumentError) as error:
        raise BadConfig("run_config", f"{path}: {error}") from None
    data = cast(dict[str, Any], found.data)
    names = {field.name for field in fields(RunConfig)}
    for key in data:
        if key not in names:
            raise BadConfig("run_config", f"unknown key {key}", where=found.where([key]))
    if missing := names - data.keys():
        raise BadConfig("run_config", f"missing {', '.join(sorted(missing))}", where=path.name)
    return RunConfig(**data)
