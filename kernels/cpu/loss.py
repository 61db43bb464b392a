"""Losses from logits, one number a sample, and their gradients.

With z the logits of a sample, m = max z and s = sum e^(z - m)::

    sparse_softmax_cross_entropy  y = log s + m - z[label]            dz = (e^(z - m) / s - [j = label]) · dy
    softmax_cross_entropy         y = sum_j t[j] · (log s + m - z[j]) dz = (e^(z - m) / s · sum t - t[j]) · dy
    sigmoid_cross_entropy         y = log(1 + e^z) - t·z              dz = (sigmoid(z) - t) · dy

The last is written max(z, 0) - t·z + log(1 + e^-|z|), which cannot overflow.  A label outside [0, c) reads and writes
nothing out of bounds: its loss, and its row of dz, are NaN.

One task of the first two is `height` rows of z[n, c], one of the others BLOCK numbers.
"""

import numpy as np

from .. import math
from ..compiler import In, InI32, Out, device, i64, kernel
from .elementwise import BLOCK

ZERO, ONE, NAN = np.float32(0), np.float32(1), np.float32(np.nan)


@device
def highest(z, p, c):
    """The largest of z[p : p + c]."""
    top = math.LOWEST
    for j in range(p, p + c):
        top = max(top, math.rank(z[j]))
    return math.unrank(top)


@device
def normalised(z, p, c, y):
    """y[p : p + c] = softmax of z[p : p + c]."""
    m, s = highest(z, p, c), ZERO
    for j in range(p, p + c):
        e = math.exp(z[j] - m)
        y[j] = e
        s += e
    s = ONE / s
    for j in range(p, p + c):
        y[j] *= s


@kernel
def sparse_softmax_cross_entropy(z: In, labels: InI32, y: Out, n: i64, c: i64, height: i64, lo: i64, hi: i64):
    """y[i] = log sum_j e^(z[i, j]) - z[i, labels[i]]."""
    for i in range(lo * height, min(hi * height, n)):
        p, label = i * c, labels[i]
        if 0 <= label < c:
            m, s = highest(z, p, c), ZERO
            for j in range(p, p + c):
                s += math.exp(z[j] - m)
            y[i] = math.log(s) + (m - z[p + label])
        else:
            y[i] = NAN


@kernel
def sparse_softmax_cross_entropy_dx(
    z: In, labels: InI32, dy: In, dz: Out, n: i64, c: i64, height: i64, lo: i64, hi: i64
):
    """dz[i] = (softmax(z[i]) - one_hot(labels[i])) · dy[i]."""
    for i in range(lo * height, min(hi * height, n)):
        p, label = i * c, labels[i]
        inside = 0 <= label < c
        factor = dy[i] if inside else NAN
        normalised(z, p, c, dz)
        if inside:
            dz[p + label] -= ONE
        for j in range(p, p + c):
            dz[j] *= factor


@kernel
def softmax_cross_entropy(z: In, t: In, y: Out, n: i64, c: i64, height: i64, lo: i64, hi: i64):
    """y[i] = -sum_j t[i, j] · log softmax(z[i])[j]."""
    for i in range(lo * height, min(hi * height, n)):
        p = i * c
        m, s, total = highest(z, p, c), ZERO, ZERO
        for j in range(p, p + c):
            s += math.exp(z[j] - m)
        s = math.log(s)
        for j in range(p, p + c):
            total += t[j] * (s - (z[j] - m))
        y[i] = total


@kernel
def softmax_cross_entropy_dx(z: In, t: In, dy: In, dz: Out, n: i64, c: i64, height: i64, lo: i64, hi: i64):
    """dz[i] = (softmax(z[i]) · sum t[i] - t[i]) · dy[i]."""
    for i in range(lo * height, min(hi * height, n)):
        p, total = i * c, ZERO
        for j in range(p, p + c):
            total += t[j]
        normalised(z, p, c, dz)
        factor = dy[i]
        for j in range(p, p + c):
            dz[j] = (dz[j] * total - t[j]) * factor


@kernel
def sigmoid_cross_entropy(z: In, t: In, y: Out, n: i64, lo: i64, hi: i64):
    """y = log(1 + e^z) - t·z."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        v = z[i]
        e = math.log1p_small(math.exp(-abs(v)))
        y[i] = ((v if v > ZERO else ZERO) - t[i] * v) + e


@kernel
def sigmoid_cross_entropy_dx(z: In, t: In, dy: In, dz: Out, n: i64, lo: i64, hi: i64):
    """dz = (sigmoid(z) - t) · dy."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        dz[i] = (math.sigmoid(z[i]) - t[i]) * dy[i]


@kernel
def one_hot(labels: InI32, y: Out, n: i64, depth: i64, lo: i64, hi: i64):
    """y[i, j] = 1 where j = labels[i], else 0; one task a sample."""
    for i in range(lo, hi):
        label = labels[i]
        for j in range(depth):
            y[i * depth + j] = ONE if j == label else ZERO
