"""Vector loops over a window of pixels: the heart of pooling, as Numba intrinsics.

An image is NHWC, so a window of rows × cols pixels is a grid of runs of channels::

    x0 ─▶ ┌───┬───┬───┐  │ row_step      pixel (i, j) of the window starts at x0 + i·row_step + j·col_step;
          ├───┼───┼───┤  ▼               nv vectors of `lanes` channels are read from each
          └───┴───┴───┘
           ──▶ col_step

Channels behind the last whole vector are done again with a vector that ends at the last channel, or with narrower
vectors (`kernels.cpu.pool`).  Windows of a common size that lie wholly inside the image are taken row by row, with all
their pixels written out (`max_row`, `route_row`); there few channels are one vector with a mask, if masks cost nothing.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
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


def _each(b: Any, windows: Any, starts: list[tuple[Any, Any]], c: Any, lanes: int,
          masked: bool) -> Iterator[tuple[list[Any], Any]]:  # fmt: skip
    """Write a loop over vectors of c channels, and inside over a row of windows.

    Gives the places of one vector in each operand, (first place, step from window to window) being one of `starts`, and
    a mask: if `masked` there is but one vector, of c lanes; else the last one ends at the last channel.
    """
    if masked:
        inner = simd.Loop(b, i64(0), windows, 1, [start for start, _ in starts])
        yield inner.values, simd.mask(b, c, lanes)
        inner.close([b.add(place, step) for place, (_, step) in zip(inner.values, starts, strict=True)])
        return
    outer = simd.Loop(b, i64(0), c, lanes, [])
    last = b.sub(c, i64(lanes))
    j = b.select(b.icmp_signed("<", outer.index, last), outer.index, last)
    inner = simd.Loop(b, i64(0), windows, 1, [b.add(start, j) for start, _ in starts])
    yield inner.values, None
    inner.close([b.add(place, step) for place, (_, step) in zip(inner.values, starts, strict=True)])
    outer.close([])


def _pixels(b: Any, place: Any, row: Any, pixel: Any, kh: int, kw: int) -> list[Any]:
    """The places of the pixels of a window, row by row."""
    return [b.add(b.add(place, b.mul(row, i64(i))), b.mul(pixel, i64(j))) for i in range(kh) for j in range(kw)]


@functools.cache
def max_row(kh: int, kw: int, lanes: int, masked: bool = False) -> Any:
    """The maxima of a row of windows of kh × kw pixels and at least `lanes` channels; if `masked`, at most so many.

    Arguments of the intrinsic::

    x, x0, x_row, x_pixel, x_step    y, y0, y_step    windows, c
    """

    def emit(context: Any, b: Any, signature: Any, args: Any) -> Any:
        x, x0, x_row, x_pixel, x_step, y, y0, y_step, windows, c = args
        for (place, target), only in _each(b, windows, [(x0, x_step), (y0, y_step)], c, lanes, masked):
            values = [simd.load(b, x, p, lanes, only) for p in _pixels(b, place, x_row, x_pixel, kh, kw)]
            simd.store(b, y, target, functools.reduce(functools.partial(_combine, b, "max"), values), only)
        return context.get_dummy_value()

    p, word = types.CPointer(types.float32), types.int64
    kinds = (p, *[word] * 4, p, *[word] * 4)
    return simd.make_intrinsic(f"max_row_{kh}x{kw}x{lanes}{'_masked' * masked}", types.none, kinds, emit)


def _routed(b: Any, v: Any, largest: Any, rest: Any) -> tuple[Any, Any]:
    """What a pixel of value v receives of `rest`, and what is left for the pixels to come."""
    zero = ir.Constant(v.type, [0.0] * v.type.count)
    hit = b.or_(b.fcmp_ordered("==", v, largest), b.fcmp_unordered("uno", v, v))
    return b.select(hit, rest, zero), b.select(hit, zero, rest)


@functools.cache
def route_row(kh: int, kw: int, lanes: int, masked: bool = False) -> Any:
    """`route_window` for a row of windows of kh × kw pixels that share none: dx is written, not added to.

    It is for at least `lanes` channels; if `masked`, for at most so many.

    Arguments of the intrinsic::

    x, x0, x_row, x_pixel, x_step    dx, dx0, dx_row, dx_pixel, dx_step    y, y0, y_step    dy, dy0, dy_step
    windows, c
    """

    def emit(context: Any, b: Any, signature: Any, args: Any) -> Any:
        x, x0, x_row, x_pixel, x_step, dx, dx0, dx_row, dx_pixel, dx_step, y, y0, y_step, dy, dy0, dy_step = args[:16]
        starts = [(x0, x_step), (dx0, dx_step), (y0, y_step), (dy0, dy_step)]
        for (place, target, value, gradient), only in _each(b, args[16], starts, args[17], lanes, masked):
            largest, rest = simd.load(b, y, value, lanes, only), simd.load(b, dy, gradient, lanes, only)
            sources = [simd.load(b, x, p, lanes, only) for p in _pixels(b, place, x_row, x_pixel, kh, kw)]
            for v, at in zip(sources, _pixels(b, target, dx_row, dx_pixel, kh, kw), strict=True):
                given, rest = _routed(b, v, largest, rest)
                simd.store(b, dx, at, given, only)
        return context.get_dummy_value()

    p, word = types.CPointer(types.float32), types.int64
    kinds = (*[p, word, word, word, word] * 2, *[p, word, word] * 2, word, word)
    return simd.make_intrinsic(f"route_row_{kh}x{kw}x{lanes}{'_masked' * masked}", types.none, kinds, emit)


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
        largest, rest = simd.load(b, y, y0, lanes), simd.load(b, dy, dy0, lanes)
        outer = simd.Loop(b, i64(0), rows, 1, [x0, dx0, rest])
        row, target, rest = outer.values
        inner = simd.Loop(b, i64(0), cols, 1, [row, target, rest])
        pixel, place, rest = inner.values
        v, before = simd.load(b, x, pixel, lanes), simd.load(b, dx, place, lanes)
        given, rest = _routed(b, v, largest, rest)
        simd.store(b, dx, place, b.fadd(before, given, flags=simd.FAST))
        carried = inner.close([b.add(pixel, x_col), b.add(place, dx_col), rest])
        outer.close([b.add(row, x_row), b.add(target, dx_row), carried[2]])
        return context.get_dummy_value()

    p, word = types.CPointer(types.float32), types.int64
    kinds = (p, word, word, word, p, word, word, word, word, word, p, word, p, word)
    return simd.make_intrinsic(f"route_window_{lanes}", types.none, kinds, emit)
