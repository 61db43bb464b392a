"""Quantised convolutions and matrix products: integers of eight bits in, sums of 32 bits or eight bits out.

::

    acc[m, n] = sum_k (x[m, k] - x_zero) · (w[k, n] - w_zero[n])                                       int32
    y[m, n]   = clamp(round((acc[m, n] + bias[n]) · x_scale·w_scale[n] / y_scale) + y_zero, low, high)    8 bits

round is half to even.  Source: ConvInteger, MatMulInteger, QLinearConv and QLinearMatMul of the ONNX operator pages.

Three steps: `widen` writes x - x_zero as int16, with zeros around images; `pack_pairs` (or `pack_taps`) the same of the
weights, once where they are constants; `product` (or `depthwise`) multiplies, over the grid and the runs of
`kernels.cpu.gemm`, with the tiles of `kernels.integer_tile`.  Eight bits come as they lie in memory: `sign` is 128 for
int8, 0 for uint8, and (x ^ sign) - (zero ^ sign) = x - zero for both.
"""

import numpy as np

from ..compiler import In, InByte, InI16, InI32, InI64, Kernel, Out, OutByte, OutI16, OutI32, f32, i64, kernel
from ..generators import divide, integer_taps, integer_tile, times
from ..target import current

TARGET = current()
LANES = TARGET.lanes
ZERO, ZERO_I16, ZERO_I32 = np.float32(0), np.int16(0), np.int32(0)
#: pixels of a depthwise tile
PX = 8


@kernel
def widen(
    x: InByte, zero: InByte, sign: i64, y: OutI16,
    h: i64, w: i64, c: i64, top: i64, hp: i64, left: i64, wp: i64, lo: i64, hi: i64,
):  # fmt: skip
    """y[n, hp, wp, c] = x[n, h, w, c] - zero[0], with zeros around; one task writes one row of y."""
    flip, z = np.uint8(sign), np.int16(zero[0] ^ np.uint8(sign))
    for task in range(lo, hi):
        row, image = task % hp - top, task // hp
        y0 = task * wp * c
        if row < 0 or row >= h:
            for i in range(wp * c):
                y[y0 + i] = ZERO_I16
        else:
            x0, first, last = (image * h + row) * w * c, left * c, (left + w) * c
            for i in range(first):
                y[y0 + i] = ZERO_I16
            for i in range(w * c):
                y[y0 + first + i] = np.int16(np.int16(x[x0 + i] ^ flip) - z)
            for i in range(last, wp * c):
                y[y0 + i] = ZERO_I16


@kernel
def pack_pairs(
    w: InByte, zero: InByte, per_column: i64, sign: i64, panels: OutI16,
    nruns: i64, length: i64, n: i64, nr: i64, group: i64, step: i64, zero_group: i64, lo: i64, hi: i64,
):  # fmt: skip
    """Pack B[k, j] = w[g·group + k·step + j] - zero[j] as panels of nr columns of pairs; zeros where nothing is.

    One task writes one run of one panel; tasks count (group, panel, run), run fastest.  zero[j] is
    zero[(g·zero_group + j)·per_column].
    """
    flip = np.uint8(sign)
    count, pairs = (n + nr - 1) // nr, (length + 1) // 2
    for task in range(lo, hi):
        r, p = task % nruns, task // nruns
        j0, g, target = p % count * nr, p // count, task * pairs * nr * 2
        for i in range(2 * pairs):
            source = g * group + (r * length + i) * step + j0
            place = target + i // 2 * nr * 2 + i % 2
            for j in range(nr):
                value = ZERO_I16
                if i < length and j0 + j < n:
                    z = np.int16(zero[(g * zero_group + j0 + j) * per_column] ^ flip)
                    value = np.int16(np.int16(w[source + j] ^ flip) - z)
                panels[place + 2 * j] = value


@kernel
def pack_taps(
    w: InByte, zero: InByte, per_column: i64, sign: i64, packed: OutI16, c: i64, width: i64, lo: i64, hi: i64
):  # fmt: skip
    """packed[t, j] = w[t, j] - zero[j] for j < c, else 0 up to `width`; one task writes one tap."""
    flip = np.uint8(sign)
    for t in range(lo, hi):
        for j in range(c):
            z = np.int16(zero[j * per_column] ^ flip)
            packed[t * width + j] = np.int16(np.int16(w[t * c + j] ^ flip) - z)
        for j in range(c, width):
            packed[t * width + j] = ZERO_I16


@kernel
def columns(
    bias: InI32, has_bias: i64, x_scale: In, w_scale: In, per_column: i64, y_scale: In, y_zero: InByte, sign: i64,
    low: f32, high: f32, scale: Out, offset: OutI32, groups: i64, n: i64, width: i64, lo: i64, hi: i64,
):  # fmt: skip
    """What the epilogue knows of each column: scale[g, j] = x_scale·w_scale / y_scale and offset[g, j] = bias.

    A group has n columns, and zeros up to `width`; behind the last group come the bounds of round(…), and y_zero.
    """
    last = groups * width
    for _ in range(lo, hi):
        for g in range(groups):
            for j in range(width):
                k = g * n + j
                s = divide(times(x_scale[0], w_scale[k * per_column]), y_scale[0]) if j < n else ZERO
                scale[g * width + j] = s
                offset[g * width + j] = bias[k] if has_bias != 0 and j < n else ZERO_I32
        zero = np.int32(y_zero[0] ^ np.uint8(sign)) - np.int32(sign)
        offset[last] = zero
        scale[last], scale[last + 1] = low - np.float32(zero), high - np.float32(zero)


def _product(nv: int, requantised: bool) -> Kernel:
    """The kernel for panels of nv vectors, with sums of 32 bits or, requantised, of eight bits."""
    mr, nr = TARGET.mr(nv), nv * LANES
    high_tile, row_tile = (integer_tile(h, nv, LANES, requantised) for h in (mr, 1))
    target = OutByte if requantised else OutI32

    def product(
        a: InI16, b: InI16, scale: In, bias: InI32, c: target, runs: InI64, m: i64, n: i64, mb: i64,
        d1: i64, d2: i64, sa0: i64, sa1: i64, sa2: i64, sc0: i64, sc1: i64, sc2: i64,
        nruns: i64, pairs: i64, ga: i64, gb: i64, gc: i64, gs: i64, limits: i64, lo: i64, hi: i64,
    ):  # fmt: skip
        blocks, panels = (m + mb - 1) // mb, (n + nr - 1) // nr
        for task in range(lo, hi):
            panel, rest = task % panels, task // panels
            block, g = rest % blocks, rest // blocks
            j, i, end = panel * nr, block * mb, min(m, block * mb + mb)
            shared = (
                a, g * ga, c, g * gc + j, min(nr, n - j), (d1, d2), (sa0, sa1, sa2), (sc0, sc1, sc2),
                runs, nruns, pairs, b, g * gb + panel * nruns * pairs * nr * 2, scale, bias, g * gs + j, limits,
            )  # fmt: skip
            while i < end:
                rows = min(mr, end - i)
                if rows == 1:
                    row_tile(i, rows, *shared)
                else:
                    high_tile(i, rows, *shared)
                i += rows

    product.__qualname__ = f"product{nv}{'_byte' * requantised}"
    return Kernel(product)


#: ``product[nv, requantised]``: compiled when first used
product = {(nv, kind): _product(nv, kind) for nv in range(1, TARGET.widest + 1) for kind in (False, True)}


def _depthwise(requantised: bool) -> Kernel:
    tile = integer_taps(PX, LANES, requantised)
    target = OutByte if requantised else OutI32

    def depthwise(
        x: InI16, w: InI16, scale: In, bias: InI32, y: target, xt: InI64, taps: i64, rows: i64, cols: i64, c: i64,
        width: i64, x_image: i64, x_row: i64, x_pixel: i64, limits: i64, lo: i64, hi: i64,
    ):  # fmt: skip
        for task in range(lo, hi):
            x0, y0 = task // rows * x_image + task % rows * x_row, task * cols * c
            for j in range(0, c, LANES):
                for i in range(0, cols, PX):
                    tile(
                        x, x0 + i * x_pixel + j, x_pixel, y, y0 + i * c + j, c, w, j, width, xt, taps,
                        scale, bias, limits, min(PX, cols - i), min(LANES, c - j),
                    )  # fmt: skip

    depthwise.__qualname__ = f"depthwise{'_byte' * requantised}"
    return Kernel(depthwise)


#: ``depthwise[requantised]``: one task computes one row of y, tasks count (image, row)
depthwise = {kind: _depthwise(kind) for kind in (False, True)}
