"""Smooth activations, and their gradients from the *input* x; s is the logistic function 1 / (1 + e^-x).

::

    erf         2/√π · ∫ e^-t² dt from 0 to x       dx = dy · 2/√π · e^-x²
    elu         x where x > 0, else α·(e^x - 1)     dx = dy where x > 0, else dy · α·e^x
    silu        x·s(x)                              dx = dy · s·(1 + x·(1 - s))
    gelu        x·Φ(x), Φ = (1 + erf(x/√2)) / 2     dx = dy · (Φ + x·φ),  φ = e^(-x²/2) / √2π
    gelu_tanh   x·s(2u), u = √(2/π)·(x + a·x³)      dx = dy · (s + x·s·(1 - s)·2u'),  a = 0.044715
    hard_silu   x·min(max(x + 3, 0), 6) / 6         dx = 0 below -3, dy above 3, else dy · (2x + 3) / 6
    softplus    log(1 + e^x)                        dx = dy · s
    mish        x·t, t = tanh(softplus(x))          dx = dy · (t + x·(1 - t²)·s)

gelu_tanh is the form of Hendrycks and Gimpel (arXiv:1606.08415), whose 0.5·(1 + tanh u) is s(2u).  In mish, with
e = e^x, tanh(log(1 + e)) = e·(e + 2) / (e·(e + 2) + 2).  One task computes BLOCK numbers.
"""

import numpy as np

from .. import math
from ..compiler import In, Kernel, Out, device, f32, i64, kernel
from .elementwise import BLOCK

ZERO, ONE, TWO, HALF = np.float32(0), np.float32(1), np.float32(2), np.float32(0.5)
THREE, SIX, SIXTH = np.float32(3), np.float32(6), np.float32(1 / 6)
ERF_SLOPE, ROOT_HALF, DENSITY = np.float32(2 / np.pi**0.5), np.float32(0.5**0.5), np.float32((2 * np.pi) ** -0.5)
FAR = np.float32(1e4)
#: 2·√(2/π), the same times a, and three times that
TWICE, CUBIC, SLOPE = (np.float32(2 * (2 / np.pi) ** 0.5 * c) for c in (1, 0.044715, 3 * 0.044715))
#: from here on tanh(softplus(x)) is 1
MISH_ONE = np.float32(20)


def _pair(name, value, slope) -> tuple[Kernel, Kernel]:
    """Kernels of y = value(x) and of dx = dy · slope(x)."""
    f, g = device(value), device(slope)

    def forward(x: In, y: Out, n: i64, lo: i64, hi: i64):
        for i in range(lo * BLOCK, min(hi * BLOCK, n)):
            y[i] = f(x[i])

    def backward(x: In, dy: In, dx: Out, n: i64, lo: i64, hi: i64):
        for i in range(lo * BLOCK, min(hi * BLOCK, n)):
            dx[i] = dy[i] * g(x[i])

    forward.__qualname__, backward.__qualname__ = name, f"{name}_dx"
    return Kernel(forward), Kernel(backward)


def _silu(x):
    return x * math.sigmoid(x)


def _silu_slope(x):
    s = math.sigmoid(x)
    return s * (ONE + x * (ONE - s))


def _erf(x):
    return math.erf(x)


def _erf_slope(x):
    return ERF_SLOPE * math.exp(-x * x)


def _gelu(x):
    return HALF * x * (ONE + math.erf(x * ROOT_HALF))


def _gelu_slope(x):
    return HALF * (ONE + math.erf(x * ROOT_HALF)) + x * (DENSITY * math.exp(-HALF * x * x))


def _gelu_tanh(x):
    return x * math.sigmoid(x * (TWICE + CUBIC * x * x))


def _gelu_tanh_slope(x):
    x = FAR if x > FAR else x  # where the slope is 1 or 0 already, and x³ does not overflow
    x = -FAR if x < -FAR else x
    s = math.sigmoid(x * (TWICE + CUBIC * x * x))
    return s + x * (s * (ONE - s)) * (TWICE + SLOPE * x * x)


def _hard_silu(x):
    gate = x + THREE
    gate = ZERO if gate < ZERO else gate
    gate = SIX if gate > SIX else gate
    return x * gate * SIXTH


def _hard_silu_slope(x):
    inner = (TWO * x + THREE) * SIXTH
    inner = ZERO if x <= -THREE else inner
    return ONE if x >= THREE else inner


def _softplus(x):
    return math.softplus(x)


def _softplus_slope(x):
    return math.sigmoid(x)


def _mish_gate(x):
    e = math.exp(MISH_ONE if x > MISH_ONE else x)
    product = e * (e + TWO)
    return product / (product + TWO)


_gate = device(_mish_gate)


def _mish(x):
    return x if x > MISH_ONE else x * _gate(x)  # x·e·(e + 2) would overflow


def _mish_slope(x):
    t = _gate(x)
    return t + x * (ONE - t * t) * math.sigmoid(x)


erf, erf_dx = _pair("erf", _erf, _erf_slope)
silu, silu_dx = _pair("silu", _silu, _silu_slope)
gelu, gelu_dx = _pair("gelu", _gelu, _gelu_slope)
gelu_tanh, gelu_tanh_dx = _pair("gelu_tanh", _gelu_tanh, _gelu_tanh_slope)
hard_silu, hard_silu_dx = _pair("hard_silu", _hard_silu, _hard_silu_slope)
softplus, softplus_dx = _pair("softplus", _softplus, _softplus_slope)
mish, mish_dx = _pair("mish", _mish, _mish_slope)


@kernel
def elu(x: In, y: Out, n: i64, alpha: f32, lo: i64, hi: i64):
    """y = x where x > 0, else alpha·(e^x - 1)."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        v = x[i]
        low = alpha * math.expm1_below(ZERO if v > ZERO else v)
        y[i] = v if v > ZERO else low


@kernel
def elu_dx(x: In, dy: In, dx: Out, n: i64, alpha: f32, lo: i64, hi: i64):
    """dx = dy where x > 0, else dy · alpha·e^x."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        v, d = x[i], dy[i]
        low = d * (alpha * math.exp(ZERO if v > ZERO else v))
        dx[i] = d if v > ZERO else low
