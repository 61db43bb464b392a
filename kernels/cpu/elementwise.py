"""One number at a time: arithmetic of two arrays that broadcast, and functions of one.

Broadcasting follows NumPy.  Whoever calls has merged the axes of both operands until few are left::

    y[row, j] = f(a[ia(row) + j·sa], b[ib(row) + j·sb])        j < cols,   sa, sb ∈ {0, 1}

The innermost axis is a contiguous loop, in which one operand may stay what it is (stride 0).  The offsets of a row
follow from `axes`, three words (size, stride in a, stride in b) for each outer axis, the innermost of them first::

    same shape   [n]            one row                    sa = sb = 1
    scalar       [n], []        one row                    sb = 0
    bias         [m, c], [c]    axes (m, c, 0)             sa = sb = 1
    column       [m, c], [m, 1] axes (m, c, 1)             sb = 0

One task computes `height` rows, or, where rows are long, `width` numbers of one row.
"""

import numpy as np

from .. import math
from ..compiler import In, InI32, InI64, InWord, Kernel, Out, OutWord, device, i64, kernel
from ..generators import absolute, divide, maximum, minimum, root

#: numbers a task computes
BLOCK = 4096

ZERO, ONE = np.float32(0), np.float32(1)


def _binary(function, source=In) -> Kernel:
    """The kernel of y = f(a, b), with f named `function`.__name__."""
    f = device(function)

    def binary(
        a: source, b: source, y: Out, axes: InI64, naxes: i64, sa: i64, sb: i64, cols: i64, n: i64,
        height: i64, width: i64, lo: i64, hi: i64,
    ):  # fmt: skip
        rows, chunks = (n + cols - 1) // cols, (cols + width - 1) // width
        for task in range(lo, hi):
            j0, group = task % chunks * width, task // chunks
            for row in range(group * height, min(group * height + height, rows)):
                rest, ia, ib = row, j0 * sa, j0 * sb
                for k in range(naxes - 1):
                    size = axes[3 * k]
                    i, rest = rest % size, rest // size
                    ia += i * axes[3 * k + 1]
                    ib += i * axes[3 * k + 2]
                ia += rest * axes[3 * naxes - 2]
                ib += rest * axes[3 * naxes - 1]
                iy = row * cols + j0
                count = min(min(cols - j0, width), n - iy)
                if sb == 0:
                    v = b[ib]
                    for j in range(count):
                        y[iy + j] = f(a[ia + j], v)
                elif sa == 0:
                    u = a[ia]
                    for j in range(count):
                        y[iy + j] = f(u, b[ib + j])
                else:
                    for j in range(count):
                        y[iy + j] = f(a[ia + j], b[ib + j])

    binary.__qualname__ = function.__name__.lstrip("_") + ("" if source is In else f"_{source.dtype}")
    return Kernel(binary)


def _add(a, b):
    return a + b


def _sub(a, b):
    return a - b


def _mul(a, b):
    return a * b


def _div(a, b):
    return divide(a, b)


def _maximum(a, b):
    return maximum(a, b)


def _minimum(a, b):
    return minimum(a, b)


def _equal(a, b):
    return ONE if a == b else ZERO


def _greater(a, b):
    return ONE if a > b else ZERO


def _greater_equal(a, b):
    return ONE if a >= b else ZERO


add, sub, mul, div = _binary(_add), _binary(_sub), _binary(_mul), _binary(_div)
maximum_of, minimum_of = _binary(_maximum), _binary(_minimum)
greater, greater_equal = _binary(_greater), _binary(_greater_equal)
equal, equal_i32 = _binary(_equal), _binary(_equal, InI32)


@kernel
def repeat(x: InWord, y: OutWord, n: i64, lo: i64, hi: i64):
    """y[i] = x[i mod n]; one task writes n numbers."""
    for task in range(lo, hi):
        for j in range(n):
            y[task * n + j] = x[j]


def _unary(function) -> Kernel:
    """The kernel of y = f(x); one task computes BLOCK numbers."""
    f = device(function)

    def unary(x: In, y: Out, n: i64, lo: i64, hi: i64):
        for i in range(lo * BLOCK, min(hi * BLOCK, n)):
            y[i] = f(x[i])

    unary.__qualname__ = function.__name__.lstrip("_")
    return Kernel(unary)


def _exp(x):
    return math.exp(x)


def _log(x):
    return math.log(x)


def _sqrt(x):
    return root(x)


def _square(x):
    return x * x


def _abs(x):
    return absolute(x)


exp, log, sqrt, square, abs_of = _unary(_exp), _unary(_log), _unary(_sqrt), _unary(_square), _unary(_abs)


@kernel
def abs_dx(x: In, dy: In, dx: Out, n: i64, lo: i64, hi: i64):
    """dx = dy · sign(x), 0 where x is 0 or NaN."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        sign = ONE if x[i] > ZERO else (-ONE if x[i] < ZERO else ZERO)
        dx[i] = dy[i] * sign
