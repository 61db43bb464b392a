"""Optimizers that measure gradients and divide by the measure, in place, as Keras 3 does it.

::

    rmsprop   v ← ρv + (1 - ρ)g²,  a ← ρa + (1 - ρ)g if centered,  d = lr·g / √(v - a² + ε)
              θ -= d; with momentum p ← μp + d, θ -= p
    adagrad   s += g²,  θ -= lr·g / √(s + ε)
    adadelta  s ← ρs + (1 - ρ)g²,  d = g·√(u + ε) / √(s + ε),  u ← ρu + (1 - ρ)d²,  θ -= lr·d
    adam      m += (1 - β₁)(g - m),  v += (1 - β₂)(g² - v),  θ -= α·m / (√v + ε);  amsgrad: h ← max(h, v) instead of v
              α = lr·√(1 - β₂^t) / (1 - β₁^t),  t = step + 1
    adamax    m as above,  u ← max(β₂u, |g|),  θ -= lr·m / ((1 - β₁^t)(u + ε))
    nadam     m, v as above,  θ -= lr·(μ'm / (1 - Πμ') + (1 - μ)g / (1 - Πμ)) / (√(v / (1 - β₂^t)) + ε)
              μ = β₁(1 - ½·0.96^t), μ' that of t + 1; Πμ the product of all μ so far, Πμ' = Πμ·μ'
    ftrl      n' = n + g²,  z += g + 2·λ·θ - (n'^p - n^p) / lr·θ,  θ = (clip(z, ±l₁) - z) / (n'^p / lr + 2·l₂)

Sources: Tieleman and Hinton, lecture 6.5 (2012); Duchi et al. 2011; Zeiler 2012 (arXiv:1212.5701); Kingma and Ba 2015
(arXiv:1412.6980), in the form just before its section 2.1, and its section 7.1; Reddi et al. 2018 (amsgrad); Dozat
2016; McMahan et al. 2013.  1 - β comes as an argument of its own, which keeps its digits in float32.  One task updates
BLOCK weights.
"""

import numpy as np

from .. import math
from ..compiler import In, InI64, InOut, Out, device, f32, i64, kernel
from ..generators import absolute, maximum, minimum, root, wide_root
from .elementwise import BLOCK

ZERO, TWO = np.float32(0), np.float32(2)


@device
def power(base, t):
    """base^t in float64 for a whole t >= 0, by squaring."""
    result = 1.0
    while t > 0:
        if t & 1:
            result *= base
        base *= base
        t >>= 1
    return result


@kernel
def rmsprop(
    theta: InOut, v: InOut, p: InOut, a: InOut, g: In, lr: In, n: i64, rho: f32, rest: f32, mu: f32, epsilon: f32,
    lo: i64, hi: i64,
):  # fmt: skip
    """One step of RMSprop, neither centered nor with momentum; p and a are not used."""
    rate = lr[0]
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        d = g[i]
        square = v[i] * rho + d * d * rest
        v[i] = square
        theta[i] -= rate * d / root(square + epsilon)


@kernel
def rmsprop_centered(
    theta: InOut, v: InOut, p: InOut, a: InOut, g: In, lr: In, n: i64, rho: f32, rest: f32, mu: f32, epsilon: f32,
    lo: i64, hi: i64,
):  # fmt: skip
    """One step of RMSprop, centered; p is not used."""
    rate = lr[0]
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        d = g[i]
        square, mean = v[i] * rho + d * d * rest, a[i] * rho + d * rest
        v[i], a[i] = square, mean
        theta[i] -= rate * d / root(square - mean * mean + epsilon)


@kernel
def rmsprop_momentum(
    theta: InOut, v: InOut, p: InOut, a: InOut, g: In, lr: In, n: i64, rho: f32, rest: f32, mu: f32, epsilon: f32,
    lo: i64, hi: i64,
):  # fmt: skip
    """One step of RMSprop with momentum; a is not used."""
    rate = lr[0]
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        d = g[i]
        square = v[i] * rho + d * d * rest
        speed = p[i] * mu + rate * d / root(square + epsilon)
        v[i], p[i] = square, speed
        theta[i] -= speed


@kernel
def rmsprop_centered_momentum(
    theta: InOut, v: InOut, p: InOut, a: InOut, g: In, lr: In, n: i64, rho: f32, rest: f32, mu: f32, epsilon: f32,
    lo: i64, hi: i64,
):  # fmt: skip
    """One step of RMSprop, centered and with momentum."""
    rate = lr[0]
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        d = g[i]
        square, mean = v[i] * rho + d * d * rest, a[i] * rho + d * rest
        speed = p[i] * mu + rate * d / root(square - mean * mean + epsilon)
        v[i], a[i], p[i] = square, mean, speed
        theta[i] -= speed


@kernel
def adagrad(theta: InOut, s: InOut, g: In, lr: In, n: i64, epsilon: f32, lo: i64, hi: i64):
    """One step of Adagrad."""
    rate = lr[0]
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        d = g[i]
        total = s[i] + d * d
        s[i] = total
        theta[i] -= rate * d / root(total + epsilon)


@kernel
def adadelta(
    theta: InOut, s: InOut, u: InOut, g: In, lr: In, n: i64, rho: f32, rest: f32, epsilon: f32, lo: i64, hi: i64
):
    """One step of Adadelta."""
    rate = lr[0]
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        d = g[i]
        square = s[i] * rho + d * d * rest
        move = d * root(u[i] + epsilon) / root(square + epsilon)
        s[i] = square
        u[i] = u[i] * rho + move * move * rest
        theta[i] -= rate * move


@kernel
def adam(
    theta: InOut, m: InOut, v: InOut, g: In, lr: In, step: InI64, n: i64,
    rest_1: f32, rest_2: f32, epsilon: f32, lo: i64, hi: i64,
):  # fmt: skip
    """One step of Adam; rest_1 and rest_2 are 1 - beta_1 and 1 - beta_2."""
    t = step[0] + 1
    p1, p2 = power(1.0 - np.float64(rest_1), t), power(1.0 - np.float64(rest_2), t)
    alpha = np.float32(lr[0] * wide_root(1.0 - p2) / (1.0 - p1))
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        d = g[i]
        first = m[i] + (d - m[i]) * rest_1
        second = v[i] + (d * d - v[i]) * rest_2
        m[i], v[i] = first, second
        theta[i] -= alpha * first / (root(second) + epsilon)


@kernel
def amsgrad(
    theta: InOut, m: InOut, v: InOut, h: InOut, g: In, lr: In, step: InI64, n: i64,
    rest_1: f32, rest_2: f32, epsilon: f32, lo: i64, hi: i64,
):  # fmt: skip
    """One step of Adam that divides by the root of h, the largest v so far."""
    t = step[0] + 1
    p1, p2 = power(1.0 - np.float64(rest_1), t), power(1.0 - np.float64(rest_2), t)
    alpha = np.float32(lr[0] * wide_root(1.0 - p2) / (1.0 - p1))
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        d = g[i]
        first = m[i] + (d - m[i]) * rest_1
        second = v[i] + (d * d - v[i]) * rest_2
        largest = maximum(h[i], second)
        m[i], v[i], h[i] = first, second, largest
        theta[i] -= alpha * first / (root(largest) + epsilon)


@kernel
def adamax(
    theta: InOut, m: InOut, u: InOut, g: In, lr: In, step: InI64, n: i64,
    rest_1: f32, beta_2: f32, epsilon: f32, lo: i64, hi: i64,
):  # fmt: skip
    """One step of Adamax."""
    alpha = np.float32(lr[0] / (1.0 - power(1.0 - np.float64(rest_1), step[0] + 1)))
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        d = g[i]
        first = m[i] + (d - m[i]) * rest_1
        largest = maximum(u[i] * beta_2, absolute(d))
        m[i], u[i] = first, largest
        theta[i] -= alpha * first / (largest + epsilon)


@kernel
def nadam_factors(product: InOut, lr: In, step: InI64, factors: Out, rest_1: f32, rest_2: f32, lo: i64, hi: i64):
    """What multiplies m and g, and 1 / (1 - β₂^t), for `nadam`; product[0] becomes that of all μ so far.  One task."""
    for _ in range(lo, hi):
        t, beta = step[0] + 1, 1.0 - np.float64(rest_1)
        now = beta * (1.0 - 0.5 * power(0.96, t))
        then = beta * (1.0 - 0.5 * power(0.96, t + 1))
        so_far = np.float64(product[0]) * now
        product[0] = np.float32(so_far)
        factors[0] = np.float32(lr[0] * then / (1.0 - so_far * then))
        factors[1] = np.float32(lr[0] * (1.0 - now) / (1.0 - so_far))
        factors[2] = np.float32(1.0 / (1.0 - power(1.0 - np.float64(rest_2), t)))


@kernel
def nadam(
    theta: InOut, m: InOut, v: InOut, g: In, factors: In, n: i64, rest_1: f32, rest_2: f32, epsilon: f32,
    lo: i64, hi: i64,
):  # fmt: skip
    """One step of Nadam."""
    of_m, of_g, of_v = factors[0], factors[1], factors[2]
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        d = g[i]
        first = m[i] + (d - m[i]) * rest_1
        second = v[i] + (d * d - v[i]) * rest_2
        m[i], v[i] = first, second
        theta[i] -= (of_m * first + of_g * d) / (root(second * of_v) + epsilon)


@kernel
def ftrl(
    theta: InOut, s: InOut, z: InOut, g: In, lr: In, n: i64, p: f32, l1: f32, l2: f32, shrinkage: f32, beta: f32,
    lo: i64, hi: i64,
):  # fmt: skip
    """One step of FTRL whose exponent p is not ½."""
    rate = lr[0]
    ridge = TWO * l2 + beta / rate
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        d, w, old = g[i], theta[i], s[i]
        new = old + d * d
        high = math.exp(p * math.log(new))
        linear = z[i] + d + TWO * shrinkage * w - (high - math.exp(p * math.log(old))) / rate * w
        theta[i] = (minimum(maximum(linear, -l1), l1) - linear) / (high / rate + ridge)
        s[i], z[i] = new, linear


@kernel
def ftrl_root(
    theta: InOut, s: InOut, z: InOut, g: In, lr: In, n: i64, p: f32, l1: f32, l2: f32, shrinkage: f32, beta: f32,
    lo: i64, hi: i64,
):  # fmt: skip
    """One step of FTRL whose exponent is ½; √n' - √n is g² / (√n' + √n), which loses no digits."""
    rate = lr[0]
    ridge = TWO * l2 + beta / rate
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        d, w, old = g[i], theta[i], s[i]
        new = old + d * d
        high = root(new)
        both = high + root(old)
        rise = ZERO if both == ZERO else d * d / both
        linear = z[i] + d + TWO * shrinkage * w - rise / rate * w
        theta[i] = (minimum(maximum(linear, -l1), l1) - linear) / (high / rate + ridge)
        s[i], z[i] = new, linear
