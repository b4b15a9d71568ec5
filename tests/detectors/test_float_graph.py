from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from guardrail.detectors.built import Precision
from guardrail.detectors.float_graph import QUANTISED, rebuild
from guardrail.domain.errors import BadConfig

WORDS, WIDTH, HEADS = 40, 16, 3
CHANCE = np.random.default_rng(7)
IDS = CHANCE.integers(0, WORDS, (2, 9))
TABLE = CHANCE.integers(-127, 128, (WORDS, WIDTH)).astype(np.int8)
ROW = CHANCE.uniform(0.005, 0.02, (WORDS, 1)).astype(np.float32)
WEIGHTS = {
    name: (
        CHANCE.integers(-127, 128, (WIDTH, width)).astype(np.int8),
        CHANCE.integers(-3, 4, width).astype(np.int8),
        CHANCE.uniform(0.001, 0.01, width).astype(np.float32),
    )
    for name, width in (("left", WIDTH), ("right", WIDTH), ("heads", HEADS))
}


def quantiser(x: str) -> NodeProto:
    made = [f"{x}_quantized", f"{x}_scale", f"{x}_zero_point"]
    return helper.make_node("DynamicQuantizeLinear", [x], made)


def product(x: str, name: str, out: str) -> list[NodeProto]:
    """What the exporter's quantisation makes of `out = x @ name`."""
    return [
        helper.make_node("Mul", [f"{x}_scale", f"{name}_scale"], [f"{out}_scales"]),
        helper.make_node(
            "MatMulInteger",
            [f"{x}_quantized", f"{name}_quantized", f"{x}_zero_point", f"{name}_zero_point"],
            [f"{out}_whole"],
        ),
        helper.make_node("Cast", [f"{out}_whole"], [f"{out}_cast"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{out}_cast", f"{out}_scales"], [out]),
    ]


def small() -> ModelProto:
    """An int8 embedding, two products that share a quantiser, a mask, a head."""
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["whole"]),
        helper.make_node("Gather", ["row", "input_ids"], ["rows"]),
        helper.make_node("Cast", ["whole"], ["wide"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["wide", "rows"], ["x"]),
        quantiser("x"),
        *product("x", "left", "a"),
        *product("x", "right", "b"),
        helper.make_node("Add", ["a", "b"], ["y"]),
        helper.make_node("Cast", ["attention_mask"], ["seen"], to=TensorProto.BOOL),
        helper.make_node("Unsqueeze", ["seen", "last"], ["open"]),
        helper.make_node("Where", ["open", "y", "lowest"], ["kept"]),
        helper.make_node("ReduceMax", ["kept", "middle"], ["state"], keepdims=0),
        quantiser("state"),
        *product("state", "heads", "logits"),
    ]
    constants = {
        "table": TABLE,
        "row": ROW,
        "last": np.array([2]),
        "middle": np.array([1]),
        "lowest": np.array(np.finfo(np.float32).min),
    }
    for name, (table, zero, scale) in WEIGHTS.items():
        constants |= {
            f"{name}_quantized": table,
            f"{name}_zero_point": zero,
            f"{name}_scale": scale,
        }
    graph = helper.make_graph(
        nodes,
        "small",
        [
            helper.make_tensor_value_info(name, TensorProto.INT64, ["rows", "length"])
            for name in ("input_ids", "attention_mask")
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["rows", HEADS])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, ir_version=10, opset_imports=[helper.make_opsetid("", 20)])


def saved(folder: Path, model: ModelProto) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def logits(path: Path, ids: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids) if mask is None else mask}
    return session.run(["logits"], feed)[0]


def plain(ids: np.ndarray) -> np.ndarray:
    """The same weights in numpy."""
    wide = {
        name: (table.astype(np.float32) - zero) * scale
        for name, (table, zero, scale) in WEIGHTS.items()
    }
    x = TABLE[ids].astype(np.float32) * ROW[ids]
    return (x @ wide["left"] + x @ wide["right"]).max(axis=1) @ wide["heads"]


def test_the_float_graph_is_the_weights_in_plain_float(tmp_path: Path) -> None:
    target = tmp_path / "built" / "cuda.onnx"
    rebuild(saved(tmp_path, small()), target, "fp32")
    assert np.abs(logits(target, IDS) - plain(IDS)).max() <= 1e-4
    graph = onnx.load(target).graph
    assert not QUANTISED & {node.op_type for node in graph.node}
    assert len([node for node in graph.node if node.op_type == "MatMul"]) == len(WEIGHTS)
    assert [each.name for each in graph.initializer if each.name.startswith("left")] == [
        "left_quantized_float"
    ]
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize(("precision", "moved"), [("fp32", 1e-5), ("fp16", 1e-3)])
def test_padding_has_no_part_in_a_row(tmp_path: Path, precision: Precision, moved: float) -> None:
    rebuild(saved(tmp_path, small()), tmp_path / "cuda.onnx", precision)
    padded = np.pad(IDS, ((0, 0), (0, 7)))
    mask = (np.arange(padded.shape[1]) < IDS.shape[1]).astype(np.int64)[None].repeat(2, axis=0)
    alone = logits(tmp_path / "cuda.onnx", IDS)
    assert np.abs(logits(tmp_path / "cuda.onnx", padded, mask) - alone).max() <= moved


def test_half_precision_keeps_the_types_of_inputs_and_outputs(tmp_path: Path) -> None:
    source = saved(tmp_path, small())
    rebuild(source, tmp_path / "cuda.onnx", "fp16")
    found, given = onnx.load(tmp_path / "cuda.onnx").graph, onnx.load(source).graph
    assert list(found.input) == list(given.input)
    assert list(found.output) == list(given.output)
    assert TensorProto.FLOAT not in {each.data_type for each in found.initializer}
    assert np.abs(logits(tmp_path / "cuda.onnx", IDS) - plain(IDS)).max() <= 0.02


def unscaled(model: ModelProto) -> None:
    model.graph.node[-1].input[1] = "a_scales"


def unshifted(model: ModelProto) -> None:
    del next(n for n in model.graph.node if n.op_type == "MatMulInteger").input[2:]


def foreign(model: ModelProto) -> None:
    next(n for n in model.graph.node if n.op_type == "MatMulInteger").input[2] = "left_zero_point"


def shared(model: ModelProto) -> None:
    model.graph.node.append(helper.make_node("Identity", ["logits_cast"], ["other"]))


def variable(model: ModelProto) -> None:
    kept = [each for each in model.graph.initializer if each.name != "heads_quantized"]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)


def bare(model: ModelProto) -> None:
    del model.graph.node[:]


def dangling(model: ModelProto) -> None:
    model.graph.node[0].input[0] = "nowhere"


@pytest.mark.parametrize("change", [unscaled, unshifted, foreign, shared, variable, bare, dangling])
def test_a_graph_of_another_make_is_refused(tmp_path: Path, change) -> None:
    model = small()
    change(model)
    with pytest.raises(BadConfig) as refused:
        rebuild(saved(tmp_path, model), tmp_path / "cuda.onnx", "fp16")
    assert refused.value.code == "model_graph"
    assert refused.value.remedy
    assert not (tmp_path / "cuda.onnx").exists()


@pytest.mark.parametrize("content", [b"not a model", None])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "model.onnx"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadConfig) as refused:
        rebuild(path, tmp_path / "cuda.onnx", "fp16")
    assert refused.value.code == "model_unreadable"


def test_a_folder_that_takes_no_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    source = saved(tmp_path, small())
    with pytest.raises(BadConfig) as refused:
        rebuild(source, source / "cuda.onnx", "fp32")
    assert refused.value.code == "model_unwritable"
    assert "--out" in refused.value.remedy
