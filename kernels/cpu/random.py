"""Random numbers from a counter: dropout.

Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011): ten rounds turn
a counter of four 32-bit words into four random ones.  With the step number and the seed in counter and key ::

    counter = (i div 4, i div 4 >> 32, step, step >> 32)       key = (seed, seed >> 32)

element i takes word i mod 4.  So the mask of a step can be made again at any time, by any thread, from any element on:
the gradient does so instead of keeping it.
"""

import numpy as np

from ..compiler import In, InI64, Out, device, f32, i64, kernel
from .elementwise import BLOCK

ZERO = np.float32(0)
M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
WORD, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)
QUAD = 4


@device
def philox(c0, c1, c2, c3, k0, k1):
    """Four random words, from four words of counter and two of key, each in a uint64."""
    for _ in range(10):
        p0, p1 = c0 * M0, c2 * M1
        c0, c1, c2, c3 = (p1 >> HALF) ^ c1 ^ k0, p1 & WORD, (p0 >> HALF) ^ c3 ^ k1, p0 & WORD
        k0, k1 = (k0 + W0) & WORD, (k1 + W1) & WORD
    return c0, c1, c2, c3


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
