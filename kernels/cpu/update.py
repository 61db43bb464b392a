"""What an optimizer does to the weights, in place, as Keras 3 does it.

::

    sgd        θ -= lr·g
    momentum   v ← μ·v - lr·g,  θ += v             (nesterov: θ += μ·v - lr·g)
    adam       m += (1 - β₁)(g - m),  v += (1 - β₂)(g² - v),  θ -= α·m / (√v + ε)
               α = lr·√(1 - β₂^t) / (1 - β₁^t),  t = step + 1

Adam is Kingma and Ba 2015 (arXiv:1412.6980) in the form just before their section 2.1.  The learning rate and the step
lie in memory, so that a schedule may change them between runs.  One task updates BLOCK weights.
"""

import numpy as np

from ..compiler import In, InI64, InOut, InOutI64, device, f32, i64, kernel
from ..simd import root
from .elementwise import BLOCK


@kernel
def sgd(theta: InOut, g: In, lr: In, n: i64, lo: i64, hi: i64):
    """theta -= lr·g."""
    rate = lr[0]
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        theta[i] -= rate * g[i]


@kernel
def momentum(theta: InOut, v: InOut, g: In, lr: In, n: i64, mu: f32, nesterov: i64, lo: i64, hi: i64):
    """v = mu·v - lr·g; theta += v, or mu·v - lr·g."""
    rate = lr[0]
    if nesterov:
        for i in range(lo * BLOCK, min(hi * BLOCK, n)):
            step = rate * g[i]
            speed = mu * v[i] - step
            v[i] = speed
            theta[i] += mu * speed - step
    else:
        for i in range(lo * BLOCK, min(hi * BLOCK, n)):
            speed = mu * v[i] - rate * g[i]
            v[i] = speed
            theta[i] += speed


@device
def one_minus_power(rest, t):
    """1 - (1 - rest)^t in float64, by squaring."""
    base, result = 1.0 - np.float64(rest), 1.0
    while t > 0:
        if t & 1:
            result *= base
        base *= base
        t >>= 1
    return 1.0 - result


@kernel
def adam(
    theta: InOut, m: InOut, v: InOut, g: In, lr: In, step: InI64, n: i64,
    rest_1: f32, rest_2: f32, epsilon: f32, lo: i64, hi: i64,
):  # fmt: skip
    """One step of Adam; rest_1 and rest_2 are 1 - beta_1 and 1 - beta_2, which keep their digits in float32."""
    t = step[0] + 1
    alpha = np.float32(lr[0] * np.sqrt(one_minus_power(rest_2, t)) / one_minus_power(rest_1, t))
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        d = g[i]
        first = m[i] + (d - m[i]) * rest_1
        second = v[i] + (d * d - v[i]) * rest_2
        m[i], v[i] = first, second
        theta[i] -= alpha * first / (root(second) + epsilon)


@kernel
def increment(counter: InOutI64, lo: i64, hi: i64):
    """counter[0] += 1."""
    for _ in range(lo, hi):
        counter[0] += 1
