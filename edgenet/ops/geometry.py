"""Sizes of a convolution and what follows from them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from edgenet.graph import At, Call, Scratch, ShapeError, Spec, Value
from edgenet.graph.layout import Pads
from edgenet.graph.spec import Dim
from edgenet.kernels.cpu import conv as k


@dataclass(frozen=True)
class Geometry:
    """All sizes of one convolution.  `h`, `w` are those of x before padding, `ho`, `wo` those of y."""

    n: int
    h: int
    w: int
    ci: int
    kh: int
    kw: int
    ci_g: int
    co: int
    strides: tuple[int, int]
    padding: Pads
    dilation: tuple[int, int]
    groups: int

    @staticmethod
    def of(x: Sequence[int], w: Sequence[int], attrs: dict[str, Any]) -> Geometry:
        """The geometry of x (NHWC) convolved with w (HWIO)."""
        rest = (attrs[key] for key in ("strides", "padding", "dilation", "groups"))
        return Geometry(*x, *w, *rest)  # type: ignore[arg-type]

    @property
    def co_g(self) -> int:
        """Output channels of a group."""
        return self.co // self.groups

    @property
    def padded_size(self) -> tuple[int, int]:
        """Rows and columns of x after padding."""
        return self.h + sum(self.padding[0]), self.w + sum(self.padding[1])

    @property
    def ho(self) -> int:
        """Rows of y."""
        return _outputs(self.h, self.kh, self.strides[0], self.padding[0], self.dilation[0])

    @property
    def wo(self) -> int:
        """Columns of y."""
        return _outputs(self.w, self.kw, self.strides[1], self.padding[1], self.dilation[1])


def _outputs(size: int, kernel: int, stride: int, padding: tuple[int, int], dilation: int) -> int:
    return (size + sum(padding) - dilation * (kernel - 1) - 1) // stride + 1


@dataclass(frozen=True)
class Phase:
    """Along one axis: the positions start, start + stride, … of x, which see the same taps.

    Position number a of the phase receives dy[a + base[tap]] through each of its taps.
    """

    start: int
    count: int
    taps: tuple[int, ...]
    base: dict[int, int]
    outputs: int

    @property
    def before(self) -> int:
        """Zeros that dy needs before its first element."""
        return max([0, *(-b for b in self.base.values())])

    @property
    def after(self) -> int:
        """Zeros that dy needs behind its last element."""
        return max([0, *(b + self.count - self.outputs for b in self.base.values())])

    def bands(self) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """Positions that receive something through the same taps: the first, how many, and these taps.

        The taps are neighbours in `taps`, for `base` grows from each to the next.
        """

        def meeting(a: int) -> tuple[int, ...]:
            return tuple(t for t in self.taps if 0 <= a + self.base[t] < self.outputs)

        for taps, positions in itertools.groupby(range(self.count), meeting):
            several = list(positions)
            yield several[0], len(several), taps

    @staticmethod
    def around(phases: Sequence[Phase]) -> tuple[int, int]:
        """Zeros that dy needs before and behind it, for all phases."""
        return max((p.before for p in phases), default=0), max((p.after for p in phases), default=0)

    @staticmethod
    def of_axis(g: Geometry, axis: int) -> list[Phase]:
        """The phases along h (axis 0) or w (axis 1)."""
        size, kernel, outputs = ((g.h, g.kh, g.ho), (g.w, g.kw, g.wo))[axis]
        stride, dilation, before = g.strides[axis], g.dilation[axis], g.padding[axis][0]
        phases = []
        for start in range(min(stride, size)):
            # x[start + a·stride] meets dy[o] through tap t if start + a·stride + before = o·stride + t·dilation
            taps = [t for t in reversed(range(kernel)) if (start + before - t * dilation) % stride == 0]
            base = {t: (start + before - t * dilation) // stride for t in taps}
            phases.append(Phase(start, -(-(size - start) // stride), tuple(taps), base, outputs))
        return phases


def output_shape(x: Spec, w: Spec, attrs: dict[str, Any]) -> tuple[Dim, ...]:
    """Shape of conv2d's result.  Raises ShapeError, naming what does not fit."""
    if x.rank != 4 or w.rank != 4:
        raise ShapeError(
            f"expected x of shape (n, h, w, ci) and w of shape (kh, kw, ci, co), got {x.shape} and {w.shape}"
        )
    groups, (kh, kw, ci_g, co) = attrs["groups"], w.sizes
    if groups < 1 or x.shape[3] != ci_g * groups:
        raise ShapeError(
            f"x has ci={x.shape[3]} (shape {x.shape} NHWC) but w wants ci={ci_g * groups} "
            f"(shape {w.shape} HWIO, groups={groups})"
        )
    if co % groups:
        raise ShapeError(f"co={co} (shape {w.shape} HWIO) is not a multiple of groups={groups}")
    out: list[Dim] = []
    for axis, kernel in ((0, kh), (1, kw)):
        size, stride, dilation = x.shape[axis + 1], attrs["strides"][axis], attrs["dilation"][axis]
        pads = attrs["padding"][axis]
        if stride < 1 or dilation < 1 or min(pads) < 0 or kernel < 1:
            raise ShapeError(
                f"expected strides, dilation and kernel sizes of at least 1 and padding of at least 0, got strides="
                f"{attrs['strides']}, dilation={attrs['dilation']}, kernel=({kh}, {kw}), padding={attrs['padding']}"
            )
        if isinstance(size, str):
            raise ShapeError(f"the size {size!r} of axis {axis + 1} must be known")
        if size + sum(pads) < dilation * (kernel - 1) + 1:
            raise ShapeError(
                f"the window of {dilation * (kernel - 1) + 1} does not fit into axis {axis + 1} of x "
                f"(shape {x.shape}, padding {pads}): use a smaller kernel or more padding"
            )
        out.append(_outputs(size, kernel, stride, pads, dilation))
    return (x.shape[0], *out, co)


class Image(NamedTuple):
    """Where pixel (0, 0) of the first image lies, and steps from image to image, row to row and pixel to pixel."""

    origin: Value | Scratch | At
    image: int
    row: int
    pixel: int

    @property
    def strides(self) -> tuple[int, int, int]:
        """The three steps."""
        return self.image, self.row, self.pixel


def image(x: Value) -> Image:
    """The images of x, wherever they lie."""
    strides, start = x.layout.strides, x.layout.start
    return Image(at(x, start), *strides[:3])


def padded(
    x: Value, around: Pads, first: int = 0, count: int | None = None, into: Scratch | None = None
) -> tuple[Image, list[Call]]:
    """x from the first of the zeros around it on; where they are not there already, in a copy.

    Of the images from number `first` on, `count` or all; the copy is made in `into`, if that is given.
    """
    (n, h, w, c), ((top, bottom), (left, right)) = x.spec.sizes, around
    n, here = n if count is None else count, image(x)
    if x.layout.has(around):
        start = x.layout.start + first * here.image - top * here.row - left * here.pixel
        return here._replace(origin=at(x, start)), []
    hp, wp = h + top + bottom, w + left + right
    xp = into or Scratch(n * hp * wp * c)
    args = (at(here.origin, first * here.image), xp, h, w, c, *here.strides, top, hp, left, wp)
    return Image(xp, hp * wp * c, wp * c, c), [Call(k.pad_images, args, n * hp, 4.0 * n * hp * wp * c, n)]


def at(operand: Value | Scratch | At, offset: int) -> Value | Scratch | At:
    """Element `offset` of an operand."""
    if isinstance(operand, At):
        return At(operand.operand, operand.offset + offset)
    return At(operand, offset) if offset else operand
