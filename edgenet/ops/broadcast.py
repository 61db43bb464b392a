"""How two operands of different shapes meet: NumPy's rule, and the loops that come of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from edgenet.graph import Call, Dim, Node, Scratch, ShapeError, Spec, Value, emit
from edgenet.kernels.compiler import Kernel
from edgenet.kernels.cpu import elementwise as k

#: rows shorter than this are repeated to rows of some REPEATED numbers
SHORT, REPEATED = 32, 1024


def blocks(n: int) -> int:
    """Tasks of a kernel whose task computes BLOCK numbers."""
    return -(-n // k.BLOCK)


def expect_float(*specs: Spec) -> None:
    """Raise ShapeError unless all specs are float32."""
    for spec in specs:
        if spec.dtype != "float32":
            raise ShapeError(f"expected float32, got {spec}: edgenet.ops.cast(x, 'float32') makes it so")


def broadcast_shapes(a: Sequence[Dim], b: Sequence[Dim]) -> tuple[Dim, ...]:
    """Shape of the result of two operands, by NumPy's rule.  Raises ShapeError where they do not fit.

    >>> broadcast_shapes(("batch", 1, 3), (5, 1))
    ('batch', 5, 3)
    """
    rank = max(len(a), len(b))
    shape: list[Dim] = []
    for p, q in zip((1,) * (rank - len(a)) + tuple(a), (1,) * (rank - len(b)) + tuple(b), strict=True):
        if p != q and p != 1 and q != 1:
            raise ShapeError(
                f"shapes {tuple(a)} and {tuple(b)} do not broadcast: {p} meets {q}, "
                "expected equal sizes, counted from the last axis, or 1"
            )
        shape.append(q if p == 1 else p)
    return tuple(shape)


def sum_to(dy: Value, shape: tuple[Dim, ...]) -> Value:
    """The gradient of an operand of this shape from that of its broadcast: the sum over what was repeated."""
    if dy.shape == shape:
        return dy
    lead = dy.spec.rank - len(shape)
    repeated = tuple(i for i, d in enumerate(dy.shape) if i < lead or (shape[i - lead] == 1 and d != 1))
    if repeated:
        dy = emit("sum", [dy], axes=repeated, keepdims=False)
    return dy if dy.shape == shape else emit("reshape", [dy], shape=shape)


class Axis(NamedTuple):
    """One axis of a result, with its strides in both operands."""

    size: int
    a: int
    b: int


def merged_axes(shape: Sequence[int], a: Sequence[int], b: Sequence[int]) -> list[Axis]:
    """The axes of a broadcast, the innermost first; neighbours which both operands walk evenly are one.

    >>> merged_axes((8, 5, 5, 3), (8, 5, 5, 3), (3,))
    [Axis(size=3, a=1, b=1), Axis(size=200, a=3, b=0)]
    """
    axes: list[Axis] = []
    step_a = step_b = 1
    for i in range(1, len(shape) + 1):
        size = shape[-i]
        size_a, size_b = (s[-i] if i <= len(s) else 1 for s in (a, b))
        if size != 1:
            axis = Axis(size, step_a if size_a != 1 else 0, step_b if size_b != 1 else 0)
            last = axes[-1] if axes else None
            if last and (axis.a, axis.b) == (last.size * last.a, last.size * last.b):
                axes[-1] = Axis(last.size * size, last.a, last.b)
            else:
                axes.append(axis)
        step_a, step_b = step_a * size_a, step_b * size_b
    return axes or [Axis(1, 1, 1)]


def binary_calls(kernel: Kernel, node: Node) -> list[Call]:
    """Lower a node of two operands to a kernel of `kernels.cpu.elementwise`."""
    a, b = node.inputs
    assert a is not None
    assert b is not None
    y, n = node.output, node.output.spec.size
    if n == 0:
        return []
    (cols, sa, sb), *outer = merged_axes(y.spec.sizes, a.spec.sizes, b.spec.sizes)
    operands: list[Any] = [a, b]
    calls = []
    if cols < SHORT and sa == sb == 1 and n > REPEATED and len(outer) == 1 and 0 in outer[0][1:]:
        times, short = -(-REPEATED // cols), outer[0][1:].index(0)
        tiled = Scratch(times * cols, operands[short].dtype)
        calls.append(Call(k.repeat, (operands[short], tiled, cols), times))
        operands[short] = tiled
        cols *= times
        outer = [Axis(-(-n // cols), cols * (short != 0), cols * (short != 1))]
    height, width = max(1, k.BLOCK // cols), min(cols, 4 * k.BLOCK)
    rows = -(-n // cols)
    table = np.array(outer or [Axis(1, 0, 0)], np.int64)
    tasks = -(-rows // height) * -(-cols // width)
    args = (*operands, y, table, len(table), sa, sb, cols, n, height, width)
    return [*calls, Call(kernel, args, tasks, 12.0 * n)]
