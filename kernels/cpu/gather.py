"""Rows of a table by number (embedding), and the gradient: rows added up where they came from.

::

    y[i, j] = table[index[i], j]                d table[v, j] = sum over i with index[i] = v of dy[i, j]

A number outside of the table gives a row of NaN and no gradient.  The gradient's tasks own ranges of rows of the table;
each walks all indices in order, so sums are the same however tasks are spread.
"""

import numpy as np

from ..compiler import In, InI32, Kernel, Out, device, i64

NAN, ZERO = np.float32(np.nan), np.float32(0)


def _place(index, rows):
    """The index as an integer, or -1 outside of [0, rows); works for NaN, too."""
    return np.int64(index) if index >= 0 and index < rows else -1


def _kernels(kind, suffix):
    place = device(_place)

    def gather(table: In, index: kind, y: Out, n: i64, rows: i64, width: i64, height: i64, lo: i64, hi: i64):
        for i in range(lo * height, min(hi * height, n)):
            v = place(index[i], rows)
            if v < 0:
                for j in range(width):
                    y[i * width + j] = NAN
            else:
                for j in range(width):
                    y[i * width + j] = table[v * width + j]

    def gather_dx(index: kind, dy: In, dx: Out, n: i64, rows: i64, width: i64, height: i64, lo: i64, hi: i64):
        first, last = lo * height, min(hi * height, rows)
        for j in range(first * width, last * width):
            dx[j] = ZERO
        for i in range(n):
            v = place(index[i], rows)
            if v >= first and v < last:
                for j in range(width):
                    dx[v * width + j] += dy[i * width + j]

    gather.__qualname__, gather_dx.__qualname__ = f"gather{suffix}", f"gather_dx{suffix}"
    return Kernel(gather), Kernel(gather_dx)


gather, gather_dx = _kernels(InI32, "")
gather_float, gather_float_dx = _kernels(In, "_float")
