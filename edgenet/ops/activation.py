"""Activations; their gradients are computed from the output, so that they can be fused into the layer before them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from edgenet.graph import Call, Cost, Layouts, Node, Op, Scratch, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import activation as k
from edgenet.kernels.cpu import softmax as rows
from edgenet.kernels.cpu.elementwise import BLOCK

from .broadcast import expect_float
from .elementwise import Unary
from .geometry import at, image
from .pieces import even, pieces

#: numbers in the rows of one task of a softmax
TASK = 2048


class _Gradient(Unary):
    flops = 12.0
    no_gradient = "second derivatives are not provided"


class _Mask(_Gradient):
    """Goes through y, which may lie inside a border, line by line."""

    def lower(self, node: Node) -> list[Call]:
        y, dy = node.inputs
        assert y is not None
        n, (length, lines, h, steps, cuts) = node.output.spec.size, _lines(y)
        params = (float(node.attrs[p]) for p in self.params)
        args = (at(y, y.layout.start), dy, node.output, n, length, lines, h, *steps, *params)
        return [Call(self.kernel, args, -(-n // (length * lines)), self.flops * n, cuts)]

    def layouts(self, node: Node) -> Layouts:
        return Layouts(lines=tuple(v for v in node.inputs[:1] if v is not None))


def _lines(y: Value) -> tuple[int, int, int, tuple[int, int], int]:
    """Numbers of a line, lines of a task and of an image, steps from image to image and line to line, and pieces."""
    images, size = (y.spec.sizes or (1,))[0], y.spec.size
    if y.dense:
        length = even(images, size // max(images, 1), BLOCK)
        return length, 1, 1, (length, length), pieces(images, size, length)
    _, h, w, c = y.spec.sizes
    lines = even(images, h, BLOCK // (w * c))
    return w * c, lines, h, image(y).strides[:2], pieces(images, images * h, lines)


class Relu(Unary):
    """y = max(x, 0); slope 0 at 0."""

    name, kernel = "relu", k.relu

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [emit("relu_dx", [node.output, dys[0]])]


class ReluDx(_Mask):
    """dx = dy where y > 0, else 0."""

    name, kernel = "relu_dx", k.relu_dx


class LeakyRelu(Unary):
    """y = x where x > 0, else alpha·x; slope alpha at 0."""

    name, kernel, params = "leaky_relu", k.leaky_relu, ("alpha",)

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        alpha = node.attrs["alpha"]
        witness = node.output if alpha >= 0 else node.inputs[0]  # below 0, alpha·x is positive for negative x
        return [emit("leaky_relu_dx", [witness, dys[0]], alpha=alpha)]


class LeakyReluDx(_Mask):
    """dx = dy where y > 0, else alpha·dy; y may be the input or the output."""

    name, kernel, params = "leaky_relu_dx", k.leaky_relu_dx, ("alpha",)


class Clip(Unary):
    """y = min(max(x, low), high); slope 0 at both ends."""

    name, kernel, params = "clip", k.clip, ("low", "high")

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        if not attrs["low"] <= attrs["high"]:
            raise ShapeError(f"expected low <= high, got low={attrs['low']} and high={attrs['high']}")
        return super().infer(specs, attrs)

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [emit("clip_dx", [node.output, dys[0]], **node.attrs)]


class ClipDx(_Mask):
    """dx = dy where low < y < high, else 0."""

    name, kernel, params = "clip_dx", k.clip_dx, ("low", "high")


class Sigmoid(Unary):
    """y = 1 / (1 + e^-x)."""

    name, kernel, flops = "sigmoid", k.sigmoid, 30.0

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [emit("sigmoid_dx", [node.output, dys[0]])]


class SigmoidDx(_Gradient):
    """dx = dy·y·(1 - y)."""

    name, kernel = "sigmoid_dx", k.sigmoid_dx


class Tanh(Unary):
    """y = tanh x."""

    name, kernel, flops = "tanh", k.tanh, 35.0

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [emit("tanh_dx", [node.output, dys[0]])]


class TanhDx(_Gradient):
    """dx = dy·(1 - y²)."""

    name, kernel = "tanh_dx", k.tanh_dx


class _Softmax(Op):
    """Along attribute `axis`, which may be negative."""

    log: ClassVar[bool]

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        expect_float(*specs)
        x = specs[0]
        if not -x.rank <= attrs["axis"] < x.rank:
            raise ShapeError(f"axis {attrs['axis']} is outside of shape {x.shape}")
        if any(s.shape != x.shape for s in specs):
            raise ShapeError(f"expected equal shapes, got {' and '.join(str(s.shape) for s in specs)}")
        return [Spec(x.shape)]

    def lower(self, node: Node) -> list[Call]:
        shape, axis = node.output.spec.sizes, node.attrs["axis"] % node.output.spec.rank
        outer, inner = 1, 1
        for d in shape[:axis]:
            outer *= d
        for d in shape[axis + 1 :]:
            inner *= d
        if outer * shape[axis] * inner == 0:
            return []
        return self.calls(node, outer, shape[axis], inner)

    def calls(self, node: Node, outer: int, c: int, inner: int) -> list[Call]:
        work, height = 30.0 * outer * c * inner, max(1, TASK // c)
        arrays = (*node.inputs, node.output)
        if inner == 1:
            return [Call(rows.softmax_rows, (*arrays, outer, c, height, self.log), -(-outer // height), work)]
        scratch = (Scratch(outer * inner), Scratch(outer * inner))
        tasks = outer * -(-inner // rows.WIDTH)
        return [Call(rows.softmax_columns, (*arrays, *scratch, c, inner, self.log), tasks, work)]

    def cost(self, node: Node) -> Cost:
        return Cost(10 * node.output.spec.size, super().cost(node).bytes)


class Softmax(_Softmax):
    """y = e^x / sum e^x."""

    name, log = "softmax", False

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [emit("softmax_dx", [node.output, dys[0]], axis=node.attrs["axis"])]


class LogSoftmax(_Softmax):
    """y = x - log sum e^x."""

    name, log = "log_softmax", True

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [emit("log_softmax_dx", [node.output, dys[0]], axis=node.attrs["axis"])]


class SoftmaxDx(_Softmax):
    """dx = y·(dy - sum dy·y)."""

    name, log = "softmax_dx", False
    no_gradient = "second derivatives are not provided"

    def calls(self, node: Node, outer: int, c: int, inner: int) -> list[Call]:
        work, height = (30.0 if self.log else 16.0) * outer * c * inner, max(1, TASK // c)
        arrays = (*node.inputs, node.output)
        if inner == 1:
            return [Call(rows.softmax_dx_rows, (*arrays, outer, c, height, self.log), -(-outer // height), work)]
        tasks = outer * -(-inner // rows.WIDTH)
        return [Call(rows.softmax_dx_columns, (*arrays, Scratch(outer * inner), c, inner, self.log), tasks, work)]


class LogSoftmaxDx(SoftmaxDx):
    """dx = dy - e^y·sum dy."""

    name, log = "log_softmax_dx", True


def relu(x: Value) -> Value:
    """max(x, 0)."""
    y: Value = emit("relu", [x])
    return y


def leaky_relu(x: Value, negative_slope: float = 0.2) -> Value:
    """The number x where it is positive, else negative_slope·x."""
    y: Value = emit("leaky_relu", [x], alpha=float(negative_slope))
    return y


def clip(x: Value, x_min: float, x_max: float) -> Value:
    """min(max(x, x_min), x_max).  Raises ShapeError unless x_min <= x_max."""
    y: Value = emit("clip", [x], low=float(x_min), high=float(x_max))
    return y


def sigmoid(x: Value) -> Value:
    """1 / (1 + e^-x)."""
    y: Value = emit("sigmoid", [x])
    return y


def tanh(x: Value) -> Value:
    """tanh x."""
    y: Value = emit("tanh", [x])
    return y


def softmax(x: Value, axis: int = -1) -> Value:
    """e^x / sum e^x along an axis.  Raises ShapeError for an axis that x does not have.

    >>> from edgenet.graph import Graph
    >>> softmax(Graph().input(("batch", 10)))
    %softmax: float32[batch, 10]
    """
    y: Value = emit("softmax", [x], axis=int(axis))
    return y


def log_softmax(x: Value, axis: int = -1) -> Value:
    """x - log sum e^x along an axis.  Raises ShapeError for an axis that x does not have."""
    y: Value = emit("log_softmax", [x], axis=int(axis))
    return y
