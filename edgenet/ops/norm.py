"""Batch normalisation over the last axis: with statistics of the batch, with frozen ones, and the gradients of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Cost, Node, Op, Scratch, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import norm as k
from edgenet.kernels.cpu.movement import fill

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

    def elementwise(self, kernel: Any, *arrays: Value | Scratch) -> Call:
        """A call that goes through all rows, period by period."""
        return Call(kernel, (*arrays, self.n, self.period, self.periods), self.tasks, 4.0 * len(arrays) * self.n)


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

    def lower(self, node: Node) -> list[Call]:
        dy, *vectors = node.inputs
        assert dy is not None
        r = _Rows(dy.spec)
        table = Scratch(r.period)
        once = Call(k.frozen_scale, (*vectors, table, r.c, r.reps, node.attrs["epsilon"]), 1, 4.0 * r.period)
        return [once, r.elementwise(k.scale, dy, table, node.output)]


def _products(r: _Rows, x: Value, mean: Value, dy: Value) -> tuple[Scratch, list[Call]]:
    """Sums of dy and of dy · (x - mean), block by block."""
    table, parts = Scratch(r.period), Scratch(2 * r.period * r.blocks)
    return parts, [
        Call(k.repeat, (mean, table, r.c, r.reps), 1, 4.0 * r.period),
        Call(k.products, (x, dy, table, parts, r.m, r.c, r.reps, r.rows), r.blocks, 8.0 * r.n),
    ]


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
        parts, calls = _products(r, x, mean, dy)
        args = (parts, var, *node.outputs, r.c, r.reps, r.blocks, node.attrs["epsilon"])
        return [*calls, Call(k.combine_dw, args, r.c, 8.0 * r.c * r.blocks)]

    def cost(self, node: Node) -> Cost:
        x = node.inputs[0]
        assert x is not None
        return Cost(4 * x.spec.size, super().cost(node).bytes)


class BatchNormTrain(Op):
    """batch_norm with the mean and the biased variance of x over all axes but the last: y, mean, var."""

    name = "batch_norm_train"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        _check(specs, "gamma beta")
        return [specs[0], specs[1], specs[1]]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        x, gamma, _ = node.inputs
        _, mean, var = node.outputs
        assert x is not None
        dx, dgamma, dbeta = emit("batch_norm_train_dx", [x, gamma, mean, var, dys[0]], **node.attrs)
        # mean and var are results too, if rarely ones that a loss looks at
        m = max(x.spec.size // max(mean.spec.size, 1), 1)
        dmean, dvar = (None if v.array is not None and not v.array.any() else v for v in dys[1:])
        if dmean is not None:
            dx = dx + dmean * (1 / m)
        if dvar is not None:
            dx = dx + (x - mean) * (dvar * (2 / m))
        return [dx, dgamma, dbeta]

    def lower(self, node: Node) -> list[Call]:
        x, gamma, beta = node.inputs
        y, mean, var = node.outputs
        assert x is not None
        r = _Rows(x.spec)
        if not r.n:  # the mean of nothing
            return [Call(fill, (v, r.c, float("nan")), -(-r.c // k.BLOCK), 0.0) for v in (mean, var)]
        parts, table = Scratch(2 * r.period * r.blocks), Scratch(3 * r.period)
        args = (parts, gamma, beta, mean, var, table, r.m, r.c, r.reps, r.rows, node.attrs["epsilon"])
        return [
            Call(k.moments, (x, parts, r.m, r.c, r.reps, r.rows), r.blocks, 8.0 * r.n),
            Call(k.combine_moments, args, r.c, 16.0 * r.c * r.blocks),
            r.elementwise(k.normalize, x, table, y),
        ]

    def cost(self, node: Node) -> Cost:
        return Cost(7 * node.output.spec.size, super().cost(node).bytes)


class BatchNormTrainDx(Op):
    """dx, dgamma, dbeta of batch_norm_train: dx = gamma / sqrt(var + epsilon) · (dy - dbeta/m - xhat · dgamma/m)."""

    name = "batch_norm_train_dx"
    no_gradient = "second derivatives are not supported"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        _check(specs, "gamma mean var dy")
        return [specs[0], specs[1], specs[1]]

    def lower(self, node: Node) -> list[Call]:
        x, gamma, mean, var, dy = (v for v in node.inputs if v is not None)
        dx, dgamma, dbeta = node.outputs
        r = _Rows(x.spec)
        parts, calls = _products(r, x, mean, dy)
        table = Scratch(4 * r.period)
        args = (parts, gamma, mean, var, dgamma, dbeta, table, r.m, r.c, r.reps, r.blocks, node.attrs["epsilon"])
        combine = Call(k.combine_dx, args, r.c, 8.0 * r.c * r.blocks)
        return [*calls, combine, r.elementwise(k.normalize_dx, x, dy, table, dx)]

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
    y, mean, var = emit("batch_norm_train", [x, gamma, beta], epsilon=float(epsilon))
    return y, mean, var
