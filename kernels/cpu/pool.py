"""Pooling over windows of NHWC images, and its gradients.

::

    max_pool     y[n, p, q, c]  = max over (i, j) in window(p, q) of x[n, i, j, c]
    avg_pool     y[n, p, q, c]  = sum over (i, j) in window(p, q) of x[n, i, j, c] / count(p, q)
    window(p, q)                = rows [p·sh - top, p·sh - top + kh) × columns [q·sw - left, q·sw - left + kw),
                                  cut off where it leaves the image
    count(p, q)                 = pixels of window(p, q); or kh·kw, if padding counts as zeros

Channels are the vectors and accumulators stay in registers over the window (`kernels.window`), so each number of y is
written once and each number of x is read from memory once: its further reads meet the cache.  Maxima of 2 × 2 and 3 × 3
pixels without padding have kernels of their own (`max_inside`, `max_inside_dx`), which take a row of windows at a time:
small networks use them on few channels, where whatever is done for each window shows.  (From `WIDE` channels on it does
not, and `max_pool`, which reads four vectors of a pixel one after the other, is a little faster.)

The gradient of the average is a sum over windows too, those of dy that cover a pixel of x, so it needs no zeroed dx and
no two tasks touch the same row.  The gradient of the maximum goes to the first pixel of the window, row by row, that
holds it, and adds up where windows overlap.  Where they do not, a task owns the rows of one row of windows; where they
do, it owns some channels of a whole image.

Images, rows and pixels of each operand have strides of their own, so that it may lie inside something larger: an image
with a border, or some channels of a wider one.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..compiler import In, InOut, Kernel, Out, device, f32, i64, kernel
from ..generators import clear, max_row, reduce_window, route_row, route_window
from ..target import current

LANES = current().lanes
ZERO, ONE = np.float32(0), np.float32(1)
#: channels from which on `max_inside` has no advantage
WIDE = 4 * LANES
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
clear_dx = clear(LANES)
route_full, route_eight, route_four, route_one = (route_window(lanes) for lanes in (LANES, 8, 4, 1))


@device
def route(x, xa, x_row, x_pixel, dx, da, dx_row, dx_pixel, rows, cols, y, ya, dy, ga, c0, c1):
    """The gradient of the maximum of one window, for the channels [c0, c1)."""
    j = c0
    while j + LANES <= c1:
        route_full(x, xa + j, x_row, x_pixel, dx, da + j, dx_row, dx_pixel, rows, cols, y, ya + j, dy, ga + j)
        j += LANES
    while j + 8 <= c1:
        route_eight(x, xa + j, x_row, x_pixel, dx, da + j, dx_row, dx_pixel, rows, cols, y, ya + j, dy, ga + j)
        j += 8
    while j + 4 <= c1:
        route_four(x, xa + j, x_row, x_pixel, dx, da + j, dx_row, dx_pixel, rows, cols, y, ya + j, dy, ga + j)
        j += 4
    while j < c1:
        route_one(x, xa + j, x_row, x_pixel, dx, da + j, dx_row, dx_pixel, rows, cols, y, ya + j, dy, ga + j)
        j += 1


@kernel
def max_pool(
    x: In, y: Out, h: i64, w: i64, c: i64, oh: i64, ow: i64, kh: i64, kw: i64, sh: i64, sw: i64, top: i64, left: i64,
    x_image: i64, x_row: i64, x_pixel: i64, y_image: i64, y_row: i64, y_pixel: i64, lo: i64, hi: i64,
):  # fmt: skip
    """One task computes one row of y; tasks count (image, row)."""
    for task in range(lo, hi):
        image, p = task // oh, task % oh
        i0, i1 = span(p, sh, top, kh, h)
        row, out = image * x_image + i0 * x_row, image * y_image + p * y_row
        for q in range(ow):
            j0, j1 = span(q, sw, left, kw, w)
            window_max(x, row + j0 * x_pixel, i1 - i0, x_row, j1 - j0, x_pixel, y, out + q * y_pixel, c, ONE)


@kernel
def avg_pool(
    x: In, y: Out, h: i64, w: i64, c: i64, oh: i64, ow: i64, kh: i64, kw: i64, sh: i64, sw: i64, top: i64, left: i64,
    x_image: i64, x_row: i64, x_pixel: i64, y_image: i64, y_row: i64, y_pixel: i64, include_pad: i64, lo: i64, hi: i64,
):  # fmt: skip
    """One task computes one row of y; tasks count (image, row)."""
    for task in range(lo, hi):
        image, p = task // oh, task % oh
        i0, i1 = span(p, sh, top, kh, h)
        row, out = image * x_image + i0 * x_row, image * y_image + p * y_row
        for q in range(ow):
            j0, j1 = span(q, sw, left, kw, w)
            count = kh * kw if include_pad else (i1 - i0) * (j1 - j0)
            scale = ONE / np.float32(count)
            window_sum(x, row + j0 * x_pixel, i1 - i0, x_row, j1 - j0, x_pixel, y, out + q * y_pixel, c, scale)


@kernel
def divide_by_count(
    dy: In, t: Out, h: i64, w: i64, c: i64, oh: i64, ow: i64, kh: i64, kw: i64, sh: i64, sw: i64, top: i64, left: i64,
    dy_image: i64, dy_row: i64, dy_pixel: i64, lo: i64, hi: i64,
):  # fmt: skip
    """t[n, p, q, c] = dy[n, p, q, c] / count(p, q), contiguous; one task computes one row."""
    for task in range(lo, hi):
        image, p = task // oh, task % oh
        i0, i1 = span(p, sh, top, kh, h)
        for q in range(ow):
            j0, j1 = span(q, sw, left, kw, w)
            scale = ONE / np.float32((i1 - i0) * (j1 - j0))
            source, target = image * dy_image + p * dy_row + q * dy_pixel, (task * ow + q) * c
            for j in range(c):
                t[target + j] = dy[source + j] * scale


@kernel
def avg_pool_dx(
    dy: In, dx: Out, h: i64, w: i64, c: i64, oh: i64, ow: i64, kh: i64, kw: i64, sh: i64, sw: i64, top: i64, left: i64,
    dy_image: i64, dy_row: i64, dy_pixel: i64, dx_image: i64, dx_row: i64, dx_pixel: i64, scale: f32, lo: i64, hi: i64,
):  # fmt: skip
    """dx[n, i, j, c] = scale · sum of dy over the windows that cover (i, j); one task computes one row of dx."""
    for task in range(lo, hi):
        image, i = task // h, task % h
        p0, p1 = covering(i, sh, top, kh, oh)
        row, out = image * dy_image + p0 * dy_row, image * dx_image + i * dx_row
        for j in range(w):
            q0, q1 = covering(j, sw, left, kw, ow)
            at = row + q0 * dy_pixel
            window_sum(dy, at, p1 - p0, dy_row, q1 - q0, dy_pixel, dx, out + j * dx_pixel, c, scale)


@kernel
def max_pool_dx(
    x: In, y: In, dy: In, dx: InOut, h: i64, w: i64, c: i64, oh: i64, ow: i64, kh: i64, kw: i64, sh: i64, sw: i64,
    top: i64, left: i64, x_image: i64, x_row: i64, x_pixel: i64, y_image: i64, y_row: i64, y_pixel: i64,
    dy_image: i64, dy_row: i64, dy_pixel: i64, dx_image: i64, dx_row: i64, dx_pixel: i64,
    bands: i64, blocks: i64, lo: i64, hi: i64,
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
        for i in range(i0, i1):
            row = image * dx_image + i * dx_row
            if dx_pixel == c1 - c0:
                for at in range(row, row + w * dx_pixel):
                    dx[at] = ZERO
            else:
                for j in range(w):
                    clear_dx(dx, row + j * dx_pixel + c0, c1 - c0)
        for p in range(p0, p1):
            r0, r1 = span(p, sh, top, kh, h)
            for q in range(ow):
                s0, s1 = span(q, sw, left, kw, w)
                rows, cols = r1 - r0, s1 - s0
                xa, da = image * x_image + r0 * x_row + s0 * x_pixel, image * dx_image + r0 * dx_row + s0 * dx_pixel
                ya, ga = image * y_image + p * y_row + q * y_pixel, image * dy_image + p * dy_row + q * dy_pixel
                route(x, xa, x_row, x_pixel, dx, da, dx_row, dx_pixel, rows, cols, y, ya, dy, ga, c0, c1)


def _by_channels(make: Callable[..., Any]):
    """What `make` makes for a row of windows, by the number of channels: with masks in one go, if they are few."""
    full = make(LANES)
    if current().masks:
        wide, narrow = make(LANES, True), make(8, True)  # masked

        @device
        def masked(c, *args):
            if c >= LANES:
                full(*args, c)
            elif c > 8:
                wide(*args, c)
            else:
                narrow(*args, c)

        return masked
    eight, four, one = (make(lanes) for lanes in (8, 4, 1))

    @device
    def overlapping(c, *args):
        if c >= LANES:
            full(*args, c)
        elif c >= 8:
            eight(*args, c)
        elif c >= 4:
            four(*args, c)
        else:
            one(*args, c)

    return overlapping


def _max_inside(k: int) -> Kernel:
    row = _by_channels(partial(max_row, k, k))

    def max_inside(
        x: In, y: Out, c: i64, oh: i64, ow: i64, sh: i64, sw: i64,
        x_image: i64, x_row: i64, x_pixel: i64, y_image: i64, y_row: i64, y_pixel: i64, lo: i64, hi: i64,
    ):  # fmt: skip
        for task in range(lo, hi):
            image, p = task // oh, task % oh
            xa, ya = image * x_image + p * sh * x_row, image * y_image + p * y_row
            row(c, x, xa, x_row, x_pixel, sw * x_pixel, y, ya, y_pixel, ow)

    max_inside.__qualname__ = f"max_inside{k}"
    return kernel(max_inside)


def _max_inside_dx(k: int) -> Kernel:
    row = _by_channels(partial(route_row, k, k))

    def max_inside_dx(
        x: In, y: In, dy: In, dx: Out, h: i64, w: i64, c: i64, oh: i64, ow: i64,
        x_image: i64, x_row: i64, x_pixel: i64, y_image: i64, y_row: i64, y_pixel: i64,
        dy_image: i64, dy_row: i64, dy_pixel: i64, dx_image: i64, dx_row: i64, dx_pixel: i64, lo: i64, hi: i64,
    ):  # fmt: skip
        for task in range(lo, hi):
            image, p = task // oh, task % oh
            xa, da = image * x_image + p * k * x_row, image * dx_image + p * k * dx_row
            ya, ga = image * y_image + p * y_row, image * dy_image + p * dy_row
            row(c, x, xa, x_row, x_pixel, k * x_pixel, dx, da, dx_row, dx_pixel, k * dx_pixel,
                y, ya, y_pixel, dy, ga, dy_pixel, ow)  # fmt: skip
            for i in range(p * k, h if p == oh - 1 else p * k + k):  # what is left over lies in no window
                for j in range(ow * k if i < oh * k else 0, w):
                    clear_dx(dx, image * dx_image + i * dx_row + j * dx_pixel, c)

    max_inside_dx.__qualname__ = f"max_inside{k}_dx"
    return kernel(max_inside_dx)


#: maxima of k × k windows without padding, and their gradient for windows side by side; tasks count (image, row of y)
max_inside, max_inside_dx = ({k: make(k) for k in (2, 3)} for make in (_max_inside, _max_inside_dx))
