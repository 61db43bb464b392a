"""Activations: one number in, one number out; and softmax along an axis."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgenet.graph import Node, Value, emit
from edgenet.ops.select import where

from .. import arrange
from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor, one, reshape
from ..writer import Writer

INF = float("inf")


def _unary(onnx_op: str, name: str, since: int) -> None:
    """Register an operator that has no attributes on either side."""

    @importer(onnx_op, since)
    def read(node: OnnxNode) -> Tensor:
        return node.input(0).map(lambda x: emit(name, [x]))

    @exporter(name)
    def write(node: Node, out: Writer) -> None:
        out.same(node, onnx_op)


_unary("Relu", "relu", 6)
_unary("Sigmoid", "sigmoid", 6)
_unary("Tanh", "tanh", 6)


@importer("LeakyRelu", since=6)
def read_leaky_relu(node: OnnxNode) -> Tensor:
    alpha = node.attr("alpha", 0.01)
    return node.input(0).map(lambda x: emit("leaky_relu", [x], alpha=alpha))


@exporter("leaky_relu")
def write_leaky_relu(node: Node, out: Writer) -> None:
    out.same(node, "LeakyRelu", alpha=node.attrs["alpha"])


def _clip(x: Value, low: float, high: float) -> Value:
    if low == 0 and high == INF:
        return one(emit("relu", [x]))
    if low > high:  # ONNX: every number becomes max
        low = high
    return one(emit("clip", [x], low=low, high=high))


@importer("Clip", since=6)
def read_clip(node: OnnxNode) -> Tensor:
    low, high = node.attr("min", -INF), node.attr("max", INF)
    return node.input(0).map(lambda x: _clip(x, low, high))


@importer("Clip", since=11)
def read_clip_11(node: OnnxNode) -> Tensor:
    x, bounds = node.input(0), [node.optional(1), node.optional(2)]
    if any(b is not None and b.array is None for b in bounds):
        return _between(x, *bounds)
    low, high = node.scalar(1, -INF), node.scalar(2, INF)
    return x.map(lambda v: _clip(v, low, high))


def _between(x: Tensor, low: Tensor | None, high: Tensor | None) -> Tensor:
    """A clip whose bounds are computed: scalars broadcast."""
    if low is not None:
        bound = low.plain()
        x = x.map(lambda v: emit("maximum", [v, bound]))
    if high is not None:
        other = high.plain()
        x = x.map(lambda v: emit("minimum", [v, other]))
    return x


@exporter("clip")
def write_clip(node: Node, out: Writer) -> None:
    x = node.inputs[0]
    assert x is not None
    axes = out.held(x)
    bounds = out.bounds(node.attrs["low"], node.attrs["high"])
    out.bind(node.output, axes, out.node("Clip", [out.name(x, axes), *bounds], node.name))


# softmax -------------------------------------------------------------------------------------------------------------


def _softmax_before_13(node: OnnxNode, name: str) -> Tensor:
    """The axes before `axis` and those from it on become the rows and columns of a matrix."""
    x = node.input(0)
    given = node.attr("axis", 1)
    axis = x.rank if given == x.rank else x.axis(given)
    long = [i for i in range(axis, x.rank) if x.shape[i] != 1]
    if len(long) <= 1 and x.rank:
        place = x.place(long[0] if long else axis if axis < x.rank else x.rank - 1)
        return x.map(lambda v: emit(name, [v], axis=place)) if axis < x.rank else _columns(x, name, axis)
    return _columns(x, name, axis)


def _columns(x: Tensor, name: str, axis: int) -> Tensor:
    if any(isinstance(s, str) for s in x.shape[axis:]):
        raise ValueError(f"its input of shape {list(x.shape)} needs known sizes: pass `shapes` that makes them numbers")
    matrix = reshape(x.plain(), (*x.shape[:axis], arrange.product(x.shape[axis:])))
    return Tensor.held(reshape(one(emit(name, [matrix], axis=axis)), x.shape))


def _softmax_since_13(node: OnnxNode, name: str) -> Tensor:
    x = node.input(0)
    place = x.place(node.attr("axis", -1))
    return x.map(lambda v: emit(name, [v], axis=place))


for _onnx, _name in (("Softmax", "softmax"), ("LogSoftmax", "log_softmax")):
    importer(_onnx, 1)(lambda node, name=_name: _softmax_before_13(node, name))
    importer(_onnx, 13)(lambda node, name=_name: _softmax_since_13(node, name))


def _write_softmax(onnx_op: str) -> Callable[[Node, Writer], None]:
    def write(node: Node, out: Writer) -> None:
        x = node.inputs[0]
        assert x is not None
        axes = out.held(x)
        place = axes.index(node.attrs["axis"] % x.spec.rank)
        out.bind(node.output, axes, out.node(onnx_op, [out.name(x, axes)], node.name, axis=place))

    return write


exporter("softmax")(_write_softmax("Softmax"))
exporter("log_softmax")(_write_softmax("LogSoftmax"))


# composed of simpler ones ---------------------------------------------------------------------------------------------


def _composed(onnx_op: str, since: int, formula: Callable[..., Value], **attributes: float) -> None:
    """Register an operator that is a formula over ops; the attributes are given with their defaults."""

    @importer(onnx_op, since)
    def read(node: OnnxNode) -> Tensor:
        values = {name: node.attr(name, default) for name, default in attributes.items()}
        return node.input(0).map(lambda x: formula(x, **values))


def _emit(name: str, *inputs: Any, **attrs: Any) -> Value:
    return one(emit(name, list(inputs), **attrs))


def _positive(x: Value) -> Value:
    return _emit("relu", x)


def _negative(x: Value) -> Value:
    return _emit("minimum", x, 0.0)


def _hard_sigmoid(x: Value, alpha: float, beta: float) -> Value:
    return _emit("clip", x * alpha + beta, low=0.0, high=1.0)


_composed("HardSigmoid", 6, _hard_sigmoid, alpha=0.2, beta=0.5)
_composed("Celu", 12, lambda x, alpha: _positive(x) + (_emit("exp", _negative(x) / alpha) - 1.0) * alpha, alpha=1.0)
_composed("Softsign", 1, lambda x: x / (_emit("abs", x) + 1.0))


_composed("Shrink", 9, lambda x, lambd, bias: _shrunk(x, lambd, bias), lambd=0.5, bias=0.0)
_composed("ThresholdedRelu", 10, lambda x, alpha: where(_emit("greater", x, alpha), x, 0.0), alpha=1.0)


def _shrunk(x: Value, lambd: float, bias: float) -> Value:
    high = where(_emit("greater", x, lambd), x - bias, 0.0)
    return where(_emit("greater", -x, lambd), x + bias, high)


@importer("Hardmax", since=13)
def read_hardmax(node: OnnxNode) -> Tensor:
    x = node.input(0)
    axis = x.axis(node.attr("axis", -1))
    if isinstance(x.shape[axis], str):
        node.refuse(f"it chooses among an axis of size {x.shape[axis]}: pass `shapes` that makes it a number")
    held = (*(a for a in x.axes if a != axis), axis)
    chosen = emit("argmax", [x.arranged(held)], axis=-1)
    return Tensor.held(_emit("one_hot", chosen, depth=x.shape[axis]), held)


@importer("Hardmax", since=1)
def read_hardmax_before_13(node: OnnxNode) -> Tensor:
    """The axes from `axis` on are one."""
    x = node.input(0)
    axis = x.axis(node.attr("axis", 1))
    flat = reshape(x.plain(), (*x.shape[:axis], arrange.product(x.shape[axis:])))
    chosen = _emit("one_hot", emit("argmax", [flat], axis=-1), depth=flat.shape[-1])
    return Tensor.held(reshape(chosen, x.shape))


@importer("PRelu", since=7)
def read_prelu(node: OnnxNode) -> Tensor:
    x, slope = node.input(0), node.input(1)
    if slope.rank > x.rank:
        node.refuse(f"the slope of shape {list(slope.shape)} has more axes than the input {list(x.shape)}")
    factor = slope.operand(x.rank, x.axes, strip=True)
    return x.map(lambda v: emit("prelu", [v, factor]))


@exporter("prelu")
def write_prelu(node: Node, out: Writer) -> None:
    names, axes = out.together(node)
    out.bind(node.output, axes, out.node("PRelu", names, node.name))
