"""The depthwise tiles: a few pixels, or a few taps, of one vector of channels; rows of windows."""

from __future__ import annotations

import functools
import itertools
from typing import Any

from llvmlite import ir
from numba.core import types

from .epilogue import activate, added, initial
from .simd import FAST, Loop, at, f32, i8, i64, llvm_call, load, make_intrinsic, mask, opaque, prefetch, store


@functools.cache
def taps_tile(px: int, lanes: int, partial: bool) -> Any:
    """The depthwise tile: px pixels of one vector of channels, as a Numba intrinsic.

    ::

        y[p, :] = act( bias + res[p, :] + sum over t of x[x0 + p·sx + xt[t], :] · w[wt[t] + j0, :] )
                                                                                     p < m, t0 <= t < t1

    With `partial` only the first `n` channels exist.  Per tap: one load of w, px loads of x, px multiply-adds, and px
    accumulators that stay in registers over all taps.  Arguments of the intrinsic::

        x, x0, sx    y, y0, sy    w, j0    xt, wt, t0, t1    bias, res    m, n    act, alpha, low, high
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        b = builder
        (x, x0, sx, y, y0, sy, w, j0, xt, wt, t0, t1, bias, res, m, n, act, alpha, low, high) = args
        only = mask(b, n, lanes) if partial else None
        vector = ir.VectorType(f32, lanes)
        rows = [(x0, y0)]
        for p in range(1, px):
            more = b.icmp_signed("<", i64(p), m)  # rows from m on repeat the last
            rows.append(tuple(b.add(r, b.select(more, s, i64(0))) for r, s in zip(rows[-1], (sx, sy), strict=True)))
        xs, ys = [r[0] for r in rows], [r[1] for r in rows]
        acc = initial(b, lambda: [only], bias, j0, res, ys, lanes)
        loop = Loop(b, t0, t1, 1, acc)
        weights = load(b, w, b.add(j0, b.load(b.gep(wt, [loop.index]))), lanes, only)
        offset = b.load(b.gep(xt, [loop.index]))
        fma, sums = f"llvm.fmuladd.v{lanes}f32", []
        for row, a in zip(xs, loop.values, strict=True):  # in turn: a Cortex-A72 begins a load and one more in a cycle
            sums.append(llvm_call(b, fma, vector, [load(b, x, b.add(row, offset), lanes, only), weights, a]))
        acc = activate(b, loop.close(sums), act, alpha, low, high, lanes)
        for p, row in enumerate(ys):
            with b.if_then(b.icmp_signed("<", i64(p), m), likely=True):
                store(b, y, row, acc[p], only)
        return context.get_dummy_value()

    p, table, word, real = types.CPointer(types.float32), types.CPointer(types.int64), types.int64, types.float32
    kinds = (p, word, word, p, word, word, p, word, table, table, word, word, p, p, word, word, word, real, real, real)
    return make_intrinsic(f"taps_{px}x{lanes}{'_partial' * partial}", types.none, kinds, emit)


@functools.cache
def window_rows(k: int, stride: int, rows: int, lanes: int, turned: bool = False, fetch: bool = False) -> Any:
    """`rows` rows of y for a k × k window, for one vector of channels, as a Numba intrinsic.

    ::

        y[r, p, :] = act( bias[:] + sum over i, e < k of x[r·s + i, p·s + e, :] · w[i·k + e, :] )     r < mr, p < m

             ──▶ columns of x
           ┌──┬──┬──┬──┬──┬──┐    Each pixel of x is loaded once, for all rows of y that it meets and for every window
      rows │  │  │  │▓▓│  │  │    of a row that it lies in: the sums of k // s windows side by side wait in registers
      ·s+k │  │  │  │▓▓│  │  │    for the columns to come.  With k = 3 and s = 1, 5 loads feed 27 multiply-adds of 3
       - s │  │  │  │▓▓│  │  │    rows; the weights, 9 sums and a pixel take 19 registers.
           └──┴──┴──┴──┴──┴──┘

    Rows from `mr` on read what the last one reads; they are stored where that one is, before it.  If `fetch`, the place
    of the next rows of y is brought into L2 meanwhile: in training it lies in memory, where x86 stores numbers half as
    fast.  ARM's cores do not read a line before they write all of it.

    If `turned`, the loop holds so many windows that sums are in the registers again in which they began, and none is
    moved from window to window: x86 moves registers for nothing, ARM's cores take a vector unit for it.  Arguments::

        x, x0, x_row, x_pixel    y, y0, y_row, y_pixel    w, w0, w_step    bias, j0    mr, m    act, alpha, low, high
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        b = builder
        (x, x0, x_row, x_pixel, y, y0, y_row, y_pixel, w, w0, w_step, bias, j0, mr, m, act, alpha, low, high) = args
        fma, vector = f"llvm.fmuladd.v{lanes}f32", ir.VectorType(f32, lanes)

        def places(first: Any, step: Any, count: int, last: Any) -> list[Any]:
            """first, first + step, …; those behind number `last` repeat it."""
            out = [first]
            for i in range(1, count):
                out.append(b.add(out[-1], b.select(b.icmp_signed("<=", i64(i), last), step, i64(0))))
            return out

        lines = places(x0, x_row, (rows - 1) * stride + k, b.add(b.mul(b.sub(mr, i64(1)), i64(stride)), i64(k - 1)))
        targets = places(y0, y_row, rows, b.sub(mr, i64(1)))
        weights = [load(b, w, b.add(w0, b.mul(w_step, i64(t))), lanes) for t in range(k * k)]
        (start,) = added(b, None, lambda: [None], bias, [ir.Constant(vector, [0.0] * lanes)], lambda _: j0, lanes)

        def feed(sums: list[list[Any]], column: int, shift: Any) -> None:
            """Add column number `column`, counted from the first of the windows of sums[0], to all that it meets."""
            for line, place in enumerate(lines):
                pixel = load(b, x, b.add(place, shift), lanes)
                for r, p in itertools.product(range(rows), range(len(sums))):
                    i, e = line - r * stride, column - p * stride
                    if 0 <= i < k and 0 <= e < k:
                        sums[p][r] = llvm_call(b, fma, vector, [pixel, weights[i * k + e], sums[p][r]])

        waiting = (k - 1) // stride  # windows that are begun before a window is finished
        sums = [[start] * rows for _ in range(waiting)]
        for column in range(k - stride):
            feed(sums, column, b.mul(x_pixel, i64(column)))

        turn = waiting + 1 if turned else 1
        whole = b.sub(m, b.srem(m, i64(turn)))
        carried = [i64(0), i64(0), *itertools.chain(*sums)]
        for begin, end, times in ((i64(0), whole, turn), (whole, m, 1))[: 2 if turn > 1 else 1]:
            loop = Loop(b, begin, end, times, carried)
            first, place, *flat = loop.values
            sums, done, stores = [flat[p * rows : (p + 1) * rows] for p in range(waiting)], list[Any](), list[Any]()
            for _ in range(times):
                sums.append([start] * rows)
                for column in range(k - stride, k):
                    feed(sums, column, b.add(first, b.mul(x_pixel, i64(column))))
                done += sums.pop(0)[::-1]
                stores += [b.add(target, place) for target in targets[::-1]]
                first, place = b.add(first, b.mul(x_pixel, i64(stride))), b.add(place, y_pixel)
            for where in stores if fetch else ():
                prefetch(b, b.gep(y, [b.add(where, b.mul(y_row, i64(rows)))]), 2)
            for where, value in zip(stores, activate(b, done, act, alpha, low, high, lanes), strict=True):
                store(b, y, where, value)
            carried = loop.close([first, place, *itertools.chain(*sums)])
        return context.get_dummy_value()

    p, word, real = types.CPointer(types.float32), types.int64, types.float32
    kinds = (p, *[word] * 3, p, *[word] * 3, p, word, word, p, *[word] * 3, word, real, real, real)
    return make_intrinsic(f"window_rows_{k}s{stride}_{rows}x{lanes}{'_turned' * turned}", types.none, kinds, emit)


@functools.cache
def window_blocks(lanes: int, fetch: bool = False) -> Any:
    """Input gradient of 3 × 3 windows with stride 2: `rows` × `m` blocks of 2 × 2 pixels of dx, one vector of channels.

    ::

        dx block at (2r, 2p)     sums of dy[·, ·] · w[tap], for 4 pixels of dy and 9 weights
        ┌────────┬────────┐      ┌───────────────────────────────────┬──────────────────────────┐
        │ corner │  edge  │      │ [r, p]·w00       + [r-1, p]·w20   │ [r, p]·w01 + [r-1, p]·w21│
        ├────────┼────────┤  =   │ + [r, p-1]·w02   + [r-1, p-1]·w22 │                          │
        │  edge  │ centre │      ├───────────────────────────────────┼──────────────────────────┤
        └────────┴────────┘      │ [r, p]·w10       + [r, p-1]·w12   │ [r, p]·w11               │
                                 └───────────────────────────────────┴──────────────────────────┘

    The weights stay in registers; a block takes 4 loads, 9 multiplications and 4 stores.  If `fetch`, the place of the
    block below is brought into the cache meanwhile: dx is mostly in none, and four times as large as dy.  Steps may be
    negative: an axis is walked from its end if that is where a corner lies.  Arguments of the intrinsic::

        dy, y0, y_row, y_pixel    dx, x0, x_row, x_pixel    w, w0, w_row, w_col    rows, m
    """
    taps = {0: ((0, 0), (1, 2)), 1: ((0, 1),)}  # of a row of the block: how far before lies dy, and the row of w

    def emit(context: Any, b: Any, signature: Any, args: Any) -> Any:
        dy, y0, y_row, y_pixel, dx, x0, x_row, x_pixel, w, w0, w_row, w_col, rows, m = args
        fma, vector = f"llvm.fmuladd.v{lanes}f32", ir.VectorType(f32, lanes)

        def place(start: Any, row: Any, i: int, pixel: Any, j: int) -> Any:
            return b.add(b.add(start, b.mul(row, i64(i))), b.mul(pixel, i64(j)))

        nine, four = (list(itertools.product(range(k), range(k))) for k in (3, 2))
        weights = {(i, j): load(b, w, place(w0, w_row, i, w_col, j), lanes) for i, j in nine}
        lines = Loop(b, i64(0), rows, 1, [y0, x0])
        blocks = Loop(b, i64(0), m, 1, lines.values)
        y, x = blocks.values
        pixels = {(i, j): load(b, dy, place(y, y_row, -i, y_pixel, -j), lanes) for i, j in four}
        for row, column in four:
            where, total = place(x, x_row, row, x_pixel, column), None
            if fetch:
                prefetch(b, b.gep(dx, [b.add(where, b.mul(x_row, i64(2)))]), 3, write=True)
            for (i, e), (j, f) in itertools.product(taps[row], taps[column]):
                terms = pixels[i, j], weights[e, f]
                total = b.fmul(*terms, flags=FAST) if total is None else llvm_call(b, fma, vector, [*terms, total])
            store(b, dx, where, total)
        blocks.close([b.add(y, y_pixel), b.add(x, b.mul(x_pixel, i64(2)))])
        y, x = lines.values
        lines.close([b.add(y, y_row), b.add(x, b.mul(x_row, i64(2)))])
        return context.get_dummy_value()

    p, word = types.CPointer(types.float32), types.int64
    return make_intrinsic(f"window_blocks_{lanes}", types.none, (p, *[word] * 3) * 3 + (word, word), emit)


@functools.cache
def window_gradient(k: int, stride: int, rows: int, lanes: int) -> Any:
    """The weight gradient of k × k windows from `rows` rows of dy, for one vector of channels, as a Numba intrinsic.

    ::

        dw[i·k + e, :] += sum over r < rows, p < m of x[r·s + i, p·s + e, :] · dy[r, p, :]

    The sums of all weights stay in registers.  Each pixel of x is loaded once, and multiplied with the pixels of dy of
    all windows that it lies in: those of the (k - 1) // s columns before are kept; m must be at least as many.
    Arguments of the intrinsic::

        x, x0, x_row, x_pixel    dy, y0, y_row, y_pixel    dw, dw0, dw_step    m
    """

    def emit(context: Any, b: Any, signature: Any, args: Any) -> Any:
        x, x0, x_row, x_pixel, dy, y0, y_row, y_pixel, dw, dw0, dw_step, m = args
        fma, vector = f"llvm.fmuladd.v{lanes}f32", ir.VectorType(f32, lanes)
        lines = [b.add(x0, b.mul(x_row, i64(i))) for i in range((rows - 1) * stride + k)]
        sources = [b.add(y0, b.mul(y_row, i64(r))) for r in range(rows)]
        places = [b.add(dw0, b.mul(dw_step, i64(t))) for t in range(k * k)]
        before = (k - 1) // stride

        def pixels(shift: Any) -> list[Any]:
            return [load(b, dy, b.add(source, shift), lanes) for source in sources]

        def feed(sums: list[Any], shift: Any, columns: dict[int, list[Any]]) -> list[Any]:
            """Add `stride` columns of x; columns[t] are the pixels of dy whose windows began t windows before them."""
            sums = list(sums)
            for column in range(stride):
                meets = [(column + t * stride, pixel) for t, pixel in columns.items() if column + t * stride < k]
                for line, start in enumerate(lines if meets else []):
                    v = load(b, x, b.add(b.add(start, shift), b.mul(x_pixel, i64(column))), lanes)
                    for (e, pixel), r in itertools.product(meets, range(rows)):
                        i = line - r * stride
                        if 0 <= i < k:
                            sums[i * k + e] = llvm_call(b, fma, vector, [v, pixel[r], sums[i * k + e]])
            return sums

        sums, x_step = [load(b, dw, place, lanes) for place in places], b.mul(x_pixel, i64(stride))
        kept: list[list[Any]] = []
        for p in range(before):  # windows that have fewer before them
            kept.insert(0, pixels(b.mul(y_pixel, i64(p))))
            sums = feed(sums, b.mul(x_step, i64(p)), dict(enumerate(kept)))
        starts = [b.mul(x_step, i64(before)), b.mul(y_pixel, i64(before))]
        loop = Loop(b, i64(before), m, 1, [*starts, *itertools.chain(*kept), *sums])
        shift, at, *flat = loop.values
        kept = [flat[t * rows : (t + 1) * rows] for t in range(before)]
        columns = dict(enumerate([pixels(at), *kept]))
        sums = feed(flat[before * rows :], shift, columns)
        kept = [columns[t] for t in range(before)]
        out = loop.close([b.add(shift, x_step), b.add(at, y_pixel), *itertools.chain(*kept), *sums])
        shift, _, *flat = out
        kept, sums = [flat[t * rows : (t + 1) * rows] for t in range(before)], flat[before * rows :]
        for u in range(before):  # columns of x behind the first of the last window
            sums = feed(sums, shift, {t + u + 1: kept[t] for t in range(before - u)})
            shift = b.add(shift, x_step)
        for place, value in zip(places, sums, strict=True):
            store(b, dw, place, value)
        return context.get_dummy_value()

    p, word = types.CPointer(types.float32), types.int64
    kinds = (p, *[word] * 3, p, *[word] * 3, p, *[word] * 3)
    return make_intrinsic(f"window_gradient_{k}s{stride}_{rows}x{lanes}", types.none, kinds, emit)


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
        only = mask(b, n, lanes) if partial else None
        last = b.sub(count, i64(1))
        numbers = [b.select(b.icmp_signed("<", i64(t), count), i64(t), last) for t in range(taps)]
        starts = [b.add(x0, b.load(b.gep(xt, [b.add(t0, t)]))) for t in numbers]
        places = [b.add(dw0, b.mul(t, sw)) for t in numbers]
        # One shift (in bytes) serves all taps; seeing it advance evenly, LLVM would step a pointer for each tap.
        pointers, step = [at(b, x, start, i8) for start in starts], b.mul(sx, i64(4))
        loop = Loop(b, i64(0), m, 1, [i64(0), y0, *(load(b, dw, place, lanes, only) for place in places)])
        shift, y, *acc = loop.values
        pixel = load(b, dy, y, lanes, only)
        fma, vector = f"llvm.fmuladd.v{lanes}f32", ir.VectorType(f32, lanes)
        sums = [
            llvm_call(b, fma, vector, [load(b, b.gep(pointer, [shift]), i64(0), lanes, only), pixel, a])
            for pointer, a in zip(pointers, acc, strict=True)
        ]
        _, _, *acc = loop.close([opaque(b, b.add(shift, step)), b.add(y, sy), *sums])
        for t, place in enumerate(places):
            with b.if_then(b.icmp_signed("<", i64(t), count), likely=True):
                store(b, dw, place, acc[t], only)
        return context.get_dummy_value()

    p, word = types.CPointer(types.float32), types.int64
    kinds = (p, word, word, p, word, word, p, word, word, types.CPointer(word), word, word, word, word)
    return make_intrinsic(f"taps_gradient_{taps}x{lanes}{'_partial' * partial}", types.none, kinds, emit)
