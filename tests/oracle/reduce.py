"""Reductions over some axes (an int, a tuple, or None for all), and their gradients.

Where several entries share the maximum or minimum, each gets an equal part of the gradient, as in TensorFlow; argmax
names the first of them. A NaN counts as the maximum and as the minimum.
"""

import numpy as np

from oracle import quiet, wide


@quiet()
def reduce_sum(x, axes=None, *, keepdims=False):
    return wide(x).sum(axis=axes, keepdims=keepdims)


@quiet()
def reduce_mean(x, axes=None, *, keepdims=False):
    return wide(x).mean(axis=axes, keepdims=keepdims)


def reduce_max(x, axes=None, *, keepdims=False):
    return wide(x).max(axis=axes, keepdims=keepdims)


def reduce_min(x, axes=None, *, keepdims=False):
    return wide(x).min(axis=axes, keepdims=keepdims)


def argmax(x, axis=-1, *, keepdims=False):
    """The index (int64) of the first maximum along the axis."""
    return np.argmax(x, axis=axis, keepdims=keepdims)


def reduce_sum_dx(dy, x_shape, axes=None):
    """Gradient with respect to x; dy may have the reduced axes as ones or not at all."""
    return np.broadcast_to(_restored(dy, x_shape, axes), x_shape).copy()


def reduce_mean_dx(dy, x_shape, axes=None):
    count = np.prod([x_shape[axis] for axis in _gone(x_shape, axes)], dtype=np.int64)
    return reduce_sum_dx(dy, x_shape, axes) / count


def reduce_max_dx(dy, x, axes=None):
    return _share(dy, x, reduce_max(x, axes, keepdims=True), axes)


def reduce_min_dx(dy, x, axes=None):
    return _share(dy, x, reduce_min(x, axes, keepdims=True), axes)


def _share(dy, x, extreme, axes):
    chosen = wide(x) == extreme
    return np.where(chosen, _restored(dy, np.shape(x), axes), 0) / np.maximum(chosen.sum(axis=axes, keepdims=True), 1)


def _restored(dy, x_shape, axes):
    """dy with the reduced axes back, as ones."""
    gone = _gone(x_shape, axes)
    return wide(dy).reshape([1 if axis in gone else size for axis, size in enumerate(x_shape)])


def _gone(x_shape, axes):
    """The reduced axes, all counted from the front."""
    axes = range(len(x_shape)) if axes is None else np.atleast_1d(axes)
    return {int(axis) % len(x_shape) for axis in axes}


@quiet()
def reduce_prod(x, axes=None, *, keepdims=False):
    return wide(x).prod(axis=axes, keepdims=keepdims)
