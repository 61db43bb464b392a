"""Ops that cut and fill around the edges: pad, slice, and the gradient of a slice with steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet.graph import Call, Node, ShapeError, Spec, Value, emit
from edgenet.graph.spec import Dim
from edgenet.kernels.cpu import movement as k

from .grid import Grid, Move, calls, ends, one, strides_of


def _per_axis(spec: Spec, attr: Sequence[Any], what: str) -> None:
    if len(attr) != spec.rank:
        raise ShapeError(f"expected {what} for each of the {spec.rank} axes of x (shape {spec.shape}), got {attr}")


class Pad(Move):
    """x with padding[axis] = (before, after) more entries of `value` around it."""

    name = "pad"
    dtypes = ("float32",)

    def shape(self, specs: Sequence[Spec], attrs: dict[str, Any]) -> Sequence[Dim]:
        padding = attrs["padding"]
        _per_axis(specs[0], padding, "(before, after)")
        out: list[Dim] = []
        for axis, (d, (before, after)) in enumerate(zip(specs[0].shape, padding, strict=True)):
            if min(before, after) < 0:
                raise ShapeError(f"expected padding of at least 0, got {padding}; use slice to cut")
            if isinstance(d, str) and before + after:
                raise ShapeError(f"axis {axis} of x (shape {specs[0].shape}) has no known size and can't be padded")
            out.append(d if isinstance(d, str) else d + before + after)
        return out

    def gradient(self, node: Node, dys: list[Value]) -> list[Value]:
        x = node.inputs[0]
        assert x is not None
        starts = [before for before, _ in node.attrs["padding"]]
        return [slice_(dys[0], starts, [s + d for s, d in zip(starts, x.spec.sizes, strict=True)])]

    def lower(self, node: Node) -> list[Call]:
        x, y, x_shape, y_shape = ends(node)
        padding = node.attrs["padding"]
        padded = [axis for axis, pads in enumerate(padding) if any(pads)]
        if not padded:
            return calls(x, y, Grid((x.spec.size,), (1,), (1,)))
        last = padded[-1]  # a row: this axis and all behind it
        inner = math.prod(x_shape[last + 1 :])
        outer = [[y_shape[axis], padding[axis][0], x_shape[axis]] for axis in range(last)]
        tables = np.array(outer, np.int64).reshape(-1, 3).T.copy()
        first, n, width = (inner * size for size in (padding[last][0], x_shape[last], y_shape[last]))
        args = (x, y, *tables, last, first, n, width, float(node.attrs["value"]))
        return [Call(k.pad, args, math.prod(y_shape[:last]), 4.0 * (x.spec.size + y.spec.size))]


class Slice(Move):
    """x[starts[0]:stops[0]:steps[0], …] by Python's rules, with positive steps."""

    name = "slice"

    def shape(self, specs: Sequence[Spec], attrs: dict[str, Any]) -> Sequence[Dim]:
        for what in ("starts", "stops", "steps"):
            _per_axis(specs[0], attrs[what], what)
        if any(step < 1 for step in attrs["steps"]):
            raise ShapeError(f"expected steps of at least 1, got {attrs['steps']}")
        out: list[Dim] = []
        for d, start, stop, step in zip(specs[0].shape, *_edges(attrs), strict=True):
            if not isinstance(d, str):
                out.append(len(range(*slice(start, stop, step).indices(d))))
            elif (start or 0, stop, step) == (0, None, 1):
                out.append(d)
            else:
                raise ShapeError(f"the size {d!r} of x (shape {specs[0].shape}) must be known where it is cut")
        return out

    def gradient(self, node: Node, dys: list[Value]) -> list[Value]:
        x, _, x_shape, y_shape = ends(node)
        if any(step != 1 for step in node.attrs["steps"]):
            return [emit("slice_dx", [dys[0]], x_shape=x.shape, **node.attrs)]
        starts = _starts(x_shape, node.attrs)
        edges = zip(starts, x_shape, y_shape, strict=True)
        return [pad(dys[0], [(start, d - start - size) for start, d, size in edges])]

    def lower(self, node: Node) -> list[Call]:
        x, y, x_shape, y_shape = ends(node)
        strides, at = _cut(x_shape, node.attrs)
        return calls(x, y, Grid(y_shape, strides, strides_of(y_shape), x0=at))


def _edges(attrs: dict[str, Any]) -> tuple[Sequence[int | None], Sequence[int | None], Sequence[int]]:
    return attrs["starts"], attrs["stops"], attrs["steps"]


def _starts(shape: Sequence[int], attrs: dict[str, Any]) -> list[int]:
    """First index of the slice along each axis."""
    edges = zip(shape, attrs["starts"], attrs["stops"], strict=True)
    return [slice(start, stop).indices(d)[0] for d, start, stop in edges]


def _cut(shape: Sequence[int], attrs: dict[str, Any]) -> tuple[list[int], int]:
    """Strides of a slice within an array of this shape, and where it starts."""
    strides = strides_of(shape)
    at = sum(start * stride for start, stride in zip(_starts(shape, attrs), strides, strict=True))
    return [step * stride for step, stride in zip(attrs["steps"], strides, strict=True)], at


class SliceDx(Move):
    """dy where `slice` has read x, zero elsewhere: the gradient of a slice with steps."""

    name = "slice_dx"
    dtypes = ("float32",)

    def shape(self, specs: Sequence[Spec], attrs: dict[str, Any]) -> Sequence[Dim]:
        want = Slice().shape([Spec.of(attrs["x_shape"])], attrs)
        if tuple(want) != specs[0].shape:
            raise ShapeError(f"expected dy of shape {tuple(want)}, got {specs[0].shape}")
        return tuple(attrs["x_shape"])

    def gradient(self, node: Node, dys: list[Value]) -> list[Value]:
        return [emit("slice", [dys[0]], **{key: node.attrs[key] for key in ("starts", "stops", "steps")})]

    def lower(self, node: Node) -> list[Call]:
        dy, dx, dy_shape, x_shape = ends(node)
        strides, at = _cut(x_shape, node.attrs)
        n = dx.spec.size
        zeros = Call(k.fill, (dx, n, 0.0), -(-n // k.COPY_BLOCK), 4.0 * n)
        return [zeros, *calls(dy, dx, Grid(dy_shape, strides_of(dy_shape), strides, y0=at))]


def pad(x: Value, pad_width: Sequence[tuple[int, int]], constant_values: float = 0.0) -> Value:
    """Put pad_width[axis] = (before, after) entries of `constant_values` around x.

    Raises:
        ShapeError: if there is not one pair of numbers, each at least 0, for each axis.

    Example:
        >>> from edgenet.graph import Graph
        >>> pad(Graph().input((1, 8, 8, 3)), ((0, 0), (1, 2), (1, 2), (0, 0)))
        %pad: float32[1, 11, 11, 3]
    """
    return one("pad", [x], padding=tuple((int(a), int(b)) for a, b in pad_width), value=float(constant_values))


def slice_(
    x: Value, starts: Sequence[int | None], stops: Sequence[int | None], steps: Sequence[int] | None = None
) -> Value:
    """x[starts[0]:stops[0]:steps[0], …], an entry for each axis, by Python's rules; steps are 1 or more.

    Raises:
        ShapeError: if there is not one entry for each axis, or an axis is cut whose size is not known.

    Example:
        >>> from edgenet.graph import Graph
        >>> slice_(Graph().input(("batch", 8, 8)), (0, 1, None), (None, -1, None), (1, 1, 2))
        %slice: float32[batch, 6, 4]
    """
    return one("slice", [x], starts=tuple(starts), stops=tuple(stops), steps=tuple(steps or [1] * len(starts)))
