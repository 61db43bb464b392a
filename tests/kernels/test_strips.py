"""The walks over strips of columns, for every row of the target table, on whatever machine this is."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from edgenet.kernels.compiler import In, InOut, Kernel, Out, f32, i64
from edgenet.kernels.generators import (
    norm_dx_walk,
    norm_moments,
    norm_moments_total,
    norm_products,
    norm_total,
    norm_walk,
)
from edgenet.kernels.target import TABLE
from tolerance import tolerance

#: vectors of a strip and lanes
CASES = sorted({(vectors, t.lanes) for t in TABLE.values() for vectors in (2, 4)})
#: narrower than a strip, a strip, several, with columns behind the last, with rows behind the last
PERIODS = (1, 5, 8, 16, 31, 32, 64, 70, 128, 257)
SEEDS = range(60)
each_case = pytest.mark.parametrize(("vectors", "lanes"), CASES)
#: where numbers begin in what is around them, which must stay
AT, AROUND = 3, 77


def built(function, *parameters):
    function.__qualname__ = f"{function.__name__}_{'x'.join(map(str, parameters))}"
    return Kernel(function)


def around(a):
    """The numbers of an array with others around them."""
    return np.concatenate([np.full(AT, AROUND), np.ravel(a), np.full(AT + 70, AROUND)]).astype(np.float32)


def columns(a, period):
    """Rows of a line, the last of which may end early: NaN stands for what does not exist."""
    rows = -(-len(a) // period)
    return np.pad(a.astype(np.float64), (0, rows * period - len(a)), constant_values=np.nan).reshape(rows, period)


def problem(seed, longest=40):
    rng = np.random.default_rng(seed)
    period = PERIODS[seed % len(PERIODS)]
    run = int(rng.integers(0, longest) * period + rng.integers(0, period))
    return rng, period, run


@each_case
def test_moments(vectors, lanes):
    walk = norm_moments(vectors, lanes)

    def moments(x: In, x0: i64, run: i64, period: i64, parts: InOut, p0: i64, lo: i64, hi: i64):
        walk(x, x0, run, period, parts, p0)

    kernel = built(moments, vectors, lanes)
    for seed in SEEDS:
        rng, period, run = problem(seed, 300)
        x = rng.standard_normal(run).astype(np.float32) + np.float32(seed)
        parts = around(np.zeros(2 * period))
        kernel(around(x), AT, run, period, parts, AT, tasks=1)
        there = columns(x, period)
        sums = np.nansum(there, axis=0)
        mean = sums / np.maximum(np.isfinite(there).sum(axis=0), 1)
        want = np.concatenate([sums, np.nansum((there - mean) ** 2, axis=0)])
        assert_allclose(parts[AT : AT + 2 * period], want, *tolerance(np.float32, 20 * (1 + seed)), err_msg=f"{seed}")
        parts[AT : AT + 2 * period] = 0
        assert_array_equal(parts, around(np.zeros(2 * period)), err_msg=f"seed {seed}: written outside of the sums")


def gradient(rng, x, dy, table, period, low, high):
    """x - mean, y, and dy where y lies between the bounds; those that rounding could move over a bound get no dy."""
    mean, scale, beta = (np.resize(t, len(x)).astype(np.float64) for t in table[:3])
    centred = x.astype(np.float64) - mean
    y = centred * scale + beta
    near = np.minimum(np.abs(y - low), np.abs(y - high)) < 1e-4
    dy[near] = 0
    return centred, y, np.where(~(y <= low) & ~(y >= high), dy.astype(np.float64), 0)


BOUNDS = [(np.nan, np.nan), (0.0, np.nan), (-0.5, 0.75)]


def lines(rng, count, run):
    """An array in which `count` lines of `run` numbers lie apart, what it is filled with, and their distance."""
    step = run + int(rng.integers(0, 9))
    return np.full(AT + count * step + 80, AROUND, np.float32), step


def line_views(a, count, run, step):
    return [a[AT + i * step : AT + i * step + run] for i in range(count)]


@each_case
@pytest.mark.parametrize("again", [0, 1], ids=["sums", "y too"])
def test_products(vectors, lanes, again):
    walk = norm_products(vectors, lanes)

    def products(
        x: In, dy: In, x0: i64, y: Out, y0: i64, y_line: i64, count: i64, run: i64, period: i64, table: In,
        parts: InOut, p0: i64, again: i64, low: f32, high: f32, lo: i64, hi: i64,
    ):  # fmt: skip
        walk(x, dy, x0, y, y0, y_line, count, run, period, table, parts, p0, again, low, high)

    kernel = built(products, vectors, lanes)
    for seed in SEEDS:
        rng, period, run = problem(seed)
        count, (low, high) = int(rng.integers(1, 5)), BOUNDS[seed % 3]
        x, dy = rng.standard_normal((2, count, run)).astype(np.float32)
        table, before = (rng.standard_normal((k, period)).astype(np.float32) for k in (3, 2))
        wanted = [gradient(rng, *xy, table, period, low, high) for xy in zip(x, dy, strict=True)]
        parts, (y, y_line) = around(before), lines(rng, count, run)
        kernel(
            around(x), around(dy), AT, y, AT, y_line, count, run, period, table, parts, AT, again, low, high, tasks=1
        )
        want = before.astype(np.float64)
        for view, (centred, v, d) in zip(line_views(y, count, run, y_line), wanted, strict=True):
            want += [np.nansum(columns(a, period), axis=0) for a in (d, d * centred)]
            if again:
                assert_allclose(
                    view, np.fmin(np.fmax(v, low), high), *tolerance(np.float32, 30), err_msg=f"seed {seed}"
                )
                view[:] = AROUND
        sums = parts[AT : AT + 2 * period]
        assert_allclose(sums, np.ravel(want), *tolerance(np.float32, 80 * count), err_msg=f"seed {seed}")
        sums[:] = 0
        assert_array_equal(parts, around(np.zeros(2 * period)), err_msg=f"seed {seed}: written outside of the sums")
        assert_array_equal(y, AROUND, err_msg=f"seed {seed}: written outside of the lines")


@each_case
@pytest.mark.parametrize("added", [0, 1], ids=["plain", "residual"])
def test_normalize(vectors, lanes, added):
    walk = norm_walk(vectors, lanes)

    def normalize(
        x: In, x0: i64, res: In, r0: i64, r_line: i64, y: Out, y0: i64, y_line: i64, count: i64, run: i64, period: i64,
        table: In, added: i64, low: f32, high: f32, lo: i64, hi: i64,
    ):  # fmt: skip
        walk(x, x0, res, r0, r_line, y, y0, y_line, count, run, period, table, added, low, high)

    kernel = built(normalize, vectors, lanes)
    for seed in SEEDS:
        rng, period, run = problem(seed, 12)
        count, (low, high) = int(rng.integers(1, 5)), BOUNDS[seed % 3]
        x, more = rng.standard_normal((2, count, run)).astype(np.float32)
        table = rng.standard_normal((3, period)).astype(np.float32)
        (y, y_line), (res, r_line) = lines(rng, count, run), lines(rng, count, run)
        for view, line in zip(line_views(res, count, run, r_line), more, strict=True):
            view[:] = line
        args = (x0 := around(x), AT, res, AT, r_line, y, AT, y_line, count, run, period, table, added, low, high)
        kernel(*args, tasks=1)
        assert_array_equal(x0, around(x))
        mean, scale, beta = (np.resize(t, run).astype(np.float64) for t in table)
        want = (x - mean) * scale + beta + (more if added else 0)
        want = np.fmin(np.fmax(want, low), high)  # NaN is no bound
        for view, line in zip(line_views(y, count, run, y_line), want, strict=True):
            assert_allclose(view, line, *tolerance(np.float32, 30), err_msg=f"seed {seed}")
            view[:] = AROUND
        assert_array_equal(y, AROUND, err_msg=f"seed {seed}: written outside of the lines")


@each_case
@pytest.mark.parametrize("in_place", [False, True], ids=["apart", "in place"])
def test_normalize_dx(vectors, lanes, in_place):
    walk = norm_dx_walk(vectors, lanes)

    def normalize_dx(
        x: In, dy: In, x0: i64, dx: Out, d0: i64, d_line: i64, count: i64, run: i64, period: i64, table: In, low: f32,
        high: f32, lo: i64, hi: i64,
    ):  # fmt: skip
        walk(x, dy, x0, dx, d0, d_line, count, run, period, table, low, high)

    kernel = built(normalize_dx, vectors, lanes)
    for seed in SEEDS:
        rng, period, run = problem(seed, 12)
        count, (low, high) = int(rng.integers(1, 5)), BOUNDS[seed % 3]
        x, dy = rng.standard_normal((2, count, run)).astype(np.float32)
        table = rng.standard_normal((5, period)).astype(np.float32)
        wanted = [gradient(rng, *xy, table, period, low, high) for xy in zip(x, dy, strict=True)]
        passing = around(dy)
        dx, d_line = (passing, run) if in_place else lines(rng, count, run)
        kernel(around(x), passing, AT, dx, AT, d_line, count, run, period, table, low, high, tasks=1)
        scale, by_x, rest = (np.resize(t, run).astype(np.float64) for t in table[[1, 3, 4]])
        for view, (centred, _, d) in zip(line_views(dx, count, run, d_line), wanted, strict=True):
            assert_allclose(view, d * scale + centred * by_x + rest, *tolerance(np.float32, 40), err_msg=f"seed {seed}")
            view[:] = AROUND
        assert_array_equal(dx, AROUND, err_msg=f"seed {seed}: written outside of dx")


@pytest.mark.parametrize("lanes", sorted({t.lanes for t in TABLE.values()}))
def test_totals(lanes):
    add, combine = norm_total(1, lanes), norm_moments_total(1, lanes)

    def totals(
        parts: In, blocks: i64, block: i64, reps: i64, rep: i64, apart: i64, counts: i64, m: i64, total: Out, mean: Out,
        var: Out, o0: i64, n: i64, lo: i64, hi: i64,
    ):  # fmt: skip
        add(parts, 0, blocks, block, reps, rep, total, o0, n)
        combine(parts, 0, blocks, block, reps, rep, apart, counts, m, mean, var, o0, n)

    kernel = built(totals, lanes)
    for seed in range(30):
        rng = np.random.default_rng(seed)
        blocks, reps, n = int(rng.integers(1, 9)), int(rng.integers(1, 5)), int(rng.integers(1, lanes + 1))
        counts = rng.integers(0, 6, (blocks, reps))
        counts[0, 0] += 1
        numbers = [rng.standard_normal((count, n)) + seed for count in counts.ravel()]
        sums = np.array([v.sum(axis=0) for v in numbers])
        squares = np.array([((v - v.sum(axis=0) / max(len(v), 1)) ** 2).sum(axis=0) for v in numbers])
        laid = np.concatenate([sums.reshape(blocks, -1), squares.reshape(blocks, -1)], axis=1)
        parts = np.concatenate([laid.ravel(), counts.ravel()]).astype(np.float32)
        out = [np.full(lanes + 2 * AT, AROUND, np.float32) for _ in range(3)]
        sizes = (blocks, 2 * reps * n, reps, n, reps * n, 2 * blocks * reps * n, int(counts.sum()))
        kernel(parts, *sizes, *out, AT, n, tasks=1)
        every = np.concatenate(numbers)
        for got, want in zip(out, (sums.sum(axis=0), every.mean(axis=0), every.var(axis=0)), strict=True):
            assert_allclose(got[AT : AT + n], want, *tolerance(np.float32, 8 * (1 + seed)), err_msg=f"seed {seed}")
            got[AT : AT + n] = AROUND
            assert_array_equal(got, AROUND, err_msg=f"seed {seed}: written outside of the channels")
