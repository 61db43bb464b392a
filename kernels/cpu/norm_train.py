"""Batch normalisation over the last axis with the statistics of the batch, and its gradient.

::

    y  = gamma · xhat + beta                 mean, var: those of x, m values a channel
    dx = gamma · invstd · (dy - dbeta / m - xhat · dgamma / m)

with the names, the tables and the periods of `norm`.

**Activation.**  An addition and a relu or clip that follow take their turn while y is in registers::

    y = min(max(gamma · xhat + beta + res, low), high)         NaN, which nothing exceeds, for no bound

Without a residual its mask need not be read again: the gradient's kernels compute y from x as the forward pass did, and
take dy for 0 where y is at a bound.

**Moments.**  A block's rows are summed a few at a time, and these read once more, from L1, for their squares about
their mean: so x comes from memory once and nothing cancels (`kernels.norm_strips`).  Blocks are then combined, in order
and in float64; each has m_b rows in as many parts as a period has rows (Chan, Golub and LeVeque 1983)::

    mean = sum sums_b / m              m · var = sum (squares_b + m_b · (sums_b / m_b - mean)²)
"""

import numpy as np

from ..compiler import In, InOut, Out, f32, i64, kernel, vector_kernel
from ..generators import norm_dx_walk, norm_moments, norm_moments_total, root
from .norm import LANES, ONE, VECTORS, clear_sums, repeated, total

walk, add_moments = norm_dx_walk(VECTORS, LANES), norm_moments(VECTORS, LANES)
moments_total = norm_moments_total(1, LANES)


@vector_kernel
def normalize_dx(
    x: In, dy: In, table: In, dx: Out, low: f32, high: f32, n: i64, period: i64,
    length: i64, lines: i64, h: i64, dx_image: i64, dx_row: i64, lo: i64, hi: i64,
):  # fmt: skip
    """dx = dy · table 1 + (x - table 0) · table 3 + table 4 with dy `passed`; table 2 is beta.

    One task computes `lines` lines.
    """
    line, end = lo * lines, min(hi * lines, (n + length - 1) // length)
    while line < end:
        x0, image, row = line * length, line // h, line % h
        count, d0 = min(h - row, end - line), image * dx_image + row * dx_row
        walk(x, dy, x0, dx, d0, dx_row, count, min(length, n - x0), period, table, low, high)
        line += count


@vector_kernel
def moments(x: In, parts: Out, m: i64, c: i64, reps: i64, rows: i64, blocks: i64, lo: i64, hi: i64):
    """Sums of a block of `rows` rows, and squares about their mean, for each column of a period; one task: a block.

    parts: for each block one period of sums, and one of squares; behind them all, for each block and each row of a
    period, how many rows these are of.
    """
    period = c * reps
    for block in range(lo, hi):
        sums, first = 2 * block * period, block * rows
        count = min(rows, m - first)
        clear_sums(parts, sums, 2 * period)
        for r in range(reps):
            parts[2 * blocks * period + block * reps + r] = np.float32((count + reps - 1 - r) // reps)
        add_moments(x, first * c, count * c, period, parts, sums)


@kernel
def combine_moments(
    parts: In, gamma: In, beta: In, mean: Out, var: Out, table: Out, m: i64, c: i64, reps: i64, blocks: i64,
    epsilon: f32, lo: i64, hi: i64,
):  # fmt: skip
    """Mean, variance and the table of `normalize` (mean, scale, beta); one task combines LANES channels."""
    period = c * reps
    for j in range(lo * LANES, min(hi * LANES, c), LANES):
        n = min(LANES, c - j)
        moments_total(parts, j, blocks, 2 * period, reps, c, period, 2 * blocks * period, m, mean, var, j, n)
        for i in range(j, j + n):
            table[i] = mean[i]
            table[period + i] = gamma[i] / root(var[i] + epsilon)
            table[2 * period + i] = beta[i]
        for k in range(3):
            repeated(table, k * period, c, reps, j, n)


@kernel
def combine_dx(
    parts: In, gamma: In, var: In, dgamma: Out, dbeta: Out, table: InOut,
    m: i64, c: i64, reps: i64, blocks: i64, epsilon: f32, lo: i64, hi: i64,
):  # fmt: skip
    """dgamma, dbeta, and tables 3 and 4 of `normalize_dx` behind those of `products`; one task: LANES channels."""
    period = c * reps
    for j in range(lo * LANES, min(hi * LANES, c), LANES):
        n = min(LANES, c - j)
        total(parts, j, blocks, 2 * period, reps, c, dbeta, j, n)
        total(parts, period + j, blocks, 2 * period, reps, c, dgamma, j, n)
        for i in range(j, j + n):
            invstd = ONE / root(var[i] + epsilon)
            dgamma[i] *= invstd
            a = gamma[i] * invstd / np.float32(m)
            table[3 * period + i] = -(a * invstd) * dgamma[i]
            table[4 * period + i] = -a * dbeta[i]
        for k in range(3, 5):
            repeated(table, k * period, c, reps, j, n)
