"""Sums, products, means, maxima and minima over axes, and argmax."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from edgenet.graph import Call, Cost, Dim, Node, Op, Scratch, ShapeError, Spec, Value, emit
from edgenet.graph.op import symbolic
from edgenet.kernels.cpu import reduce as k
from edgenet.kernels.cpu.movement import COPY_BLOCK, copy

from .broadcast import expect_float
from .reduction import reduce_calls, stages

Axes = int | Iterable[int] | None


def reduced_axes(axes: Axes, rank: int) -> tuple[int, ...]:
    """The axes counted from the front, in order; None means all.  Raises ShapeError for one that does not exist.

    >>> reduced_axes((-1, 0), 4)
    (0, 3)
    """
    wanted = range(rank) if axes is None else (axes,) if isinstance(axes, int) else tuple(axes)
    if any(not -rank <= a < rank for a in wanted):
        raise ShapeError(f"axes {tuple(wanted)} do not fit a shape of {rank} axes")
    return tuple(sorted({a % rank for a in wanted}))


def reduced_shape(shape: Sequence[Dim], axes: Sequence[int], keepdims: bool) -> tuple[Dim, ...]:
    """The shape that is left."""
    if keepdims:
        return tuple(1 if i in axes else d for i, d in enumerate(shape))
    return tuple(d for i, d in enumerate(shape) if i not in axes)


class _Reduction(Op):
    """Over attribute `axes` (None: all), which stay as ones where `keepdims` is true."""

    kind: ClassVar[str]
    #: whether no number at all has a result
    total: ClassVar[bool] = False

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        x = specs[0]
        expect_float(x)
        axes = reduced_axes(attrs["axes"], x.rank)
        if not self.total and any(x.shape[i] == 0 for i in axes):
            raise ShapeError(f"no numbers to choose from: shape {x.shape}, axes {axes}")
        return [Spec(reduced_shape(x.shape, axes, attrs["keepdims"]))]

    def lower(self, node: Node) -> list[Call]:
        x = node.inputs[0]
        assert x is not None
        axes = reduced_axes(node.attrs["axes"], x.spec.rank)
        if node.output.spec.size == 0:
            return []
        chain = stages(x.spec.sizes, axes)
        if not chain:
            n = x.spec.size
            return [Call(copy, (x, node.output, n), -(-n // COPY_BLOCK), 8.0 * n)]
        calls: list[Call] = []
        source: Any = x
        images = x.spec.sizes[0] if x.graph.training and 0 in axes else 1
        for i, (outer, d, inner) in enumerate(chain):
            last = i == len(chain) - 1
            target = node.output if last else Scratch(outer * inner)
            calls += reduce_calls(self.kind, source, target, outer, d, inner, self.scale(node) if last else 1.0, images)
            source, images = target, 1
        return calls

    def scale(self, node: Node) -> float:
        """What the result is multiplied by."""
        return 1.0

    def cost(self, node: Node) -> Cost:
        x = node.inputs[0]
        assert x is not None
        return Cost(x.spec.size, super().cost(node).bytes)


def _restored(v: Value, node: Node) -> Value:
    """A value shaped like the output, with the reduced axes back as ones."""
    x = node.inputs[0]
    assert x is not None
    shape = reduced_shape(x.shape, reduced_axes(node.attrs["axes"], x.spec.rank), True)
    return v if v.shape == shape else emit("reshape", [v], shape=shape)


class Sum(_Reduction):
    """y = sum of x."""

    name, kind, total = "sum", "sum", True

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        x = node.inputs[0]
        assert x is not None
        dy = _restored(dys[0], node)
        return [dy if dy.shape == x.shape else emit("broadcast_to", [dy], shape=x.shape)]


class Mean(Sum):
    """y = sum of x / number of x."""

    name = "mean"

    def scale(self, node: Node) -> float:
        x = node.inputs[0]
        assert x is not None
        count = math.prod(x.spec.sizes[i] for i in reduced_axes(node.attrs["axes"], x.spec.rank))
        return 1 / count if count else math.nan

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return super().gradient(node, [dys[0] * self.scale(node)])


class Prod(_Reduction):
    """y = product of x; the gradient is right where numbers are 0, too."""

    name, kind, total = "prod", "prod", True

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        x, axes = node.inputs[0], reduced_axes(node.attrs["axes"], len(node.inputs[0].shape))  # type: ignore[union-attr]
        zero = emit("equal", [x, 0.0])
        others = emit("add", [x, zero])  # with ones in place of zeros
        product = emit("prod", [others], axes=axes, keepdims=True)
        count = emit("sum", [zero], axes=axes, keepdims=True)
        alone = emit("equal", [count - zero, 0.0])  # whether all the others differ from 0
        return [product / others * alone * _restored(dys[0], node)]


class Max(_Reduction):
    """y = the largest of x, NaN where one is; equal maxima share the gradient."""

    name, kind = "max", "max"

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        chosen = emit("equal", [node.inputs[0], _restored(node.output, node)])
        count = emit("sum", [chosen], axes=reduced_axes(node.attrs["axes"], chosen.spec.rank), keepdims=True)
        return [chosen * (_restored(dys[0], node) / emit("maximum", [count, 1.0]))]


class Min(Max):
    """y = the smallest of x, NaN where one is; equal minima share the gradient."""

    name, kind = "min", "min"


class ArgMax(Op):
    """y = the first index of the largest along attribute `axis`, int32; that of the first NaN if there is one."""

    name = "argmax"
    no_gradient = "an index does not change smoothly"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        x = specs[0]
        expect_float(x)
        axes = reduced_axes(attrs["axis"], x.rank)
        if x.shape[axes[0]] == 0:
            raise ShapeError(f"no numbers to choose from: shape {x.shape}, axis {attrs['axis']}")
        return [Spec(reduced_shape(x.shape, axes, False), "int32")]

    def lower(self, node: Node) -> list[Call]:
        x = node.inputs[0]
        assert x is not None
        (axis,) = reduced_axes(node.attrs["axis"], x.spec.rank)
        d, inner = x.spec.sizes[axis], math.prod(x.spec.sizes[axis + 1 :])
        return [Call(k.argmax, (x, node.output, d, inner), node.output.spec.size, 4.0 * x.spec.size)]


def _reduced(name: str, x: Value, axis: Axes, keepdims: bool) -> Value:
    y: Value = emit(name, [x], axes=reduced_axes(axis, symbolic(name, x).spec.rank), keepdims=keepdims)
    return y


def sum(x: Value, axis: Axes = None, keepdims: bool = False) -> Value:
    """Sum over the axis, or axes (None: all), which stay as ones with `keepdims`."""
    return _reduced("sum", x, axis, keepdims)


def mean(x: Value, axis: Axes = None, keepdims: bool = False) -> Value:
    """Mean over the axis, or axes (None: all), which stay as ones with `keepdims`.

    >>> from edgenet.graph import Graph
    >>> mean(Graph().input(("batch", 7, 7, 64)), axis=(1, 2))
    %mean: float32[batch, 64]
    """
    return _reduced("mean", x, axis, keepdims)


def prod(x: Value, axis: Axes = None, keepdims: bool = False) -> Value:
    """Product over the axis, or axes (None: all), which stay as ones with `keepdims`."""
    return _reduced("prod", x, axis, keepdims)


def max(x: Value, axis: Axes = None, keepdims: bool = False) -> Value:
    """Maximum over the axis, or axes (None: all), which stay as ones with `keepdims`; NaN where a number is NaN."""
    return _reduced("max", x, axis, keepdims)


def min(x: Value, axis: Axes = None, keepdims: bool = False) -> Value:
    """Minimum over the axis, or axes (None: all), which stay as ones with `keepdims`; NaN where a number is NaN."""
    return _reduced("min", x, axis, keepdims)


def argmax(x: Value, axis: int | None = None, keepdims: bool = False) -> Value:
    """Index of the first maximum along an axis (None: of x flattened), as int32; `keepdims` needs an axis.

    >>> from edgenet.graph import Graph
    >>> argmax(Graph().input(("batch", 10)), axis=-1)
    %argmax: int32[batch]
    """
    if axis is None:
        x, axis = emit("reshape", [x], shape=(-1,)), 0
        if keepdims:
            raise ShapeError("argmax: keepdims needs an axis, got axis=None")
    y: Value = emit("argmax", [x], axis=int(axis))
    if keepdims:
        kept = reduced_shape(x.shape, reduced_axes(axis, x.spec.rank), True)
        y = emit("reshape", [y], shape=kept)
    return y
