"""Sums, products, maxima and minima over one axis: x[outer, d, inner] → y[outer, inner].

Whatever axes are reduced, merging neighbours leaves such a view, or a chain of them.  Two kernels for each operation:

- `…_rows`, inner = 1: runs of contiguous numbers, each at most `length` long.  A longer row becomes `parts` runs, whose
  results are reduced again.
- `…_columns`: the d·inner numbers of a block are read as rows of w = f·inner numbers (f = 1 where inner is wide), so
  that a row fills vector registers; the last row may be shorter.  A block is cut into `parts` of `height` rows::

      x[outer]  │←──── w = f·inner ────→│          y[outer, part, f, inner]
      part 0    │ + + + + + + + + + + + │  height    one row for each part,
                │ + + + + + + + + + + + │  rows      reduced again where f·parts > 1
      part 1    │ + + + + + + + + + + + │
                │ + + + + +│

Parts depend on sizes alone and are combined in order, so a result does not depend on the number of threads.  They also
keep the rounding error of long sums small (blocked summation; Higham, Accuracy and Stability of Numerical Algorithms,
section 4.2).  `scale` multiplies the result: 1/d for a mean.  Maxima and minima are NaN where a number is NaN.
"""

import numpy as np

from ..compiler import In, Kernel, Out, OutI32, device, f32, i64, kernel
from ..generators import maximum, minimum

#: columns of a task, whose partial results stay in the L1 cache
WIDTH = 1024


def _rows(function, identity) -> Kernel:
    f = device(function)

    def rows(x: In, y: Out, n: i64, d: i64, length: i64, parts: i64, height: i64, scale: f32, lo: i64, hi: i64):
        for r in range(lo * height, min(hi * height, n)):
            start = r % parts * length
            p = r // parts * d + start
            total = identity
            for i in range(p, p + min(length, d - start)):
                total = f(total, x[i])
            y[r] = total * scale

    rows.__qualname__ = f"{function.__name__.lstrip('_')}_rows"
    return Kernel(rows)


def _columns(function, identity) -> Kernel:
    f = device(function)

    def columns(x: In, y: Out, size: i64, w: i64, height: i64, parts: i64, scale: f32, lo: i64, hi: i64):
        chunks = (w + WIDTH - 1) // WIDTH
        for task in range(lo, hi):
            j0, block = task % chunks * WIDTH, task // chunks
            first = block % parts * height
            whole = min(height, size // w - first)  # rows that are full
            p = block // parts * size + first * w + j0
            q, count = block * w + j0, min(WIDTH, w - j0)
            for j in range(count):
                y[q + j] = identity
            for _ in range(whole // 8):
                for j in range(count):
                    i = p + j
                    a = f(f(x[i], x[i + w]), f(x[i + 2 * w], x[i + 3 * w]))
                    i += 4 * w
                    b = f(f(x[i], x[i + w]), f(x[i + 2 * w], x[i + 3 * w]))
                    y[q + j] = f(y[q + j], f(a, b))
                p += 8 * w
            for _ in range(whole % 8):
                for j in range(count):
                    y[q + j] = f(y[q + j], x[p + j])
                p += w
            if whole < height:
                for j in range(min(count, size % w - j0)):
                    y[q + j] = f(y[q + j], x[p + j])
            for j in range(count):
                y[q + j] *= scale

    columns.__qualname__ = f"{function.__name__.lstrip('_')}_columns"
    return Kernel(columns)


def _sum(a, b):
    return a + b


def _prod(a, b):
    return a * b


def _max(a, b):
    return maximum(a, b)


def _min(a, b):
    return minimum(a, b)


ZERO, ONE, INF = np.float32(0), np.float32(1), np.float32(np.inf)

#: by operation
_OPERATIONS = {"sum": (_sum, ZERO), "prod": (_prod, ONE), "max": (_max, -INF), "min": (_min, INF)}
rows = {name: _rows(*operation) for name, operation in _OPERATIONS.items()}
columns = {name: _columns(*operation) for name, operation in _OPERATIONS.items()}


@kernel
def argmax(x: In, y: OutI32, d: i64, inner: i64, lo: i64, hi: i64):
    """y[outer, inner] = the first index of the largest of x[outer, :, inner], or of a NaN; one task a number."""
    for task in range(lo, hi):
        p = task // inner * d * inner + task % inner
        best, where = x[p], 0
        for k in range(1, d):
            v = x[p + k * inner]
            better = v > best or (v != v and best == best)
            best = v if better else best
            where = k if better else where
        y[task] = np.int32(where)
