"""Vector loops over a window of pixels: the heart of pooling, as Numba intrinsics.

An image is NHWC, so a window of rows × cols pixels is a grid of runs of channels::

    x0 ─▶ ┌───┬───┬───┐  │ row_step      pixel (i, j) of the window starts at x0 + i·row_step + j·col_step;
          ├───┼───┼───┤  ▼               nv vectors of `lanes` channels are read from each
          └───┴───┴───┘
           ──▶ col_step

Nothing is masked: channels behind the last whole vector are done again with a vector that ends at the last channel, or
with narrower vectors (`kernels.cpu.pool`).
"""

from __future__ import annotations

import functools
import math
from typing import Any

from llvmlite import ir
from numba.core import types

from . import simd
from .simd import f32, i64


def _combine(b: Any, kind: str, acc: Any, v: Any) -> Any:
    """acc + v, or the larger of both; NaN if either is."""
    if kind == "sum":
        return b.fadd(acc, v, flags=simd.FAST)
    name = f"llvm.maximum.v{acc.type.count}f32"
    function = b.module.globals.get(name) or ir.Function(b.module, ir.FunctionType(acc.type, [acc.type] * 2), name)
    return b.call(function, [acc, v], fastmath=("nsz",))


@functools.cache
def reduce_window(kind: str, nv: int, lanes: int) -> Any:
    """``y[y0 + c] = scale · (sum over the window)`` or ``max over the window`` for nv·lanes channels c.

    The accumulators stay in registers.  A window without pixels gives 0, or -inf.  Arguments of the intrinsic::

        x, x0    rows, row_step    cols, col_step    y, y0    scale (of a sum)
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        b = builder
        x, x0, rows, row_step, cols, col_step, y, y0, scale = args
        start = ir.Constant(ir.VectorType(f32, lanes), [-math.inf if kind == "max" else 0.0] * lanes)
        outer = simd.Loop(b, i64(0), rows, 1, [x0, *[start] * nv])
        row, *acc = outer.values
        inner = simd.Loop(b, i64(0), cols, 1, [row, *acc])
        pixel, *acc = inner.values
        values = [simd.load(b, x, b.add(pixel, i64(j * lanes)), lanes) for j in range(nv)]
        acc = [_combine(b, kind, a, v) for a, v in zip(acc, values, strict=True)]
        _, *acc = inner.close([b.add(pixel, col_step), *acc])
        _, *acc = outer.close([b.add(row, row_step), *acc])
        for j, a in enumerate(acc):
            out = b.fmul(a, simd.splat(b, scale, lanes), flags=simd.FAST) if kind == "sum" else a
            simd.store(b, y, b.add(y0, i64(j * lanes)), out)
        return context.get_dummy_value()

    p, word = types.CPointer(types.float32), types.int64
    kinds = (p, word, word, word, word, word, p, word, types.float32)
    return simd.make_intrinsic(f"{kind}_window_{nv}x{lanes}", types.none, kinds, emit)


@functools.cache
def route_window(lanes: int) -> Any:
    """``dx[first pixel of the window where x is y] += dy`` for `lanes` channels: the gradient of a maximum.

    What is still to be given away is carried along: dy before the first hit, zero after it, so that later pixels which
    are as large receive zero.  Where y is NaN, the first NaN of x counts as a hit.  Arguments of the intrinsic::

        x, x0, x_row, x_col    dx, dx0, dx_row, dx_col    rows, cols    y, y0    dy, dy0
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        b = builder
        x, x0, x_row, x_col, dx, dx0, dx_row, dx_col, rows, cols, y, y0, dy, dy0 = args
        zero = ir.Constant(ir.VectorType(f32, lanes), [0.0] * lanes)
        largest, rest = simd.load(b, y, y0, lanes), simd.load(b, dy, dy0, lanes)
        outer = simd.Loop(b, i64(0), rows, 1, [x0, dx0, rest])
        row, target, rest = outer.values
        inner = simd.Loop(b, i64(0), cols, 1, [row, target, rest])
        pixel, place, rest = inner.values
        v, before = simd.load(b, x, pixel, lanes), simd.load(b, dx, place, lanes)
        hit = b.or_(b.fcmp_ordered("==", v, largest), b.fcmp_unordered("uno", v, v))
        simd.store(b, dx, place, b.fadd(before, b.select(hit, rest, zero), flags=simd.FAST))
        carried = inner.close([b.add(pixel, x_col), b.add(place, dx_col), b.select(hit, zero, rest)])
        outer.close([b.add(row, x_row), b.add(target, dx_row), carried[2]])
        return context.get_dummy_value()

    p, word = types.CPointer(types.float32), types.int64
    kinds = (p, word, word, word, p, word, word, word, word, word, p, word, p, word)
    return simd.make_intrinsic(f"route_window_{lanes}", types.none, kinds, emit)
