"""Batch normalisation over the last axis (Ioffe and Szegedy 2015, arXiv:1502.03167), as Keras 3 does it.

    xhat = (x - mean) / sqrt(var + epsilon)
    y    = gamma * xhat + beta

In training, mean and var are those of the batch, over all axes but the last; var is the biased one (divided by the
number of values and not by one less), both for xhat and for the moving average:

    moving = moving * momentum + batch * (1 - momentum)

In inference they are the moving ones, which are constants.
"""

import numpy as np

from oracle import quiet, wide


@quiet()
def batch_norm_train(x, gamma, beta, moving_mean, moving_var, *, momentum=0.99, epsilon=1e-3):
    """(y, mean, var, new_moving_mean, new_moving_var); mean and var are the batch's, all but y are (c,)."""
    mean, var = _moments(wide(x))
    y = batch_norm(x, gamma, beta, mean, var, epsilon=epsilon)
    new_mean = wide(moving_mean) * momentum + mean * (1 - momentum)
    new_var = wide(moving_var) * momentum + var * (1 - momentum)
    return y, mean, var, new_mean, new_var


@quiet()
def batch_norm_train_grad(dy, x, gamma, *, epsilon=1e-3):
    """(dx, dgamma, dbeta), with mean and var depending on x."""
    dy, x = wide(dy), wide(x)
    mean, var = _moments(x)
    dx, dgamma, dbeta = batch_norm_grad(dy, x, gamma, mean, var, epsilon=epsilon)
    # mean and var undo a shift and a scaling of x, so dy loses its part along the ones and its part along xhat.
    xhat = (x - mean) / np.sqrt(var + epsilon)
    count = x.size // x.shape[-1]
    dx = wide(gamma) / np.sqrt(var + epsilon) * (dy - dbeta / count - xhat * dgamma / count)
    return dx, dgamma, dbeta


@quiet()
def batch_norm(x, gamma, beta, mean, var, *, epsilon=1e-3):
    """y, with the mean and var given."""
    return wide(gamma) * (wide(x) - wide(mean)) / np.sqrt(wide(var) + epsilon) + wide(beta)


@quiet()
def batch_norm_grad(dy, x, gamma, mean, var, *, epsilon=1e-3):
    """(dx, dgamma, dbeta), with mean and var constant: the gradient of a frozen layer."""
    dy, x = wide(dy), wide(x)
    axes = tuple(range(x.ndim - 1))
    inv = 1 / np.sqrt(wide(var) + epsilon)
    xhat = (x - wide(mean)) * inv
    return dy * wide(gamma) * inv, (dy * xhat).sum(axis=axes), dy.sum(axis=axes)


def _moments(x):
    axes = tuple(range(x.ndim - 1))
    mean = x.mean(axis=axes)
    return mean, ((x - mean) ** 2).mean(axis=axes)
