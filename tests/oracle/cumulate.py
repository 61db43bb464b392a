"""Running sums along an axis."""

import numpy as np

from oracle import wide


def cumsum(x, axis, exclusive=False, reverse=False):
    x = np.moveaxis(wide(x), axis, 0)
    y = np.zeros_like(x)
    for k in range(len(x)):
        for j in range(len(x)):
            before = j > k if reverse else j < k
            if before or (j == k and not exclusive):
                y[k] += x[j]
    return np.moveaxis(y, 0, axis)
