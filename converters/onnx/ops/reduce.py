"""Reductions along axes: Reduce… ↔ sum, mean, max, min; ArgMax ↔ argmax; global pooling."""

from __future__ import annotations

import functools
from typing import Any

import onnx

from edgenet.graph import Node, emit

from .. import arrange
from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor, one, reshape
from ..writer import Writer


def _reduced(x: Tensor, name: str, axes: tuple[int, ...], keep: bool) -> Tensor:
    places = tuple(sorted(x.place(a) for a in axes))
    y = one(emit(name, [x.raw], axes=places, keepdims=keep))
    return Tensor.held(y, x.axes if keep else arrange.without(x.axes, [x.axis(a) for a in axes]))


def _read_reduce(node: OnnxNode, name: str, since: int) -> Tensor:
    x = node.input(0)
    axes = node.attr_or_input("axes", 1, since)
    keep = bool(node.attr("keepdims", 1))
    if not axes:
        if node.attr("noop_with_empty_axes", 0):
            return x
        axes = tuple(range(x.rank))
    node.ignore("noop_with_empty_axes")
    return _reduced(x, name, tuple(dict.fromkeys(x.axis(a) for a in axes)), keep)


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
REDUCTIONS = (("ReduceSum", "sum", 13), ("ReduceMean", "mean", 18), ("ReduceMax", "max", 18), ("ReduceMin", "min", 18))

for _op, _name, _since in REDUCTIONS:
    importer(_op, 1)(functools.partial(_read_reduce, name=_name, since=_since))
    exporter(_name)(functools.partial(_write_reduce, onnx_op=_op, since=_since))


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


@importer("ArgMax", since=1)
def read_argmax(node: OnnxNode) -> Tensor:
    x = node.input(0)
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
