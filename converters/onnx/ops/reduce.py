"""Reductions along axes: Reduce… ↔ sum, mean, max, min, prod; ArgMax ↔ argmax; global pooling."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from edgenet.graph import Node, Value, emit

from .. import arrange
from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor, one, reshape
from ..writer import Writer

Formula = Callable[[Value], Any]
#: the largest float32
FINITE = float(np.finfo(np.float32).max)


def _reduced(x: Tensor, name: str, axes: tuple[int, ...], keep: bool) -> Tensor:
    places = tuple(sorted(x.place(a) for a in axes))
    y = one(emit(name, [x.raw], axes=places, keepdims=keep))
    return Tensor.held(y, x.axes if keep else arrange.without(x.axes, [x.axis(a) for a in axes]))


def _axes(node: OnnxNode, x: Tensor, since: int) -> tuple[tuple[int, ...] | None, bool]:
    """The axes to reduce, None for none at all, and whether they stay as ones."""
    axes, keep = node.attr_or_input("axes", 1, since), bool(node.attr("keepdims", 1))
    idle = node.attr("noop_with_empty_axes", 0)
    if not axes:
        return (None if idle else tuple(range(x.rank))), keep
    return tuple(dict.fromkeys(x.axis(a) for a in axes)), keep


def _read_reduce(node: OnnxNode, name: str, since: int) -> Tensor:
    x = node.input(0)
    axes, keep = _axes(node, x, since)
    if axes is None:
        return x
    if name in ("max", "min") and any(x.shape[a] == 0 for a in axes):  # of nothing: what any number replaces
        shape = [1 if a in axes else s for a, s in enumerate(x.shape) if keep or a not in axes]
        return node.constant(np.full(shape, -np.inf if name == "max" else np.inf, np.float32))
    return _reduced(x, name, axes, keep)


def _norm(name: str, since: int, before: Formula | None, after: Formula | None) -> None:
    """Register a sum of something, of which something is taken."""

    @importer(name, 1)
    def read(node: OnnxNode) -> Tensor:
        x = node.input(0)
        axes, keep = _axes(node, x, since)
        y = x if before is None else x.map(before)
        y = y if axes is None else _reduced(y, "sum", axes, keep)
        return y if after is None else y.map(after)


def _op_of(name: str) -> Formula:
    return lambda x: emit(name, [x])


def _write_reduce(node: Node, out: Writer, onnx_op: str, since: int) -> None:
    x = node.inputs[0]
    assert x is not None
    held, rank = out.held(x), x.spec.rank
    gone = [a % rank for a in node.attrs["axes"]]
    keep = node.attrs["keepdims"]
    if onnx_op == "ReduceMean" and held == arrange.channels_first(4) and gone == [1, 2] and keep:
        out.bind(node.output, held, out.node("GlobalAveragePool", [out.name(x, held)], node.name))
        return
    places = sorted(held.index(a) for a in gone)
    inputs, attrs = [out.name(x, held)], {"keepdims": int(keep)}
    if out.opset >= since:
        name = out.node(onnx_op, [*inputs, out.ints(places, "axes")], node.name, **attrs)
    else:
        name = out.node(onnx_op, inputs, node.name, axes=places, **attrs)
    out.bind(node.output, held if keep else arrange.without(held, gone), name)


#: op of ONNX, op of edgenet, opset in which the axes became an input
REDUCTIONS = (
    ("ReduceSum", "sum", 13), ("ReduceMean", "mean", 18), ("ReduceMax", "max", 18), ("ReduceMin", "min", 18),
    ("ReduceProd", "prod", 18),
)  # fmt: skip

for _op, _name, _since in REDUCTIONS:
    importer(_op, 1)(functools.partial(_read_reduce, name=_name, since=_since))
    exporter(_name)(functools.partial(_write_reduce, onnx_op=_op, since=_since))
_norm("ReduceL1", 18, _op_of("abs"), None)
_norm("ReduceL2", 18, _op_of("square"), _op_of("sqrt"))
_norm("ReduceSumSquare", 18, _op_of("square"), None)
_norm("ReduceLogSum", 18, None, _op_of("log"))


@importer("ReduceLogSumExp", since=1)
def read_log_sum_exp(node: OnnxNode) -> Tensor:
    """log sum e^x = m + log sum e^(x - m) with the largest m, which is kept finite."""
    x = node.input(0)
    axes, keep = _axes(node, x, 18)
    if axes is None:
        return x
    if any(x.shape[a] == 0 for a in axes):
        return _reduced(x, "sum", axes, keep).map(_op_of("log"))
    places = tuple(sorted(x.place(a) for a in axes))
    most = emit("clip", [emit("max", [x.raw], axes=places, keepdims=True)], low=-FINITE, high=FINITE)
    total = emit("sum", [emit("exp", [x.raw - most])], axes=places, keepdims=True)
    y = most + emit("log", [total])
    if keep:
        return Tensor.held(y, x.axes)
    held = arrange.without(x.axes, axes)
    shape = [s for a, s in enumerate(x.shape) if a not in axes]
    return Tensor.held(reshape(y, arrange.arranged(shape, held)), held)


def _global(onnx_op: str, name: str) -> None:
    @importer(onnx_op, 1)
    def read(node: OnnxNode) -> Tensor:
        x = node.input(0)
        if x.rank < 3:
            node.refuse(f"expected an input (n, c, spatial…), got shape {list(x.shape)}")
        value = Tensor.held(x.last(), arrange.channels_last(x.rank))
        return _reduced(value, name, tuple(range(2, x.rank)), keep=True)


_global("GlobalAveragePool", "mean")
_global("GlobalMaxPool", "max")


@importer("GlobalLpPool", since=2)
def read_global_lp_pool(node: OnnxNode) -> Tensor:
    x, p = node.input(0), node.attr("p", 2)
    if x.rank < 3 or p < 1:
        node.refuse(f"expected an input (n, c, spatial…) and p of at least 1, got shape {list(x.shape)} and p={p}")
    value = Tensor.held(to_power(x.last(), p), arrange.channels_last(x.rank))
    return _reduced(value, "sum", tuple(range(2, x.rank)), keep=True).map(lambda v: root_of(v, p))


def to_power(x: Value, p: float) -> Value:
    """|x|^p."""
    if p == 2:
        return one(emit("square", [x]))
    size = one(emit("abs", [x]))
    return size if p == 1 else one(emit("power", [size, float(p)]))


def root_of(x: Value, p: float) -> Value:
    """x^(1/p) of a sum of such."""
    if p == 2:
        return one(emit("sqrt", [x]))
    return x if p == 1 else one(emit("power", [x, 1.0 / p]))


@importer("ArgMin", since=1)
def read_argmin(node: OnnxNode) -> Tensor:
    return _arg(node, node.input(0).map(lambda x: -x))


@importer("ArgMax", since=1)
def read_argmax(node: OnnxNode) -> Tensor:
    return _arg(node, node.input(0))


def _arg(node: OnnxNode, x: Tensor) -> Tensor:
    node.only("select_last_index", 0)
    axis, keep = x.axis(node.attr("axis", 0)), node.attr("keepdims", 1)
    y = Tensor.held(one(emit("argmax", [x.raw], axis=x.place(axis))), arrange.without(x.axes, [axis]))
    if not keep:
        return y
    shape: list[Any] = list(x.shape)
    shape[axis] = 1
    return Tensor.held(reshape(y.raw, arrange.arranged(shape, x.axes)), x.axes)


@exporter("argmax")
def write_argmax(node: Node, out: Writer) -> None:
    x = node.inputs[0]
    assert x is not None
    held, axis = out.held(x), node.attrs["axis"] % x.spec.rank
    name = out.node("ArgMax", [out.name(x, held)], node.name, axis=held.index(axis), keepdims=0)
    name = out.node("Cast", [name], node.name, to=onnx.TensorProto.INT32)
    out.bind(node.output, arrange.without(held, [axis]), name)
