"""Random numbers from a counter: dropout, uniform and normal numbers, random affine maps.

Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011): ten rounds turn
a counter of four 32-bit words into four random ones.  With the step number and the seed in counter and key ::

    counter = (i div 4, i div 4 >> 32, step, step >> 32)       key = (seed, seed >> 32)

element i takes word i mod 4.  So the mask of a step can be made again at any time, by any thread, from any element on:
the gradient does so instead of keeping it.
"""

import numpy as np

from .. import math
from ..compiler import In, InI64, Out, device, f32, i64, kernel
from ..generators import root
from .elementwise import BLOCK

ZERO = np.float32(0)
M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
WORD, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
QUAD = 4
ONE, TWO, MIDDLE = np.float32(1), np.float32(2), np.float32(0.5)
#: a word without its lowest eight bits, and what makes it a fraction
EIGHT, FRACTION = np.uint64(8), np.float32(2.0**-24)


@device
def philox(c0, c1, c2, c3, k0, k1):
    """Four random words, from four words of counter and two of key, each in a uint64."""
    for _ in range(10):
        p0, p1 = c0 * M0, c2 * M1
        c0, c1, c2, c3 = (p1 >> HALF) ^ c1 ^ k0, p1 & WORD, (p0 >> HALF) ^ c3 ^ k1, p0 & WORD
        k0, k1 = (k0 + W0) & WORD, (k1 + W1) & WORD
    return c0, c1, c2, c3


@device
def fraction(word):
    """A number in [0, 1), exactly."""
    return np.float32(np.int32(word >> EIGHT)) * FRACTION


@device
def two(y, i, end, u, v, mean, deviation):
    """Two normal numbers at y[i], as far as that is before `end`."""
    radius = root(-TWO * math.log(ONE - fraction(u)))
    c, s = math.circle(fraction(v))
    if i < end:
        y[i] = mean + deviation * (radius * c)
    if i + 1 < end:
        y[i + 1] = mean + deviation * (radius * s)


@kernel
def dropout(x: In, counter: InI64, y: Out, n: i64, seed: i64, threshold: i64, scale: f32, lo: i64, hi: i64):
    """y[i] = x[i]·scale where word i is at least `threshold`, else 0; one task computes BLOCK numbers."""
    step, key, least = np.uint64(counter[0]), np.uint64(seed), np.uint64(threshold)
    s0, s1, k0, k1 = step & WORD, step >> HALF, key & WORD, key >> HALF
    end = min(hi * BLOCK, n)
    for quad in range(lo * (BLOCK // QUAD), end // QUAD):
        q = np.uint64(quad)
        w0, w1, w2, w3 = philox(q & WORD, q >> HALF, s0, s1, k0, k1)
        i = quad * QUAD
        a, b, c, d = x[i] * scale, x[i + 1] * scale, x[i + 2] * scale, x[i + 3] * scale
        y[i] = a if w0 >= least else ZERO
        y[i + 1] = b if w1 >= least else ZERO
        y[i + 2] = c if w2 >= least else ZERO
        y[i + 3] = d if w3 >= least else ZERO
    if end % QUAD:  # the last numbers of all
        q = np.uint64(end // QUAD)
        words = philox(q & WORD, q >> HALF, s0, s1, k0, k1)
        for j in range(end % QUAD):
            i = end - end % QUAD + j
            y[i] = x[i] * scale if words[j] >= least else ZERO


@kernel
def uniform(counter: InI64, y: Out, n: i64, seed: i64, low: f32, width: f32, lo: i64, hi: i64):
    """y[i] = low + width·u with u = (word i div 2^8) / 2^24, so 0 <= u < 1."""
    step, key = np.uint64(counter[0]), np.uint64(seed)
    s0, s1, k0, k1 = step & WORD, step >> HALF, key & WORD, key >> HALF
    end = min(hi * BLOCK, n)
    for quad in range(lo * (BLOCK // QUAD), (end + QUAD - 1) // QUAD):
        q = np.uint64(quad)
        words = philox(q & WORD, q >> HALF, s0, s1, k0, k1)
        for j in range(min(QUAD, end - quad * QUAD)):
            y[quad * QUAD + j] = low + width * fraction(words[j])


@kernel
def normal(counter: InI64, y: Out, n: i64, seed: i64, mean: f32, deviation: f32, lo: i64, hi: i64):
    """y[i] = mean + deviation·z, two z from two words: √(-2 log(1 - u))·(cos, sin)(2πv) (Box and Muller 1958)."""
    step, key = np.uint64(counter[0]), np.uint64(seed)
    s0, s1, k0, k1 = step & WORD, step >> HALF, key & WORD, key >> HALF
    end = min(hi * BLOCK, n)
    for quad in range(lo * (BLOCK // QUAD), (end + QUAD - 1) // QUAD):
        q = np.uint64(quad)
        w0, w1, w2, w3 = philox(q & WORD, q >> HALF, s0, s1, k0, k1)
        i = quad * QUAD
        two(y, i, end, w0, w1, mean, deviation)
        two(y, i + 2, end, w2, w3, mean, deviation)


@kernel
def affine(
    counter: InI64, y: Out, n: i64, seed: i64, height: f32, width: f32, flips: i64,
    y_shift: f32, y_range: f32, x_shift: f32, x_range: f32, turn: f32, turn_range: f32,
    y_zoom: f32, y_zoom_range: f32, x_zoom: f32, x_zoom_range: f32, joint: i64, lo: i64, hi: i64,
):  # fmt: skip
    """Six numbers a task: which place of an image each pixel of the result is taken from, see `cpu.affine`.

    Words 0 and 1 of the eight of an image decide about flips (bit 0 of `flips`: left and right, bit 1: up and down),
    the others draw, each from [a, a + range): shifts as shares of the size, turns, growths of the distance between
    pixels (with `joint`, one for both axes).
    """
    step, key = np.uint64(counter[0]), np.uint64(seed)
    s0, s1, k0, k1 = step & WORD, step >> HALF, key & WORD, key >> HALF
    for i in range(lo, hi):
        q = np.uint64(2 * i)
        w0, w1, w2, w3 = philox(q & WORD, q >> HALF, s0, s1, k0, k1)
        q = np.uint64(2 * i + 1)
        w4, w5, w6, _ = philox(q & WORD, q >> HALF, s0, s1, k0, k1)
        across = -ONE if (flips & 1) != 0 and fraction(w0) < MIDDLE else ONE
        down = -ONE if (flips & 2) != 0 and fraction(w1) < MIDDLE else ONE
        down *= ONE + (y_zoom + y_zoom_range * fraction(w5))
        across *= ONE + (x_zoom + x_zoom_range * fraction(w5 if joint != 0 else w6))
        c, s = math.circle(turn + turn_range * fraction(w4))
        cy, cx = MIDDLE * (height - ONE), MIDDLE * (width - ONE)
        a, b, d, e = down * c, down * s, -across * s, across * c
        y[6 * i], y[6 * i + 1] = a, b
        y[6 * i + 2] = cy - a * cy - b * cx - height * (y_shift + y_range * fraction(w2))
        y[6 * i + 3], y[6 * i + 4] = d, e
        y[6 * i + 5] = cx - d * cy - e * cx - width * (x_shift + x_range * fraction(w3))
