"""Activations, and their gradients `f_dx(dy, x)` from the input x.

    relu        max(x, 0)                                 derivative 0 at 0
    leaky_relu  x where x > 0, else slope * x             derivative slope at 0
    clip        min(max(x, low), high)                    derivative 1 strictly between low and high, else 0
    relu6       clip(x, 0, 6)
    sigmoid     1 / (1 + exp(-x))                         derivative s(x) s(-x)
    tanh                                                  derivative 1 / cosh²(x)
    softmax     exp(x) / sum exp(x) along an axis
    log_softmax x - log sum exp(x) along an axis

exp is only ever taken of numbers <= 0, so nothing overflows; the derivatives of sigmoid and tanh are products, which
stay accurate far out, where 1 - s and 1 - tanh² have nothing left.
"""

import numpy as np

from oracle import quiet, wide


def relu(x):
    return np.maximum(wide(x), 0)


def relu_dx(dy, x):
    return np.where(wide(x) > 0, wide(dy), 0)


@quiet()
def leaky_relu(x, slope):
    x = wide(x)
    return np.where(x > 0, x, slope * x)


@quiet()
def leaky_relu_dx(dy, x, slope):
    return np.where(wide(x) > 0, wide(dy), slope * wide(dy))


def clip(x, low, high):
    return np.minimum(np.maximum(wide(x), low), high)


def clip_dx(dy, x, low, high):
    x = wide(x)
    return np.where((x > low) & (x < high), wide(dy), 0)


def relu6(x):
    return clip(x, 0, 6)


def relu6_dx(dy, x):
    return clip_dx(dy, x, 0, 6)


def sigmoid(x):
    x = wide(x)
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def sigmoid_dx(dy, x):
    return wide(dy) * sigmoid(x) * sigmoid(-wide(x))


def tanh(x):
    return np.tanh(wide(x))


@quiet()
def tanh_dx(dy, x):
    e = np.exp(-np.abs(wide(x)))
    sech = 2 * e / (1 + e * e)
    return wide(dy) * sech * sech


@quiet()
def softmax(x, axis=-1):
    e = _exp_shifted(wide(x), axis)
    return e / e.sum(axis=axis, keepdims=True)


@quiet()
def softmax_dx(dy, x, axis=-1):
    dy, y = wide(dy), softmax(x, axis)
    return y * (dy - (dy * y).sum(axis=axis, keepdims=True))


@quiet()
def log_softmax(x, axis=-1):
    x = wide(x)
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


@quiet()
def log_softmax_dx(dy, x, axis=-1):
    dy = wide(dy)
    return dy - softmax(x, axis) * dy.sum(axis=axis, keepdims=True)


def _exp_shifted(x, axis):
    """exp(x) up to a common factor, chosen so that the largest is 1."""
    return np.exp(x - x.max(axis=axis, keepdims=True))
