"""Resizing along one axis: output p is x at place (p + ½)·n/m - ½, the nearest (halves up) or interpolated."""

import numpy as np

from oracle import wide


def resize(x, size, axis, mode):
    x = np.moveaxis(wide(x), axis, 0)
    n = len(x)
    y = np.empty((size, *x.shape[1:]))
    for p in range(size):
        if mode == "nearest":
            y[p] = x[min((2 * p + 1) * n // (2 * size), n - 1)]
        else:
            at = min(max((p + 0.5) * n / size - 0.5, 0), n - 1)
            low = int(np.floor(at))
            high = min(low + 1, n - 1)
            y[p] = x[low] * (1 - (at - low)) + x[high] * (at - low)
    return np.moveaxis(y, 0, axis)
