"""Lowering of everything that only moves numbers: one strided grid to another.

    y[y0 + i · sy] = x[x0 + i · sx]        for every index i of a grid of `sizes`

A `Grid` says what moves where; `calls` makes its loops as few and as long as they can be, and picks the kernel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from edgenet.graph import At, Call, Cost, Layout, Node, Op, Scratch, Spec, Value, emit
from edgenet.graph.spec import Dim
from edgenet.kernels.cpu import movement as k

#: numbers that a task moves, about
BLOCK = 16384


def strides_of(shape: Sequence[int]) -> tuple[int, ...]:
    """Strides of a contiguous array, in elements.

    >>> strides_of((2, 3, 4))
    (12, 4, 1)
    """
    return Layout.dense(shape).strides


@dataclass
class Grid:
    """What moves where; the last axis is the innermost loop."""

    sizes: Sequence[int]
    sx: Sequence[int]
    sy: Sequence[int]
    x0: int = 0
    y0: int = 0

    def axes(self) -> list[tuple[int, int, int]]:
        """(size, stride in x, stride in y) of each loop: axes that one step runs through in both arrays are one loop.

        >>> Grid((8, 1, 4, 16), (64, 64, 16, 1), (128, 64, 16, 1)).axes()
        [(8, 64, 128), (64, 1, 1)]
        """
        merged: list[tuple[int, int, int]] = []
        for size, sx, sy in zip(self.sizes, self.sx, self.sy, strict=True):
            if size == 1:
                continue
            if merged and merged[-1][1:] == (sx * size, sy * size):
                size *= merged.pop()[0]
            merged.append((size, sx, sy))
        return merged or [(1, 1, 1)]


def _table(values: Sequence[int]) -> np.ndarray:
    return np.array(values, np.int64)


def calls(x: Value | Scratch, y: Value | Scratch, grid: Grid) -> list[Call]:
    """The kernel call that moves a grid from x to y; none if the grid is empty."""
    count = math.prod(grid.sizes)
    if not count:
        return []
    axes, ends = grid.axes(), (At(x, grid.x0), At(y, grid.y0))
    words = np.dtype(x.spec.dtype).itemsize == 4
    if len(axes) == 1 and axes[0][1:] == (1, 1):
        return [Call(k.copy if words else k.copy_bytes, (*ends, count), -(-count // k.COPY_BLOCK), 8.0 * count)]
    *outer, (n, sx0, sy0) = axes
    contiguous = next((axis for axis in outer if axis[1] == 1), None)
    if contiguous is not None and sy0 == 1 and words:
        outer.remove(contiguous)
        rows, _, sy1 = contiguous
        block = max(BLOCK // n // k.TILE, 1) * k.TILE
        kernel, rest = k.turn, [sy1, n, sx0]
    else:
        rows, sx1, sy1 = outer.pop() if outer else (1, 0, 0)
        block = max(BLOCK // n, 1)
        kernel, rest = k.move if words else k.move_bytes, [sx1, sy1, n, sx0, sy0]
    tables = [_table(values) for values in zip(*outer, strict=True)] if outer else [_table(())] * 3
    tasks = math.prod(size for size, _, _ in outer) * -(-rows // block)
    return [Call(kernel, (*ends, *tables, len(outer), rows, block, *rest), tasks, 8.0 * count)]


class Move(Op):
    """Base: no arithmetic, numbers of 32 or 8 bits."""

    #: what may be moved; all inputs are the same
    dtypes: ClassVar[tuple[str, ...]] = ("float32", "int32", "int8", "uint8", "bool")

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        wrong = next((s for s in specs if s.dtype not in self.dtypes), None)
        if wrong is not None:
            kinds = " or ".join(self.dtypes)
            raise TypeError(f"{self.name}: expected {kinds}, got {wrong}: edgenet.ops.cast(x, 'float32') makes it so")
        if len({s.dtype for s in specs}) > 1:
            raise TypeError(f"{self.name}: expected inputs of one dtype, got {', '.join(map(str, specs))}")
        return [Spec.of(self.shape(specs, attrs), specs[0].dtype)]

    def shape(self, specs: Sequence[Spec], attrs: dict[str, Any]) -> Sequence[Dim]:
        """Shape of the output."""
        raise NotImplementedError

    def cost(self, node: Node) -> Cost:
        return Cost(0, super().cost(node).bytes)


def ends(node: Node) -> tuple[Value, Value, tuple[int, ...], tuple[int, ...]]:
    """x, y and their shapes."""
    x, y = node.inputs[0], node.output
    assert x is not None
    return x, y, x.spec.sizes, y.spec.sizes


def one(name: str, inputs: Sequence[Any], **attrs: Any) -> Value:
    """Emit a node with one output."""
    value = emit(name, inputs, **attrs)
    assert isinstance(value, Value)
    return value
