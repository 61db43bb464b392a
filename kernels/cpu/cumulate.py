"""Running sums along one axis of an array: x[outer, d, inner] → y, the same shape.

::

    y[o, k, i] = sum of x[o, j, i] over j <= k       (exclusive: j < k; reverse: j >= k, or j > k)

One task computes one block of at most WIDTH columns i.
"""

import numpy as np

from ..compiler import In, Out, i64, kernel

ZERO = np.float32(0)
#: columns of a task
WIDTH = 256


@kernel
def cumulate(x: In, y: Out, d: i64, inner: i64, exclusive: i64, reverse: i64, lo: i64, hi: i64):
    """Running sums along the middle axis."""
    chunks = (inner + WIDTH - 1) // WIDTH
    for task in range(lo, hi):
        j0 = task % chunks * WIDTH
        count = min(WIDTH, inner - j0)
        start, step = task // chunks * d * inner + j0, inner
        if reverse != 0:
            start, step = start + (d - 1) * inner, -inner
        for j in range(count):
            y[start + j] = ZERO if exclusive != 0 else x[start + j]
        for k in range(1, d):
            at = start + k * step
            source = at - step if exclusive != 0 else at
            for j in range(count):
                y[at + j] = y[at - step + j] + x[source + j]
