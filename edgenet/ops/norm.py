"""Batch normalisation over the last axis with given statistics, and its gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import chain
from typing import Any

from edgenet.graph import Call, Cost, Node, Op, Scratch, ShapeError, Spec, Value, emit
from edgenet.graph.layout import NO_BORDER
from edgenet.kernels.cpu import norm as k

from .geometry import image
from .pieces import even, pieces

#: numbers that a loop over periods runs over at least
PERIOD = 256
#: bytes of x in a block whose moments are taken at once, at most (the second reading should meet L2) and at least
BLOCK_BYTES, LEAST_BYTES = 131072, 16384
#: periods of a block at least: it writes two periods of results
LEAST_PERIODS = 16
#: blocks that x is split into at least, where that leaves them large enough
BLOCKS = 16


class Rows:
    """x as m rows of c channels, and how loops go through it; see `edgenet.kernels.cpu.norm`."""

    def __init__(self, x: Spec) -> None:
        self.n = x.size
        self.c = x.sizes[-1]
        self.m = self.n // self.c if self.c else 0
        self.images = x.sizes[0] if x.rank > 1 else 1
        each = self.m // max(self.images, 1)
        self.reps = max(1, PERIOD // self.c) if self.c else 1
        self.period = self.c * self.reps
        block_bytes = min(max(4 * self.n // BLOCKS, LEAST_BYTES), BLOCK_BYTES)
        rows = max(block_bytes // (4 * max(self.period, 1)), LEAST_PERIODS) * self.reps
        self.rows = even(self.images, each, rows)
        self.blocks = -(-self.m // self.rows)
        self.pieces = pieces(self.images, self.m, self.rows)
        self.periods = max(1, k.BLOCK // max(self.period, 1))
        self.tasks = -(-self.n // (self.periods * self.period)) if self.n else 0
        self.length = even(self.images, each, self.periods * self.reps) * self.c

    def elementwise(self, kernel: Any, *args: Any) -> Call:
        """A call that goes through all rows, period by period."""
        moved = 4.0 * self.n * sum(isinstance(a, Value) for a in args)
        return Call(kernel, (*args, self.n, self.period, self.periods), self.tasks, moved)

    def lines(self, x: Value, *others: Value | None) -> tuple[tuple[int, ...], int, int]:
        """How loops go through x where others lie line by line, in the terms of the kernels; tasks, and their pieces.

        Numbers in x, those of a period and of a line, lines of a task and of an image; then the steps from image to
        image and from line to line of each of the others.
        """
        if all(v is None or v.layout.border == NO_BORDER for v in others):
            steps = [(self.length, self.length)] * len(others)
            tasks = -(-self.n // self.length) if self.n else 0
            return (
                (self.n, self.period, self.length, 1, 1, *chain(*steps)),
                tasks,
                pieces(self.images, self.n, self.length),
            )
        n, h, w, c = x.spec.sizes
        count = even(n, h, k.BLOCK // (w * c))
        steps = [(0, 0) if v is None else image(v).strides[:2] for v in others]
        return (self.n, self.period, w * c, count, h, *chain(*steps)), -(-n * h // count), pieces(n, n * h, count)


def check(specs: Sequence[Any], names: str) -> None:
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
        check(specs, "gamma beta mean var")
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
        r = Rows(x.spec)
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
        check(specs, "gamma var")
        return [specs[0]]

    def over(self, node: Node) -> list[Value]:
        return [v for v in node.inputs[:1] if v is not None]

    def lower(self, node: Node) -> list[Call]:
        dy, *vectors = node.inputs
        assert dy is not None
        r = Rows(dy.spec)
        table = Scratch(r.period)
        once = Call(k.frozen_scale, (*vectors, table, r.c, r.reps, node.attrs["epsilon"]), 1, 4.0 * r.period)
        return [once, r.elementwise(k.scale, dy, table, node.output)]


def products(
    r: Rows, x: Value, vectors: Sequence[Value], dy: Value, epsilon: float, bounds: tuple[float, float]
) -> tuple[Scratch, Scratch, list[Call]]:
    """A table of mean, scale and beta, sums of dy and of dy · (x - mean) block by block, and the calls that make them.

    `vectors` are gamma, beta, mean and var.
    """
    table, parts = Scratch(5 * r.period), Scratch(2 * r.period * r.blocks)
    args = (x, dy, table, parts, *bounds, r.m, r.c, r.reps, r.rows)
    calls = [
        Call(k.mean_scale_beta, (*vectors, table, r.c, r.reps, epsilon), 1, 12.0 * r.period),
        Call(k.products, args, r.blocks, 8.0 * r.n, r.pieces),
    ]
    return table, parts, calls


class BatchNormDw(Op):
    """dgamma = sum dy · (x - mean) / sqrt(var + epsilon), dbeta = sum dy: those of batch_norm."""

    name = "batch_norm_dw"
    no_gradient = "second derivatives are not supported"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        check(specs, "mean var dy")
        return [specs[1], specs[1]]

    def lower(self, node: Node) -> list[Call]:
        x, mean, var, dy = (v for v in node.inputs if v is not None)
        r = Rows(x.spec)
        epsilon = node.attrs["epsilon"]
        # the mean is all it takes
        _, parts, calls = products(r, x, (var, mean, mean, var), dy, epsilon, (math.nan, math.nan))
        args = (parts, var, *node.outputs, r.c, r.reps, r.blocks, epsilon)
        return [*calls, Call(k.combine_dw, args, r.c, 8.0 * r.c * r.blocks)]

    def cost(self, node: Node) -> Cost:
        x = node.inputs[0]
        assert x is not None
        return Cost(4 * x.spec.size, super().cost(node).bytes)


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
