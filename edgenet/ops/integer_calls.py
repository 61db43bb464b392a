"""Lowering of quantised layers to `kernels.cpu.integer`: what `contraction` is for floats.

x is written as int16 with its zero point taken off, and zeros around images; w the same in panels of pairs, once where
it is a constant.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgenet.graph import Call, Scratch, Value
from edgenet.kernels.cpu import integer as k
from edgenet.kernels.target import current, l2_bytes

from .contraction import TASKS, panel_width, table
from .geometry import Geometry
from .quantize import sign_of

_L2 = l2_bytes()


@dataclass
class Epilogue:
    """How sums become eight bits."""

    bias: Value | None
    x_scale: Value
    w_scale: Value
    y_scale: Value
    y_zero: Value
    low: float
    high: float


@dataclass
class Layer:
    """The operands of a quantised layer; without an epilogue y holds the sums."""

    x: Value
    w: Value
    x_zero: Value
    w_zero: Value
    y: Value
    epilogue: Epilogue | None


def _each(value: Value) -> int:
    """1 for a vector with a number for each column, 0 for one number."""
    return int(value.spec.size != 1)


def _widened(layer: Layer, n: int, h: int, w: int, c: int, padding: Any = ((0, 0), (0, 0))) -> tuple[Scratch, Call]:
    """x as int16 images (n, h, w, c) with zeros around; behind the last number as many again as a tile may read."""
    (top, bottom), (left, right) = padding
    hp, wp = h + top + bottom, w + left + right
    wide = Scratch(n * hp * wp * c + k.LANES, "int16")
    args = (layer.x, layer.x_zero, sign_of(layer.x), wide, h, w, c, top, hp, left, wp)
    return wide, Call(k.widen, args, n * hp, 3.0 * wide.spec.size)


def _columns(layer: Layer, groups: int, n: int, width: int) -> tuple[tuple[Any, ...], list[Call]]:
    """Scale and bias of each column, and where the limits stand behind them."""
    e = layer.epilogue
    if e is None:
        return (None, None, 0), []
    total = groups * width
    scale, offset = Scratch(total + 2), Scratch(total + 1, "int32")
    args = (e.bias, int(e.bias is not None), e.x_scale, e.w_scale, _each(e.w_scale), e.y_scale, e.y_zero,
            sign_of(e.y_zero), e.low, e.high, scale, offset, groups, n, width)  # fmt: skip
    return (scale, offset, total), [Call(k.columns, args, 1, 8.0 * total)]


def _product(
    layer: Layer, a: Scratch, m: int, n: int, sizes: Sequence[int], sa: Sequence[int], sc: Sequence[int],
    runs: Sequence[int], length: int, groups: tuple[int, int, int, int], each: bool,
) -> list[Call]:  # fmt: skip
    """The calls of one contraction; `groups`: how many, and the strides of A, B and C from one to the next.

    With `each`, groups have columns of their own: zero points, scales, biases.
    """
    count, ga, w_group, gc = groups
    target, nv = current(), panel_width(m, n)
    nr, mr = nv * target.lanes, target.mr(nv)
    panels, pairs = -(-n // nr), (length + 1) // 2
    packed = Scratch(count * panels * len(runs) * pairs * nr * 2, "int16")
    per_column = _each(layer.w_zero)
    pack = (layer.w, layer.w_zero, per_column, sign_of(layer.w), packed, len(runs), length, n, nr, w_group,
            n * count if each else n, n if each else 0)  # fmt: skip
    (scale, bias, limits), calls = _columns(layer, count if each else 1, n, panels * nr)
    rows = -(-m // max(-(-2 * m * len(runs) * length // (_L2 // 2)), -(-TASKS // (panels * count))))
    mb = max(-(-rows // mr) * mr, mr)
    args = (
        a, packed, scale, bias, layer.y, table(tuple(runs)), m, n, mb, *sizes, *sa, *sc, len(runs), pairs,
        ga, packed.spec.size // max(count, 1), gc, panels * nr if each else 0, limits,
    )  # fmt: skip
    return [
        Call(k.pack_pairs, pack, count * panels * len(runs), 4.0 * packed.spec.size),
        *calls,
        Call(
            k.product[nv, layer.epilogue is not None],
            args,
            count * panels * -(-m // mb),
            0.25 * count * m * len(runs) * pairs * panels * nr,
        ),
    ]


def conv_calls(layer: Layer, g: Geometry) -> list[Call]:
    """The calls of a convolution of that geometry."""
    if not layer.y.spec.size:
        return []
    wide, widen = _widened(layer, g.n, g.h, g.w, g.ci, g.padding)
    hp, wp = g.padded_size
    row, pixel = wp * g.ci, g.ci
    if g.groups > 1 and g.groups == g.ci == g.co:
        return [widen, *_depthwise(layer, g, wide)]
    merged = g.groups == 1 and g.dilation[1] == 1
    taps = [(i, j) for i in range(g.kh) for j in ((0,) if merged else range(g.kw))]
    return [
        widen,
        *_product(
            layer, wide, g.n * g.ho * g.wo, g.co_g, (g.ho, g.wo),
            (hp * row, g.strides[0] * row, g.strides[1] * pixel), (g.ho * g.wo * g.co, g.wo * g.co, g.co),
            [i * g.dilation[0] * row + j * g.dilation[1] * pixel for i, j in taps],
            g.ci_g * (g.kw if merged else 1), (g.groups, g.ci_g, g.co_g, g.co_g), each=True,
        ),
    ]  # fmt: skip


def _depthwise(layer: Layer, g: Geometry, wide: Scratch) -> list[Call]:
    (hp, wp), c, taps = g.padded_size, g.ci, g.kh * g.kw
    width = -(-c // k.LANES) * k.LANES
    packed = Scratch(taps * width, "int16")
    pack = (layer.w, layer.w_zero, _each(layer.w_zero), sign_of(layer.w), packed, c, width)
    offsets = [i * g.dilation[0] * wp * c + j * g.dilation[1] * c for i in range(g.kh) for j in range(g.kw)]
    (scale, bias, limits), calls = _columns(layer, 1, c, width)
    args = (
        wide, packed, scale, bias, layer.y, table(tuple(offsets)), taps, g.ho, g.wo, c, width,
        hp * wp * c, g.strides[0] * wp * c, g.strides[1] * c, limits,
    )  # fmt: skip
    return [
        Call(k.pack_taps, pack, taps, 4.0 * packed.spec.size),
        *calls,
        Call(k.depthwise[layer.epilogue is not None], args, g.n * g.ho, 1.0 * taps * layer.y.spec.size),
    ]


def matrix_calls(layer: Layer) -> list[Call]:
    """The calls of x[…, m, k] · w[k, n], or of as many products as there are matrices in w."""
    if not layer.y.spec.size:
        return []
    k_x, n, count = layer.x.spec.sizes[-1], layer.w.spec.sizes[-1], math.prod(layer.w.spec.sizes[:-2])
    m = layer.y.spec.size // n // count
    wide, widen = _widened(layer, 1, m * count, 1, k_x)
    return [
        widen,
        *_product(layer, wide, m, n, (1, m), (0, 0, k_x), (0, 0, n), [0], k_x, (count, m * k_x, k_x * n, m * n),
                  each=False),
    ]  # fmt: skip
