"""Normalisation: BatchNormalization ↔ batch_norm, LayerNormalization ↔ layer_norm; the others in smaller pieces."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from edgenet.graph import Node, Value, emit
from edgenet.ops.norm_train import batch_norm_train
from edgenet.ops.resample import Taps

from .. import arrange
from ..arrange import channels_first, channels_last
from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor, one, reshape
from ..writer import Writer


@importer("BatchNormalization", since=7)
def read_batch_norm(node: OnnxNode) -> Any:
    x = node.input(0)
    if x.rank < 2:
        node.refuse(f"expected an input with channels in axis 1, got shape {list(x.shape)}")
    node.only("spatial", 1)
    node.only("training_mode", 0, 1)
    momentum, epsilon = node.attr("momentum", 0.9), node.attr("epsilon", 1e-5)
    gamma, beta, mean, var = (node.input(i).parameter(trainable=i < 3) for i in range(1, 5))
    if not node.attr("training_mode", 0):
        node.only_output("a batch statistic")
        y = emit("batch_norm", [x.last(), gamma, beta, mean, var], epsilon=epsilon)
        return node.held(y, channels_last(x.rank))
    y, *statistics = batch_norm_train(x.last(), gamma, beta, epsilon=epsilon)
    running = [node.held(a * momentum + b * (1 - momentum)) for a, b in zip((mean, var), statistics, strict=True)]
    return [node.held(y, channels_last(x.rank)), *running]


@exporter("batch_norm")
def write_batch_norm(node: Node, out: Writer) -> None:
    x = node.inputs[0]
    assert x is not None
    if x.spec.rank < 2:
        out.refuse("ONNX knows batch normalisation only with an axis before the channels")
    axes = channels_first(x.spec.rank)
    rest = [out.name(v) for v in node.inputs[1:] if v is not None]
    name = out.node("BatchNormalization", [out.name(x, axes), *rest], node.name, epsilon=node.attrs["epsilon"])
    out.bind(node.output, axes, name)


# rows ----------------------------------------------------------------------------------------------------------------


def _rows(node: OnnxNode, center: bool) -> list[Tensor]:
    """Normalisation over the axes from `axis` on, and the statistics."""
    x, gamma, beta = node.input(0), node.input(1), node.optional(2)
    axis = x.axis(node.attr("axis", -1))
    node.only("stash_type", 1)
    over = list(range(axis, x.rank))
    held = x.axes if sorted(x.axes[axis:]) == over else arrange.plain(x.rank)
    row = tuple(a - axis for a in held[axis:])
    vectors: list[Value | None] = []
    later: list[tuple[str, Tensor]] = []
    for tensor, op in ((gamma, "mul"), (beta, "add")):
        fits = tensor is not None and not later and tensor.shape == x.shape[axis:]
        vectors.append(tensor.parameter(row) if fits and tensor is not None else None)
        if tensor is not None and not fits:
            later.append((op, tensor))
    value = x.arranged(held)
    y, *statistics = emit(
        "layer_norm", [value, *vectors], axes=len(over), epsilon=node.attr("epsilon", 1e-5), center=center
    )
    for op, tensor in later:
        y = one(emit(op, [y, tensor.operand(x.rank, held, strip=True)]))
    shape = [s if a < axis else 1 for a, s in enumerate(x.shape)]
    sides = [node.held(reshape(s, arrange.arranged(shape, held)), held) for s in statistics]
    return [node.held(y, held), *sides]


@importer("LayerNormalization", since=17)
def read_layer_norm(node: OnnxNode) -> list[Tensor]:
    return _rows(node, center=True)


@importer("RMSNormalization", since=23)
def read_rms_norm(node: OnnxNode) -> Tensor:
    return _rows(node, center=False)[0]


@exporter("layer_norm")
def write_layer_norm(node: Node, out: Writer) -> None:
    x, gamma, beta = node.inputs
    assert x is not None
    attrs, axes = node.attrs, node.attrs["axes"]
    if any(out.graph.users(v) or any(v is o for o in out.graph.outputs) for v in node.outputs[1:]):
        out.refuse("its statistics are used, which only the newest operators give")
    name, row = out.name(x), x.shape[x.spec.rank - axes :]
    if attrs["center"] and out.opset >= 17:
        scale = out.constant(np.ones(row, np.float32), "ones") if gamma is None else out.name(gamma)
        inputs = [name, scale, *([] if beta is None else [out.name(beta)])]
        y = out.node("LayerNormalization", inputs, node.name, axis=-axes, epsilon=attrs["epsilon"])
        out.bind(node.output, None, y)
        return
    places = list(range(x.spec.rank - axes, x.spec.rank))
    if attrs["center"]:
        name = out.node("Sub", [name, _mean(out, name, places, node.name)], f"{node.name}_centred")
    var = _mean(out, out.node("Mul", [name, name], f"{node.name}_squares"), places, node.name)
    var = out.node("Add", [var, out.number(attrs["epsilon"])], f"{node.name}_var")
    y = out.node("Div", [name, out.node("Sqrt", [var], f"{node.name}_scale")], node.name)
    for vector, op in ((gamma, "Mul"), (beta, "Add")):
        if vector is not None:
            y = out.node(op, [y, out.name(vector)], node.name)
    out.bind(node.output, None, y)


def _mean(out: Writer, name: str, places: list[int], hint: str) -> str:
    if out.opset >= 18:
        return out.node("ReduceMean", [name, out.ints(places, "axes")], f"{hint}_mean", keepdims=1)
    return out.node("ReduceMean", [name], f"{hint}_mean", axes=places, keepdims=1)


# images --------------------------------------------------------------------------------------------------------------


def _mean_of(x: Value, axes: tuple[int, ...]) -> Value:
    return one(emit("mean", [x], axes=axes, keepdims=True))


def _standard(x: Value, axes: tuple[int, ...], epsilon: float) -> Value:
    """(x - mean) / √(var + epsilon) over the given axes."""
    centred = x - _mean_of(x, axes)
    return centred / one(emit("sqrt", [_mean_of(one(emit("square", [centred])), axes) + epsilon]))


@importer("InstanceNormalization", since=6)
def read_instance_norm(node: OnnxNode) -> Tensor:
    x = node.input(0)
    if x.rank < 3:
        node.refuse(f"expected an input (n, c, spatial…), got shape {list(x.shape)}")
    gamma, beta = node.input(1).parameter(), node.input(2).parameter()
    y = _standard(x.last(), tuple(range(1, x.rank - 1)), node.attr("epsilon", 1e-5))
    return node.held(y * gamma + beta, channels_last(x.rank))


@importer("GroupNormalization", since=18)
def read_group_norm(node: OnnxNode) -> Tensor:
    """Scale and bias: one number a group until version 21, one a channel since."""
    x, groups = node.input(0), node.attr("num_groups", 0)
    node.only("stash_type", 1)
    c = x.shape[1] if x.rank > 2 else 0
    if groups < 1 or isinstance(c, str) or not c or c % groups:
        node.refuse(f"num_groups={groups} does not divide the channels of shape {list(x.shape)}")
    scale, bias = node.input(1), node.input(2)
    value = x.last()
    n, *middle, _ = value.shape
    apart = reshape(value, (n, math.prod(middle), groups, c // groups))
    y = _standard(apart, (1, 3), node.attr("epsilon", 1e-5))
    shape = (groups, 1) if scale.shape == (groups,) and node.opset < 21 else (groups, c // groups)
    y = y * scale.parameter(shape=shape) + bias.parameter(shape=shape)
    return node.held(reshape(y, value.shape), channels_last(x.rank))


@importer("MeanVarianceNormalization", since=9)
def read_mvn(node: OnnxNode) -> Tensor:
    """(x - mean) / (√var + 1e-9)."""
    x = node.input(0)
    places = tuple(sorted(x.place(a) for a in node.ints("axes", (0, 2, 3))))
    centred = x.raw - _mean_of(x.raw, places)
    var = _mean_of(one(emit("square", [centred])), places)
    return node.held(centred / (emit("sqrt", [var]) + 1e-9), x.axes)


@importer("LRN", since=1)
def read_lrn(node: OnnxNode) -> Tensor:
    """x / (bias + alpha/size · sum of x² over `size` neighbouring channels)^beta."""
    x, size = node.input(0), node.attr("size", 1)
    alpha, beta, bias = node.attr("alpha", 1e-4), node.attr("beta", 0.75), node.attr("bias", 1.0)
    c = x.shape[1] if x.rank > 1 else "?"
    if isinstance(c, str) or size < 1:
        node.refuse(f"expected known channels and a size of at least 1, got shape {list(x.shape)} and size={size}")
    before, after = (size - 1) // 2, size // 2
    rows = [[(j, 1.0) for j in range(max(0, i - before), min(c, i + after + 1))] for i in range(c)]
    value = x.last()
    near = emit("resample", [emit("square", [value])], axis=x.rank - 1, taps=Taps.of_rows(c, rows))
    return node.held(value / emit("power", [near * (alpha / size) + bias, beta]), channels_last(x.rank))


@importer("LpNormalization", since=1)
def read_lp_norm(node: OnnxNode) -> Tensor:
    """x / |x| along an axis; zeros stay zeros."""
    x, p = node.input(0), node.attr("p", 2)
    place = x.place(node.attr("axis", -1))
    node.only("p", 2, 1)
    size = emit("sum", [emit("square" if p == 2 else "abs", [x.raw])], axes=(place,), keepdims=True)
    size = emit("sqrt", [size]) if p == 2 else size
    return node.held(x.raw / (size + emit("equal", [size, 0.0])), x.axes)
