"""Losses, one number a call, and their gradients `f_dx` with respect to the prediction (the logits, with from_logits).

As Keras 3 with its default reduction, "sum_over_batch_size": a loss is computed for each row of the last axis and
then meaned over everything that is left. Arguments are in Keras's order: the target, then the prediction.

    categorical_crossentropy         -sum t log p   with p each row over its sum, then clipped
    sparse_categorical_crossentropy  the same for t one-hot, given as labels without the last axis
    binary_crossentropy              -mean (t log p + (1 - t) log(1 - p))   with p clipped
    mean_squared_error               mean (t - p)²

Clipped means into [epsilon, 1 - epsilon] with epsilon 1e-7; outside, the gradient is zero. Keras's TensorFlow backend
alone clips before it divides in the sparse form; this is what its JAX, Torch and NumPy backends do. In float32 the
upper end 1 - 1e-7 becomes 1 - 1.19e-7. From logits, p is softmax (sigmoid for binary) and nothing is clipped.
"""

import numpy as np

from oracle import quiet, wide
from oracle.activation import log_softmax, sigmoid, softmax

EPSILON = 1e-7


@quiet()
def categorical_crossentropy(target, prediction, *, from_logits=False):
    """target and prediction are (..., classes)."""
    target, prediction = wide(target), wide(prediction)
    log_p = log_softmax(prediction) if from_logits else np.log(_clip(_normalised(prediction)))
    return -(target * log_p).sum(axis=-1).mean()


@quiet()
def categorical_crossentropy_dx(target, prediction, *, from_logits=False):
    target, prediction = wide(target), wide(prediction)
    rows = prediction[..., 0].size
    if from_logits:
        return (softmax(prediction) * target.sum(axis=-1, keepdims=True) - target) / rows
    p = _normalised(prediction)
    dp = np.where(_unclipped(p), -target / p, 0) / rows
    return (dp - (dp * p).sum(axis=-1, keepdims=True)) / prediction.sum(axis=-1, keepdims=True)


def sparse_categorical_crossentropy(labels, prediction, *, from_logits=False):
    """labels are integers (...), prediction is (..., classes)."""
    return categorical_crossentropy(_one_hot(labels, prediction), prediction, from_logits=from_logits)


def sparse_categorical_crossentropy_dx(labels, prediction, *, from_logits=False):
    return categorical_crossentropy_dx(_one_hot(labels, prediction), prediction, from_logits=from_logits)


@quiet()
def binary_crossentropy(target, prediction, *, from_logits=False):
    """target and prediction have one shape. From logits z: max(z, 0) - t z + log(1 + exp(-|z|)), which stays finite."""
    t, z = wide(target), wide(prediction)
    if from_logits:
        return (np.maximum(z, 0) - t * z + np.log1p(np.exp(-np.abs(z)))).mean()
    p = _clip(z)
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()


@quiet()
def binary_crossentropy_dx(target, prediction, *, from_logits=False):
    t, p = wide(target), wide(prediction)
    if from_logits:
        return (sigmoid(p) - t) / p.size
    return np.where(_unclipped(p), (1 - t) / (1 - p) - t / p, 0) / p.size


@quiet()
def mean_squared_error(target, prediction):
    """target and prediction have one shape."""
    return ((wide(target) - wide(prediction)) ** 2).mean()


@quiet()
def mean_squared_error_dx(target, prediction):
    return 2 * (wide(prediction) - wide(target)) / np.size(prediction)


def _normalised(p):
    return p / p.sum(axis=-1, keepdims=True)


def _clip(p):
    return np.minimum(np.maximum(p, EPSILON), 1 - EPSILON)


def _unclipped(p):
    return (p >= EPSILON) & (p <= 1 - EPSILON)


def _one_hot(labels, prediction):
    return (np.asarray(labels)[..., None] == np.arange(np.shape(prediction)[-1])).astype(np.float64)
