"""Batch normalisation over the last axis with the statistics of the batch, and its gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Cost, Layouts, Node, Op, Scratch, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import norm_train as k
from edgenet.kernels.cpu.movement import fill
from edgenet.kernels.cpu.norm import BLOCK, mean_scale_beta

from .contraction import Activation
from .geometry import at
from .norm import Rows, check, products


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


class BatchNormTrain(Op):
    """batch_norm with the mean and the biased variance of x over all axes but the last: y, mean, var.

    Like a convolution it may add a residual to y and apply an activation.
    """

    name = "batch_norm_train"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        check(specs[:3], "gamma beta")
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
        r = Rows(x.spec)
        if not r.n:  # the mean of nothing
            return [Call(fill, (v, r.c, float("nan")), -(-r.c // BLOCK), 0.0) for v in (mean, var)]
        parts, table = Scratch(2 * r.period * r.blocks), Scratch(3 * r.period)
        args = (parts, gamma, beta, mean, var, table, r.m, r.c, r.reps, r.rows, node.attrs["epsilon"])
        bounds, (sizes, tasks, cuts) = _bounds(node.attrs["activation"]), r.lines(x, res, y)
        places = (None if v is None else at(v, v.layout.start) for v in (res, y))
        moved = 4.0 * r.n * (2 if res is None else 3)
        return [
            Call(k.moments, (x, parts, r.m, r.c, r.reps, r.rows), r.blocks, 8.0 * r.n, r.pieces),
            Call(k.combine_moments, args, r.c, 16.0 * r.c * r.blocks),
            Call(k.normalize, (x, table, *places, int(res is not None), *bounds, *sizes), tasks, moved, cuts),
        ]

    def layouts(self, node: Node) -> Layouts:
        res, y = node.inputs[3], node.output
        return Layouts(lines=(y,) if res is None else (y, res))

    def cost(self, node: Node) -> Cost:
        return Cost(7 * node.output.spec.size, super().cost(node).bytes)


class BatchNormAgain(Op):
    """y of batch_norm_train from its x, gamma, beta, mean and var: for the gradients that read it (`recompute`)."""

    name = "batch_norm_again"
    no_gradient = "it is emitted by a pass over finished gradients"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        check(specs, "gamma beta mean var")
        return [specs[0]]

    def lower(self, node: Node) -> list[Call]:
        x, *vectors = (v for v in node.inputs if v is not None)
        y, epsilon = node.output, node.attrs["epsilon"]
        r = Rows(x.spec)
        table = Scratch(3 * r.period)
        sizes, tasks, cuts = r.lines(x, None, y)
        args = (x, table, None, at(y, y.layout.start), 0, *_bounds(node.attrs["activation"]), *sizes)
        return [
            Call(mean_scale_beta, (*vectors, table, r.c, r.reps, epsilon), 1, 12.0 * r.period),
            Call(k.normalize, args, tasks, 8.0 * r.n, cuts),
        ]

    def layouts(self, node: Node) -> Layouts:
        return Layouts(lines=(node.output,))


class BatchNormTrainDx(Op):
    """dx, dgamma, dbeta of batch_norm_train: dx = gamma / sqrt(var + epsilon) · (dy - dbeta/m - xhat · dgamma/m).

    With an activation, dy is the gradient of what it gave.
    """

    name = "batch_norm_train_dx"
    no_gradient = "second derivatives are not supported"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        check(specs, "gamma beta mean var dy")
        return [specs[0], specs[1], specs[1]]

    def over(self, node: Node) -> list[Value]:
        return [v for v in (node.inputs[5], node.inputs[0]) if v is not None]

    def lower(self, node: Node) -> list[Call]:
        x, gamma, beta, mean, var, dy = (v for v in node.inputs if v is not None)
        dx, dgamma, dbeta = node.outputs
        r, epsilon, bounds = Rows(x.spec), node.attrs["epsilon"], _bounds(node.attrs["activation"])
        table, parts, calls = products(r, x, (gamma, beta, mean, var), dy, epsilon, bounds)
        combined = (parts, gamma, var, dgamma, dbeta, table, r.m, r.c, r.reps, r.blocks, epsilon)
        sizes, tasks, cuts = r.lines(x, dx)
        args = (x, dy, table, at(dx, dx.layout.start), *bounds, *sizes)
        return [
            *calls,
            Call(k.combine_dx, combined, r.c, 8.0 * r.c * r.blocks),
            Call(k.normalize_dx, args, tasks, 12.0 * r.n, cuts),
        ]

    def layouts(self, node: Node) -> Layouts:
        return Layouts(lines=(node.output,))

    def cost(self, node: Node) -> Cost:
        return Cost(10 * node.output.spec.size, super().cost(node).bytes)


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
