"""Arithmetic of two arrays which broadcast against one another, and its gradients (da, db), shaped as a and b.

Where two operands are equal, the gradient of their maximum or minimum goes to the first, as in TensorFlow.
"""

import numpy as np

from oracle import quiet, wide


def unbroadcast(dy, shape):
    """The gradient of an array of this shape from that of its broadcast: the sum over what was repeated."""
    dy = wide(dy)
    dy = dy.sum(axis=tuple(range(dy.ndim - len(shape))))
    repeated = tuple(axis for axis, size in enumerate(shape) if size == 1 and dy.shape[axis] != 1)
    return dy.sum(axis=repeated, keepdims=True)


@quiet()
def add(a, b):
    return wide(a) + wide(b)


@quiet()
def sub(a, b):
    return wide(a) - wide(b)


@quiet()
def mul(a, b):
    return wide(a) * wide(b)


@quiet()
def div(a, b):
    return wide(a) / wide(b)


def maximum(a, b):
    return np.maximum(wide(a), wide(b))


def minimum(a, b):
    return np.minimum(wide(a), wide(b))


def add_grad(dy, a, b):
    return _unbroadcast_both(wide(dy), wide(dy), a, b)


def sub_grad(dy, a, b):
    return _unbroadcast_both(wide(dy), -wide(dy), a, b)


@quiet()
def mul_grad(dy, a, b):
    return _unbroadcast_both(wide(dy) * wide(b), wide(dy) * wide(a), a, b)


@quiet()
def div_grad(dy, a, b):
    return _unbroadcast_both(wide(dy) / wide(b), -wide(dy) * wide(a) / wide(b) ** 2, a, b)


def maximum_grad(dy, a, b):
    return _choose(wide(dy), wide(a) >= wide(b), a, b)


def minimum_grad(dy, a, b):
    return _choose(wide(dy), wide(a) <= wide(b), a, b)


def _choose(dy, first, a, b):
    return _unbroadcast_both(np.where(first, dy, 0), np.where(first, 0, dy), a, b)


def _unbroadcast_both(da, db, a, b):
    return unbroadcast(da, np.shape(a)), unbroadcast(db, np.shape(b))


@quiet()
def exp(x):
    return np.exp(wide(x))


@quiet()
def log(x):
    return np.log(wide(x))


@quiet()
def sqrt(x):
    return np.sqrt(wide(x))


@quiet()
def square(x):
    return wide(x) ** 2


def absolute(x):
    return np.abs(wide(x))


def absolute_dx(dy, x):
    """Zero where x is zero."""
    return wide(dy) * np.sign(wide(x))


def equal(a, b):
    """1 where equal, else 0, as float64; likewise the other comparisons."""
    return np.equal(a, b).astype(np.float64)


def greater(a, b):
    return np.greater(a, b).astype(np.float64)


def greater_equal(a, b):
    return np.greater_equal(a, b).astype(np.float64)
