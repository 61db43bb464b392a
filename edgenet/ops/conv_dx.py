"""Lowering of conv2d's input gradient: by the phases of the stride, or by taps where x has few channels.

Both go through the images in groups.  What is made in between, dy with zeros around it or what each tap gives, then
stays in L2, and memory for one group is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgenet.graph import Call, Scratch, Value
from edgenet.graph.layout import Pads
from edgenet.kernels.cpu import conv as k
from edgenet.kernels.target import l2_bytes

from . import depthwise
from .contraction import Contraction, Matrix, Operand, Panels, panels, product, whole_vectors
from .geometry import Geometry, Image, Phase, at, image, padded
from .sequence import copied


def groups_of_images(n: int, one: int, pixels: int) -> Iterator[tuple[int, int]]:
    """First image and number of images of each group, of which `one` takes so many numbers in a quarter of L2.

    All groups of a product must have their weights packed alike, so images of hardly any `pixels` make one group.
    """
    several = max(1, l2_bytes() // 4 // (4 * max(one, 1))) if pixels >= 4 else max(n, 1)
    for first in range(0, n, several):
        yield first, min(several, n - first)


def by_phases(
    g: Geometry, dy: Value, w: Value, dx: Value, is_depthwise: bool, other: Value | None = None
) -> list[Call]:
    """Each phase of the stride is a convolution of stride 1 over dy, whose output is spread over x.

    With another value to add, dx begins as that (mostly it lies there already), and a phase without taps is ready.
    """
    rows, cols = Phase.of_axis(g, 0), Phase.of_axis(g, 1)
    around = Phase.around(rows), Phase.around(cols)
    one = (g.ho + sum(around[0])) * (g.wo + sum(around[1])) * g.co
    pixels = min((p.count for p in rows), default=0) * min((p.count for p in cols), default=0)
    groups = [(0, g.n)] if dy.layout.has(around) else list(groups_of_images(g.n, one, pixels))
    into = Scratch(one * max((count for _, count in groups), default=0))
    packed: dict[tuple[int, int], Panels] = {}
    out: list[Call] = [] if other is None else [copied(other, dx, dx.spec.size)]
    for first, count in groups:
        dyp, calls = padded(dy, around, first, count, into)
        out += calls
        part, place = replace(g, n=count), at(dx, first * g.h * g.w * g.ci)
        if is_depthwise:
            out += depthwise.input_gradient(part, rows, cols, around, dyp, w, place)
            continue
        for r in rows:
            for c in cols:
                x = _phase(part, r, c, around, dyp, w, place)
                if not x.m or not x.n or (other is not None and not x.k):
                    continue
                x = x if other is None else replace(x, res=x.c)
                if (r.start, c.start) not in packed:
                    calls, packed[r.start, c.start] = panels(x)
                    out += calls
                out += product(x, packed[r.start, c.start])
    return out


def _phase(g: Geometry, r: Phase, c: Phase, around: Pads, dyp: Image, w: Value, dx: Operand) -> Contraction:
    taps = [(i, j) for i in r.taps for j in c.taps]
    first = [(r.base[i] + around[0][0], c.base[j] + around[1][0]) for i in r.taps for j in c.taps]
    return Contraction(
        a=dyp.origin, c=at(dx, (r.start * g.w + c.start) * g.ci), m=g.n * r.count * c.count, n=g.ci_g,
        b=Matrix(w, sk=1, sn=g.co, runs=tuple((i * g.kw + j) * g.ci_g * g.co for i, j in taps),
                 length=g.co_g, group=g.co_g),
        sizes=(r.count, c.count), sa=dyp.strides,
        sc=(g.h * g.w * g.ci, g.strides[0] * g.w * g.ci, g.strides[1] * g.ci),
        runs=tuple(y * dyp.row + x * dyp.pixel for y, x in first), length=g.co_g,
        groups=g.groups, ga=g.co_g, gc=g.ci_g, keep=w.fixed and not w.graph.training,
    )  # fmt: skip


def has_few_channels(g: Geometry) -> bool:
    """Whether dx by taps needs less than half of the multiply-adds: those on lanes without a channel count."""
    if g.groups > 1 or g.dilation != (1, 1):
        return False
    by_pixel = g.h * g.w * g.kh * g.kw // (g.strides[0] * g.strides[1]) * whole_vectors(g.ci)
    return by_pixel > 2 * g.ho * g.wo * whole_vectors(g.kh * g.kw * g.ci)


def by_taps(g: Geometry, dy: Value, w: Value, dx: Value) -> list[Call]:
    """t[n, o, q, (tap, ci)] = sum over co of dy[n, o, q, co] · w[tap, ci, co]; dx adds up what belongs to a pixel."""
    taps, source = g.kh * g.kw * g.ci, image(dy)
    one = g.ho * g.wo * taps
    groups = list(groups_of_images(g.n, one, g.ho * g.wo))
    t = Scratch(one * max((count for _, count in groups), default=0))
    (top, _), (left, _) = g.padding
    sizes = (g.h, g.w, g.ci, g.ho, g.wo, g.kh, g.kw, *g.strides, top, left)
    out: list[Call] = []
    packed: Panels | None = None
    for first, count in groups:
        x = Contraction(
            a=at(source.origin, first * source.image), b=Matrix(w, sk=1, sn=g.co), c=t, m=count * g.ho * g.wo, n=taps,
            sizes=(g.ho, g.wo), sa=source.strides, sc=(one, g.wo * taps, taps), runs=(0,), length=g.co,
            keep=w.fixed and not w.graph.training,
        )  # fmt: skip
        if packed is None:
            calls, packed = panels(x)
            out += calls
        out += product(x, packed)
        place = at(dx, first * g.h * g.w * g.ci)
        out.append(Call(k.add_taps, (t, place, *sizes), count, 8.0 * count * one))
    return out
