"""softmax and log_softmax along one axis of c classes, and their gradients from the output y.

::

    softmax      y = e^(x - m) / s             m = max x,  s = sum e^(x - m)
                 dx = y · (dy - sum(dy · y))
    log_softmax  y = x - m - log s
                 dx = dy - e^y · sum(dy)

Subtracting the maximum keeps every exponential at or below 1, so nothing overflows, and s >= 1.  A NaN or +inf makes
the whole row NaN.

Two forms of each kernel: `…_rows` where the classes are contiguous, x[n, c]; `…_columns` where each class is a plane,
x[outer, c, inner], with the maxima and sums of one chunk of the plane in scratch memory.  `log` selects log_softmax.
A task of the first is `height` rows, a task of the second one chunk of WIDTH columns.
"""

import numpy as np

from .. import math
from ..compiler import In, Out, i64, kernel

ZERO, ONE, INF = np.float32(0), np.float32(1), np.float32(np.inf)

#: columns of a task
WIDTH = 512


@kernel
def softmax_rows(x: In, y: Out, n: i64, c: i64, height: i64, log: i64, lo: i64, hi: i64):
    """Softmax of each row of x[n, c].  The exponentials run over all rows of a task at once: rows may be short."""
    for task in range(lo, hi):
        first, last = task * height, min(task * height + height, n)
        for r in range(first, last):
            p = r * c
            top = math.LOWEST
            for j in range(p, p + c):
                top = max(top, math.rank(x[j]))
            m = math.unrank(top)
            for j in range(p, p + c):
                y[j] = x[j] - m
        if log:
            for r in range(first, last):
                p = r * c
                total = ZERO
                for j in range(p, p + c):
                    total += math.exp(y[j])
                total = math.log(total)
                for j in range(p, p + c):
                    y[j] -= total
        else:
            for i in range(first * c, last * c):
                y[i] = math.exp(y[i])
            for r in range(first, last):
                p = r * c
                total = ZERO
                for j in range(p, p + c):
                    total += y[j]
                total = ONE / total
                for j in range(p, p + c):
                    y[j] *= total


@kernel
def softmax_dx_rows(y: In, dy: In, dx: Out, n: i64, c: i64, height: i64, log: i64, lo: i64, hi: i64):
    """The gradient of softmax_rows."""
    for r in range(lo * height, min(hi * height, n)):
        p = r * c
        total = ZERO
        if log:
            for j in range(p, p + c):
                total += dy[j]
            for j in range(p, p + c):
                dx[j] = dy[j] - math.exp(y[j]) * total
        else:
            for j in range(p, p + c):
                total += dy[j] * y[j]
            for j in range(p, p + c):
                dx[j] = y[j] * (dy[j] - total)


@kernel
def softmax_columns(x: In, y: Out, m: Out, s: Out, c: i64, inner: i64, log: i64, lo: i64, hi: i64):
    """Softmax along the middle axis of x[outer, c, inner]; m and s hold outer·inner numbers each."""
    chunks = (inner + WIDTH - 1) // WIDTH
    for task in range(lo, hi):
        j0, block = task % chunks * WIDTH, task // chunks
        count = min(inner - j0, WIDTH)
        p, q = block * c * inner + j0, block * inner + j0
        for j in range(count):
            m[q + j] = -INF
            s[q + j] = ZERO
        for k in range(c):
            for j in range(count):
                v, top = x[p + k * inner + j], m[q + j]
                m[q + j] = v if v > top else top
        for k in range(c):
            for j in range(count):
                i = p + k * inner + j
                v = x[i] - m[q + j]
                e = math.exp(v)
                s[q + j] += e
                y[i] = v if log else e
        if log:
            for j in range(count):
                s[q + j] = math.log(s[q + j])
            for k in range(c):
                for j in range(count):
                    y[p + k * inner + j] -= s[q + j]
        else:
            for j in range(count):
                s[q + j] = ONE / s[q + j]
            for k in range(c):
                for j in range(count):
                    y[p + k * inner + j] *= s[q + j]


@kernel
def softmax_dx_columns(y: In, dy: In, dx: Out, s: Out, c: i64, inner: i64, log: i64, lo: i64, hi: i64):
    """The gradient of softmax_columns; s holds outer·inner numbers."""
    chunks = (inner + WIDTH - 1) // WIDTH
    for task in range(lo, hi):
        j0, block = task % chunks * WIDTH, task // chunks
        count = min(inner - j0, WIDTH)
        p, q = block * c * inner + j0, block * inner + j0
        for j in range(count):
            s[q + j] = ZERO
        for k in range(c):
            row = p + k * inner
            if log:
                for j in range(count):
                    s[q + j] += dy[row + j]
            else:
                for j in range(count):
                    s[q + j] += dy[row + j] * y[row + j]
        for k in range(c):
            row = p + k * inner
            if log:
                for j in range(count):
                    dx[row + j] = dy[row + j] - math.exp(y[row + j]) * s[q + j]
            else:
                for j in range(count):
                    dx[row + j] = y[row + j] * (dy[row + j] - s[q + j])
