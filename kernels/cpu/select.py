"""The choice between two numbers, and powers.

::

    y[i] = a[i] where c[i] is not 0, else b[i]          NaN is not 0
    y = a^b                                             operands broadcast as in `elementwise`
"""

from .. import wide
from ..compiler import In, Out, i64, kernel
from .elementwise import BLOCK, ZERO, _binary


@kernel
def where(c: In, a: In, b: In, y: Out, n: i64, lo: i64, hi: i64):
    """y = a where c is not 0, else b; one task computes BLOCK numbers."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        u, v = a[i], b[i]
        y[i] = v if c[i] == ZERO else u


def _power(a, b):
    return wide.power(a, b)


power = _binary(_power)
