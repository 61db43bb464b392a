"""Activations that look at one number at a time, and their gradients from the *output* y.

::

    relu        max(x, 0)                    dx = dy where y > 0, else 0
    leaky_relu  x where x > 0, else α·x      dx = dy where y > 0, else α·dy     (y and x have one sign where α > 0)
    clip        min(max(x, low), high)       dx = dy where low < y < high, else 0
    sigmoid     1 / (1 + e^-x)               dx = dy · y · (1 - y)
    tanh                                     dx = dy · (1 - y²)

Comparisons are written so that NaN stays NaN.  One task computes BLOCK numbers.

The y of relu, leaky_relu and clip may lie inside a border (`edgenet.graph.Layout`), since convolutions read it too:
their gradients go line by line, a line being a row of pixels, or BLOCK numbers where y is dense.
"""

import numpy as np

from .. import math
from ..compiler import In, Out, device, f32, i64, kernel
from .elementwise import BLOCK

ZERO, ONE = np.float32(0), np.float32(1)


@device
def line_start(line, h, image, row):
    """Where a line of an image of h lines begins."""
    return line // h * image + line % h * row


@kernel
def relu(x: In, y: Out, n: i64, lo: i64, hi: i64):
    """y = max(x, 0)."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        y[i] = ZERO if x[i] < ZERO else x[i]


@kernel
def relu_dx(
    y: In, dy: In, dx: Out, n: i64, length: i64, lines: i64, h: i64, image: i64, row: i64, lo: i64, hi: i64
):  # fmt: skip
    """dx = dy where y > 0, else 0; one task computes `lines` lines."""
    for line in range(lo * lines, min(hi * lines, (n + length - 1) // length)):
        x0, y0 = line * length, line_start(line, h, image, row)
        for i in range(min(length, n - x0)):
            v = dy[x0 + i]
            dx[x0 + i] = v if y[y0 + i] > ZERO else ZERO


@kernel
def leaky_relu(x: In, y: Out, n: i64, alpha: f32, lo: i64, hi: i64):
    """y = x where x > 0, else alpha·x."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        v = x[i]
        scaled = alpha * v
        y[i] = v if v > ZERO else scaled


@kernel
def leaky_relu_dx(
    y: In, dy: In, dx: Out, n: i64, length: i64, lines: i64, h: i64, image: i64, row: i64, alpha: f32, lo: i64, hi: i64
):  # fmt: skip
    """dx = dy where y > 0, else alpha·dy; one task computes `lines` lines."""
    for line in range(lo * lines, min(hi * lines, (n + length - 1) // length)):
        x0, y0 = line * length, line_start(line, h, image, row)
        for i in range(min(length, n - x0)):
            v = dy[x0 + i]
            scaled = alpha * v
            dx[x0 + i] = v if y[y0 + i] > ZERO else scaled


@kernel
def clip(x: In, y: Out, n: i64, low: f32, high: f32, lo: i64, hi: i64):
    """y = min(max(x, low), high)."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        v = x[i]
        v = low if v < low else v
        y[i] = high if v > high else v


@kernel
def clip_dx(
    y: In, dy: In, dx: Out, n: i64, length: i64, lines: i64, h: i64, image: i64, row: i64, low: f32, high: f32,
    lo: i64, hi: i64,
):  # fmt: skip
    """dx = dy where low < y < high, else 0; one task computes `lines` lines."""
    for line in range(lo * lines, min(hi * lines, (n + length - 1) // length)):
        x0, y0 = line * length, line_start(line, h, image, row)
        for i in range(min(length, n - x0)):
            v, u = dy[x0 + i], y[y0 + i]
            v = v if u > low else ZERO
            dx[x0 + i] = v if u < high else ZERO


@kernel
def sigmoid(x: In, y: Out, n: i64, lo: i64, hi: i64):
    """y = 1 / (1 + e^-x)."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        y[i] = math.sigmoid(x[i])


@kernel
def sigmoid_dx(y: In, dy: In, dx: Out, n: i64, lo: i64, hi: i64):
    """dx = dy · y · (1 - y)."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        dx[i] = dy[i] * (y[i] * (ONE - y[i]))


@kernel
def tanh(x: In, y: Out, n: i64, lo: i64, hi: i64):
    """y = tanh x."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        y[i] = math.tanh(x[i])


@kernel
def tanh_dx(y: In, dy: In, dx: Out, n: i64, lo: i64, hi: i64):
    """dx = dy · (1 - y²)."""
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        dx[i] = dy[i] * (ONE - y[i] * y[i])
