"""Products of stacks of matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet.graph import Call, Cost, Node, Op, ShapeError, Spec, Value, emit

from .broadcast import broadcast_shapes, expect_float, sum_to
from .contraction import Contraction, Matrix, calls
from .geometry import at


class MatMul(Op):
    """y[…, m, n] = sum_k a[…, m, k] · b[…, k, n]; leading axes broadcast; a or b may be stored transposed."""

    name = "matmul"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        a, b = specs
        expect_float(a, b)
        if a.rank < 2 or b.rank < 2:
            raise ShapeError(f"expected a[…, m, k] and b[…, k, n], got shapes {a.shape} and {b.shape}")
        m, k = a.shape[:-3:-1] if attrs["transpose_a"] else a.shape[-2:]
        k_b, n = b.shape[:-3:-1] if attrs["transpose_b"] else b.shape[-2:]
        if k != k_b:
            raise ShapeError(f"a has {k} columns (shape {a.shape}) but b has {k_b} rows (shape {b.shape})")
        return [Spec((*broadcast_shapes(a.shape[:-2], b.shape[:-2]), m, n))]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        a, b = node.inputs
        assert a is not None and b is not None
        dy, ta, tb = dys[0], node.attrs["transpose_a"], node.attrs["transpose_b"]
        da = _product(b, dy, tb, True) if ta else _product(dy, b, False, not tb)
        db = _product(dy, a, True, ta) if tb else _product(a, dy, not ta, False)
        return [sum_to(da, a.shape), sum_to(db, b.shape)]

    def lower(self, node: Node) -> list[Call]:
        a, b = node.inputs
        assert a is not None and b is not None
        *lead, m, n = node.output.spec.sizes
        ta, tb = node.attrs["transpose_a"], node.attrs["transpose_b"]
        k, groups = a.spec.sizes[-2 if ta else -1], math.prod(lead)
        if not groups:
            return []
        pairs = [(0, 0)]
        if math.prod(b.spec.sizes[:-2]) == 1 and not ta:  # one matrix b: the rows of all a are those of one matrix
            m, groups = groups * m, 1
        elif a.spec.sizes[:-2] != b.spec.sizes[:-2]:
            pairs, groups = _pairs(tuple(lead), a.spec.sizes[:-2], b.spec.sizes[:-2]), 1
        row, step = (1, m) if ta else (k, 1)
        out = []
        for g, (i, j) in enumerate(pairs):
            matrix = at(b, j * k * n)
            out += calls(Contraction(
                at(a, i * m * k), Matrix(matrix, sk=1, sn=k, group=k * n) if tb else Matrix(matrix, sk=n, group=k * n),
                at(node.output, g * m * n), m, n, (1, max(m, 1)), (0, 0, row), (0, 0, n), runs=(0,), length=k,
                ks=step, groups=groups, ga=m * k, gc=m * n, keep=b.fixed and not b.graph.training,
            ))  # fmt: skip
        return out

    def cost(self, node: Node) -> Cost:
        a = node.inputs[0]
        assert a is not None
        k = a.spec.sizes[-2 if node.attrs["transpose_a"] else -1]
        return Cost(2 * k * node.output.spec.size, super().cost(node).bytes)


def _pairs(lead: tuple[int, ...], a: tuple[int, ...], b: tuple[int, ...]) -> list[tuple[int, int]]:
    """Which matrix of a meets which one of b, in the order of the result."""
    numbers = [np.broadcast_to(np.arange(math.prod(s)).reshape(s), lead).ravel().tolist() for s in (a, b)]
    return list(zip(*numbers, strict=True))


def _product(a: Any, b: Any, transpose_a: bool = False, transpose_b: bool = False) -> Value:
    y: Value = emit("matmul", [a, b], transpose_a=transpose_a, transpose_b=transpose_b)
    return y


def matmul(x1: Any, x2: Any) -> Value:
    """The matrix product of NumPy: leading axes broadcast; a vector x1 counts as a row, a vector x2 as a column.

    Args:
        x1: shape (…, m, k) or (k,).
        x2: shape (…, k, n) or (k,).

    Returns:
        shape (…, m, n), without m or n for a vector.

    Raises:
        ShapeError: if the shapes do not fit, or an operand is a number.

    >>> from edgenet.graph import Graph
    >>> g = Graph()
    >>> matmul(g.input(("batch", 8, 12, 16)), g.input((16, 5)))
    %matmul: float32[batch, 8, 12, 5]
    """
    graph = x1.graph if isinstance(x1, Value) else x2.graph
    a, b = (x if isinstance(x, Value) else graph.constant(x) for x in (x1, x2))
    if not a.spec.rank or not b.spec.rank:
        raise ShapeError(f"matmul: expected vectors or matrices, got shapes {a.shape} and {b.shape}")
    left = _shaped(a, (1, *a.shape)) if a.spec.rank == 1 else a
    right = _shaped(b, (*b.shape, 1)) if b.spec.rank == 1 else b
    y = _dense(left, right)
    y = _product(left, right) if y is None else y
    *lead, m, n = y.shape
    return _shaped(y, (*lead, *(() if a.spec.rank == 1 else (m,)), *(() if b.spec.rank == 1 else (n,))))


def _shaped(x: Value, shape: tuple[Any, ...]) -> Value:
    y: Value = x if x.shape == shape else emit("reshape", [x], shape=shape)
    return y


def _dense(a: Value, b: Value) -> Value | None:
    """The product as a dense layer, where b is one matrix and the rows of a are those of one: it can take a bias."""
    names = [d for d in a.shape[:-1] if isinstance(d, str)]
    rows = math.prod(d for d in a.shape[:-1] if isinstance(d, int))
    if b.spec.rank != 2 or len(names) > 1 or (names and rows != 1):
        return None
    flat = _shaped(a, (names[0] if names else rows, a.shape[-1]))
    attrs = {"transpose_x": False, "transpose_w": False, "activation": None}
    y: Value = emit("dense", [flat, b, None, None], **attrs)
    return _shaped(y, (*a.shape[:-1], b.shape[-1]))
