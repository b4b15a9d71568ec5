"""The float graph of an int8 classifier, rebuilt from the same weights; only this file knows onnx.

On a GPU, int8 products with a scale per run are slow, and padding moves them. So each

    x → DynamicQuantizeLinear → MatMulInteger(w) → Cast → Mul(scales)

becomes `MatMul(x, w)`, where `w` is the int8 table times its scales, folded into a constant: the
weights stay those of the one file that ships, only activations are no longer rounded. The embedding
stays an int8 table with a scale per row; it is exact in float already.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto
from onnx.checker import ValidationError
from onnx.helper import make_node
from onnx.numpy_helper import from_array, to_array
from onnx.shape_inference import InferenceError

from guardrail.detectors.built import Precision
from guardrail.domain.errors import BadConfig

QUANTISED = frozenset({"DynamicQuantizeLinear", "MatMulInteger"})
HALF_LARGEST = 3e4  # of what fp16 holds (65504), so that what is added to a mask never overflows
_REMEDY = "Export the artifact again with `python -m classifiers export`."


def rebuild(source: Path, target: Path, precision: Precision) -> None:
    """Write the float graph of `source` to `target`, whole or not at all. Inputs and outputs keep
    their names and types (`fp16` computes in half precision between them).

    Raises `BadConfig` where `source` is no such int8 model, or `target` cannot be written."""
    model = _read(source)
    _unquantise(model.graph)
    if left := QUANTISED & {node.op_type for node in model.graph.node}:
        raise BadConfig("model_graph", f"{source}: {', '.join(sorted(left))} is left", _REMEDY)
    if precision == "fp16":
        _halve(model.graph)
    _check(source, model)
    _write(target, model)


def _read(source: Path) -> ModelProto:
    try:
        return onnx.load(source)
    except Exception as error:  # noqa: BLE001 - protobuf raises its own unrelated classes
        raise BadConfig("model_unreadable", f"{source}: {type(error).__name__}", _REMEDY) from None


def _check(source: Path, model: ModelProto) -> None:
    try:
        onnx.checker.check_model(model, full_check=True)
    except (ValidationError, InferenceError) as error:
        raise BadConfig("model_graph", f"{source}: {error}", _REMEDY) from None


def _write(target: Path, model: ModelProto) -> None:
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(model.SerializeToString())
        part.replace(target)
    except OSError as error:
        raise BadConfig(
            "model_unwritable",
            f"{target} cannot be written ({type(error).__name__}).",
            "Name a folder that can be: `--out FOLDER`.",
        ) from None


def _unquantise(graph: GraphProto) -> None:
    """Every integer product as a float one, in the place where its result was scaled."""
    products = [node for node in graph.node if node.op_type == "MatMulInteger"]
    if not products:
        raise BadConfig("model_graph", "the model has no int8 products", _REMEDY)
    ways = _Ways(graph)
    spent: set[str] = set()
    for product in products:
        spent |= ways.replace(product)
    kept = [node for node in graph.node if node.output[0] not in spent]
    used = {name for node in kept for name in node.input}
    constants = [each for each in graph.initializer if each.name in used]
    del graph.node[:], graph.initializer[:]
    del graph.value_info[:]  # they tell of values that are no more
    graph.node.extend(kept)
    graph.initializer.extend(constants)


def _halve(graph: GraphProto) -> None:
    """Constants and casts in half precision; the outputs are cast back. Ids and masks are integers
    and stay so. (The libraries' own converters leave casts within the graph as they are, or change
    `sys.path`.)"""
    for constant in graph.initializer:
        if constant.data_type == TensorProto.FLOAT:
            values = np.clip(to_array(constant), -HALF_LARGEST, HALF_LARGEST)
            constant.CopyFrom(from_array(values.astype(np.float16), constant.name))
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Cast" and attribute.name == "to":
                halved = attribute.i == TensorProto.FLOAT
                attribute.i = TensorProto.FLOAT16 if halved else attribute.i
    for output in graph.output:
        inner = f"{output.name}_half"
        for node in graph.node:
            node.input[:] = [inner if name == output.name else name for name in node.input]
            node.output[:] = [inner if name == output.name else name for name in node.output]
        graph.node.append(make_node("Cast", [inner], [output.name], to=TensorProto.FLOAT))


class _Ways:
    """Who makes a value and who takes it."""

    def __init__(self, graph: GraphProto) -> None:
        self._graph = graph
        self._constants: dict[str, TensorProto] = {each.name: each for each in graph.initializer}
        self._maker: dict[str, NodeProto] = {
            name: node for node in graph.node for name in node.output
        }
        self._takers: defaultdict[str, list[NodeProto]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self._takers[name].append(node)

    def replace(self, product: NodeProto) -> set[str]:
        """The node that scaled the result becomes the float product. Returns the first outputs of
        the nodes that nobody needs any more; other products may name the same quantiser."""
        if len(product.input) != 4:
            raise BadConfig("model_graph", f"{product.output[0]} has no zero points", _REMEDY)
        activation, table, shift, zero = product.input
        quantiser = self._made(activation, "DynamicQuantizeLinear")
        if shift != quantiser.output[2]:
            raise BadConfig("model_graph", f"{shift} is not of {quantiser.output[0]}", _REMEDY)
        cast = self._taken(product.output[0], "Cast")
        scaled = self._taken(cast.output[0], "Mul")
        scales = self._made(_other(scaled, cast.output[0]), "Mul")
        scale = _other(scales, quantiser.output[1])
        weight = from_array(self._folded(table, zero, scale), f"{table}_float")
        self._graph.initializer.append(weight)
        scaled.op_type = "MatMul"
        del scaled.input[:]
        scaled.input.extend([quantiser.input[0], weight.name])
        return {each.output[0] for each in (quantiser, product, cast, scales)}

    def _folded(self, table: str, zero: str, scale: str) -> NDArray[np.float32]:
        wide = self._constant(table).astype(np.int32) - self._constant(zero).astype(np.int32)
        return np.asarray(wide * self._constant(scale).astype(np.float32), dtype=np.float32)

    def _constant(self, name: str) -> NDArray[Any]:
        if name not in self._constants:
            raise BadConfig("model_graph", f"{name} is no constant", _REMEDY)
        return to_array(self._constants[name])

    def _made(self, name: str, kind: str) -> NodeProto:
        node = self._maker.get(name)
        if node is None or node.op_type != kind:
            raise BadConfig("model_graph", f"{name} does not come from {kind}", _REMEDY)
        return node

    def _taken(self, name: str, kind: str) -> NodeProto:
        takers = self._takers[name]
        if [node.op_type for node in takers] != [kind]:
            raise BadConfig("model_graph", f"{name} does not go to one {kind} alone", _REMEDY)
        return takers[0]


def _other(product: NodeProto, name: str) -> str:
    """The input of a product of two that is not `name`."""
    first, second = product.input
    if name not in (first, second):
        raise BadConfig("model_graph", f"{product.output[0]} is not scaled by {name}", _REMEDY)
    return str(second if first == name else first)
