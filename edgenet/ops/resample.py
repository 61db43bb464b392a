"""One axis mapped by a sparse matrix: what resizes, mirrors, repeats or filters along an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from edgenet.graph import Call, Cost, Node, Op, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import resize as k

from .broadcast import expect_float


class Taps(NamedTuple):
    """A sparse matrix of n columns: row p takes columns[e] with weights[e], start[p] <= e < start[p + 1]."""

    n: int
    start: tuple[int, ...]
    columns: tuple[int, ...]
    weights: tuple[float, ...]

    @property
    def m(self) -> int:
        """Rows."""
        return len(self.start) - 1

    @property
    def places(self) -> tuple[int, ...] | None:
        """The column that each row takes, if every row takes one as it is."""
        plain = self.start == tuple(range(len(self.start))) and all(w == 1 for w in self.weights)
        return self.columns if plain else None

    @staticmethod
    def of_rows(n: int, rows: Sequence[Sequence[tuple[int, float]]]) -> Taps:
        """The matrix of rows of (column, weight); weights 0 are left out, and those of one column added.

        >>> Taps.of_rows(3, [[(0, 1.0)], [(1, 0.5), (2, 0.5)]])
        Taps(n=3, start=(0, 1, 3), columns=(0, 1, 2), weights=(1.0, 0.5, 0.5))
        """
        start, index, weight = [0], [], []
        for row in rows:
            sums: dict[int, float] = {}
            for column, w in row:
                sums[column] = sums.get(column, 0.0) + float(w)
            kept = [(c, w) for c, w in sums.items() if w]
            index += [c for c, _ in kept]
            weight += [w for _, w in kept]
            start.append(len(index))
        return Taps(n, tuple(start), tuple(index), tuple(weight))

    def transposed(self) -> Taps:
        """The transposed matrix."""
        rows: list[list[tuple[int, float]]] = [[] for _ in range(self.n)]
        for p in range(self.m):
            for e in range(self.start[p], self.start[p + 1]):
                rows[self.columns[e]].append((p, self.weights[e]))
        return Taps.of_rows(self.m, rows)

    def dense(self) -> np.ndarray:
        """The matrix (m, n) in full."""
        full = np.zeros((self.m, self.n), np.float32)
        for p in range(self.m):
            for e in range(self.start[p], self.start[p + 1]):
                full[p, self.columns[e]] += self.weights[e]
        return full


class Resample(Op):
    """y[…, p, …] = sum of weight · x[…, column, …] over the taps of row p, along attribute `axis`."""

    name = "resample"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        expect_float(*specs)
        x, axis = specs[0], attrs["axis"]
        taps = attrs["taps"] = Taps(*attrs["taps"])  # a layer that was stored brings a plain tuple
        if not -x.rank <= axis < x.rank:
            raise ShapeError(f"axis {axis} is outside of shape {x.shape}")
        if x.shape[axis] != taps.n:
            raise ShapeError(f"expected {taps.n} places along axis {axis}, got shape {x.shape}")
        counts = [b - a for a, b in zip(taps.start, taps.start[1:], strict=False)]
        if (
            taps.start[:1] != (0,)
            or min(counts, default=0) < 0
            or not sum(counts) == len(taps.columns) == len(taps.weights)
        ):
            raise ShapeError("the rows of the matrix do not share out its columns and weights")
        if taps.columns and not 0 <= min(taps.columns) <= max(taps.columns) < taps.n:
            raise ShapeError(f"expected columns from 0 to {taps.n - 1}, got {min(taps.columns)} to {max(taps.columns)}")
        shape = list(x.shape)
        shape[axis] = taps.m
        return [Spec(tuple(shape))]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [emit("resample", dys, axis=node.attrs["axis"], taps=node.attrs["taps"].transposed())]

    def lower(self, node: Node) -> list[Call]:
        x, y, taps = node.inputs[0], node.output, node.attrs["taps"]
        assert x is not None
        axis = node.attrs["axis"] % x.spec.rank
        outer, inner = math.prod(x.spec.sizes[:axis]), math.prod(x.spec.sizes[axis + 1 :])
        table = (np.array(taps.start, np.int64), np.array(taps.columns, np.int64), np.array(taps.weights, np.float32))
        each = max(len(taps.columns) / max(taps.m, 1), 1)
        return [Call(k.resize, (x, y, *table, taps.n, taps.m, inner), outer * taps.m, 8.0 * each * y.spec.size)]

    def cost(self, node: Node) -> Cost:
        taps = node.attrs["taps"]
        return Cost(2 * len(taps.columns) * node.output.spec.size // max(taps.m, 1), super().cost(node).bytes)


def resample(x: Value, axis: int, taps: Taps) -> Value:
    """Map an axis of x by a sparse matrix.

    Raises:
        ShapeError: if x has another size along the axis than the matrix has columns.

    >>> from edgenet.graph import Graph
    >>> resample(Graph().input((1, 2, 3)), 1, Taps.of_rows(2, [[(0, 1)], [(0, 0.5), (1, 0.5)], [(1, 1)]]))
    %resample: float32[1, 3, 3]
    """
    y: Value = emit("resample", [x], axis=int(axis), taps=taps)
    return y


def take(x: Value, places: Sequence[int], axis: int) -> Value:
    """The given places of an axis, in their order: y[…, p, …] = x[…, places[p], …].

    Raises:
        ShapeError: for an axis or a place that does not exist, or an axis whose size is not known.

    >>> from edgenet.graph import Graph
    >>> take(Graph().input(("batch", 8)), [7, 0, 0], axis=1)
    %resample: float32[batch, 3]
    """
    size = x.shape[axis] if -x.spec.rank <= axis < x.spec.rank else 0
    if isinstance(size, str):
        raise ShapeError(f"take: the size {size!r} of axis {axis} must be known (shape {x.shape})")
    return resample(x, axis, Taps.of_rows(size, [[(int(p), 1.0)] for p in places]))
