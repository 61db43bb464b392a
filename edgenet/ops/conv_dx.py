"""Lowering of conv2d's input gradient: by the phases of the stride, or by rows where x has few channels.

Both go through the images in groups.  What is made in between, dy with zeros around it or what the taps of a row give,
then stays in L2, and memory for one group is enough.  In training all images are one group here, which
`edgenet.compile.chain` takes apart together with what comes before and behind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgenet.graph import Call, Scratch, Value
from edgenet.graph.layout import NO_BORDER, Pads
from edgenet.kernels.cpu import conv as k
from edgenet.kernels.target import l2_bytes

from . import depthwise
from .contraction import Contraction, Matrix, Operand, Panels, panels, product, whole_vectors
from .geometry import Geometry, Image, Phase, at, image, padded
from .pieces import even, pieces
from .sequence import copied

#: rows of dx that a task of `add_columns` takes, about
ADDED = 16


def groups_of_images(n: int, one: int) -> Iterator[tuple[int, int]]:
    """First image and number of images of each group, of which `one` takes so many numbers in a quarter of L2."""
    groups = -(-n // max(1, l2_bytes() // 4 // (4 * max(one, 1))))
    for group in range(groups):
        first, end = n * group // groups, n * (group + 1) // groups
        yield first, end - first


def zeros_around(g: Geometry) -> Pads:
    """The zeros that either way reads around dy."""
    rows, cols = (Phase.around(Phase.of_axis(g, axis)) for axis in (0, 1))
    return NO_BORDER if has_few_channels(g) else (rows, cols)


def by_phases(
    g: Geometry, dy: Value, w: Value, dx: Value, is_depthwise: bool, other: Value | None = None
) -> list[Call]:
    """Each phase of the stride is a convolution of stride 1 over dy, whose output is spread over x.

    With another value to add, dx begins as that (mostly it lies there already), and a phase without taps is ready.
    """
    rows, cols = Phase.of_axis(g, 0), Phase.of_axis(g, 1)
    around = Phase.around(rows), Phase.around(cols)
    one = (g.ho + sum(around[0])) * (g.wo + sum(around[1])) * g.co
    whole = dy.layout.has(around) or dy.graph.training
    groups = [(0, g.n)] if whole else list(groups_of_images(g.n, one))
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
                if other is not None:
                    x = replace(x, res=x.c)
                if x.k or other is None:
                    out += _packed_once(x, (r.start, c.start), packed)
    return out


def _packed_once(x: Contraction, phase: tuple[int, int], packed: dict[tuple[int, int], Panels]) -> list[Call]:
    """The calls of one phase of a group of images; its weights are packed for the first group."""
    if not x.m or not x.n:
        return []
    calls: list[Call] = []
    if phase not in packed:
        calls, packed[phase] = panels(x)
    return [*calls, *product(x, packed[phase])]


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
        groups=g.groups, ga=g.co_g, gc=g.ci_g,
        keep=w.fixed and not w.graph.training, images=g.n if w.graph.training else 1,
    )  # fmt: skip


def has_few_channels(g: Geometry) -> bool:
    """Whether dx by rows needs less than half of the multiply-adds: those on lanes without a channel count."""
    if g.groups > 1 or g.dilation[1] > 1:
        return False
    return g.w * g.kw // g.strides[1] * whole_vectors(g.ci) > 2 * g.wo * whole_vectors(g.kw * g.ci)


def by_rows(g: Geometry, dy: Value, w: Value, dx: Value) -> list[Call]:
    """t[n, i, q, (tap, ci)] = sum over co, and over the o, p that meet row i, of dy[n, o, q, co] · w[p, tap, ci, co].

    The taps of a kernel row lie side by side in a vector, and `add_columns` adds up what belongs to a pixel.  Rows at
    the top and at the bottom meet fewer o than those between them, and are bands of their own.
    """
    rows, run, source = Phase.of_axis(g, 0), g.kw * g.ci, image(dy)
    one = g.h * g.wo * run
    groups = [(0, g.n)] if dy.graph.training else list(groups_of_images(g.n, one))
    t = Scratch(one * max((count for _, count in groups), default=0))
    packed: dict[int, Panels] = {}
    out: list[Call] = []
    for first, count in groups:
        for r in rows:
            whole = Contraction(  # as if all rows met all taps: what is packed
                a=at(source.origin, first * source.image), c=t, m=count * r.count * g.wo, n=run,
                b=Matrix(w, sk=1, sn=g.co, runs=tuple(i * run * g.co for i in r.taps), length=g.co),
                sizes=(r.count, g.wo), sa=source.strides, sc=(one, g.strides[0] * g.wo * run, run),
                runs=r.taps, length=g.co, keep=w.fixed and not w.graph.training,
                images=count if w.graph.training else 1,
            )  # fmt: skip
            if r.start not in packed:
                calls, packed[r.start] = panels(whole)
                out += calls
            for start, size, taps in r.bands():
                band = replace(
                    whole, c=at(t, (r.start + start * g.strides[0]) * g.wo * run), m=count * size * g.wo,
                    sizes=(size, g.wo), runs=tuple((start + r.base[i]) * source.row for i in taps),
                )  # fmt: skip
                before = r.taps.index(taps[0]) if taps else 0
                b = packed[r.start]
                out += product(band, b._replace(operand=at(b.operand, before * g.co * b.ldb)))
        out.append(_added_up(g, t, at(dx, first * g.h * g.w * g.ci), count))
    return out


def _added_up(g: Geometry, t: Scratch, dx: Operand, count: int) -> Call:
    """The call that adds up what the taps give, for so many images."""
    lines, height = count * g.h, even(count, g.h, ADDED)
    args = (t, dx, lines, height, g.w, g.ci, g.wo, g.kw, g.strides[1], g.padding[1][0])
    work = 8.0 * lines * g.wo * g.kw * g.ci
    return Call(k.add_columns, args, -(-lines // height), work, pieces(count, lines, height))
