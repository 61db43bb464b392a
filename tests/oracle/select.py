"""Powers and the choice between two arrays: NumPy's own."""

import numpy as np

from oracle import quiet, wide


@quiet()
def power(a, b):
    return np.power(wide(a), wide(b))


def where(condition, a, b):
    return np.where(condition != 0, wide(a), wide(b))
