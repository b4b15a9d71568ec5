from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.quality import precision, texts
from classifiers import exhibits
from classifiers.settings import Workshop, load
from guardrail.detectors import artifact

CONFIG = Path(__file__).parents[3] / "classifiers" / "config" / "clinical-small.yaml"


def test_the_same_weights_find_the_same(work: Path, tmp_path: Path) -> None:
    shop = Workshop(load(CONFIG), work, work)
    shipped = artifact.load(artifact.shipped())
    copy = tmp_path / "float.onnx"
    copy.write_bytes(shipped.model.read_bytes())
    found: dict[str, Any] = precision.compared(shop, shipped, copy, exhibits.of(shop, 8))
    assert found["int8"] == found["float"]
    assert found["int8 minus float"] == {"pooled": 0.0, "heads": 0.0}
    assert found["n"] >= 16


def test_what_a_text_costs_is_told_by_its_length(work: Path) -> None:
    shop = Workshop(load(CONFIG), work, work)
    ordinary = [row for row in exhibits.of(shop, 8) if row.pool == "benign"]
    found = texts.cost(artifact.load(artifact.shipped()), ordinary)
    assert found.keys() == {"up to 64"}
    assert found["up to 64"]["texts"] == 8
    assert found["up to 64"]["windows"] == 2
