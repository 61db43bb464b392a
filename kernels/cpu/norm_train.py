"""Batch normalisation over the last axis with the statistics of the batch, and its gradient.

::

    y  = gamma · xhat + beta                 mean, var: those of x, m values a channel
    dx = gamma · invstd · (dy - dbeta / m - xhat · dgamma / m)

with the names, the tables and the periods of `norm`.

**Activation.**  An addition and a relu or clip that follow take their turn while y is in registers::

    y = min(max(gamma · xhat + beta + res, low), high)         NaN, which nothing exceeds, for no bound

Without a residual its mask need not be read again: the gradient's kernels compute y from x as the forward pass did, and
take dy for 0 where y is at a bound.  Since they have y, they can write it once more for others, who then need not keep
it (`again`).

**Lines.**  y and the residual may lie inside a border: then loops go line by line, a line being a row of pixels.
Otherwise a line is as many periods as a task computes.

**Moments.**  Rows are split into blocks that stay in cache.  Each block computes its mean, then its sum of squares
about that mean, so x comes from memory once and nothing cancels; blocks are then combined, in order and in float64
(Chan, Golub and LeVeque 1983)::

    mean = sum m_b · mean_b / m              m · var = sum (squares_b + m_b · (mean_b - mean)²)

**Memory.**  These kernels do little with each number, so how fast they are is how fast numbers come.  To ask for them
`AHEAD`, and for the memory that is going to be written, is worth a sixth of the time where they come from L3 and a
quarter where they come from memory (Cascade Lake); where they are in L2 it costs next to nothing.
"""

import numpy as np

from ..compiler import In, InOut, Out, device, f32, i64, kernel
from ..generators import fetch, fetch_to_write, root
from .norm import AHEAD, ONE, ZERO, folded, passed, repeated, total


@device
def line_start(line, h, image, row):
    """Where a line of an image of h lines begins."""
    return line // h * image + line % h * row


@device
def clamped(v, low, high):
    """v between two bounds; NaN stays NaN."""
    v = low if v < low else v
    return high if v > high else v


@kernel
def normalize(
    x: In, table: In, res: In, y: Out, added: i64, low: f32, high: f32, n: i64, period: i64,
    length: i64, lines: i64, h: i64, res_image: i64, res_row: i64, y_image: i64, y_row: i64, lo: i64, hi: i64,
):  # fmt: skip
    """y = clamped((x - table 0) · table 1 + table 2, plus res if `added`); one task computes `lines` lines."""
    for line in range(lo * lines, min(hi * lines, (n + length - 1) // length)):
        x0, r0, y0 = line * length, line_start(line, h, res_image, res_row), line_start(line, h, y_image, y_row)
        size = min(length, n - x0)
        for i in range(0, size, period):
            count, xi, ri, yi = min(period, size - i), x0 + i, r0 + i, y0 + i
            fetch(x, xi + AHEAD, count)
            fetch_to_write(y, yi + AHEAD, count)
            if added:
                for j in range(count):
                    v = (x[xi + j] - table[j]) * table[period + j] + table[2 * period + j]
                    y[yi + j] = clamped(v + res[ri + j], low, high)
            else:
                for j in range(count):
                    v = (x[xi + j] - table[j]) * table[period + j] + table[2 * period + j]
                    y[yi + j] = clamped(v, low, high)


@kernel
def normalize_dx(
    x: In, dy: In, table: In, dx: Out, low: f32, high: f32, n: i64, period: i64,
    length: i64, lines: i64, h: i64, dx_image: i64, dx_row: i64, lo: i64, hi: i64,
):  # fmt: skip
    """dx = dy · table 1 + (x - table 0) · table 3 + table 4 with dy `passed`; table 2 is beta.

    One task computes `lines` lines.
    """
    for line in range(lo * lines, min(hi * lines, (n + length - 1) // length)):
        x0, d0 = line * length, line_start(line, h, dx_image, dx_row)
        size = min(length, n - x0)
        for i in range(0, size, period):
            count, xi, di = min(period, size - i), x0 + i, d0 + i
            fetch(x, xi + AHEAD, count)
            fetch(dy, xi + AHEAD, count)
            for j in range(count):
                scale, centred = table[period + j], x[xi + j] - table[j]
                d = passed(dy[xi + j], centred * scale + table[2 * period + j], low, high)
                dx[di + j] = d * scale + centred * table[3 * period + j] + table[4 * period + j]


@kernel
def moments(x: In, parts: Out, m: i64, c: i64, reps: i64, rows: i64, lo: i64, hi: i64):
    """Mean, and squares about it, of a block of `rows` rows; one task does one block.

    parts: for each block one period of means, then one whose first c numbers are the squares.
    """
    period = c * reps
    for block in range(lo, hi):
        count = min(rows, m - block * rows)
        x0, n = block * rows * c, count * c
        mean, squares = 2 * block * period, (2 * block + 1) * period
        for j in range(2 * period):
            parts[mean + j] = ZERO
        whole = n - n % (4 * period)
        for i in range(x0, x0 + whole, 4 * period):
            for j in range(period):
                a, b = x[i + j] + x[i + period + j], x[i + 2 * period + j] + x[i + 3 * period + j]
                parts[mean + j] += a + b
        for i in range(x0 + whole, x0 + n, period):
            for j in range(min(period, x0 + n - i)):
                parts[mean + j] += x[i + j]
        folded(parts, mean, c, reps)
        for j in range(c):
            parts[mean + j] /= np.float32(count)
        repeated(parts, mean, c, reps)
        for i in range(x0, x0 + whole, 4 * period):
            for j in range(period):
                centre = parts[mean + j]
                d0, d1 = x[i + j] - centre, x[i + period + j] - centre
                d2, d3 = x[i + 2 * period + j] - centre, x[i + 3 * period + j] - centre
                parts[squares + j] += (d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3)
        for i in range(x0 + whole, x0 + n, period):
            for j in range(min(period, x0 + n - i)):
                d = x[i + j] - parts[mean + j]
                parts[squares + j] += d * d
        folded(parts, squares, c, reps)


@kernel
def combine_moments(
    parts: In, gamma: In, beta: In, mean: Out, var: Out, table: Out,
    m: i64, c: i64, reps: i64, rows: i64, epsilon: f32, lo: i64, hi: i64,
):  # fmt: skip
    """Mean, variance and the table of `normalize` (mean, scale, beta); one task combines one channel."""
    period = c * reps
    blocks = (m + rows - 1) // rows
    for j in range(lo, hi):
        total = 0.0
        for b in range(blocks):
            total += min(rows, m - b * rows) * np.float64(parts[2 * b * period + j])
        centre = total / m
        total = 0.0
        for b in range(blocks):
            d = np.float64(parts[2 * b * period + j]) - centre
            total += np.float64(parts[(2 * b + 1) * period + j]) + min(rows, m - b * rows) * (d * d)
        mean[j] = np.float32(centre)
        var[j] = np.float32(total / m)
        scale = gamma[j] / root(var[j] + epsilon)
        for r in range(reps):
            table[r * c + j] = mean[j]
            table[period + r * c + j] = scale
            table[2 * period + r * c + j] = beta[j]


@kernel
def combine_dx(
    parts: In, gamma: In, var: In, dgamma: Out, dbeta: Out, table: InOut,
    m: i64, c: i64, reps: i64, blocks: i64, epsilon: f32, lo: i64, hi: i64,
):  # fmt: skip
    """dgamma, dbeta, and tables 3 and 4 of `normalize_dx` behind those of `products`; one task combines one channel."""
    period = c * reps
    for j in range(lo, hi):
        invstd = ONE / root(var[j] + epsilon)
        sum_dy = total(parts, j, 2 * period, blocks)
        sum_product = total(parts, period + j, 2 * period, blocks)
        dbeta[j] = np.float32(sum_dy)
        dgamma[j] = np.float32(sum_product) * invstd
        a = gamma[j] * invstd
        b = -(a * invstd * invstd) * np.float32(sum_product / m)
        d = -a * np.float32(sum_dy / m)
        for r in range(reps):
            table[3 * period + r * c + j] = b
            table[4 * period + r * c + j] = d
