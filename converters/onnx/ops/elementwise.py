"""Arithmetic between tensors with NumPy broadcasting, and functions of single numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from edgenet.graph import Node, Value, emit

from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor, one, together
from ..writer import Writer


def _folded(name: str, tensors: list[Tensor]) -> Tensor:
    """The tensors combined pair by pair."""
    values, axes = together(tensors)
    result = values[0]
    for value in values[1:]:
        result = one(emit(name, [result, value]))
    return Tensor.held(result, axes)


def _binary(onnx_op: str, name: str, since: int = 7) -> None:
    @importer(onnx_op, since)
    def read(node: OnnxNode) -> Tensor:
        if name == "mul" and node.input(0) is node.input(1):
            return node.input(0).map(lambda x: emit("square", [x]))
        return _folded(name, [node.input(0), node.input(1)])

    @exporter(name)
    def write(node: Node, out: Writer) -> None:
        names, axes = out.together(node)
        out.bind(node.output, axes, out.node(onnx_op, names, node.name))


_binary("Add", "add")
_binary("Sub", "sub")
_binary("Mul", "mul")
_binary("Div", "div")


def _variadic(onnx_op: str, name: str) -> None:
    @importer(onnx_op, 6)
    def read(node: OnnxNode) -> Tensor:
        return _folded(name, node.all_inputs())


for _op, _name in (("Max", "maximum"), ("Min", "minimum"), ("Sum", "add")):
    _variadic(_op, _name)


@importer("Mean", since=6)
def read_mean(node: OnnxNode) -> Tensor:
    tensors = node.all_inputs()
    return _folded("add", tensors).map(lambda x: x * (1 / len(tensors)))


def _write_pair(onnx_op: str) -> Callable[[Node, Writer], None]:
    def write(node: Node, out: Writer) -> None:
        names, axes = out.together(node)
        out.bind(node.output, axes, out.node(onnx_op, names, node.name))

    return write


exporter("maximum")(_write_pair("Max"))
exporter("minimum")(_write_pair("Min"))


# comparisons: truth is 1.0, falsehood 0.0 -----------------------------------------------------------------------------


def _comparison(onnx_op: str, name: str, since: int, swapped: bool = False) -> None:
    @importer(onnx_op, since)
    def read(node: OnnxNode) -> Tensor:
        pair = [node.input(0), node.input(1)]
        return _folded(name, pair[::-1] if swapped else pair)


_comparison("Equal", "equal", 7)
_comparison("Greater", "greater", 7)
_comparison("Less", "greater", 7, swapped=True)
_comparison("GreaterOrEqual", "greater_equal", 12)
_comparison("LessOrEqual", "greater_equal", 12, swapped=True)


def _write_comparison(onnx_op: str) -> Callable[[Node, Writer], None]:
    def write(node: Node, out: Writer) -> None:
        names, axes = out.together(node)
        truth = out.node(onnx_op, names, node.name)
        out.bind(node.output, axes, out.node("Cast", [truth], node.name, to=onnx.TensorProto.FLOAT))

    return write


for _name, _op in (("equal", "Equal"), ("greater", "Greater"), ("greater_equal", "GreaterOrEqual")):
    exporter(_name)(_write_comparison(_op))


# functions of single numbers ------------------------------------------------------------------------------------------


def _unary(onnx_op: str, name: str) -> None:
    @importer(onnx_op, 6)
    def read(node: OnnxNode) -> Tensor:
        return node.input(0).map(lambda x: emit(name, [x]))

    @exporter(name)
    def write(node: Node, out: Writer) -> None:
        out.same(node, onnx_op)


for _op, _name in (("Exp", "exp"), ("Log", "log"), ("Sqrt", "sqrt"), ("Abs", "abs")):
    _unary(_op, _name)


@exporter("square")
def write_square(node: Node, out: Writer) -> None:
    x = node.inputs[0]
    assert x is not None
    axes = out.held(x)
    out.bind(node.output, axes, out.node("Mul", [out.name(x, axes)] * 2, node.name))


@importer("Neg", since=6)
def read_neg(node: OnnxNode) -> Tensor:
    return node.input(0).map(lambda x: -x)


@importer("Reciprocal", since=6)
def read_reciprocal(node: OnnxNode) -> Tensor:
    return node.input(0).map(lambda x: 1.0 / x)


@importer("Pow", since=7)
def read_pow(node: OnnxNode) -> Tensor:
    x, by = node.input(0), node.input(1)
    powers: dict[float, Callable[[Value], Any]] = {
        0.5: lambda v: emit("sqrt", [v]),
        1.0: lambda v: v,
        2.0: lambda v: emit("square", [v]),
        3.0: lambda v: emit("square", [v]) * v,
        4.0: lambda v: emit("square", [emit("square", [v])]),
        -0.5: lambda v: 1.0 / emit("sqrt", [v]),
        -1.0: lambda v: 1.0 / v,
        -2.0: lambda v: 1.0 / emit("square", [v]),
    }
    exponent = float(by.array.reshape(())) if by.array is not None and by.array.size == 1 else None
    if exponent in powers and by.rank <= x.rank:
        return x.map(powers[exponent])
    if by.array is not None:  # whole exponents count as numbers, too
        by = Tensor.known(by.graph, by.name, by.array.astype(np.float32), by.weight and by.array.dtype.kind == "f")
    return _folded("power", [x, by])
