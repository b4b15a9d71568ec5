from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from classifiers import kept
from classifiers.rows import HEADS, Row
from classifiers.settings import Workshop, load
from guardrail.detectors import artifact

CONFIG = Path(__file__).parents[2] / "classifiers" / "config" / "clinical-small.yaml"


def said(*texts: str) -> list[Row]:
    return [Row(str(n), text, "a/b", "benign") for n, text in enumerate(texts)]


class Counting:
    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, rows: Sequence[Row]) -> np.ndarray:
        self.asked += [row.text for row in rows]
        return np.array([[len(row.text), 1.0] for row in rows])


def test_a_text_is_scored_once_and_its_words_are_not_kept(tmp_path: Path) -> None:
    path, score = tmp_path / "s.npz", Counting()
    first = kept.scores(path, said("多喝水", "rest", "rest"), score)
    again = kept.scores(path, said("rest", "如何预约挂号"), score)
    assert first[:, 0].tolist() == [3, 4, 4]
    assert again[:, 0].tolist() == [4, 6]
    assert score.asked == ["多喝水", "rest", "如何预约挂号"]
    assert "多喝水".encode() not in path.read_bytes()


def test_a_part_is_kept_when_the_rest_fails(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(kept, "CHUNK", 2)
    path, score = tmp_path / "s.npz", Counting()

    def failing(rows: Sequence[Row]) -> np.ndarray:
        if len(score.asked) == 2:
            raise OSError
        return score(rows)

    with pytest.raises(OSError):  # noqa: PT011
        kept.scores(path, said("a", "b", "c"), failing)
    kept.scores(path, said("a", "b", "c"), score)
    assert score.asked == ["a", "b", "c"]


def test_a_text_without_words_and_a_lone_surrogate(tmp_path: Path) -> None:
    shop = Workshop(load(CONFIG), tmp_path, tmp_path)
    shipped = artifact.load(artifact.shipped())
    rows = said("", "患者今天要做胃镜", "Please \ud800 book a visit")
    scored = kept.of(shop, shipped, rows)
    assert [row.text for row in scored.rows] == [row.text for row in rows[1:]]
    assert scored.logits.shape == (2, len(HEADS))
