"""Resizing along one axis, by the nearest place or linearly."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet.graph import Call, Cost, Node, Op, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import resize as k

MODES = ("nearest", "linear")


@functools.lru_cache(maxsize=256)
def taps(n: int, m: int, mode: str, transposed: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The matrix from n to m places (transposed: from m to n) by rows: where each row starts, columns, weights.

    >>> start, index, weight = taps(2, 4, "linear")
    >>> index.tolist(), weight.tolist()
    ([0, 0, 1, 0, 1, 1], [1.0, 0.75, 0.25, 0.25, 0.75, 1.0])
    """
    rows: list[list[tuple[int, float]]] = [[] for _ in range(n if transposed else m)]
    for p in range(m):
        if mode == "nearest":
            entries = [(min((2 * p + 1) * n // (2 * m), n - 1), 1.0)]
        else:
            at = min(max((p + 0.5) * n / m - 0.5, 0.0), n - 1.0)
            low = min(int(at), max(n - 2, 0))
            entries = [(low, 1 - (at - low)), (low + 1, at - low)]
        for column, weight in entries:
            if weight:
                row, other = (column, p) if transposed else (p, column)
                rows[row].append((other, weight))
    flat = [entry for row in rows for entry in row]
    start = np.cumsum([0, *map(len, rows)]).astype(np.int64)
    return start, np.array([e[0] for e in flat], np.int64), np.array([e[1] for e in flat], np.float32)


class _Axis(Op):
    def _check(self, specs: Sequence[Any], attrs: dict[str, Any]) -> int:
        x, axis = specs[0], attrs["axis"]
        if not -x.rank <= axis < x.rank:
            raise ShapeError(f"axis {axis} is outside of shape {x.shape}")
        size = x.shape[axis]
        if isinstance(size, str) or size < 1 or attrs["size"] < 1:
            raise ShapeError(f"expected sizes of at least 1, got {size} (shape {x.shape}) and size={attrs['size']}")
        if attrs["mode"] not in MODES:
            raise ShapeError(f"expected the mode nearest or linear, got {attrs['mode']!r}")
        return int(size)

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        self._check(specs, attrs)
        shape = list(specs[0].shape)
        shape[attrs["axis"]] = attrs["size"]
        return [Spec(tuple(shape))]

    def _calls(self, node: Node, matrix: tuple[np.ndarray, np.ndarray, np.ndarray]) -> list[Call]:
        x, y = node.inputs[0], node.output
        assert x is not None
        axis = node.attrs["axis"] % x.spec.rank
        outer, inner = math.prod(x.spec.sizes[:axis]), math.prod(x.spec.sizes[axis + 1 :])
        n, m = x.spec.sizes[axis], y.spec.sizes[axis]
        return [Call(k.resize, (x, y, *matrix, n, m, inner), outer * m, 12.0 * y.spec.size)]

    def cost(self, node: Node) -> Cost:
        return Cost(4 * node.output.spec.size, super().cost(node).bytes)


class Resize(_Axis):
    """y[…, p, …] = x at place (p + ½)·n/m - ½ of attribute `axis`, rounded (ties up) or interpolated linearly."""

    name = "resize"

    def gradient(self, node: Node, dys: list[Value]) -> list[Value]:
        x = node.inputs[0]
        assert x is not None
        attrs = {**node.attrs, "size": x.shape[node.attrs["axis"]]}
        return [emit("resize_dx", dys, **attrs)]

    def lower(self, node: Node) -> list[Call]:
        x, axis = node.inputs[0], node.attrs["axis"]
        assert x is not None
        return self._calls(node, taps(x.spec.sizes[axis], node.attrs["size"], node.attrs["mode"]))


class ResizeDx(_Axis):
    """The transposed map of resize, back to `size` places: its gradient."""

    name = "resize_dx"

    def gradient(self, node: Node, dys: list[Value]) -> list[Value]:
        dy = node.inputs[0]
        assert dy is not None
        return [emit("resize", dys, **{**node.attrs, "size": dy.shape[node.attrs["axis"]]})]

    def lower(self, node: Node) -> list[Call]:
        dy, axis = node.inputs[0], node.attrs["axis"]
        assert dy is not None
        return self._calls(node, taps(node.attrs["size"], dy.spec.sizes[axis], node.attrs["mode"], True))


def resize(x: Value, size: int, axis: int, mode: str = "linear") -> Value:
    """x with `size` places along an axis: output p is x at place (p + ½)·n / size - ½.

    Args:
        x: any shape; the size n of the axis must be known.
        size: places of the result.
        axis: along which.
        mode: ``"nearest"`` place (halves up) or ``"linear"`` interpolation, without smoothing where it shrinks.

    Raises:
        ShapeError: for an axis, a size or a mode that does not exist.

    >>> from edgenet.graph import Graph
    >>> resize(Graph().input(("batch", 8, 8, 3)), 12, axis=1)
    %resize: float32[batch, 12, 8, 3]
    """
    y: Value = emit("resize", [x], axis=int(axis), size=int(size), mode=mode)
    return y
