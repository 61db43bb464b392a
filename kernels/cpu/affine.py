"""Images under affine maps: each pixel of the result is taken from a place between the pixels of x.

::

    y[n, p, q, c] = x[n, v, u, c]     v = m0·p + m1·q + m2,  u = m3·p + m4·q + m5,  m = map[n]

A place between pixels is interpolated between its four neighbours (`linear`) or rounded to the nearest of them.
Neighbours outside of x are, by `fill`: CONSTANT a value; NEAREST the pixel at the edge; REFLECT  d c b a | a b c d |
d c b a; WRAP  a b c d | a b c d | a b c d.

One task computes one row of y.  The gradient adds what each pixel of dy took from x; one task does one image.
"""

import numpy as np

from ..compiler import In, Out, device, f32, i64, kernel

ZERO, ONE, HALF = np.float32(0), np.float32(1), np.float32(0.5)
CONSTANT, NEAREST, REFLECT, WRAP = 0, 1, 2, 3
#: places are kept within this distance of the origin
FAR = np.float32(2.0**22)


@device
def floor(v):
    """The integer below; NaN and what is too far off go to the ends."""
    v = v if v > -FAR else -FAR
    v = FAR if v > FAR else v
    i = np.int64(v)
    return i - 1 if np.float32(i) > v else i


@device
def inside(i, size, fill):
    """The place of pixel i in [0, size), or -1 for a constant."""
    if i >= 0 and i < size:
        return i
    if fill == CONSTANT:
        return -1
    if fill == NEAREST:
        return 0 if i < 0 else size - 1
    if fill == WRAP:
        return i % size
    j = i % (2 * size)
    return j if j < size else 2 * size - 1 - j


@kernel
def affine(
    x: In, m: In, y: Out, h: i64, w: i64, c: i64, linear: i64, fill: i64, value: f32, lo: i64, hi: i64
):  # fmt: skip
    """y = x under the maps m."""
    for row in range(lo, hi):
        n, p = row // h, row % h
        for q in range(w):
            v = m[6 * n] * np.float32(p) + m[6 * n + 1] * np.float32(q) + m[6 * n + 2]
            u = m[6 * n + 3] * np.float32(p) + m[6 * n + 4] * np.float32(q) + m[6 * n + 5]
            to = (row * w + q) * c
            if linear == 0:
                i, j = inside(floor(v + HALF), h, fill), inside(floor(u + HALF), w, fill)
                for k in range(c):
                    y[to + k] = x[((n * h + i) * w + j) * c + k] if i >= 0 and j >= 0 else value
            else:
                i, j = floor(v), floor(u)
                b, a = v - np.float32(i), u - np.float32(j)
                for k in range(c):
                    y[to + k] = ZERO
                for corner in range(4):
                    di, dj = corner >> 1, corner & 1
                    f = (b if di else ONE - b) * (a if dj else ONE - a)
                    ii, jj = inside(i + di, h, fill), inside(j + dj, w, fill)
                    if f != ZERO:
                        for k in range(c):
                            y[to + k] += f * (x[((n * h + ii) * w + jj) * c + k] if ii >= 0 and jj >= 0 else value)


@kernel
def affine_dx(m: In, dy: In, dx: Out, h: i64, w: i64, c: i64, linear: i64, fill: i64, lo: i64, hi: i64):
    """dx from dy; the places are those of `affine`."""
    for n in range(lo, hi):
        for at in range(n * h * w * c, (n + 1) * h * w * c):
            dx[at] = ZERO
        for p in range(h):
            for q in range(w):
                v = m[6 * n] * np.float32(p) + m[6 * n + 1] * np.float32(q) + m[6 * n + 2]
                u = m[6 * n + 3] * np.float32(p) + m[6 * n + 4] * np.float32(q) + m[6 * n + 5]
                source = ((n * h + p) * w + q) * c
                if linear == 0:
                    i, j = inside(floor(v + HALF), h, fill), inside(floor(u + HALF), w, fill)
                    if i >= 0 and j >= 0:
                        for k in range(c):
                            dx[((n * h + i) * w + j) * c + k] += dy[source + k]
                else:
                    i, j = floor(v), floor(u)
                    b, a = v - np.float32(i), u - np.float32(j)
                    for corner in range(4):
                        di, dj = corner >> 1, corner & 1
                        f = (b if di else ONE - b) * (a if dj else ONE - a)
                        ii, jj = inside(i + di, h, fill), inside(j + dj, w, fill)
                        if ii >= 0 and jj >= 0:
                            for k in range(c):
                                dx[((n * h + ii) * w + jj) * c + k] += f * dy[source + k]
