"""Lowering of depthwise convolutions to `kernels.cpu.depthwise`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from edgenet.graph import Call, Scratch, Value
from edgenet.graph.layout import Pads
from edgenet.kernels.compiler import Kernel
from edgenet.kernels.cpu import depthwise as k

from .contraction import Activation, Operand, epilogue, sum_parts, table
from .geometry import Geometry, Image, Phase, at
from .pieces import in_cache, partitions, units

#: partitions of the weight gradient's sum over images, at least
PARTS = 8


def _offsets(g: Geometry, xp: Image) -> tuple[int, ...]:
    """Offset of each tap into padded x."""
    dh, dw = g.dilation
    return tuple(i * dh * xp.row + j * dw * xp.pixel for i in range(g.kh) for j in range(g.kw))


def _windows(g: Geometry) -> bool:
    """Whether the kernels of 3 × 3 windows, of any of their strides, may compute it."""
    return (g.kh, g.kw) == (3, 3) and g.dilation == (1, 1) and g.ci >= k.NARROW and g.h * g.w > 0


def _bands(kernel: Kernel, args: tuple[Any, ...], n: int, rows: int, columns: int, c: int, band: int = k.ROWS) -> Call:
    """A call of a kernel of 3 × 3 windows for n images of so many rows, columns and channels of windows."""
    return Call(kernel, args, n * -(-rows // band) * max(1, c // k.CHANNELS), 9.0 * n * rows * columns * c, n)


def forward(
    g: Geometry, xp: Image, w: Value, b: Value | None, res: Operand | None, y: Image, activation: Activation
) -> list[Call]:
    """y = act(x * w + b + res)."""
    c, taps = g.ci, g.kh * g.kw
    args: tuple[Any, ...]
    if _windows(g) and g.strides in ((1, 1), (2, 2)) and res is None:
        args = (xp.origin, w, b, y.origin, 0, c, g.ho, g.wo, c, *xp.strides, *y.strides, *epilogue(activation))
        return [_bands(k.windows[g.strides[0]], args, g.n, g.ho, g.wo, c)]
    args = (
        xp.origin, w, b, res, y.origin, table(_offsets(g, xp)), table(tuple(t * c for t in range(taps))),
        table((g.ho, g.wo, 0, 0, taps)), 1, g.ho, c, xp.image, g.strides[0] * xp.row, g.strides[1] * xp.pixel,
        *y.strides, *epilogue(activation),
    )  # fmt: skip
    return [Call(k.depthwise, args, g.n * g.ho if c else 0, 1.0 * taps * g.n * g.ho * g.wo * c, g.n)]


def input_gradient(
    g: Geometry, rows: Sequence[Phase], columns: Sequence[Phase], around: Pads, dyp: Image, w: Value, dx: Operand
) -> list[Call]:
    """dx of each phase of the stride: dy with the phase's taps."""
    c, (sh, sw) = g.ci, g.strides
    args: tuple[Any, ...]
    if _windows(g) and g.strides == (1, 1):  # the window from its last weight to its first
        row, column = rows[0].base[2] + around[0][0], columns[0].base[2] + around[1][0]
        start = at(dyp.origin, row * dyp.row + column * dyp.pixel)
        strides = (*dyp.strides, g.h * g.w * c, g.w * c, c)
        args = (start, w, None, dx, 8 * c, -c, g.h, g.w, c, *strides, *epilogue(None))
        return [_bands(k.windows[1], args, g.n, g.h, g.w, c)]
    if _windows(g) and g.strides == (2, 2) and g.h % 2 == g.w % 2 == 0:
        return [_blocks_of_four(g, around, dyp, w, dx)]
    places, weights, phases = list[int](), list[int](), list[int]()
    for r, q in product(rows, columns):
        first = len(places)
        for i, j in product(r.taps, q.taps):
            places.append((r.base[i] + around[0][0]) * dyp.row + (q.base[j] + around[1][0]) * dyp.pixel)
            weights.append((i * g.kw + j) * c)
        phases += (r.count, q.count, (r.start * g.w + q.start) * c, first, len(places))
    most = max((r.count for r in rows), default=0)
    args = (
        dyp.origin, w, None, None, dx, table(tuple(places or (0,))), table(tuple(weights or (0,))),
        table(tuple(phases or (0,))), len(phases) // 5, most, c, *dyp.strides,
        g.h * g.w * c, sh * g.w * c, sw * c, *epilogue(None),
    )  # fmt: skip
    work = 1.0 * max(len(places), 1) * g.n * most * max((q.count for q in columns), default=0) * c
    return [Call(k.depthwise, args, g.n * most if c else 0, work, g.n)]


def _blocks_of_four(g: Geometry, around: Pads, dyp: Image, w: Value, dx: Operand) -> Call:
    """dx of 3 × 3 windows with stride 2.

    Along an axis with even padding, x[2i] meets dy[i + padding // 2] through tap 0 and the one before it through tap 2:
    it is the corner of a block, and x[2i + 1] the centre.  With odd padding it is the other way round, so the axis is
    walked from its last pixel, and the kernel from its last tap.
    """
    c, counts, turned = g.ci, (g.h // 2, g.w // 2), [before % 2 for before, _ in g.padding]
    row, column = (
        zeros + before // 2 + turn * (count - 1)
        for (zeros, _), (before, _), turn, count in zip(around, g.padding, turned, counts, strict=True)
    )
    down, right = (1 - 2 * turn for turn in turned)
    corner = turned[0] * (g.h - 1) * g.w + turned[1] * (g.w - 1)
    args = (
        at(dyp.origin, row * dyp.row + column * dyp.pixel), at(dx, corner * c),
        w, (6 * turned[0] + 2 * turned[1]) * c, down * 3 * c, right * c, *counts, c,
        dyp.image, down * dyp.row, right * dyp.pixel, g.h * g.w * c, down * g.w * c, right * c,
    )  # fmt: skip
    return _bands(k.windows2_dx, args, g.n, *counts, c, k.LINES)


def weight_gradient(g: Geometry, xp: Image, dy: Image, dw: Value) -> list[Call]:
    """dw: partial sums over groups of images, then their sum."""
    c, taps = g.ci, g.kh * g.kw
    parts = partitions(g.n, max(PARTS, in_cache(4.0 * g.n * c * (g.h * g.w + g.ho * g.wo))))
    cuts = parts if parts % units(g.n) == 0 and units(g.n) > 1 else 1
    total: Operand = dw if parts == 1 else Scratch(parts * dw.spec.size)
    work = 1.0 * taps * g.n * g.ho * g.wo * c
    args: tuple[Any, ...]
    if _windows(g) and g.strides in ((1, 1), (2, 2)) and g.wo >= 2 and c % k.NARROW == 0:
        args = (xp.origin, dy.origin, total, parts, g.n, g.ho, g.wo, c, *xp.strides, *dy.strides)
        out = [Call(k.windows_dw[g.strides[0]], args, parts * -(-c // k.CHANNELS), work, cuts)]
        return out if parts == 1 else [*out, sum_parts(total, dw, parts, dw.spec.size)]
    args = (
        xp.origin, dy.origin, total, table(_offsets(g, xp)), taps, parts,
        g.n, g.ho, g.wo, c, xp.image, g.strides[0] * xp.row, g.strides[1] * xp.pixel, *dy.strides,
    )  # fmt: skip
    tasks = parts * -(-c // k.LANES)
    out = [Call(k.depthwise_dw, args, tasks, work, cuts)]
    return out if parts == 1 else [*out, sum_parts(total, dw, parts, dw.spec.size)]
