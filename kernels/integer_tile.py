"""The register tiles of quantised layers: integers of 16 bits multiplied, their products summed in 32 bits.

Both are drawn like their floating point siblings (`tile`, `taps`), with two differences.

**Zero points are gone.**  A and B hold x - x_zero and w - w_zero, numbers of 9 bits and a sign in int16.  Padding is 0
there, as it is for floats.

**k goes in pairs.**  One instruction multiplies pairs of int16 and adds the two products (pmaddwd, vpdpwssd; elsewhere
LLVM finds the next best)::

    acc[i][j] += A[i, k]·B[k, j] + A[i, k + 1]·B[k + 1, j]

A pair of A is one word of 32 bits that is broadcast; a panel of B has the two numbers of a pair side by side::

    k = 0, 1:  B[0, 0] B[1, 0]  B[0, 1] B[1, 1]  B[0, 2] B[1, 2] …        k = 2, 3:  …

A run of odd length ends with half a pair: B holds a zero there, and A whatever comes next.

The epilogue brings the sum to eight bits, rounding half to even by an addition of 1.5·2^23::

    y = clamp(round((acc + bias[j]) · scale[j]), low, high) + zero
"""

from __future__ import annotations

import functools
from typing import Any

from llvmlite import ir
from numba.core import types

from .simd import Loop, i32, i64, llvm_call, make_intrinsic, mask, splat
from .tile import place_of, row_offsets

i8, i16, f32 = ir.IntType(8), ir.IntType(16), ir.FloatType()
#: 1.5·2^23 and its bits: added to a small number it leaves the number, rounded, in the low bits
ROUND, ROUND_BITS = 12582912.0, 0x4B400000
#: a harmless flag keeps Numba from adding those that let LLVM reassociate, see `simd`
EXACT = ("nsz",)


def _vector(b: Any, base: Any, index: Any, kind: Any, lanes: int) -> Any:
    """`lanes` numbers of a kind at `index` of a pointer to such numbers."""
    where = b.bitcast(b.gep(base, [index]), ir.VectorType(kind, lanes).as_pointer())
    return b.load(where, align=kind.width // 8 if isinstance(kind, ir.IntType) else 4)


def _store(b: Any, base: Any, index: Any, value: Any, count: Any) -> None:
    """Store a vector, or its first `count` lanes where `count` is given."""
    kind, lanes = value.type.element, value.type.count
    where, align = b.bitcast(b.gep(base, [index]), value.type.as_pointer()), kind.width // 8
    if count is None:
        b.store(value, where, align=align)
    else:
        name = f"llvm.masked.store.v{lanes}i{kind.width}.p0"
        llvm_call(b, name, ir.VoidType(), [value, where, i32(align), mask(b, count, lanes)])


def _pairs(b: Any, x: Any, w: Any, acc: Any) -> Any:
    """acc[l] + x[2l]·w[2l] + x[2l + 1]·w[2l + 1] for vectors of int16."""
    lanes = acc.type.count
    wide = ir.VectorType(i32, 2 * lanes)
    products = b.mul(b.sext(x, wide), b.sext(w, wide))
    halves = [
        b.shuffle_vector(
            products,
            ir.Constant(wide, ir.Undefined),
            ir.Constant(ir.VectorType(i32, lanes), [2 * i + odd for i in range(lanes)]),
        )
        for odd in (0, 1)
    ]
    return b.add(acc, b.add(*halves))


def _requantised(b: Any, acc: Any, bias: Any, scale: Any, low: Any, high: Any, zero: Any) -> Any:
    """The epilogue: eight bits a lane; what is no number becomes `low`."""
    lanes = acc.type.count
    v = b.fmul(b.sitofp(b.add(acc, bias), ir.VectorType(f32, lanes)), scale, flags=EXACT)
    v = b.select(b.fcmp_ordered(">", v, low), v, low)
    v = b.select(b.fcmp_ordered("<", v, high), v, high)
    v = b.bitcast(b.fadd(v, splat(b, f32(ROUND), lanes), flags=EXACT), ir.VectorType(i32, lanes))
    return b.trunc(b.add(v, zero), ir.VectorType(i8, lanes))


def _constants(b: Any, scale: Any, bias: Any, limits: Any, lanes: int) -> tuple[Any, Any, Any]:
    """low, high and zero of the epilogue, which stand behind the scales and biases."""
    low, high = (splat(b, b.load(b.gep(scale, [b.add(limits, i64(i))])), lanes) for i in (0, 1))
    zero = b.sub(b.load(b.gep(bias, [limits])), i32(ROUND_BITS))
    return low, high, splat(b, zero, lanes)


@functools.cache
def integer_tile(mr: int, nv: int, lanes: int, requantised: bool, unroll: int = 2) -> Any:
    """The register tile of mr rows and nv vectors of `lanes` sums, as a Numba intrinsic.

    C holds int32 sums or, with `requantised`, numbers of eight bits.  Arguments of the intrinsic, in elements::

        i, m            number of the tile's first row in the grid, and rows that are stored: 1 <= m <= mr
        a, a0           A, and the offset of the grid's row 0
        c, c0           C, and the offset of the grid's row 0 and the tile's first column
        n               columns that are stored: 1 <= n <= nv·lanes
        (d1, d2)        sizes of the grid's two inner axes
        sa, sc          strides of A and of C over the three axes of the grid
        runs, nruns, pairs      the K loop: `pairs` pairs of A from each of runs[0 : nruns] on
        b, b0           the panel of B: nruns·pairs rows of nv·lanes pairs
        scale, bias, j0, limits     of column j at j0 + j; low and high at scale[limits :], zero at bias[limits]
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        b = builder
        words = [
            [b.extract_value(v, i) for i in range(t.count)] if isinstance(t, types.UniTuple) else v
            for v, t in zip(args, signature.args, strict=True)
        ]
        i, m, a, a0, c, c0, n, size, sa, sc, runs, nruns, pairs, panel, b0, scale, bias, j0, limits = words
        rows_a, rows_c = row_offsets(b, mr, m, place_of(b, i, size), size, [(a0, sa), (c0, sc)])
        acc = _reduce(b, a, rows_a, runs, nruns, pairs, b.gep(panel, [b0]), nv, lanes, unroll)
        if requantised:
            low, high, zero = _constants(b, scale, bias, limits, lanes)
            places = [b.add(j0, i64(j * lanes)) for j in range(nv)]
            biases = [_vector(b, bias, place, i32, lanes) for place in places]
            scales = [_vector(b, scale, place, f32, lanes) for place in places]
            acc = [_requantised(b, v, biases[e % nv], scales[e % nv], low, high, zero) for e, v in enumerate(acc)]
        full = b.icmp_signed("==", n, i64(nv * lanes))
        counts = [b.sub(n, i64(j * lanes)) for j in range(nv)]
        with b.if_else(full) as (whole, partial):
            for branch, limit in ((whole, [None] * nv), (partial, counts)):
                with branch:
                    for r, row in enumerate(rows_c):
                        with b.if_then(b.icmp_signed("<", i64(r), m), likely=True):
                            for j in range(nv):
                                _store(b, c, b.add(row, i64(j * lanes)), acc[r * nv + j], limit[j])
        return context.get_dummy_value()

    word, short = types.int64, types.CPointer(types.int16)
    target = types.CPointer(types.uint8 if requantised else types.int32)
    two, three = types.UniTuple(word, 2), types.UniTuple(word, 3)
    kinds = (word, word, short, word, target, word, word, two, three, three, types.CPointer(word), word, word, short,
             word, types.CPointer(types.float32), types.CPointer(types.int32), word, word)  # fmt: skip
    return make_intrinsic(f"integer_tile_{mr}x{nv}x{lanes}{'_byte' * requantised}", types.none, kinds, emit)


def _reduce(b: Any, a: Any, rows: list[Any], runs: Any, nruns: Any, pairs: Any, panel: Any, nv: int, lanes: int,
            unroll: int) -> list[Any]:  # fmt: skip
    """The K loop.  Per pair: nv vector loads, mr broadcasts, mr·nv multiply-adds."""
    zero = ir.Constant(ir.VectorType(i32, lanes), [0] * lanes)
    pointers = [b.gep(a, [row]) for row in rows]
    step_b = i64(2 * nv * lanes)

    def step(acc: list[Any], k: Any, b0: Any) -> list[Any]:
        vs = [_vector(b, panel, b.add(b0, i64(2 * j * lanes)), i16, 2 * lanes) for j in range(nv)]
        out = []
        for i, p in enumerate(pointers):
            pair = b.load(b.bitcast(b.gep(p, [k]), i32.as_pointer()), align=2)
            x = b.bitcast(splat(b, pair, lanes), ir.VectorType(i16, 2 * lanes))
            out += [_pairs(b, x, v, acc[i * nv + j]) for j, v in enumerate(vs)]
        return out

    outer = Loop(b, i64(0), nruns, 1, [i64(0), *[zero] * (len(rows) * nv)])
    b0, *acc = outer.values
    carried = [b.load(b.gep(runs, [outer.index])), b0, *acc]
    whole = b.and_(pairs, i64(-unroll))
    for start, stop, times in ((i64(0), whole, unroll), (whole, pairs, 1)):
        inner = Loop(b, start, stop, times, carried)
        k, b0, *acc = inner.values
        for _ in range(times):
            acc = step(acc, k, b0)
            k, b0 = b.add(k, i64(2)), b.add(b0, step_b)
        carried = inner.close([k, b0, *acc])
    _, b0, *acc = carried
    return outer.close([b0, *acc])[1:]


@functools.cache
def integer_taps(px: int, lanes: int, requantised: bool) -> Any:
    """The depthwise tile: px pixels of one vector of channels, as a Numba intrinsic.

    ::

        acc[p, :] = sum over t of x[x0 + p·sx + xt[t], :] · w[j0 + t·sw, :]     p < m, of n channels

    Whole vectors are read: behind the last channel, w holds zeros and x whatever comes next.  Arguments::

        x, x0, sx    y, y0, sy    w, j0, sw    xt, taps    scale, bias, limits    m, n
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        b = builder
        x, x0, sx, y, y0, sy, w, j0, sw, xt, taps, scale, bias, limits, m, n = args
        rows = [(x0, y0)]
        for p in range(1, px):
            more = b.icmp_signed("<", i64(p), m)  # rows from m on repeat the last
            rows.append(tuple(b.add(r, b.select(more, s, i64(0))) for r, s in zip(rows[-1], (sx, sy), strict=True)))
        wide = ir.VectorType(i32, lanes)
        loop = Loop(b, i64(0), taps, 1, [j0, *[ir.Constant(wide, [0] * lanes)] * px])
        at_w, *acc = loop.values
        weights = b.sext(_vector(b, w, at_w, i16, lanes), wide)
        offset = b.load(b.gep(xt, [loop.index]))
        pixels = [b.sext(_vector(b, x, b.add(row, offset), i16, lanes), wide) for row, _ in rows]
        sums = [b.add(a, b.mul(v, weights)) for v, a in zip(pixels, acc, strict=True)]
        acc = loop.close([b.add(at_w, sw), *sums])[1:]
        if requantised:
            low, high, zero = _constants(b, scale, bias, limits, lanes)
            column = _vector(b, bias, j0, i32, lanes), _vector(b, scale, j0, f32, lanes)
            acc = [_requantised(b, v, *column, low, high, zero) for v in acc]
        with b.if_else(b.icmp_signed("==", n, i64(lanes))) as (whole, partial):
            for branch, count in ((whole, None), (partial, n)):
                with branch:
                    for p, (_, row) in enumerate(rows):
                        with b.if_then(b.icmp_signed("<", i64(p), m), likely=True):
                            _store(b, y, row, acc[p], count)
        return context.get_dummy_value()

    word, short = types.int64, types.CPointer(types.int16)
    target = types.CPointer(types.uint8 if requantised else types.int32)
    kinds = (short, word, word, target, word, word, short, word, word, types.CPointer(word), word,
             types.CPointer(types.float32), types.CPointer(types.int32), word, word, word)  # fmt: skip
    return make_intrinsic(f"integer_taps_{px}x{lanes}{'_byte' * requantised}", types.none, kinds, emit)
