"""Normalisation of each row by its own mean and variance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Cost, Node, Op, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import layer_norm as k

from .broadcast import expect_float

#: numbers in the rows of one task
TASK = 4096


def _sizes(x: Spec, axes: int) -> tuple[int, int]:
    """Rows, and numbers in a row: the last `axes` axes."""
    cut = x.rank - axes
    return math.prod(x.sizes[:cut]), math.prod(x.sizes[cut:])


class LayerNorm(Op):
    """y = (x - mean)·r·gamma + beta with r = 1 / √(var + epsilon), over the last `axes` axes; also mean and r.

    mean and r keep the leading axes of x.  Without `center` the mean counts as 0.
    """

    name = "layer_norm"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        x, gamma, beta = specs
        expect_float(*(s for s in specs if s is not None))
        axes = attrs["axes"]
        if not 1 <= axes <= x.rank:
            raise ShapeError(f"expected 1 to {x.rank} axes to normalise over, got {axes} (shape {x.shape})")
        row = x.shape[x.rank - axes :]
        if any(isinstance(d, str) or d < 1 for d in row):
            raise ShapeError(f"expected known sizes of at least 1 in the last {axes} axes, got shape {x.shape}")
        for spec, name in ((gamma, "gamma"), (beta, "beta")):
            if spec is not None and spec.shape != row:
                raise ShapeError(f"expected {name} of shape {row}, got {spec.shape} (x has shape {x.shape})")
        lead = Spec(x.shape[: x.rank - axes])
        return [x, lead, lead]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        x, gamma, beta = node.inputs
        _, mean, scale = node.outputs
        assert x is not None
        if any(v.array is None or v.array.any() for v in dys[1:]):
            raise TypeError("layer_norm: its mean and scale are statistics, no gradient flows through them")
        axes = node.attrs["axes"]
        dx = emit("layer_norm_dx", [x, gamma, mean, scale, dys[0]], axes=axes, center=node.attrs["center"])
        rows = tuple(range(x.spec.rank - axes))
        shape = (*mean.shape, *(1,) * axes)
        dgamma = dbeta = None
        if gamma is not None:
            normal = (x - emit("reshape", [mean], shape=shape)) * emit("reshape", [scale], shape=shape)
            dgamma = emit("sum", [dys[0] * normal], axes=rows, keepdims=False)
        if beta is not None:
            dbeta = emit("sum", [dys[0]], axes=rows, keepdims=False)
        return [dx, dgamma, dbeta]

    def lower(self, node: Node) -> list[Call]:
        x, gamma, beta = node.inputs
        assert x is not None
        rows, c = _sizes(x.spec, node.attrs["axes"])
        height = max(1, TASK // c)
        flags = (int(node.attrs["center"]), int(gamma is not None), int(beta is not None))
        args = (x, gamma, beta, *node.outputs, rows, c, height, 1 / c, node.attrs["epsilon"], *flags)
        return [Call(k.layer_norm, args, -(-rows // height), 8.0 * x.spec.size)]

    def cost(self, node: Node) -> Cost:
        return Cost(7 * node.output.spec.size, super().cost(node).bytes)


class LayerNormDx(Op):
    """dx = r·(g - mean of g - z·mean of g·z), with g = dy·gamma and z = (x - mean)·r."""

    name = "layer_norm_dx"
    no_gradient = "second derivatives are not supported"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        x, dy = specs[0], specs[4]
        if dy.shape != x.shape:
            raise ShapeError(f"expected dy of shape {x.shape}, got {dy.shape}")
        return [x]

    def lower(self, node: Node) -> list[Call]:
        x, gamma, mean, scale, dy = node.inputs
        assert x is not None
        rows, c = _sizes(x.spec, node.attrs["axes"])
        height = max(1, TASK // c)
        flags = (int(node.attrs["center"]), int(gamma is not None))
        args = (x, gamma, mean, scale, dy, node.output, rows, c, height, 1 / c, *flags)
        return [Call(k.layer_norm_dx, args, -(-rows // height), 12.0 * x.spec.size)]

    def cost(self, node: Node) -> Cost:
        return Cost(11 * node.output.spec.size, super().cost(node).bytes)


def layer_norm(
    x: Value, gamma: Any = None, beta: Any = None, *, axes: int = 1, epsilon: float = 1e-3, center: bool = True
) -> tuple[Value, Value, Value]:
    """Normalise each row of x: y = (x - mean)·r·gamma + beta with r = 1 / √(var + epsilon).

    Args:
        x: any shape; a row is what lies along the last `axes` axes.
        gamma: the shape of a row, or None for ones.
        beta: the shape of a row, or None for zeros.
        axes: how many axes a row has.
        epsilon: added to the variance.
        center: whether the mean is subtracted; without, y = x·gamma / √(mean of x² + epsilon) + beta.

    Returns:
        y, mean and r; the last two have the shape of x without its last `axes` axes.

    Raises:
        ShapeError: if the shapes do not fit.

    Source: Ba et al. 2016, arXiv:1607.06450; without `center` Zhang and Sennrich 2019, arXiv:1910.07467.

    >>> from edgenet.graph import Graph
    >>> layer_norm(Graph().input(("batch", 12, 32)))[0]
    %layer_norm: float32[batch, 12, 32]
    """
    attrs = {"axes": int(axes), "epsilon": float(epsilon), "center": bool(center)}
    y, mean, scale = emit("layer_norm", [x, gamma, beta], **attrs)
    return y, mean, scale
