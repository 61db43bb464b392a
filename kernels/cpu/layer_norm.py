"""Normalisation of each row by its own mean and variance, and its gradient.

::

    mean = sum x / c        var = sum (x - mean)² / c        r = 1 / √(var + epsilon)
    y = (x - mean)·r·gamma + beta

    with g = dy·gamma and z = (x - mean)·r:        dx = r·(g - sum g / c - z·sum g·z / c)

Without `center` the mean counts as 0, and its terms go (root mean square normalisation).  Rows are contiguous; a task
is `height` of them.  Source: Ba et al. 2016, arXiv:1607.06450; Zhang and Sennrich 2019, arXiv:1910.07467.
"""

import numpy as np

from ..compiler import In, Out, f32, i64, kernel
from ..generators import root

ZERO, ONE = np.float32(0), np.float32(1)


@kernel
def layer_norm(
    x: In, gamma: In, beta: In, y: Out, mean: Out, scale: Out, rows: i64, c: i64, height: i64, share: f32,
    epsilon: f32, center: i64, scaled: i64, shifted: i64, lo: i64, hi: i64,
):  # fmt: skip
    """Rows of y, and mean and 1 / √(var + epsilon) of each; `share` is 1 / c."""
    for row in range(lo * height, min(hi * height, rows)):
        p = row * c
        m = ZERO
        if center != 0:
            for j in range(c):
                m += x[p + j]
            m *= share
        v = ZERO
        for j in range(c):
            d = x[p + j] - m
            v += d * d
        r = ONE / root(v * share + epsilon)
        mean[row], scale[row] = m, r
        for j in range(c):
            y[p + j] = (x[p + j] - m) * r
        if scaled != 0:
            for j in range(c):
                y[p + j] *= gamma[j]
        if shifted != 0:
            for j in range(c):
                y[p + j] += beta[j]


@kernel
def layer_norm_dx(
    x: In, gamma: In, mean: In, scale: In, dy: In, dx: Out, rows: i64, c: i64, height: i64, share: f32,
    center: i64, scaled: i64, lo: i64, hi: i64,
):  # fmt: skip
    """Rows of dx."""
    for row in range(lo * height, min(hi * height, rows)):
        p, m, r = row * c, mean[row], scale[row]
        for j in range(c):
            dx[p + j] = dy[p + j] * gamma[j] if scaled != 0 else dy[p + j]
        total, product = ZERO, ZERO
        for j in range(c):
            total += dx[p + j]
            product += dx[p + j] * ((x[p + j] - m) * r)
        total = total * share if center != 0 else ZERO
        product *= share
        for j in range(c):
            dx[p + j] = r * (dx[p + j] - total - (x[p + j] - m) * r * product)
