"""Images under affine maps: y[n, p, q] = x[n, m0·p + m1·q + m2, m3·p + m4·q + m5] with m = maps[n].

Between pixels: interpolated from four neighbours, or the nearest (halves up). Around them, by numpy.pad: a constant,
"edge" (nearest), "symmetric" (reflect) or "wrap".
"""

import numpy as np

from oracle import wide

MODES = {"nearest": "edge", "reflect": "symmetric", "wrap": "wrap"}


def affine(x, maps, interpolation, fill, value):
    x, maps = wide(x), wide(maps)
    n, h, w, _ = x.shape
    far = 3 * max(h, w) + 2
    around = ((0, 0), (far, far), (far, far), (0, 0))
    how = {"constant_values": value} if fill == "constant" else {"mode": MODES[fill]}
    padded = np.pad(x, around, **how)
    y = np.empty_like(x)
    for i, p, q in np.ndindex(n, h, w):
        m = maps[i]
        v, u = m[0] * p + m[1] * q + m[2], m[3] * p + m[4] * q + m[5]
        if interpolation == "nearest":
            y[i, p, q] = padded[i, int(np.floor(v + 0.5)) + far, int(np.floor(u + 0.5)) + far]
            continue
        a, b = int(np.floor(v)), int(np.floor(u))
        y[i, p, q] = sum(
            (v - a if di else 1 - v + a) * (u - b if dj else 1 - u + b) * padded[i, a + di + far, b + dj + far]
            for di in (0, 1)
            for dj in (0, 1)
        )
    return y
