from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from classifiers import scoring
from classifiers.settings import Workshop, load
from guardrail.detectors.artifact import load as load_artifact
from guardrail.detectors.artifact import shipped
from guardrail.detectors.onnx import probed

CONFIG = Path(__file__).parents[2] / "classifiers/config/clinical-small.yaml"


def test_the_float_graph_of_an_export_is_an_artifact_of_its_own(tmp_path: Path) -> None:
    given = load_artifact(shipped())
    (tmp_path / "export").mkdir()
    for path in (given.model, given.tokenizer):
        shutil.copy(path, tmp_path / "export")
    wide = scoring.floating(Workshop(load(CONFIG), tmp_path, tmp_path))
    assert wide.devices == scoring.devices("fp32")
    assert wide.digest != given.digest
    assert (wide.folder / "tokenizer.json").read_bytes() == given.tokenizer.read_bytes()
    found, recorded = probed(given, wide.model), [probe.logits for probe in given.probes]
    assert 0 < np.abs(np.subtract(found, recorded)).max() < 1.5
