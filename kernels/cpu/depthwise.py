"""Depthwise convolution: every channel has its own kernel.

::

    y[n, ho, wo, c] = act( sum over taps t of x[n, ho·sh + dh(t), wo·sw + dw(t), c] · w[t, c] + bias[c] )

Channels are the vectors.  For windows of 3 × 3 a few rows of y are computed at a time, and each pixel of x is loaded
once for all of them (`kernels.taps`).  A task takes a band of rows and 128 channels of it, the last task what is left
over: x is read in runs of 512 bytes, and no two tasks write the same channels.  Their input gradient is that of such
windows again, turned round; with stride 2 it is computed in blocks of 2 × 2 pixels, each by taps of its own.

All other windows have lists of taps.  A tap is a pair of offsets, one into x and one into w, so the same kernel
computes the forward pass and the input gradient: the same taps backwards over dy, where each phase of the stride has
taps of its own.  All phases of a row are computed one after the other, while dy is in L1.

The weight gradient keeps the sums of a few taps, for 3 × 3 windows of all of them, of one vector of channels in
registers and walks along rows of pixels; images are split into a fixed number of partitions whose sums are added in
order.
"""

from ..compiler import In, InI64, InOut, Kernel, Out, f32, i64, kernel, vector_kernel
from ..generators import clear, taps_gradient, taps_tile, window_blocks, window_gradient, window_rows
from ..target import current

LANES = current().lanes
#: pixels of a tile, and taps of a gradient tile: accumulators and one operand stay within 16 registers
PX, TAPS = 8, 9
#: pixels of the tile for longer rows: NEON has 32 registers, and a third of its time went into the offsets of the taps
WIDE = 16 if current().by_lane else PX
#: rows of a band of windows, and channels of one of its tasks
ROWS, CHANNELS = 3 if current().registers >= 32 else 2, 128
#: rows of dy that a task of `windows2_dx` takes
LINES = 8
#: rows of dy that `windows_dw` takes at a time
BAND = 3 if current().registers >= 32 else 1
#: whether windows fetch the place of what they are going to store
FETCH = not current().by_lane
#: the fewest channels that `windows` takes
NARROW = min(LANES, 8)

whole_tile, partial_tile, wide_tile = (taps_tile(px, LANES, part) for px, part in ((PX, 0), (PX, 1), (WIDE, 0)))
whole_blocks, narrow_blocks = window_blocks(LANES, FETCH), window_blocks(NARROW, FETCH)
clear_dw = clear(LANES)
whole_gradient, partial_gradient = taps_gradient(TAPS, LANES, False), taps_gradient(TAPS, LANES, True)


@kernel
def depthwise(
    x: In, w: In, bias: In, res: In, y: Out, xt: InI64, wt: InI64, phases: InI64, count: i64,
    rows: i64, c: i64, x_image: i64, x_row: i64, x_pixel: i64, y_image: i64, y_row: i64, y_pixel: i64,
    act: i64, alpha: f32, low: f32, high: f32, lo: i64, hi: i64,
):  # fmt: skip
    """One task computes one row of each of `count` phases, of which no row is behind number `rows`.

    phases: for each its rows and columns, where in y it begins, and its first tap and the one behind its last.
    """
    for task in range(lo, hi):
        row, image = task % rows, task // rows
        x0, start = image * x_image + row * x_row, image * y_image + row * y_row
        for p in range(0, 5 * count, 5):
            columns = phases[p + 1] if row < phases[p] else 0
            y0, t0, t1 = start + phases[p + 2], phases[p + 3], phases[p + 4]
            for j in range(0, c, LANES):
                i = 0
                while i < columns:
                    xa, ya, m = x0 + i * x_pixel + j, y0 + i * y_pixel + j, min(PX, columns - i)
                    if WIDE > PX and c - j >= LANES and columns - i > PX:
                        m = min(WIDE, columns - i)
                        wide_tile(x, xa, x_pixel, y, ya, y_pixel, w, j, xt, wt, t0, t1, bias, res, m, LANES,
                                  act, alpha, low, high)  # fmt: skip
                    elif c - j >= LANES:
                        whole_tile(x, xa, x_pixel, y, ya, y_pixel, w, j, xt, wt, t0, t1, bias, res, m, LANES,
                                   act, alpha, low, high)  # fmt: skip
                    else:
                        partial_tile(x, xa, x_pixel, y, ya, y_pixel, w, j, xt, wt, t0, t1, bias, res, m, c - j,
                                     act, alpha, low, high)  # fmt: skip
                    i += m


def _windows(stride: int) -> Kernel:
    """The kernel for windows of 3 × 3."""
    turned = current().by_lane and stride == 1  # with stride 2 the addresses would not fit the registers
    whole, narrow = (window_rows(3, stride, ROWS, lanes, turned, FETCH) for lanes in (LANES, NARROW))

    def windows(
        x: In, w: In, bias: In, y: Out, w0: i64, w_step: i64,
        rows: i64, columns: i64, c: i64, x_image: i64, x_row: i64, x_pixel: i64, y_image: i64, y_row: i64, y_pixel: i64,
        act: i64, alpha: f32, low: f32, high: f32, lo: i64, hi: i64,
    ):  # fmt: skip
        bands, blocks = (rows + ROWS - 1) // ROWS, max(1, c // CHANNELS)
        for task in range(lo, hi):
            block, band = task % blocks * CHANNELS, task // blocks
            end = c if block + 2 * CHANNELS > c else block + CHANNELS  # the last block takes what is left over
            row, image = band % bands * ROWS, band // bands
            x0, y0 = image * x_image + row * stride * x_row, image * y_image + row * y_row
            mr = min(ROWS, rows - row)
            if c >= LANES:
                for j in range(block, end, LANES):
                    j = min(j, c - LANES)  # the last vector may repeat some channels, which are this task's too
                    whole(x, x0 + j, x_row, x_pixel, y, y0 + j, y_row, y_pixel, w, w0 + j, w_step, bias, j, mr, columns,
                          act, alpha, low, high)  # fmt: skip
            else:
                for j in range(0, c, NARROW):
                    j = min(j, c - NARROW)
                    narrow(x, x0 + j, x_row, x_pixel, y, y0 + j, y_row, y_pixel, w, w0 + j, w_step, bias, j, mr,
                           columns, act, alpha, low, high)  # fmt: skip

    windows.__qualname__ = f"windows{stride}"
    return vector_kernel(windows)


#: by stride: windows of 3 × 3.  Tap t = 3·i + j has its weights at w[w0 + t·w_step]; tasks count (image, band, block of
#: channels)
windows = {stride: _windows(stride) for stride in (1, 2)}


@kernel
def windows2_dx(
    dy: In, dx: Out, w: In, w0: i64, w_row: i64, w_col: i64, rows: i64, columns: i64, c: i64,
    dy_image: i64, dy_row: i64, dy_pixel: i64, dx_image: i64, dx_row: i64, dx_pixel: i64, lo: i64, hi: i64,
):  # fmt: skip
    """The input gradient of windows of 3 × 3 with stride 2, in `rows` × `columns` blocks of 2 × 2 pixels of dx.

    dx[0] is the corner of the first block, dy[0] the first pixel of dy that its centre meets; tasks are as those of
    `windows`, with bands of LINES rows of blocks.
    """
    bands, blocks = (rows + LINES - 1) // LINES, max(1, c // CHANNELS)
    for task in range(lo, hi):
        block, band = task % blocks * CHANNELS, task // blocks
        end = c if block + 2 * CHANNELS > c else block + CHANNELS
        row, image = band % bands * LINES, band // bands
        y0, x0 = image * dy_image + row * dy_row, image * dx_image + 2 * row * dx_row
        n = min(LINES, rows - row)
        if c >= LANES:
            for j in range(block, end, LANES):
                j = min(j, c - LANES)
                whole_blocks(dy, y0 + j, dy_row, dy_pixel, dx, x0 + j, dx_row, dx_pixel, w, w0 + j, w_row, w_col,
                             n, columns)  # fmt: skip
        else:
            for j in range(0, c, NARROW):
                j = min(j, c - NARROW)
                narrow_blocks(dy, y0 + j, dy_row, dy_pixel, dx, x0 + j, dx_row, dx_pixel, w, w0 + j, w_row, w_col,
                              n, columns)  # fmt: skip


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
                clear_dw(dw, d0 + t * c, n)
            for line in range(images * part // parts * rows, images * (part + 1) // parts * rows):
                x0 = line // rows * x_image + line % rows * x_row + j
                y0 = line // rows * dy_image + line % rows * dy_row + j
                if n == LANES:
                    whole_gradient(x, x0, x_pixel, dy, y0, dy_pixel, dw, d0, c, xt, t0, count, columns, n)
                else:
                    partial_gradient(x, x0, x_pixel, dy, y0, dy_pixel, dw, d0, c, xt, t0, count, columns, n)


def _windows_dw(stride: int) -> Kernel:
    """The weight gradient of windows of 3 × 3; rows of dy must have (3 - 1) // stride pixels at least."""
    band, line, narrow_band, narrow_line = (
        window_gradient(3, stride, rows, lanes) for lanes in (LANES, NARROW) for rows in (BAND, 1)
    )

    def windows_dw(
        x: In, dy: In, dw: InOut, parts: i64, images: i64, rows: i64, columns: i64, c: i64,
        x_image: i64, x_row: i64, x_pixel: i64, dy_image: i64, dy_row: i64, dy_pixel: i64, lo: i64, hi: i64,
    ):  # fmt: skip
        blocks, wide = (c + CHANNELS - 1) // CHANNELS, c % LANES == 0
        for task in range(lo, hi):
            block, part = task % blocks * CHANNELS, task // blocks
            d0, end = part * 9 * c, min(block + CHANNELS, c)
            for t in range(9):
                clear_dw(dw, d0 + t * c + block, end - block)
            for image in range(images * part // parts, images * (part + 1) // parts):
                for j in range(block, end, LANES if wide else NARROW):
                    xa, ya, row = image * x_image + j, image * dy_image + j, 0
                    while row < rows:
                        n = BAND if rows - row >= BAND else 1
                        if wide and n > 1:
                            band(x, xa, x_row, x_pixel, dy, ya, dy_row, dy_pixel, dw, d0 + j, c, columns)
                        elif wide:
                            line(x, xa, x_row, x_pixel, dy, ya, dy_row, dy_pixel, dw, d0 + j, c, columns)
                        elif n > 1:
                            narrow_band(x, xa, x_row, x_pixel, dy, ya, dy_row, dy_pixel, dw, d0 + j, c, columns)
                        else:
                            narrow_line(x, xa, x_row, x_pixel, dy, ya, dy_row, dy_pixel, dw, d0 + j, c, columns)
                        xa, ya, row = xa + n * stride * x_row, ya + n * dy_row, row + n

    windows_dw.__qualname__ = f"windows{stride}_dw"
    return kernel(windows_dw)


#: by stride; c must be a multiple of NARROW, and tasks count (part, block of channels)
windows_dw = {stride: _windows_dw(stride) for stride in (1, 2)}
