"""Batch normalisation over the last axis with given statistics, and its gradients.

After Ioffe and Szegedy 2015, arXiv:1502.03167::

    invstd = 1 / sqrt(var + epsilon)         xhat = (x - mean) · invstd         y = gamma · xhat + beta
    dbeta  = sum dy                          dgamma = sum dy · xhat             dx = gamma · invstd · dy

**Periods.**  x is m rows of c channels.  Loops over c numbers are short where c is small, so everything that varies
with the channel alone is repeated `reps` times in a *table*, and loops run over periods of `reps` rows at once::

    table, reps = 3:   │ a0 a1 … │ a0 a1 … │ a0 a1 … │    against x:  │ row 0 │ row 1 │ row 2 │

**Sums.**  Rows are split into blocks that depend on sizes alone.  Each block adds up its own, and the sums of the
blocks are added in order, in float64, so threads change no bit of the result.
"""

import numpy as np

from ..compiler import In, Out, device, f32, i64, kernel
from ..generators import fetch, root

ZERO, ONE = np.float32(0), np.float32(1)
#: numbers that a task of the elementwise kernels computes, about
BLOCK = 16384
#: how far ahead of their use numbers are fetched, and memory that is going to be written: 2 KiB
AHEAD = 512


@device
def repeated(table, at, c, reps):
    """Repeat c numbers at table[at] until there are reps times as many."""
    for r in range(1, reps):
        for j in range(c):
            table[at + r * c + j] = table[at + j]


@device
def folded(table, at, c, reps):
    """Add the repetitions of c numbers at table[at] to the first of them."""
    for r in range(1, reps):
        for j in range(c):
            table[at + j] += table[at + r * c + j]


@kernel
def scale_shift(
    gamma: In, beta: In, mean: In, var: In, table: Out, c: i64, reps: i64, epsilon: f32, lo: i64, hi: i64
):  # fmt: skip
    """Table of scale = gamma · invstd, then of shift = beta - mean · scale.  One task."""
    period = c * reps
    for j in range(c):
        scale = gamma[j] / root(var[j] + epsilon)
        table[j] = scale
        table[period + j] = beta[j] - mean[j] * scale
    repeated(table, 0, c, reps)
    repeated(table, period, c, reps)


@kernel
def frozen_scale(gamma: In, var: In, table: Out, c: i64, reps: i64, epsilon: f32, lo: i64, hi: i64):
    """Table of gamma · invstd.  One task."""
    for j in range(c):
        table[j] = gamma[j] / root(var[j] + epsilon)
    repeated(table, 0, c, reps)


@kernel
def mean_scale_beta(
    gamma: In, beta: In, mean: In, var: In, table: Out, c: i64, reps: i64, epsilon: f32, lo: i64, hi: i64
):  # fmt: skip
    """Table of the mean, of scale = gamma · invstd and of beta.  One task."""
    period = c * reps
    for j in range(c):
        table[j] = mean[j]
        table[period + j] = gamma[j] / root(var[j] + epsilon)
        table[2 * period + j] = beta[j]
    for k in range(3):
        repeated(table, k * period, c, reps)


@kernel
def scale_add(x: In, table: In, y: Out, n: i64, period: i64, periods: i64, lo: i64, hi: i64):
    """y = x · table 0 + table 1; one task computes `periods` periods."""
    for task in range(lo, hi):
        for i in range(task * periods * period, min(n, (task + 1) * periods * period), period):
            for j in range(min(period, n - i)):
                y[i + j] = x[i + j] * table[j] + table[period + j]


@kernel
def scale(x: In, table: In, y: Out, n: i64, period: i64, periods: i64, lo: i64, hi: i64):
    """y = x · table; one task computes `periods` periods."""
    for task in range(lo, hi):
        for i in range(task * periods * period, min(n, (task + 1) * periods * period), period):
            for j in range(min(period, n - i)):
                y[i + j] = x[i + j] * table[j]


@device
def passed(dy, y, low, high):
    """What goes back through `clamped`: dy where y is between the bounds, else 0."""
    return dy if (not y <= low) & (not y >= high) else ZERO


@kernel
def products(
    x: In, dy: In, table: In, parts: Out, low: f32, high: f32, m: i64, c: i64, reps: i64, rows: i64, lo: i64, hi: i64
):
    """Sums of dy and of dy · (x - table 0) over a block of `rows` rows, with dy `passed`; one task does one block.

    Table 1 is the scale, table 2 beta.  parts: for each block one period whose first c numbers are the one sum, and one
    of the other.
    """
    period = c * reps
    for block in range(lo, hi):
        x0, n = block * rows * c, min(rows, m - block * rows) * c
        plain, product = 2 * block * period, (2 * block + 1) * period
        for j in range(2 * period):
            parts[plain + j] = ZERO
        whole = n - n % (2 * period)
        for i in range(x0, x0 + whole, 2 * period):
            fetch(x, i + AHEAD, 2 * period)
            fetch(dy, i + AHEAD, 2 * period)
            for j in range(period):
                mean, scale, beta = table[j], table[period + j], table[2 * period + j]
                u, v = x[i + j] - mean, x[i + period + j] - mean
                d = passed(dy[i + j], u * scale + beta, low, high)
                e = passed(dy[i + period + j], v * scale + beta, low, high)
                parts[plain + j] += d + e
                parts[product + j] += d * u + e * v
        for i in range(x0 + whole, x0 + n, period):
            for j in range(min(period, x0 + n - i)):
                u = x[i + j] - table[j]
                d = passed(dy[i + j], u * table[period + j] + table[2 * period + j], low, high)
                parts[plain + j] += d
                parts[product + j] += d * u
        folded(parts, plain, c, reps)
        folded(parts, product, c, reps)


@device
def total(parts, at, step, blocks):
    """Sum over the blocks of parts[at + block · step], in float64."""
    out = 0.0
    for b in range(blocks):
        out += np.float64(parts[at + b * step])
    return out


@kernel
def combine_dw(
    parts: In, var: In, dgamma: Out, dbeta: Out, c: i64, reps: i64, blocks: i64, epsilon: f32, lo: i64, hi: i64
):  # fmt: skip
    """dgamma and dbeta; one task combines one channel."""
    period = c * reps
    for j in range(lo, hi):
        dbeta[j] = np.float32(total(parts, j, 2 * period, blocks))
        dgamma[j] = np.float32(total(parts, period + j, 2 * period, blocks)) / root(var[j] + epsilon)
