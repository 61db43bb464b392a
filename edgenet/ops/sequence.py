"""What recurrent layers share: products of plain matrices, the order of steps, gradients of weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from edgenet.graph import Call, Node, Value, emit
from edgenet.kernels.cpu.movement import COPY_BLOCK, copy, fill

from .contraction import Contraction, Matrix, Operand


def matrices(a: Operand, b: Matrix, c: Operand, m: int, n: int, length: int, **more: Any) -> Contraction:
    """C[m, n] = A[m, length] · B[length, n] for a plain matrix A."""
    return Contraction(a, b, c, m, n, (1, max(m, 1)), (0, 0, length), (0, 0, n), runs=(0,), length=length, **more)


def is_fixed(matrix: Value) -> bool:
    """Whether a matrix is the same in every run."""
    return matrix.fixed and not matrix.graph.training


def zeroed(target: Operand, n: int) -> Call:
    """A call that writes n zeros."""
    return Call(fill, (target, n, 0.0), -(-n // COPY_BLOCK), 4.0 * n)


def copied(source: Operand, target: Operand, n: int) -> Call:
    """A call that copies n numbers."""
    return Call(copy, (source, target, n), -(-n // COPY_BLOCK), 8.0 * n)


def order(steps: int, reverse: bool) -> Iterator[tuple[int, int | None]]:
    """Each step and the one before it."""
    before = None
    for t in range(steps - 1, -1, -1) if reverse else range(steps):
        yield t, before
        before = t


def shaped(x: Value, shape: tuple[int, ...]) -> Value:
    """The same numbers under another shape."""
    y: Value = emit("reshape", [x], shape=shape)
    return y


def states_before(states: Value, first: Value | None, reverse: bool) -> Value:
    """The states that each step began with, from those that it ended with."""
    steps, n, h = states.spec.sizes
    begin = states.graph.constant(np.zeros((1, n, h), np.float32)) if first is None else first
    begin = shaped(begin, (1, n, h))
    if steps == 1:
        return begin
    limits = {"starts": (1 if reverse else None, None, None), "stops": (None if reverse else -1, None, None)}
    cut = emit("slice", [states], steps=(1, 1, 1), **limits)
    y: Value = emit("concat", [cut, begin] if reverse else [begin, cut], axis=0)
    return y


def pulled(node: Node, dp: Value) -> list[Value]:
    """Gradients of x, w and b from that of x·w + b."""
    x, w = node.inputs[:2]
    assert x is not None and w is not None
    (steps, n, i), parts = x.spec.sizes, w.shape[1]
    rows = emit("reshape", [dp], shape=(steps * n, parts))
    flat = emit("reshape", [x], shape=(steps * n, i))
    plain = {"activation": None}
    dx = emit("dense", [rows, w, None, None], transpose_x=False, transpose_w=True, **plain)
    dw = emit("dense", [flat, rows, None, None], transpose_x=True, transpose_w=False, **plain)
    return [emit("reshape", [dx], shape=x.shape), dw, emit("sum", [rows], axes=(0,), keepdims=False)]


def weight_gradient(before: Value, dq: Value) -> Value:
    """The gradient of r from the states that it met and the gradient of their products."""
    steps, n, h = before.spec.sizes
    a, b = emit("reshape", [before], shape=(steps * n, h)), emit("reshape", [dq], shape=(steps * n, dq.shape[2]))
    y: Value = emit("dense", [a, b, None, None], transpose_x=True, transpose_w=False, activation=None)
    return y
