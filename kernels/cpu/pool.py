"""Pooling over windows of NHWC images, and its gradients.

::

    max_pool     y[n, p, q, c]  = max over (i, j) in window(p, q) of x[n, i, j, c]
    avg_pool     y[n, p, q, c]  = sum over (i, j) in window(p, q) of x[n, i, j, c] / count(p, q)
    window(p, q)                = rows [p·sh - top, p·sh - top + kh) × columns [q·sw - left, q·sw - left + kw),
                                  cut off where it leaves the image
    count(p, q)                 = pixels of window(p, q); or kh·kw, if padding counts as zeros

Channels are the vectors and accumulators stay in registers over the window (`kernels.window`), so each number of y is
written once and each number of x is read from memory once: its further reads meet the cache.

The gradient of the average is a sum over windows too, those of dy that cover a pixel of x, so it needs no zeroed dx and
no two tasks touch the same row.  The gradient of the maximum goes to the first pixel of the window, row by row, that
holds it, and adds up where windows overlap.  Where they do not, a task owns the rows of one row of windows; where they
do, it owns some channels of a whole image.
"""

import numpy as np

from ..compiler import In, InOut, Out, device, f32, i64, kernel
from ..generators import reduce_window, route_window
from ..target import current

LANES = current().lanes
ZERO, ONE = np.float32(0), np.float32(1)
#: channels of one image that a task of `max_pool_dx` takes where windows overlap
CHANNEL_BLOCK = 4 * LANES


@device
def span(p: int, stride: int, before: int, k: int, size: int) -> tuple[int, int]:
    """The pixels [first, end) of window p along one axis."""
    first = p * stride - before
    return max(first, 0), min(first + k, size)


@device
def covering(i: int, stride: int, before: int, k: int, outputs: int) -> tuple[int, int]:
    """The windows [first, end) along one axis that pixel i lies in; none where end <= first."""
    return max((i + before - k) // stride + 1, 0), min((i + before) // stride + 1, outputs)


def _reducer(kind: str):
    """The reduction of one window for all channels of a pixel."""
    four, one, eight, quarter, scalar = (
        reduce_window(kind, *shape) for shape in ((4, LANES), (1, LANES), (1, 8), (1, 4), (1, 1))
    )

    @device
    def reduce(x, x0, rows, row_step, cols, col_step, y, y0, c, scale):
        j = 0
        while j + 4 * LANES <= c:
            four(x, x0 + j, rows, row_step, cols, col_step, y, y0 + j, scale)
            j += 4 * LANES
        while j + LANES <= c:
            one(x, x0 + j, rows, row_step, cols, col_step, y, y0 + j, scale)
            j += LANES
        if j == c:
            return
        if c >= LANES:  # the last channels again, with a vector that ends at the last one
            j = c - LANES
            one(x, x0 + j, rows, row_step, cols, col_step, y, y0 + j, scale)
        elif c >= 8:
            eight(x, x0, rows, row_step, cols, col_step, y, y0, scale)
            j = c - 8
            eight(x, x0 + j, rows, row_step, cols, col_step, y, y0 + j, scale)
        elif c >= 4:
            quarter(x, x0, rows, row_step, cols, col_step, y, y0, scale)
            j = c - 4
            quarter(x, x0 + j, rows, row_step, cols, col_step, y, y0 + j, scale)
        else:
            for j in range(c):
                scalar(x, x0 + j, rows, row_step, cols, col_step, y, y0 + j, scale)

    return reduce


window_max, window_sum = _reducer("max"), _reducer("sum")
route_full, route_eight, route_four, route_one = (route_window(lanes) for lanes in (LANES, 8, 4, 1))


@kernel
def max_pool(
    x: In, y: Out, h: i64, w: i64, c: i64, oh: i64, ow: i64, kh: i64, kw: i64, sh: i64, sw: i64, top: i64, left: i64,
    lo: i64, hi: i64,
):  # fmt: skip
    """One task computes one row of y; tasks count (image, row)."""
    for task in range(lo, hi):
        image, p = task // oh, task % oh
        i0, i1 = span(p, sh, top, kh, h)
        row = (image * h + i0) * w
        for q in range(ow):
            j0, j1 = span(q, sw, left, kw, w)
            window_max(x, (row + j0) * c, i1 - i0, w * c, j1 - j0, c, y, (task * ow + q) * c, c, ONE)


@kernel
def avg_pool(
    x: In, y: Out, h: i64, w: i64, c: i64, oh: i64, ow: i64, kh: i64, kw: i64, sh: i64, sw: i64, top: i64, left: i64,
    include_pad: i64, lo: i64, hi: i64,
):  # fmt: skip
    """One task computes one row of y; tasks count (image, row)."""
    for task in range(lo, hi):
        image, p = task // oh, task % oh
        i0, i1 = span(p, sh, top, kh, h)
        row = (image * h + i0) * w
        for q in range(ow):
            j0, j1 = span(q, sw, left, kw, w)
            count = kh * kw if include_pad else (i1 - i0) * (j1 - j0)
            scale = ONE / np.float32(count)
            window_sum(x, (row + j0) * c, i1 - i0, w * c, j1 - j0, c, y, (task * ow + q) * c, c, scale)


@kernel
def divide_by_count(
    dy: In, t: Out, h: i64, w: i64, c: i64, oh: i64, ow: i64, kh: i64, kw: i64, sh: i64, sw: i64, top: i64, left: i64,
    lo: i64, hi: i64,
):  # fmt: skip
    """t[n, p, q, c] = dy[n, p, q, c] / count(p, q); one task computes one row."""
    for task in range(lo, hi):
        i0, i1 = span(task % oh, sh, top, kh, h)
        for q in range(ow):
            j0, j1 = span(q, sw, left, kw, w)
            scale = ONE / np.float32((i1 - i0) * (j1 - j0))
            y0 = (task * ow + q) * c
            for j in range(c):
                t[y0 + j] = dy[y0 + j] * scale


@kernel
def avg_pool_dx(
    dy: In, dx: Out, h: i64, w: i64, c: i64, oh: i64, ow: i64, kh: i64, kw: i64, sh: i64, sw: i64, top: i64, left: i64,
    scale: f32, lo: i64, hi: i64,
):  # fmt: skip
    """dx[n, i, j, c] = scale · sum of dy over the windows that cover (i, j); one task computes one row of dx."""
    for task in range(lo, hi):
        image, i = task // h, task % h
        p0, p1 = covering(i, sh, top, kh, oh)
        for j in range(w):
            q0, q1 = covering(j, sw, left, kw, ow)
            at = ((image * oh + p0) * ow + q0) * c
            window_sum(dy, at, p1 - p0, ow * c, q1 - q0, c, dx, (task * w + j) * c, c, scale)


@kernel
def max_pool_dx(
    x: In, y: In, dy: In, dx: InOut, h: i64, w: i64, c: i64, oh: i64, ow: i64, kh: i64, kw: i64, sh: i64, sw: i64,
    top: i64, left: i64, bands: i64, blocks: i64, lo: i64, hi: i64,
):  # fmt: skip
    """dx = dy where x was the first maximum of a window, else 0; tasks count (image, band of windows, channels).

    Either `bands` is oh, where windows do not share rows, or 1; `blocks` is the number of parts of the channels.
    """
    width = CHANNEL_BLOCK if blocks > 1 else c
    for task in range(lo, hi):
        block, rest = task % blocks, task // blocks
        band, image = rest % bands, rest // bands
        c0, c1 = block * width, min(c, block * width + width)
        i0, i1, p0, p1 = 0, h, 0, oh
        if bands > 1:
            p0, p1 = band, band + 1
            if p0 > 0:
                i0 = min(p0 * sh - top, h)
            if p1 < oh:
                i1 = min(p1 * sh - top, h)
        if blocks == 1:
            for at in range((image * h + i0) * w * c, (image * h + i1) * w * c):
                dx[at] = ZERO
        else:
            for pixel in range((image * h + i0) * w, (image * h + i1) * w):
                for j in range(c0, c1):
                    dx[pixel * c + j] = ZERO
        for p in range(p0, p1):
            r0, r1 = span(p, sh, top, kh, h)
            for q in range(ow):
                s0, s1 = span(q, sw, left, kw, w)
                at, out = ((image * h + r0) * w + s0) * c, ((image * oh + p) * ow + q) * c
                rows, cols, step = r1 - r0, s1 - s0, w * c
                j = c0
                while j + LANES <= c1:
                    route_full(x, dx, at + j, rows, step, cols, c, y, dy, out + j)
                    j += LANES
                while j + 8 <= c1:
                    route_eight(x, dx, at + j, rows, step, cols, c, y, dy, out + j)
                    j += 8
                while j + 4 <= c1:
                    route_four(x, dx, at + j, rows, step, cols, c, y, dy, out + j)
                    j += 4
                while j < c1:
                    route_one(x, dx, at + j, rows, step, cols, c, y, dy, out + j)
                    j += 1
