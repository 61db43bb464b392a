"""The depthwise tiles: a few pixels, or a few taps, of one vector of channels."""

from __future__ import annotations

import functools
from typing import Any

from llvmlite import ir
from numba.core import types

from .simd import Loop, at, f32, i1, i8, i64, llvm_call, load, make_intrinsic, opaque, store
from .tile import activate, initial


@functools.cache
def taps_tile(px: int, lanes: int, partial: bool) -> Any:
    """The depthwise tile: px pixels of one vector of channels, as a Numba intrinsic.

    ::

        y[p, :] = act( bias + res[p, :] + sum over t of x[x0 + p·sx + xt[t], :] · w[wt[t] + j0, :] )     p < m

    With `partial` only the first `n` channels exist.  Per tap: one load of w, px loads of x, px multiply-adds, and px
    accumulators that stay in registers over all taps.  Arguments of the intrinsic::

        x, x0, sx    y, y0, sy    w, j0    xt, wt, taps    bias, res    m, n    act, alpha, low, high
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        b = builder
        (x, x0, sx, y, y0, sy, w, j0, xt, wt, taps, bias, res, m, n, act, alpha, low, high) = args
        count = n if partial else None
        vector = ir.VectorType(f32, lanes)
        rows = [(x0, y0)]
        for p in range(1, px):
            more = b.icmp_signed("<", i64(p), m)  # rows from m on repeat the last
            rows.append(tuple(b.add(r, b.select(more, s, i64(0))) for r, s in zip(rows[-1], (sx, sy), strict=True)))
        xs, ys = [r[0] for r in rows], [r[1] for r in rows]
        full = ir.Constant(i1, 0 if partial else 1)
        acc = initial(b, full, [n], bias, j0, res, ys, lanes)
        loop = Loop(b, i64(0), taps, 1, acc)
        weights = load(b, w, b.add(j0, b.load(b.gep(wt, [loop.index]))), lanes, count)
        offset = b.load(b.gep(xt, [loop.index]))
        pixels = [load(b, x, b.add(row, offset), lanes, count) for row in xs]
        fma = f"llvm.fmuladd.v{lanes}f32"
        sums = [llvm_call(b, fma, vector, [v, weights, a]) for v, a in zip(pixels, loop.values, strict=True)]
        acc = activate(b, loop.close(sums), act, alpha, low, high, lanes)
        for p, row in enumerate(ys):
            with b.if_then(b.icmp_signed("<", i64(p), m), likely=True):
                store(b, y, row, acc[p], count)
        return context.get_dummy_value()

    p, table, word, real = types.CPointer(types.float32), types.CPointer(types.int64), types.int64, types.float32
    kinds = (p, word, word, p, word, word, p, word, table, table, word, p, p, word, word, word, real, real, real)
    return make_intrinsic(f"taps_{px}x{lanes}{'_partial' * partial}", types.none, kinds, emit)


@functools.cache
def taps_gradient(taps: int, lanes: int, partial: bool) -> Any:
    """The depthwise weight-gradient tile: `taps` taps of one vector of channels along one row of pixels.

    ::

        dw[t, :] += sum over p < m of x[x0 + xt[t] + p·sx, :] · dy[y0 + p·sy, :]        t < count

    dw lies at dw0 + t·sw; taps from `count` on are computed but not stored.  Arguments of the intrinsic::

        x, x0, sx    dy, y0, sy    dw, dw0, sw    xt, t0, count    m, n
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        b = builder
        (x, x0, sx, dy, y0, sy, dw, dw0, sw, xt, t0, count, m, n) = args
        limit = n if partial else None
        last = b.sub(count, i64(1))
        numbers = [b.select(b.icmp_signed("<", i64(t), count), i64(t), last) for t in range(taps)]
        starts = [b.add(x0, b.load(b.gep(xt, [b.add(t0, t)]))) for t in numbers]
        places = [b.add(dw0, b.mul(t, sw)) for t in numbers]
        # One shift (in bytes) serves all taps; seeing it advance evenly, LLVM would step a pointer for each tap.
        pointers, step = [at(b, x, start, i8) for start in starts], b.mul(sx, i64(4))
        loop = Loop(b, i64(0), m, 1, [i64(0), y0, *(load(b, dw, place, lanes, limit) for place in places)])
        shift, y, *acc = loop.values
        pixel = load(b, dy, y, lanes, limit)
        fma, vector = f"llvm.fmuladd.v{lanes}f32", ir.VectorType(f32, lanes)
        sums = [
            llvm_call(b, fma, vector, [load(b, b.gep(pointer, [shift]), i64(0), lanes, limit), pixel, a])
            for pointer, a in zip(pointers, acc, strict=True)
        ]
        _, _, *acc = loop.close([opaque(b, b.add(shift, step)), b.add(y, sy), *sums])
        for t, place in enumerate(places):
            with b.if_then(b.icmp_signed("<", i64(t), count), likely=True):
                store(b, dw, place, acc[t], limit)
        return context.get_dummy_value()

    p, word = types.CPointer(types.float32), types.int64
    kinds = (p, word, word, p, word, word, p, word, word, types.CPointer(word), word, word, word, word)
    return make_intrinsic(f"taps_gradient_{taps}x{lanes}{'_partial' * partial}", types.none, kinds, emit)
