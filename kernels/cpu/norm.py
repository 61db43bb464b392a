"""Batch normalisation over the last axis with given statistics, and its gradients.

After Ioffe and Szegedy 2015, arXiv:1502.03167::

    invstd = 1 / sqrt(var + epsilon)         xhat = (x - mean) · invstd         y = gamma · xhat + beta
    dbeta  = sum dy                          dgamma = sum dy · xhat             dx = gamma · invstd · dy

**Periods.**  x is m rows of c channels.  Whatever varies with the channel alone is repeated `reps` times in a *table*,
and loops walk down the columns of a *period* of `reps` rows, so that few channels fill vectors as well::

    table, reps = 3:   │ a0 a1 … │ a0 a1 … │ a0 a1 … │    against x:  │ row 0 │ row 1 │ row 2 │
                                                                      │ row 3 │ row 4 │ row 5 │

Strips of columns are walked down one after the other, their tables and sums in registers (`kernels.strips`).

**Lines.**  y and the residual may lie inside a border: then a line is a row of pixels, and an image has h lines.
Otherwise a line is as much as a task computes, and an image of its own.

**Sums.**  Rows are split into blocks that depend on sizes alone.  Each block adds up its own for each column of a
period, and these are added in order, in float64, so threads change no bit of the result.

**Memory.**  These kernels do little with each number, so how fast they are is how fast numbers come.  To ask for them
ahead, and for the memory that is going to be written, is worth a sixth of the time where they come from L3 and a
quarter where they come from memory (Cascade Lake).
"""

import numpy as np

from ..compiler import In, Out, device, f32, i64, kernel, vector_kernel
from ..generators import clear, norm_products, norm_total, norm_walk, root
from ..target import current

ZERO, ONE = np.float32(0), np.float32(1)
LANES = current().lanes
#: vectors of a strip: five tables, two bounds and three more numbers have a register each, or three tables and two sums
VECTORS = 4 if current().registers >= 32 else 2
STRIP = VECTORS * LANES
#: numbers of a task of the elementwise kernels, about
BLOCK = 8192

walk, add_products = norm_walk(VECTORS, LANES), norm_products(VECTORS, LANES)
total, clear_sums = norm_total(1, LANES), clear(LANES)


@device
def repeated(table, at, c, reps, first, count):
    """Repeat `count` of the c numbers at table[at], from number `first` on, until there are reps times as many."""
    for r in range(1, reps):
        for j in range(first, first + count):
            table[at + r * c + j] = table[at + j]


@kernel
def frozen_scale(gamma: In, var: In, table: Out, c: i64, reps: i64, epsilon: f32, lo: i64, hi: i64):
    """The table of `normalize` that multiplies with gamma · invstd.  One task."""
    period = c * reps
    for j in range(c):
        table[j] = ZERO
        table[period + j] = gamma[j] / root(var[j] + epsilon)
        table[2 * period + j] = ZERO
    for k in range(3):
        repeated(table, k * period, c, reps, 0, c)


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
        repeated(table, k * period, c, reps, 0, c)


@vector_kernel
def normalize(
    x: In, table: In, res: In, y: Out, added: i64, low: f32, high: f32, n: i64, period: i64,
    length: i64, lines: i64, h: i64, res_image: i64, res_row: i64, y_image: i64, y_row: i64, lo: i64, hi: i64,
):  # fmt: skip
    """y = clamped((x - table 0) · table 1 + table 2, plus res if `added`); one task computes `lines` lines."""
    line, end = lo * lines, min(hi * lines, (n + length - 1) // length)
    while line < end:
        x0, image, row = line * length, line // h, line % h
        count, r0, y0 = min(h - row, end - line), image * res_image + row * res_row, image * y_image + row * y_row
        walk(x, x0, res, r0, res_row, y, y0, y_row, count, min(length, n - x0), period, table, added, low, high)
        line += count


@vector_kernel
def products(
    x: In, dy: In, table: In, parts: Out, y: Out, again: i64, low: f32, high: f32, n: i64, period: i64,
    length: i64, lines: i64, h: i64, y_image: i64, y_row: i64, lo: i64, hi: i64,
):  # fmt: skip
    """Sums of dy and of dy · (x - table 0) over a block of `lines` lines, with dy `passed`; one task does one block.

    Table 1 is the scale, table 2 beta; y is what `normalize` makes of x with these, if `again`.  parts: for each block
    one period of the one sum, and one of the other.
    """
    for block in range(lo, hi):
        sums, line, end = 2 * block * period, block * lines, min((block + 1) * lines, (n + length - 1) // length)
        clear_sums(parts, sums, 2 * period)
        while line < end:
            x0, image, row = line * length, line // h, line % h
            count, y0 = min(h - row, end - line), image * y_image + row * y_row
            run = min(length, n - x0)
            add_products(x, dy, x0, y, y0, y_row, count, run, period, table, parts, sums, again, low, high)
            line += count


@kernel
def combine_dw(
    parts: In, var: In, dgamma: Out, dbeta: Out, c: i64, reps: i64, blocks: i64, epsilon: f32, lo: i64, hi: i64
):  # fmt: skip
    """dgamma and dbeta; one task combines LANES channels."""
    period = c * reps
    for j in range(lo * LANES, min(hi * LANES, c), LANES):
        n = min(LANES, c - j)
        total(parts, j, blocks, 2 * period, reps, c, dbeta, j, n)
        total(parts, period + j, blocks, 2 * period, reps, c, dgamma, j, n)
        for i in range(j, j + n):
            dgamma[i] /= root(var[i] + epsilon)
