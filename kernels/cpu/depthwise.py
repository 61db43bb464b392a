"""Depthwise convolution: every channel has its own kernel.

::

    y[n, ho, wo, c] = act( sum over taps t of x[n, ho·sh + dh(t), wo·sw + dw(t), c] · w[t, c] + bias[c] )

Channels are the vectors.  A tap is a pair of offsets, one into x and one into w, so the same kernel computes the
forward pass and the input gradient (the same taps backwards over dy, one phase of the stride at a time).

The weight gradient keeps a few taps of one vector of channels in registers and walks along rows of pixels; images are
split into a fixed number of partitions whose sums are added in order.
"""

import numpy as np

from ..compiler import In, InI64, InOut, Out, f32, i64, kernel
from ..generators import taps_gradient, taps_tile
from ..target import current

LANES = current().lanes
ZERO = np.float32(0)
#: pixels of a tile, and taps of a gradient tile: accumulators and one operand stay within 16 registers
PX, TAPS = 8, 9
#: pixels of the tile for longer rows: NEON has 32 registers, and a third of its time went into the offsets of the taps
WIDE = 16 if current().by_lane else PX

whole_tile, partial_tile, wide_tile = (taps_tile(px, LANES, part) for px, part in ((PX, 0), (PX, 1), (WIDE, 0)))
whole_gradient, partial_gradient = taps_gradient(TAPS, LANES, False), taps_gradient(TAPS, LANES, True)


@kernel
def depthwise(
    x: In, w: In, bias: In, res: In, y: Out, xt: InI64, wt: InI64, taps: i64,
    rows: i64, columns: i64, c: i64, x_image: i64, x_row: i64, x_pixel: i64, y_image: i64, y_row: i64, y_pixel: i64,
    act: i64, alpha: f32, low: f32, high: f32, lo: i64, hi: i64,
):  # fmt: skip
    """One task computes one row of y; tasks count (image, row)."""
    for task in range(lo, hi):
        row, image = task % rows, task // rows
        x0, y0 = image * x_image + row * x_row, image * y_image + row * y_row
        for j in range(0, c, LANES):
            i = 0
            while i < columns:
                xa, ya, m = x0 + i * x_pixel + j, y0 + i * y_pixel + j, min(PX, columns - i)
                if WIDE > PX and c - j >= LANES and columns - i > PX:
                    m = min(WIDE, columns - i)
                    wide_tile(x, xa, x_pixel, y, ya, y_pixel, w, j, xt, wt, taps, bias, res, m, LANES,
                              act, alpha, low, high)  # fmt: skip
                elif c - j >= LANES:
                    whole_tile(x, xa, x_pixel, y, ya, y_pixel, w, j, xt, wt, taps, bias, res, m, LANES,
                               act, alpha, low, high)  # fmt: skip
                else:
                    partial_tile(x, xa, x_pixel, y, ya, y_pixel, w, j, xt, wt, taps, bias, res, m, c - j,
                                 act, alpha, low, high)  # fmt: skip
                i += m


@kernel
def depthwise_dw(
    x: In, dy: In, dw: InOut, xt: InI64, taps: i64, parts: i64,
    images: i64, rows: i64, columns: i64, c: i64, x_image: i64, x_row: i64, x_pixel: i64,
    dy_image: i64, dy_row: i64, dy_pixel: i64, lo: i64, hi: i64,
):  # fmt: skip
    """dw[part, t, c] = sum over the images of the part; one task computes one vector of channels of one part."""
    blocks = (c + LANES - 1) // LANES
    for task in range(lo, hi):
        j, part = task % blocks * LANES, task // blocks
        n = min(LANES, c - j)
        for t0 in range(0, taps, TAPS):
            count = min(TAPS, taps - t0)
            d0 = (part * taps + t0) * c + j
            for t in range(count):
                for i in range(n):
                    dw[d0 + t * c + i] = ZERO
            for line in range(images * part // parts * rows, images * (part + 1) // parts * rows):
                x0 = line // rows * x_image + line % rows * x_row + j
                y0 = line // rows * dy_image + line % rows * dy_row + j
                if n == LANES:
                    whole_gradient(x, x0, x_pixel, dy, y0, dy_pixel, dw, d0, c, xt, t0, count, columns, n)
                else:
                    partial_gradient(x, x0, x_pixel, dy, y0, dy_pixel, dw, d0, c, xt, t0, count, columns, n)
