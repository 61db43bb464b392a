"""One axis of an array mapped linearly, by a sparse matrix: resizing images, and its gradient.

::

    y[o, p, i] = sum over e in [start[p], start[p + 1]) of weight[e] · x[o, index[e], i]

x has shape (outer, n, inner), y (outer, m, inner).  The gradient is the same with the transposed matrix.  One task
computes one row (o, p).
"""

import numpy as np

from ..compiler import In, InI64, Out, i64, kernel

ZERO = np.float32(0)


@kernel
def resize(x: In, y: Out, start: InI64, index: InI64, weight: In, n: i64, m: i64, inner: i64, lo: i64, hi: i64):
    """y = matrix · x along one axis."""
    for row in range(lo, hi):
        o, p = row // m, row % m
        to = row * inner
        first, last = start[p], start[p + 1]
        if first == last:
            for i in range(inner):
                y[to + i] = ZERO
        for e in range(first, last):
            f, at = weight[e], (o * n + index[e]) * inner
            if e == first:
                for i in range(inner):
                    y[to + i] = f * x[at + i]
            else:
                for i in range(inner):
                    y[to + i] += f * x[at + i]
