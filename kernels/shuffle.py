"""Moving numbers between the lanes of vectors, as Numba intrinsics."""

from __future__ import annotations

import functools
from typing import Any

from llvmlite import ir
from numba.core import types

from . import simd
from .simd import i32, i64


@functools.cache
def turn_tile(lanes: int) -> Any:
    """``y[y0 + i·sy + j] = x[x0 + i + j·sx]`` for i, j < lanes: a square tile turned in registers.

    Eklundh's method: exchange the off-diagonal quarters of every 2s × 2s block, for s = 1, 2, 4, …; of rows i and i + s
    (a and b) each step makes, in blocks of s lanes::

        a0 a1 a2 a3        a0 b0 a2 b2
        b0 b1 b2 b3   ──▶  a1 b1 a3 b3

    Source: Eklundh, "A Fast Computer Method for Matrix Transposing", 1972.  Arguments: x, x0, sx, y, y0, sy.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        b = builder
        x, x0, sx, y, y0, sy = args
        rows = [simd.load(b, x, b.add(x0, b.mul(sx, i64(j))), lanes) for j in range(lanes)]
        mask = ir.VectorType(i32, lanes)
        s = 1
        while s < lanes:
            upper = ir.Constant(mask, [k if not k & s else lanes + k - s for k in range(lanes)])
            lower = ir.Constant(mask, [k + s if not k & s else lanes + k for k in range(lanes)])
            for i in range(lanes):
                if not i & s:
                    pair = rows[i], rows[i + s]
                    rows[i], rows[i + s] = b.shuffle_vector(*pair, upper), b.shuffle_vector(*pair, lower)
            s *= 2
        for i, row in enumerate(rows):
            simd.store(b, y, b.add(y0, b.mul(sy, i64(i))), row)
        return context.get_dummy_value()

    p, word = types.CPointer(types.float32), types.int64
    return simd.make_intrinsic(f"turn_tile_{lanes}", types.none, (p, word, word, p, word, word), emit)


@functools.cache
def weave(n: int, lanes: int) -> Any:
    """``y[y0 + i·n + j] = x[x0 + i + j·sx]`` for i < lanes, j < n: n planes become one row of pixels.

    ::

        r0 r1 r2 …
        g0 g1 g2 …   ──▶   r0 g0 b0 r1 g1 b1 r2 …
        b0 b1 b2 …

    Arguments: x, x0, sx, y, y0.
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        b = builder
        x, x0, sx, y, y0 = args
        planes = [simd.load(b, x, b.add(x0, b.mul(sx, i64(j))), lanes) for j in range(n)]
        mask = ir.VectorType(i32, lanes)
        for k in range(n):  # the vectors of y, each made of two planes, then of one plane more at a time
            places = [divmod(k * lanes + e, n) for e in range(lanes)]
            out = b.shuffle_vector(planes[0], planes[1], ir.Constant(mask, [i + lanes * (j == 1) for i, j in places]))
            for more in range(2, n):
                lane = [lanes + i if j == more else e for e, (i, j) in enumerate(places)]
                out = b.shuffle_vector(out, planes[more], ir.Constant(mask, lane))
            simd.store(b, y, b.add(y0, i64(k * lanes)), out)
        return context.get_dummy_value()

    p, word = types.CPointer(types.float32), types.int64
    return simd.make_intrinsic(f"weave_{n}x{lanes}", types.none, (p, word, word, p, word), emit)
