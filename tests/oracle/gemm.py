"""Matrix products and their gradients. op transposes the last two axes where asked; the axes before them broadcast.

    matmul  y = op(a) @ op(b)      a and b (..., rows, columns)
    dense   y = x @ w + b          x (..., ci), w (ci, co), b (co,)

A transposed operand is stored transposed, and so is its gradient.
"""

import numpy as np

from oracle import quiet, wide
from oracle.elementwise import unbroadcast


def _op(a, trans):
    return np.swapaxes(a, -1, -2) if trans else a


@quiet()
def matmul(a, b, *, trans_a=False, trans_b=False):
    """y (..., m, n) from op(a) (..., m, k) and op(b) (..., k, n)."""
    return _op(wide(a), trans_a) @ _op(wide(b), trans_b)


@quiet()
def matmul_da(dy, b, a_shape, *, trans_a=False, trans_b=False):
    """Gradient with respect to a: op(da) = dy @ op(b)^T, summed over the axes a was broadcast along."""
    da = wide(dy) @ np.swapaxes(_op(wide(b), trans_b), -1, -2)
    return unbroadcast(_op(da, trans_a), a_shape)


@quiet()
def matmul_db(a, dy, b_shape, *, trans_a=False, trans_b=False):
    """Gradient with respect to b: op(db) = op(a)^T @ dy, summed over the axes b was broadcast along."""
    db = np.swapaxes(_op(wide(a), trans_a), -1, -2) @ wide(dy)
    return unbroadcast(_op(db, trans_b), b_shape)


@quiet()
def dense(x, w, b=None):
    """y (..., co) = x (..., ci) @ w (ci, co) + b (co,)."""
    y = wide(x) @ wide(w)
    return y if b is None else y + wide(b)


@quiet()
def dense_dx(dy, w):
    """Gradient with respect to x."""
    return wide(dy) @ wide(w).T


@quiet()
def dense_dw(x, dy):
    """Gradient with respect to w."""
    rows = list(range(np.ndim(x) - 1))
    return np.tensordot(wide(x), wide(dy), axes=(rows, rows))


def dense_db(dy):
    """Gradient with respect to b."""
    return wide(dy).sum(axis=tuple(range(np.ndim(dy) - 1)))
