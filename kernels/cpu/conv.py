"""Convolution's own small part: zeros around images.  The arithmetic is `gemm` or `depthwise`."""

import numpy as np

from ..compiler import In, Out, i64, kernel

ZERO = np.float32(0)


@kernel
def pad_images(
    x: In, y: Out, h: i64, w: i64, c: i64, x_image: i64, x_row: i64, x_pixel: i64,
    top: i64, hp: i64, left: i64, wp: i64, lo: i64, hi: i64,
):  # fmt: skip
    """y[n, hp, wp, c] = x[n, h, w, c] with zeros around; one task writes one row of y."""
    for task in range(lo, hi):
        row, image = task % hp - top, task // hp
        y0 = task * wp * c
        if row < 0 or row >= h:
            for i in range(wp * c):
                y[y0 + i] = ZERO
        else:
            x0, first, last = image * x_image + row * x_row, left * c, (left + w) * c
            for i in range(first):
                y[y0 + i] = ZERO
            if x_pixel == c:
                for i in range(w * c):
                    y[y0 + first + i] = x[x0 + i]
            else:
                for j in range(w):
                    for i in range(c):
                        y[y0 + first + j * c + i] = x[x0 + j * x_pixel + i]
            for i in range(last, wp * c):
                y[y0 + i] = ZERO


@kernel
def zero_border(y: Out, rows: i64, width: i64, top: i64, h: i64, first: i64, inner: i64, lo: i64, hi: i64):
    """Zeros around images of `rows` rows of `width` numbers, h of which hold `inner` numbers behind `first` zeros.

    One task writes the border of one row.
    """
    for task in range(lo, hi):
        row, y0 = task % rows - top, task * width
        if row < 0 or row >= h:
            for i in range(width):
                y[y0 + i] = ZERO
        else:
            for i in range(first):
                y[y0 + i] = ZERO
            for i in range(first + inner, width):
                y[y0 + i] = ZERO
