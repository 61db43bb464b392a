"""Smooth activations.

erf         2/√π · ∫ e^-t² dt from 0 to x
elu         x where x > 0, else alpha (e^x - 1)
silu        x / (1 + e^-x)
gelu        x Φ(x), where Φ(x) = (1 + erf(x / √2)) / 2
gelu_tanh   x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2
hard_silu   x relu6(x + 3) / 6
softplus    log(1 + e^x)
mish        x tanh(softplus(x))
"""

import math

import numpy as np

from oracle import quiet, wide
from oracle.activation import relu6, sigmoid


def erf(x):
    return np.vectorize(math.erf, otypes=[np.float64])(wide(x))


def elu(x, alpha=1.0):
    x = wide(x)
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@quiet()
def silu(x):
    return wide(x) * sigmoid(x)


@quiet()
def gelu(x):
    x = wide(x)
    return x * np.vectorize(math.erfc, otypes=[np.float64])(-x / np.sqrt(2)) / 2


@quiet()
def gelu_tanh(x):
    x = wide(x)
    return x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2


@quiet()
def hard_silu(x):
    return wide(x) * relu6(wide(x) + 3) / 6


def softplus(x):
    x = wide(x)
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@quiet()
def mish(x):
    return wide(x) * np.tanh(softplus(x))
