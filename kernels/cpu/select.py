"""The choice between two numbers, powers, and whole numbers as float32 and back.

::

    y[i] = a[i] where c[i] is not 0, else b[i]          NaN is not 0
    y = a^b                                             operands broadcast as in `elementwise`
    y[i] = float32(x[i])                                x is int32
    y[i] = int32(x[i])                                  towards 0; NaN gives 0, what is too large the nearest int32
"""

import numpy as np

from .. import wide
from ..compiler import In, InI32, Out, OutI32, i64, kernel
from .elementwise import BLOCK, ZERO, _binary

LOW, HIGH = np.float32(-(2.0**31)), np.float32(2.0**31)
LEAST, MOST = np.int32(-(2**31)), np.int32(2**31 - 1)


@kernel
def where(c: In, a: In, b: In, y: Out, n: i64, lo: i64, hi: i64):
    """y = a where c is not 0, else b; one task computes BLOCK numbers."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        u, v = a[i], b[i]
        y[i] = v if c[i] == ZERO else u


def _power(a, b):
    return wide.power(a, b)


power = _binary(_power)


@kernel
def to_float(x: InI32, y: Out, n: i64, lo: i64, hi: i64):
    """y = float32(x)."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        y[i] = np.float32(x[i])


@kernel
def to_int(x: In, y: OutI32, n: i64, lo: i64, hi: i64):
    """y = int32(x), towards 0."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        v = x[i]
        inside = v > LOW and v < HIGH
        whole = np.int32(v if inside else ZERO)
        y[i] = whole if inside else (MOST if v >= HIGH else (LEAST if v <= LOW else np.int32(0)))
