"""Step `export`: network → ONNX → (int8), each proven equal to the last on padded batches.

Word embeddings become an int8 table with one scale per row, gathered and multiplied in the graph:
exact to 0.4 % of each row's largest value, and two fifths of the file. Matrix products become int8
per output channel. Biases, norms and the heads' sums stay float.
"""

from __future__ import annotations

import json
import shutil
import warnings
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from classifiers import rows
from classifiers.division import Part
from classifiers.network import Network, padded
from classifiers.settings import Workshop
from guardrail.detectors.encoding import Encoder

OPSET = 20
FLOAT_TOLERANCE = 2e-4
PADDING_TOLERANCE = 2e-4
INT8_TOLERANCE = 1.0  # logits span about 20; the int8 file is calibrated and measured itself
INT8_QUANTILE = 0.99
MAX_BYTES = 26_000_000
SAMPLE_ROWS = 256
SAMPLE_STEP = 40
ALONE = 128  # rows that are run one by one, as the guard runs int8


class NotEqual(Exception):
    """An exported file does not do what the network does."""


class RowScaled(nn.Module):
    """An embedding table in int8 with one float scale per row."""

    def __init__(self, table: Tensor) -> None:
        super().__init__()
        scale = table.abs().amax(dim=1, keepdim=True).clamp(min=1e-8) / 127
        self.register_buffer("table", torch.round(table / scale).to(torch.int8))
        self.register_buffer("scale", scale)

    def forward(self, ids: Tensor) -> Tensor:
        return self.table[ids].float() * self.scale[ids]


class Exported(nn.Module):
    """What runs in the guard: token ids and mask in, logits of the heads out."""

    def __init__(self, network: Network, precision: str) -> None:
        super().__init__()
        self.encoder = network.encoder
        self.heads = network.merged()
        if precision == "int8":
            words = self.encoder.embeddings.word_embeddings
            self.encoder.embeddings.word_embeddings = RowScaled(words.weight.detach())

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        output = self.encoder(input_ids=input_ids, attention_mask=attention_mask)
        return self.heads(output.last_hidden_state[:, 0])


def run(shop: Workshop) -> None:
    """Writes export/{model.onnx,tokenizer.json,parity.json}. Raises `NotEqual`."""
    network = Network(shop.path("base", "x").parent)
    network.load_state_dict(torch.load(shop.path("train", "model.pt"), map_location="cpu"))
    network.eval()
    encoder = Encoder(shop.path("base", "tokenizer.json"), shop.config.shape)
    sample = _sample(shop, encoder)
    with torch.inference_mode():
        truth = network(*padded(sample, encoder.pad_id, "cpu"))[0].numpy()
    plain, target = shop.path("export", "plain.onnx"), shop.path("export", "model.onnx")
    _export(Exported(network, shop.config.precision).eval(), plain, sample, encoder.pad_id)
    parity = {"float": _gap(plain, sample, encoder.pad_id, truth)}
    if shop.config.precision == "int8":
        _quantise(plain, target)
        alone = np.abs(_alone(target, sample) - truth[:ALONE])
        parity["int8"] = float(np.quantile(alone, INT8_QUANTILE))
    else:
        shutil.copy(plain, target)
    parity["padding"] = float(
        np.abs(_logits(plain, sample, encoder.pad_id)[:ALONE] - _alone(plain, sample)).max()
    )
    _gate(parity, shop.config.precision, target)
    plain.unlink()
    shutil.copy(shop.path("base", "tokenizer.json"), target.with_name("tokenizer.json"))
    shop.path("export", "parity.json").write_text(json.dumps(parity, indent=1))


def _sample(shop: Workshop, encoder: Encoder) -> list[tuple[int, ...]]:
    """Last windows of texts of every source and length, so that batches are padded."""
    chosen = islice(rows.read(shop.path("data", f"{Part.DEV}.jsonl")), 0, None, SAMPLE_STEP)
    found = [window.ids for row in chosen for window in encoder.windows(row.text)[-1:]]
    return found[:SAMPLE_ROWS]


def _export(model: Exported, path: Path, sample: list[tuple[int, ...]], pad: int) -> None:
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length", max=512)
    shapes = {0: batch, 1: length}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            model,
            padded(sample, pad, "cpu"),
            dynamo=True,
            opset_version=OPSET,
            input_names=["input_ids", "attention_mask"],
            output_names=["logits"],
            dynamic_shapes=(shapes, shapes),
            verbose=False,
        )
    program.save(str(path), external_data=False)


def _quantise(source: Path, target: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model = onnx.load(source)
    del model.graph.value_info[:]  # the exporter leaves shapes from before it folded transposes
    quantize_dynamic(
        model,
        target,
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        weight_type=QuantType.QInt8,
    )


def _logits(path: Path, sample: list[tuple[int, ...]], pad: int) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    ids, mask = padded(sample, pad, "cpu")
    feed = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
    return np.asarray(session.run(["logits"], feed)[0])


def _alone(path: Path, sample: list[tuple[int, ...]]) -> np.ndarray:
    return np.concatenate([_logits(path, [ids], 0) for ids in sample[:ALONE]])


def _gap(path: Path, sample: list[tuple[int, ...]], pad: int, truth: np.ndarray) -> float:
    return float(np.abs(_logits(path, sample, pad) - truth).max())


def _gate(parity: dict[str, float], precision: str, target: Path) -> None:
    limits = {"float": FLOAT_TOLERANCE, "padding": PADDING_TOLERANCE, "int8": INT8_TOLERANCE}
    if precision == "int8":
        limits["float"] = 0.2  # the embedding table is rounded already
        if target.stat().st_size > MAX_BYTES:
            raise NotEqual(f"{target.stat().st_size} bytes; {MAX_BYTES} allowed")
    for name, gap in parity.items():
        if gap > limits[name]:
            raise NotEqual(f"{name}: logits differ by {gap:.4f}, {limits[name]} allowed")
