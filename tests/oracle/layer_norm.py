"""Normalisation of each row by its own mean and variance."""

import numpy as np

from oracle import wide


def layer_norm(x, gamma=None, beta=None, axes=1, epsilon=1e-3, center=True):
    x = wide(x)
    over = tuple(range(x.ndim - axes, x.ndim))
    mean = x.mean(over, keepdims=True) if center else np.zeros([1] * x.ndim)
    scale = 1 / np.sqrt(((x - mean) ** 2).mean(over, keepdims=True) + epsilon)
    y = (x - mean) * scale
    y = y if gamma is None else y * wide(gamma)
    y = y if beta is None else y + wide(beta)
    lead = x.shape[: x.ndim - axes]
    return y, np.broadcast_to(mean, scale.shape).reshape(lead), scale.reshape(lead)
