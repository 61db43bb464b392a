"""Convolutions with so few output channels that several pixels fit abreast into one vector.

With co = 6 and vectors of 16, a vector that holds the channels of one pixel is three eighths full.  So `pixels`
neighbours along a row of y are taken as one, with all their channels::

    w                          w of two pixels (strides 1)                   y, which lies as it always did

    tap 0: a a a a a a         column 0: a a a a a a 0 0 0 0 0 0             pixel 0      pixel 1     pixel 2   …
    tap 1: b b b b b b   ──▶   column 1: b b b b b b a a a a a a             y y y y y y  y y y y y y y y y y y y
    tap 2: c c c c c c         column 2: c c c c c c b b b b b b             ────── one row of C ────
                               column 3: 0 0 0 0 0 0 c c c c c c

That is a convolution again, with a kernel of kw + (pixels - 1)·stride columns, pixels·co channels and `pixels` times
the stride.  It multiplies by zeros, but by fewer than there were lanes without a channel: as long as neighbours share
columns, the more pixels, the fewer multiplications.  The weight gradient is that of the same convolution; what the
copies of a weight have received is added up.

As zero times infinity is NaN, a number of x that is not finite spoils all pixels of such a group.  Training is lost
then anyway; in inference pixels are computed one by one, and what is not finite stays in the windows that see it.
"""

from __future__ import annotations

from dataclasses import replace

from edgenet.graph import Call, Scratch, Value
from edgenet.kernels.cpu import conv as k
from edgenet.kernels.target import current

from .contraction import Matrix, Operand, whole_vectors
from .geometry import Geometry


def pixels(g: Geometry) -> int:
    """How many pixels of y are computed abreast, 1 if that gains nothing."""
    if g.groups > 1 or g.dilation[1] > 1 or g.kw <= g.strides[1] or not g.co:
        return 1
    return next((p for p in range(current().lanes // g.co, 1, -1) if g.wo % p == 0), 1)


def taken_as_one(g: Geometry, count: int) -> Geometry:
    """The convolution that computes `count` pixels as one."""
    step = g.strides[1]
    return replace(g, kw=g.kw + (count - 1) * step, co=g.co * count, strides=(g.strides[0], step * count))


def weights(g: Geometry, w: Value, b: Value | None, count: int) -> tuple[Matrix, Operand | None, list[Call]]:
    """Weights and bias of `taken_as_one`, and the calls that make them."""
    if count == 1:
        return Matrix(w, sk=g.co, group=g.co_g), b, []
    width, wide = whole_vectors(g.co * count), taken_as_one(g, count)
    spread = Scratch(g.kh * wide.kw * g.ci * width)
    args = (w, spread, g.kw, g.ci, g.co, count, g.strides[1], width)
    calls = [Call(k.spread, args, g.kh, 4.0 * spread.spec.size)]
    if b is None:
        return Matrix(spread, sk=width, beyond=True), None, calls
    repeated = Scratch(width)  # as weights of one tap, which all pixels have in the same column
    calls.append(Call(k.spread, (b, repeated, 1, 1, g.co, count, 0, width), 1, 4.0 * width))
    return Matrix(spread, sk=width, beyond=True), repeated, calls


def gathered(g: Geometry, dw: Value, count: int) -> tuple[Operand, list[Call]]:
    """Where the weight gradient of `taken_as_one` goes, and the calls that make dw of it."""
    if count == 1:
        return dw, []
    wide = taken_as_one(g, count)
    all_copies = Scratch(g.kh * wide.kw * g.ci * wide.co)
    args = (all_copies, dw, g.kw, g.ci, g.co, count, g.strides[1])
    return all_copies, [Call(k.gather, args, g.kh, 4.0 * all_copies.spec.size)]
