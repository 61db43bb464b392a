"""Rows of a table by number: y[i…, :] = table[index[i…], :], NaN outside of the table."""

import numpy as np

from oracle import wide


def gather(table, index):
    table, index = wide(table), np.asarray(index)
    inside = (index >= 0) & (index < len(table))
    y = table[np.where(inside, index, 0).astype(int)]
    return np.where(inside.reshape(*index.shape, *[1] * (table.ndim - 1)), y, np.nan)


def gather_dx(dy, index, shape):
    dx = np.zeros(shape)
    for i in np.ndindex(np.shape(index)):
        if 0 <= index[i] < shape[0]:
            dx[int(index[i])] += wide(dy)[i]
    return dx
