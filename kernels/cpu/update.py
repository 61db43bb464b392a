"""What an optimizer does to the weights, in place, as Keras 3 does it; and what is done to gradients before.

::

    sgd        θ -= lr·g
    momentum   v ← μ·v - lr·g,  θ += v             (nesterov: θ += μ·v - lr·g)
    lion       θ -= lr·sign(β₁m + (1 - β₁)g),  m ← β₂m + (1 - β₂)g
    decay      θ -= lr·λ·θ
    average    a ← μ·a + (1 - μ)·θ;  a = θ at the first step
    blend      a ← μ·a + (1 - μ)·x
    clip_norm  g ← g·c / max(‖g‖, c), for each variable

Lion is Chen et al. 2023 (arXiv:2302.06675).  The optimizers that measure gradients are in `adaptive`.  The learning
rate and the step lie in memory, so that a schedule may change them between runs.  One task updates BLOCK weights.
"""

import numpy as np

from ..compiler import In, InI64, InOut, InOutI64, Out, f32, i64, kernel
from ..generators import wide_root
from .elementwise import BLOCK

ZERO, ONE, INF, NAN = np.float32(0), np.float32(1), np.float32(np.inf), np.float32(np.nan)


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


@kernel
def increment(counter: InOutI64, lo: i64, hi: i64):
    """counter[0] += 1."""
    for _ in range(lo, hi):
        counter[0] += 1


@kernel
def lion(
    theta: InOut, m: InOut, g: In, lr: In, n: i64, beta_1: f32, rest_1: f32, beta_2: f32, rest_2: f32, lo: i64, hi: i64
):
    """One step of Lion; rest_1 and rest_2 are 1 - beta_1 and 1 - beta_2."""
    rate = lr[0]
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        d = g[i]
        c = m[i] * beta_1 + d * rest_1
        sign = ONE if c > ZERO else (-ONE if c < ZERO else c)
        theta[i] -= rate * sign
        m[i] = m[i] * beta_2 + d * rest_2


@kernel
def decay(theta: InOut, lr: In, n: i64, rate: f32, lo: i64, hi: i64):
    """theta -= lr·rate·theta."""
    share = lr[0] * rate
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        theta[i] -= theta[i] * share


@kernel
def average(mean: InOut, theta: InOut, step: InI64, n: i64, momentum: f32, rest: f32, every: i64, lo: i64, hi: i64):
    """mean = momentum·mean + rest·theta, or theta where step is 0; every `every` steps theta = mean."""
    first, back = step[0] == 0, every > 0 and (step[0] + 1) % max(every, 1) == 0
    keep, take = (ZERO, ONE) if first else (momentum, rest)
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        w = theta[i]
        a = w if first else mean[i] * keep + w * take  # mean·0 would keep a NaN of earlier
        mean[i] = a
        theta[i] = a if back else w


@kernel
def blend(mean: InOut, x: In, n: i64, keep: f32, take: f32, lo: i64, hi: i64):
    """mean = keep·mean + take·x."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        mean[i] = mean[i] * keep + x[i] * take


@kernel
def squares(g: In, starts: InI64, partial: Out, lo: i64, hi: i64):
    """partial[b] = the sum of g² from starts[b] to starts[b + 1]; one task a b."""
    for b in range(lo, hi):
        total = ZERO
        for i in range(starts[b], starts[b + 1]):
            total += g[i] * g[i]
        partial[b] = total


@kernel
def norm_factors(partial: In, first: InI64, factors: Out, bound: f32, lo: i64, hi: i64):
    """factors[v] = bound / max(‖v‖, bound), of partial[first[v] : first[v + 1]]; NaN if the norm is not finite."""
    for v in range(lo, hi):
        total = np.float64(0)
        for b in range(first[v], first[v + 1]):
            total += np.float64(partial[b])
        norm = np.float32(wide_root(total))
        if norm <= bound:
            factors[v] = ONE
        else:
            factors[v] = bound / norm if norm < INF else NAN


@kernel
def scale_spans(g: In, y: Out, starts: InI64, owners: InI64, factors: In, lo: i64, hi: i64):
    """y = g·factors[owners[b]] from starts[b] to starts[b + 1]; one task a b."""
    for b in range(lo, hi):
        factor = factors[owners[b]]
        for i in range(starts[b], starts[b + 1]):
            y[i] = g[i] * factor
