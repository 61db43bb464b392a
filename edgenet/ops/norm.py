"""Batch normalisation over the last axis: with statistics of the batch, with frozen ones, and the gradients of both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

from edgenet.graph import Call, Cost, Layouts, Node, Op, Scratch, ShapeError, Spec, Value, emit
from edgenet.graph.layout import NO_BORDER
from edgenet.kernels.cpu import norm as k
from edgenet.kernels.cpu.movement import fill

from .contraction import Activation
from .geometry import at, image

#: numbers that a loop over periods runs over at least
PERIOD = 256
#: bytes of x in a block whose moments are taken at once, at most (the second reading should meet L2) and at least
BLOCK_BYTES, LEAST_BYTES = 131072, 16384
#: periods of a block at least: it writes two periods of results
LEAST_PERIODS = 16
#: blocks that x is split into at least, where that leaves them large enough
BLOCKS = 16


class _Rows:
    """x as m rows of c channels, and how loops go through it; see `edgenet.kernels.cpu.norm`."""

    def __init__(self, x: Spec) -> None:
        self.n = x.size
        self.c = x.sizes[-1]
        self.m = self.n // self.c if self.c else 0
        self.reps = max(1, PERIOD // self.c) if self.c else 1
        self.period = self.c * self.reps
        block_bytes = min(max(4 * self.n // BLOCKS, LEAST_BYTES), BLOCK_BYTES)
        self.rows = max(block_bytes // (4 * max(self.period, 1)), LEAST_PERIODS) * self.reps
        self.blocks = -(-self.m // self.rows)
        self.periods = max(1, k.BLOCK // max(self.period, 1))
        self.tasks = -(-self.n // (self.periods * self.period)) if self.n else 0

    def elementwise(self, kernel: Any, *args: Any) -> Call:
        """A call that goes through all rows, period by period."""
        moved = 4.0 * self.n * sum(isinstance(a, Value) for a in args)
        return Call(kernel, (*args, self.n, self.period, self.periods), self.tasks, moved)

    def lines(self, x: Value, *others: Value | None) -> tuple[tuple[int, ...], int]:
        """How loops go through x where others lie line by line, in the terms of the kernels, and the number of tasks.

        Numbers in x, those of a period and of a line, lines of a task and of an image; then the steps from image to
        image and from line to line of each of the others.
        """
        if all(v is None or v.layout.border == NO_BORDER for v in others):
            length = self.periods * self.period
            steps = [(length, length)] * len(others)
            return (self.n, self.period, length, 1, 1, *chain(*steps)), self.tasks
        _, h, w, c = x.spec.sizes
        count = max(1, k.BLOCK // (w * c))
        steps = [(0, 0) if v is None else image(v).strides[:2] for v in others]
        return (self.n, self.period, w * c, count, h, *chain(*steps)), -(-self.n // (w * c * count))


def _check(specs: Sequence[Any], names: str) -> None:
    """Raise ShapeError unless x has a last axis of known size and everything else is one number a channel."""
    x = specs[0]
    if x.rank < 1 or isinstance(x.shape[-1], str):
        raise ShapeError(f"expected x with a last axis of known size, got shape {x.shape}")
    for spec, name in zip(specs[1:], names.split(), strict=True):
        want = x.shape if name == "dy" else (x.shape[-1],)
        if spec.shape != want:
            raise ShapeError(f"expected {name} of shape {want}, got {spec.shape} (x has shape {x.shape})")


class BatchNorm(Op):
    """y = gamma · (x - mean) / sqrt(var + epsilon) + beta, with given mean and var."""

    name = "batch_norm"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        _check(specs, "gamma beta mean var")
        return [specs[0]]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        x, gamma, _, mean, var = node.inputs
        dx = emit("batch_norm_dx", [dys[0], gamma, var], **node.attrs)
        dgamma, dbeta = emit("batch_norm_dw", [x, mean, var, dys[0]], **node.attrs)
        return [dx, dgamma, dbeta, None, None]  # the statistics are frozen

    def over(self, node: Node) -> list[Value]:
        return [v for v in node.inputs[:1] if v is not None]

    def lower(self, node: Node) -> list[Call]:
        x, *vectors = node.inputs
        assert x is not None
        r = _Rows(x.spec)
        table = Scratch(2 * r.period)
        once = Call(k.scale_shift, (*vectors, table, r.c, r.reps, node.attrs["epsilon"]), 1, 4.0 * r.period)
        return [once, r.elementwise(k.scale_add, x, table, node.output)]

    def cost(self, node: Node) -> Cost:
        return Cost(2 * node.output.spec.size, super().cost(node).bytes)


class BatchNormDx(Op):
    """dx = dy · gamma / sqrt(var + epsilon): the input gradient of batch_norm."""

    name = "batch_norm_dx"
    no_gradient = "second derivatives are not supported"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        _check(specs, "gamma var")
        return [specs[0]]

    def over(self, node: Node) -> list[Value]:
        return [v for v in node.inputs[:1] if v is not None]

    def lower(self, node: Node) -> list[Call]:
        dy, *vectors = node.inputs
        assert dy is not None
        r = _Rows(dy.spec)
        table = Scratch(r.period)
        once = Call(k.frozen_scale, (*vectors, table, r.c, r.reps, node.attrs["epsilon"]), 1, 4.0 * r.period)
        return [once, r.elementwise(k.scale, dy, table, node.output)]


def _bounds(activation: Activation) -> tuple[float, float]:
    """Between which numbers an activation keeps the result; NaN for no bound."""
    if activation is None:
        return math.nan, math.nan
    kind, *values = activation
    if kind == "relu":
        return 0.0, math.nan
    if kind == "clip":
        return values[0], values[1]
    raise ValueError(f"activation {activation!r} cannot be fused: expected relu or clip")


def _products(
    r: _Rows, x: Value, vectors: Sequence[Value], dy: Value, epsilon: float, bounds: tuple[float, float]
) -> tuple[Scratch, Scratch, list[Call]]:
    """A table of mean, scale and beta, sums of dy and of dy · (x - mean) block by block, and the calls that make them.

    `vectors` are gamma, beta, mean and var.
    """
    table, parts = Scratch(5 * r.period), Scratch(2 * r.period * r.blocks)
    args = (x, dy, table, parts, *bounds, r.m, r.c, r.reps, r.rows)
    calls = [
        Call(k.mean_scale_beta, (*vectors, table, r.c, r.reps, epsilon), 1, 12.0 * r.period),
        Call(k.products, args, r.blocks, 8.0 * r.n),
    ]
    return table, parts, calls


class BatchNormDw(Op):
    """dgamma = sum dy · (x - mean) / sqrt(var + epsilon), dbeta = sum dy: those of batch_norm."""

    name = "batch_norm_dw"
    no_gradient = "second derivatives are not supported"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        _check(specs, "mean var dy")
        return [specs[1], specs[1]]

    def lower(self, node: Node) -> list[Call]:
        x, mean, var, dy = (v for v in node.inputs if v is not None)
        r = _Rows(x.spec)
        epsilon = node.attrs["epsilon"]
        _, parts, calls = _products(
            r, x, (var, mean, mean, var), dy, epsilon, _bounds(None)
        )  # the mean is all it takes
        args = (parts, var, *node.outputs, r.c, r.reps, r.blocks, epsilon)
        return [*calls, Call(k.combine_dw, args, r.c, 8.0 * r.c * r.blocks)]

    def cost(self, node: Node) -> Cost:
        x = node.inputs[0]
        assert x is not None
        return Cost(4 * x.spec.size, super().cost(node).bytes)


class BatchNormTrain(Op):
    """batch_norm with the mean and the biased variance of x over all axes but the last: y, mean, var.

    Like a convolution it may add a residual to y and apply an activation.
    """

    name = "batch_norm_train"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        _check(specs[:3], "gamma beta")
        if specs[3] is not None and specs[3].shape != specs[0].shape:
            raise ShapeError(f"expected a residual of the shape of x {specs[0].shape}, got {specs[3].shape}")
        return [specs[0], specs[1], specs[1]]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        x, gamma, beta, res = node.inputs
        _, mean, var = node.outputs
        assert x is not None
        if node.attrs["activation"] is not None:
            raise TypeError("batch_norm_train: differentiate before activations are fused")
        dx, dgamma, dbeta = emit("batch_norm_train_dx", [x, gamma, beta, mean, var, dys[0]], **node.attrs)
        # mean and var are results too, if rarely ones that a loss looks at
        m = max(x.spec.size // max(mean.spec.size, 1), 1)
        dmean, dvar = (None if v.array is not None and not v.array.any() else v for v in dys[1:])
        if dmean is not None:
            dx = dx + dmean * (1 / m)
        if dvar is not None:
            dx = dx + (x - mean) * (dvar * (2 / m))
        return [dx, dgamma, dbeta, None if res is None else dys[0]]

    def over(self, node: Node) -> list[Value]:
        return [v for v in node.inputs[3:] if v is not None]

    def lower(self, node: Node) -> list[Call]:
        x, gamma, beta, res = node.inputs
        y, mean, var = node.outputs
        assert x is not None
        r = _Rows(x.spec)
        if not r.n:  # the mean of nothing
            return [Call(fill, (v, r.c, float("nan")), -(-r.c // k.BLOCK), 0.0) for v in (mean, var)]
        parts, table = Scratch(2 * r.period * r.blocks), Scratch(3 * r.period)
        args = (parts, gamma, beta, mean, var, table, r.m, r.c, r.reps, r.rows, node.attrs["epsilon"])
        bounds, (sizes, tasks) = _bounds(node.attrs["activation"]), r.lines(x, res, y)
        places = (None if v is None else at(v, v.layout.start) for v in (res, y))
        moved = 4.0 * r.n * (2 if res is None else 3)
        return [
            Call(k.moments, (x, parts, r.m, r.c, r.reps, r.rows), r.blocks, 8.0 * r.n),
            Call(k.combine_moments, args, r.c, 16.0 * r.c * r.blocks),
            Call(k.normalize, (x, table, *places, int(res is not None), *bounds, *sizes), tasks, moved),
        ]

    def layouts(self, node: Node) -> Layouts:
        res, y = node.inputs[3], node.output
        return Layouts(lines=(y,) if res is None else (y, res))

    def cost(self, node: Node) -> Cost:
        return Cost(7 * node.output.spec.size, super().cost(node).bytes)


class BatchNormTrainDx(Op):
    """dx, dgamma, dbeta of batch_norm_train: dx = gamma / sqrt(var + epsilon) · (dy - dbeta/m - xhat · dgamma/m).

    With an activation, dy is the gradient of what it gave.
    """

    name = "batch_norm_train_dx"
    no_gradient = "second derivatives are not supported"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        _check(specs, "gamma beta mean var dy")
        return [specs[0], specs[1], specs[1]]

    def over(self, node: Node) -> list[Value]:
        return [v for v in (node.inputs[5], node.inputs[0]) if v is not None]

    def lower(self, node: Node) -> list[Call]:
        x, gamma, beta, mean, var, dy = (v for v in node.inputs if v is not None)
        dx, dgamma, dbeta = node.outputs
        r, epsilon, bounds = _Rows(x.spec), node.attrs["epsilon"], _bounds(node.attrs["activation"])
        table, parts, calls = _products(r, x, (gamma, beta, mean, var), dy, epsilon, bounds)
        args = (parts, gamma, var, dgamma, dbeta, table, r.m, r.c, r.reps, r.blocks, epsilon)
        combine = Call(k.combine_dx, args, r.c, 8.0 * r.c * r.blocks)
        return [*calls, combine, r.elementwise(k.normalize_dx, x, dy, table, dx, *bounds)]

    def cost(self, node: Node) -> Cost:
        return Cost(10 * node.output.spec.size, super().cost(node).bytes)


def batch_norm(x: Value, gamma: Value, beta: Value, mean: Value, var: Value, *, epsilon: float = 1e-3) -> Value:
    """Batch normalisation with given statistics: y = gamma · (x - mean) / sqrt(var + epsilon) + beta.

    Args:
        x: any shape (…, c); channels are the last axis.
        gamma: (c,), as are `beta`, `mean` and `var`.
        beta: added at the end.
        mean: subtracted from x; frozen, it receives no gradient.
        var: variance; frozen, it receives no gradient.
        epsilon: added to the variance.

    Raises:
        ShapeError: if a vector has another length than x has channels.

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167.

    Example:
        >>> from edgenet.graph import Graph
        >>> g = Graph()
        >>> ones, zeros = g.constant([1.0] * 3), g.constant([0.0] * 3)
        >>> batch_norm(g.input(("batch", 8, 8, 3)), ones, zeros, zeros, ones)
        %batch_norm: float32[batch, 8, 8, 3]
    """
    y = emit("batch_norm", [x, gamma, beta, mean, var], epsilon=float(epsilon))
    assert isinstance(y, Value)
    return y


def batch_norm_train(x: Value, gamma: Value, beta: Value, *, epsilon: float = 1e-3) -> tuple[Value, Value, Value]:
    """Batch normalisation with the statistics of x: (y, mean, var), where var is the biased variance.

    Mean and variance are taken over all axes but the last; of no rows at all they are NaN.

    Args:
        x: any shape (…, c); channels are the last axis.
        gamma: (c,), as is `beta`.
        beta: added at the end.
        epsilon: added to the variance.

    Raises:
        ShapeError: if a vector has another length than x has channels.

    Source: Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 1.

    Example:
        >>> from edgenet.graph import Graph
        >>> g = Graph()
        >>> batch_norm_train(g.input((32, 3)), g.constant([1.0] * 3), g.constant([0.0] * 3))[2]
        %batch_norm_train_2: float32[3]
    """
    y, mean, var = emit("batch_norm_train", [x, gamma, beta, None], epsilon=float(epsilon), activation=None)
    return y, mean, var
