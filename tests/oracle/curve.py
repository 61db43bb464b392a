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

import numpy as np

from oracle import quiet, wide
from oracle.activation import relu6, sigmoid


def erf(x):
    """2/√π e^-x² (x + 2 x³/3 + 4 x⁵/(3·5) + …), whose terms are all of one sign; ±1 from 6 on."""
    x = wide(x)
    near = np.clip(x, -6, 6)
    term, total = near, np.zeros_like(near)
    for n in range(1, 250):
        total = total + term
        term = term * (2 * near * near / (2 * n + 1))
    return np.where(np.abs(x) < 6, 2 / np.sqrt(np.pi) * np.exp(-near * near) * total, np.sign(x))


def elu(x, alpha=1.0):
    x = wide(x)
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


@quiet()
def silu(x):
    return wide(x) * sigmoid(x)


@quiet()
def gelu(x):
    x = wide(x)
    return x * (1 + erf(x / np.sqrt(2))) / 2


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
