"""Convolution's own small part: zeros around images, what taps give to the pixels of a row, weights of several pixels.

The arithmetic is `gemm` or `depthwise`.
"""

import numpy as np

from ..compiler import In, Out, device, i64, kernel
from ..generators import accumulate
from ..target import current

ZERO = np.float32(0)
LANES = current().lanes
add_vector = accumulate(LANES)


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
def zero_border(
    y: Out, size: i64, start: i64, image: i64, row: i64, lines: i64, h: i64, length: i64, lo: i64, hi: i64
):  # fmt: skip
    """Zeros around images: whatever lies between one line, a row of `length` numbers, and the next.

    One task writes what is before one line; the last one, what is behind them all.
    """
    before = max(
        lo - 1, 0
    )  # the line that the first task's zeros follow: to divide for each line takes longer than zeros
    i, at = before % h, start + before // h * image + before % h * row
    first = 0
    for line in range(before, hi):
        if line >= lo:
            for j in range(first, at if line < lines else size):
                y[j] = ZERO
        first = at + length
        i += 1
        at += row
        if i == h:
            i, at = 0, at + image - h * row


@device
def add_run(t, source, dx, target, n):
    """dx[target : target + n] += t[source : source + n]."""
    j = 0
    while j + LANES <= n:
        add_vector(t, source + j, dx, target + j, LANES)
        j += LANES
    if j < n:
        add_vector(t, source + j, dx, target + j, n - j)


@kernel
def add_columns(
    t: In, dx: Out, rows: i64, height: i64, w: i64, c: i64, wo: i64, kw: i64, sw: i64, left: i64, lo: i64, hi: i64
):  # fmt: skip
    """dx[i, j, c] = sum of t[i, q, r, c] over the outputs q and taps r that saw column j: q·sw + r - left = j.

    The kw taps of an output are neighbours in a row of dx, so they are added as one run of kw·c numbers.  As a number
    can't be read back at once while it is on its way to the cache, one task computes `height` rows and adds to each of
    them before it comes back to the first.
    """
    run = kw * c
    for task in range(lo, hi):
        first_row, end_row = task * height, min(rows, task * height + height)
        for j in range(first_row * w * c, end_row * w * c):
            dx[j] = ZERO
        for q in range(wo):
            column = q * sw - left
            first, end = max(0, -column), min(kw, w - column)
            for i in range(first_row, end_row):
                add_run(t, (i * wo + q) * run + first * c, dx, (i * w + column + first) * c, (end - first) * c)


@kernel
def spread(w: In, wide: Out, kw: i64, ci: i64, co: i64, pixels: i64, step: i64, width: i64, lo: i64, hi: i64):
    """wide[i, j, c, (p, o)] = w[i, j - p·step, c, o], zeros where there is no such tap and up to `width` numbers a row.

    One task writes one row i of the kernel; `edgenet.ops.abreast` draws it.
    """
    rows, taps = (kw + (pixels - 1) * step) * ci, kw * ci
    for i in range(lo, hi):
        for r in range(rows):
            p, o = 0, 0
            for e in range(width):
                tap = r - p * step * ci
                there = p < pixels and 0 <= tap < taps
                wide[(i * rows + r) * width + e] = w[(i * taps + tap) * co + o] if there else ZERO
                o += 1
                if o == co:
                    p, o = p + 1, 0


@kernel
def gather(wide: In, dw: Out, kw: i64, ci: i64, co: i64, pixels: i64, step: i64, lo: i64, hi: i64):
    """dw[i, j, c, o] = sum over p of wide[i, j + p·step, c, (p, o)]; one task computes one row i of the kernel."""
    rows, taps, width = (kw + (pixels - 1) * step) * ci, kw * ci, pixels * co
    for i in range(lo, hi):
        for r in range(taps):
            for o in range(co):
                total = ZERO
                for p in range(pixels):
                    total += wide[(i * rows + p * step * ci + r) * width + p * co + o]
                dw[(i * taps + r) * co + o] = total
