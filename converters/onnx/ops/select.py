"""Where ↔ where, Pow ↔ power, casts; logic over truths that comparisons have computed, which are 1.0 and 0.0."""

from __future__ import annotations

import numpy as np
import onnx

from edgenet.graph import Node, Value, emit
from edgenet.ops.select import where

from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor, one, together
from ..writer import Writer


def truth(tensor: Tensor) -> Tensor:
    """A condition as numbers, 1.0 and 0.0."""
    if tensor.array is None or tensor.array.dtype.kind == "f":
        return tensor
    return Tensor.known(tensor.graph, tensor.name, tensor.array.astype(np.float32))


def _inputs(node: OnnxNode) -> list[Tensor]:
    return [truth(t) for t in node.all_inputs()]


@importer("Where", since=9)
def read_where(node: OnnxNode) -> Tensor:
    values, axes = together([truth(node.input(0)), node.input(1), node.input(2)])
    return Tensor.held(where(*values), axes)


@importer("And", since=7)
def read_and(node: OnnxNode) -> Tensor:
    values, axes = together(_inputs(node))
    return Tensor.held(one(emit("mul", values)), axes)


@importer("Or", since=7)
def read_or(node: OnnxNode) -> Tensor:
    values, axes = together(_inputs(node))
    return Tensor.held(one(emit("maximum", values)), axes)


@importer("Xor", since=7)
def read_xor(node: OnnxNode) -> Tensor:
    values, axes = together(_inputs(node))
    return Tensor.held(one(emit("abs", [emit("sub", values)])), axes)


@importer("Not", since=1)
def read_not(node: OnnxNode) -> Tensor:
    return node.input(0).map(lambda x: 1.0 - x)


@importer("IsNaN", since=9)
def read_is_nan(node: OnnxNode) -> Tensor:
    return node.input(0).map(lambda x: 1.0 - one(emit("equal", [x, x])))


@importer("IsInf", since=10)
def read_is_inf(node: OnnxNode) -> Tensor:
    both, largest = [node.attr("detect_positive", 1), node.attr("detect_negative", 1)], float(np.finfo(np.float32).max)
    if not any(both):
        node.refuse("it asks for neither infinity")

    def infinite(x: Value) -> Value:
        size = emit("abs", [x]) if all(both) else x if both[0] else -x
        return one(emit("greater", [size, largest]))

    return node.input(0).map(infinite)


@exporter("where")
def write_where(node: Node, out: Writer) -> None:
    names, axes = out.together(node)
    condition = out.node("Cast", names[:1], node.name, to=onnx.TensorProto.BOOL)
    out.bind(node.output, axes, out.node("Where", [condition, *names[1:]], node.name))


@exporter("power")
def write_power(node: Node, out: Writer) -> None:
    names, axes = out.together(node)
    out.bind(node.output, axes, out.node("Pow", names, node.name))


@exporter("cast")
def write_cast(node: Node, out: Writer) -> None:
    kind = onnx.TensorProto.FLOAT if node.attrs["dtype"] == "float32" else onnx.TensorProto.INT32
    out.same(node, "Cast", to=kind)
