"""The walks of batch normalisation, over strips of columns: Numba intrinsics, for `cpu.norm` and `cpu.norm_train`.

x0 and the like are where something begins in the array named before it; a `table` is a few rows of `period` numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir

from .simd import Loop, f32, i64
from .strips import LEAST, Strip, family, larger, minus, over, plus, times, walk

#: numbers that are summed before they are read once more: they stay in L1
SUMMED = 4096


def _moments(b: Any, vectors: int, lanes: int, x: Any, x0: Any, run: Any, period: Any, parts: Any, p0: Any) -> None:
    """Sums of the columns of some rows, and squares about their mean, added to those in parts.

    A few rows at a time are summed, then come from the cache for their squares about their mean; with a difference d of
    the means of n old and m new rows (Chan, Golub and LeVeque 1983)::

        sums[:] += new sums        squares[:] += new squares + n · m / (n + m) · d²
    """

    def strip(s: Strip, j: Any, _: Any, row: Any, lines: Any, rows: Any, ahead: Any) -> None:
        begin, p = b.add(x0, b.mul(row, period)), b.add(p0, j)
        loop = Loop(b, i64(0), rows, 1, [b.add(begin, j), *s.zeros()])
        at, *sums = loop.values
        sums = [plus(b, total, s.load(x, at, k)) for k, total in enumerate(sums)]
        _, *sums = loop.close([b.add(at, period), *sums])
        n, m = b.sitofp(row, f32), b.sitofp(rows, f32)
        by_rows = s.splat(over(b, f32(1), m))
        means = [times(b, total, by_rows) for total in sums]
        loop = Loop(b, i64(0), rows, 1, [b.add(begin, j), b.add(begin, ahead), *s.zeros()])
        at, fetched, *squares = loop.values
        s.fetch(x, fetched)
        apart = [minus(b, s.load(x, at, k), mean) for k, mean in enumerate(means)]
        squares = [s.muladd(d, d, total) for d, total in zip(apart, squares, strict=True)]
        _, _, *squares = loop.close([b.add(at, period), b.add(fetched, s.width), *squares])
        by_row = s.splat(over(b, f32(1), b.sitofp(larger(b, row, i64(1)), f32)))
        weight = s.splat(over(b, times(b, n, m), plus(b, n, m)))
        for k, (old, old_squares) in enumerate(zip(*s.tables(parts, p, period, 2), strict=True)):
            d = minus(b, means[k], times(b, old, by_row))
            both = s.muladd(times(b, d, weight), d, squares[k])
            s.store(parts, p, plus(b, old, sums[k]), k)
            s.store(parts, b.add(p, period), plus(b, old_squares, both), k)

    few = larger(b, b.sdiv(i64(SUMMED), period), i64(4 * LEAST))
    walk(b, vectors, lanes, i64(1), run, period, strip, few)


def _each_row(b: Any, lines: Any, rows: Any, moves: list[tuple[Any, Any, Any]], body: Callable[..., Any],
              sums: Sequence[Any] = ()) -> list[Any]:  # fmt: skip
    """Call `body` with places, each with its beginning, its step from row to row and from line to line, and with sums.

    It returns the new sums; those behind the last line are the result.
    """
    starts, steps, jumps = zip(*moves, strict=True)
    line = Loop(b, i64(0), lines, 1, [*starts, *sums])
    row = Loop(b, i64(0), rows, 1, line.values)
    new = body(*row.values) or []
    new = row.close([*(b.add(place, step) for place, step in zip(row.values, steps, strict=False)), *new])[len(moves) :]
    return line.close([*(b.add(p, jump) for p, jump in zip(line.values, jumps, strict=False)), *new])[len(moves) :]


def _places(b: Any, line: Any, row: Any, period: Any) -> Callable[..., tuple[Any, Any, Any]]:
    """What makes moves that begin so many lines and rows, and some numbers, behind a start."""

    def place(start: Any, jump: Any, behind: Any, step: Any = period) -> tuple[Any, Any, Any]:
        first = b.add(b.mul(line, jump), b.mul(row, period))
        return b.add(b.add(start, first), behind), step, jump

    return place


def _products(b: Any, vectors: int, lanes: int, x: Any, dy: Any, x0: Any, y: Any, y0: Any, y_line: Any, count: Any,
              run: Any, period: Any, table: Any, parts: Any, p0: Any, again: Any, low: Any,
              high: Any) -> None:  # fmt: skip
    """Sums of the columns of dy and of dy · (x - mean) in `count` lines of `run` numbers, added to those in parts.

    dy is `passed` by y = (x - mean) · scale + beta; the tables of these are one period each, and so are the sums.  What
    `normalize` made of x, y between the bounds, is written too if `again`.
    """

    def strip(s: Strip, j: Any, line: Any, row: Any, lines: Any, rows: Any, ahead: Any) -> None:
        p, tables = b.add(p0, j), s.tables(table, j, period, 3)
        lows, highs = s.splat(low), s.splat(high)
        place = _places(b, line, row, period)
        moves = [place(x0, run, j), place(y0, y_line, j)]
        moves += [place(x0, run, ahead, s.width), place(y0, y_line, ahead, s.width)]

        def write(with_y: bool) -> None:
            def body(xi: Any, yi: Any, xf: Any, yf: Any, *sums: Any) -> list[Any]:
                s.fetch(x, xf)
                s.fetch(dy, xf)
                if with_y:
                    s.fetch(y, yf, write=True)
                new = list(sums)
                for k, (mean, scale, beta) in enumerate(zip(*tables, strict=True)):
                    centred = minus(b, s.load(x, xi, k), mean)
                    v = s.muladd(centred, scale, beta)
                    d = s.passed(s.load(dy, xi, k), v, lows, highs)
                    new[k] = plus(b, new[k], d)
                    new[s.vectors + k] = s.muladd(d, centred, new[s.vectors + k])
                    if with_y:
                        s.store(y, yi, s.clamped(v, lows, highs), k)
                return new

            plain, product = s.tables(parts, p, period, 2)
            sums = _each_row(b, lines, rows, moves, body, [*plain, *product])
            for k in range(s.vectors):
                s.store(parts, p, sums[k], k)
                s.store(parts, b.add(p, period), sums[s.vectors + k], k)

        _if_else(b, again, write)

    walk(b, vectors, lanes, count, run, period, strip)


def _if_else(b: Any, flag: Any, write: Callable[[bool], None]) -> None:
    """Two versions of the code, of which `flag` tells which one runs."""
    with b.if_else(b.icmp_signed("!=", flag, i64(0))) as (then, otherwise):
        with then:
            write(True)
        with otherwise:
            write(False)


def _normalize(b: Any, vectors: int, lanes: int, x: Any, x0: Any, res: Any, r0: Any, r_line: Any, y: Any, y0: Any,
               y_line: Any, count: Any, run: Any, period: Any, table: Any, added: Any, low: Any,
               high: Any) -> None:  # fmt: skip
    """y = clamped((x - mean) · scale + beta, plus res if `added`), in `count` lines of `run` numbers."""

    def strip(s: Strip, j: Any, line: Any, row: Any, lines: Any, rows: Any, ahead: Any) -> None:
        tables = s.tables(table, j, period, 3)
        lows, highs = s.splat(low), s.splat(high)
        place = _places(b, line, row, period)

        moves = [place(x0, run, j), place(r0, r_line, j), place(y0, y_line, j)]
        moves += [place(x0, run, ahead, s.width), place(y0, y_line, ahead, s.width)]

        def write(with_res: bool) -> None:
            def body(xi: Any, ri: Any, yi: Any, xf: Any, yf: Any) -> None:
                s.fetch(x, xf)
                s.fetch(y, yf, write=True)
                for k, (mean, scale, beta) in enumerate(zip(*tables, strict=True)):
                    v = s.muladd(minus(b, s.load(x, xi, k), mean), scale, beta)
                    v = plus(b, v, s.load(res, ri, k)) if with_res else v
                    s.store(y, yi, s.clamped(v, lows, highs), k)

            _each_row(b, lines, rows, moves, body)

        _if_else(b, added, write)

    walk(b, vectors, lanes, count, run, period, strip)


def _normalize_dx(b: Any, vectors: int, lanes: int, x: Any, dy: Any, x0: Any, dx: Any, d0: Any, d_line: Any, count: Any,
                  run: Any, period: Any, table: Any, low: Any, high: Any) -> None:  # fmt: skip
    """dx = d · scale + (x - mean) · table 3 + table 4, with d = dy `passed` by y = (x - mean) · scale + beta."""

    def strip(s: Strip, j: Any, line: Any, row: Any, lines: Any, rows: Any, ahead: Any) -> None:
        tables = s.tables(table, j, period, 5)
        lows, highs = s.splat(low), s.splat(high)
        place = _places(b, line, row, period)

        def body(xi: Any, di: Any, xf: Any) -> None:
            s.fetch(x, xf)
            s.fetch(dy, xf)
            for k, (mean, scale, beta, by_x, rest) in enumerate(zip(*tables, strict=True)):
                centred = minus(b, s.load(x, xi, k), mean)
                d = s.passed(s.load(dy, xi, k), s.muladd(centred, scale, beta), lows, highs)
                s.store(dx, di, s.muladd(d, scale, s.muladd(centred, by_x, rest)), k)

        moves = [place(x0, run, j), place(d0, d_line, j), place(x0, run, ahead, s.width)]
        _each_row(b, lines, rows, moves, body)

    walk(b, vectors, lanes, count, run, period, strip)


def _wide_total(s: Strip, parts: Any, p0: Any, blocks: Any, block: Any, reps: Any, rep: Any,
                of: Callable[[Any, Any], Any]) -> Any:  # fmt: skip
    """Sum, in float64, of what `of` makes of a place and of its number, over `reps` places of each of `blocks`."""
    b, zero = s.b, ir.Constant(ir.VectorType(ir.DoubleType(), s.lanes), [0.0] * s.lanes)
    outer = Loop(b, i64(0), blocks, 1, [p0, i64(0), zero])
    inner = Loop(b, i64(0), reps, 1, outer.values)
    at, number, total = inner.values
    total = plus(b, total, of(at, number))
    _, number, total = inner.close([b.add(at, rep), b.add(number, i64(1)), total])
    return outer.close([b.add(outer.values[0], block), number, total])[2]


def _wide(s: Strip, values: Any) -> Any:
    return s.b.fpext(values, ir.VectorType(ir.DoubleType(), s.lanes))


def _total(b: Any, vectors: int, lanes: int, parts: Any, p0: Any, blocks: Any, block: Any, reps: Any, rep: Any,
           out: Any, o0: Any, n: Any) -> None:  # fmt: skip
    """The sum, in float64, of `reps` rows `rep` apart in each of `blocks` blocks that lie `block` apart; n columns."""
    s = Strip(b, vectors, lanes, n)
    total = _wide_total(s, parts, p0, blocks, block, reps, rep, lambda at, _: _wide(s, s.load(parts, at)))
    s.store(out, o0, b.fptrunc(total, s.kind))


def _moments_total(b: Any, vectors: int, lanes: int, parts: Any, p0: Any, blocks: Any, block: Any, reps: Any, rep: Any,
                   apart: Any, counts: Any, m: Any, mean: Any, var: Any, o0: Any, n: Any) -> None:  # fmt: skip
    """Mean and variance of m numbers from sums, and squares about their means `apart` from them; n columns.

    counts: where in parts it says how many numbers each sum is of, one behind the other.
    """
    s, double = Strip(b, vectors, lanes, n), ir.DoubleType()
    all_rows = s.splat(b.sitofp(m, double))

    def squares(at: Any, number: Any) -> Any:
        count = b.fpext(b.load(b.gep(parts, [b.add(counts, number)])), double)
        some = b.select(b.fcmp_ordered(">", count, double(0)), count, double(1))
        mean = times(b, _wide(s, s.load(parts, at)), s.splat(over(b, double(1), some)))
        d = minus(b, mean, centre)
        between = times(b, times(b, d, d), s.splat(count))
        return plus(b, _wide(s, s.load(parts, b.add(at, apart))), between)

    places = (parts, p0, blocks, block, reps, rep)
    centre = over(b, _wide_total(s, *places, lambda at, _: _wide(s, s.load(parts, at))), all_rows)
    s.store(mean, o0, b.fptrunc(centre, s.kind))
    s.store(var, o0, b.fptrunc(over(b, _wide_total(s, *places, squares), all_rows), s.kind))


norm_moments = family("norm_moments", "piiipi", _moments)
norm_products = family("norm_products", "ppipiiiiippiiff", _products)
norm_walk = family("norm_walk", "pipiipiiiiipiff", _normalize)
norm_dx_walk = family("norm_dx_walk", "ppipiiiiipff", _normalize_dx)
norm_total = family("norm_total", "piiiiipii", _total)
norm_moments_total = family("norm_moments_total", "piiiiiiiippii", _moments_total)
