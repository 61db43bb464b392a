"""Where the numbers of a value lie in memory: strides, as of a NumPy array, and zeros around an image.

A value is dense unless the compiler says otherwise.  Two things are gained by saying otherwise, both by not copying:

* An image that is convolved with padding is computed between zeros, its *border*.  Pixel (i, j) lies at
  start + i·row + j·pixel, and pixel (-1, -1) is a zero.  What is behind the end of a row lies before the next one, so
  rows share their zeros, and so do images::

      border (top, bottom), (left, right)        ┌──────────────┐
                                                 │ 0  0  0  0  0│
      y of shape (n, h, w, c)  ──▶               │ 0  y  y  y  y│   image 0
                                                 │ 0  y  y  y  y│
                                                 │ 0  0  0  0  0│
                                                 │ 0  y  y  y  y│   image 1
                                                 │ 0  y  y  y  y│
                                                 │ 0  0  0  0  0├──┐
                                                 └──────────────┘ 0│
                                                                └──┘

* Inputs of a concatenation along the channels are computed between the channels of the others (`inside`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .graph import Value

#: (top, bottom) and (left, right)
Pads = tuple[tuple[int, int], tuple[int, int]]

NO_BORDER: Pads = ((0, 0), (0, 0))


@dataclass(frozen=True)
class Layout:
    """Element (i, j, …) lies at start + i·strides[0] + j·strides[1] + …, in elements, in memory of `size` elements."""

    strides: tuple[int, ...]
    size: int
    start: int = 0
    border: Pads = NO_BORDER
    """rows and columns of zeros around each image"""
    inside: Value | None = field(default=None, compare=False)
    """the value whose memory this is, if it is another one's"""

    @staticmethod
    def dense(shape: Sequence[int]) -> Layout:
        """No gaps, the last axis innermost.

        >>> Layout.dense((2, 3, 4)).strides
        (12, 4, 1)
        """
        return Layout(tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape))), math.prod(shape))

    @staticmethod
    def bordered(shape: Sequence[int], border: Pads) -> Layout:
        """Images (n, h, w, c) with zeros around them.

        >>> Layout.bordered((1, 4, 4, 8), ((1, 1), (1, 1)))
        Layout(strides=(200, 40, 8, 1), size=248, start=48, border=((1, 1), (1, 1)))
        """
        n, h, w, c = shape
        (top, bottom), (left, right) = border
        row = (w + max(left, right)) * c
        image = (h + max(top, bottom)) * row
        start = top * row + left * c
        end = (n - 1) * image + (h - 1) * row + w * c
        return Layout((image, row, c, 1), start + end + bottom * row + right * c, start, border)

    def channels(self, first: int, owner: Value) -> Layout:
        """Some channels of `owner`, which has this layout, from number `first` on."""
        return Layout(self.strides, self.size, self.start + first, self.border, owner)

    def has(self, around: Pads) -> bool:
        """Whether there are at least these zeros around each image."""
        return all(have >= want for mine, theirs in zip(self.border, around, strict=True)
                   for have, want in zip(mine, theirs, strict=True))  # fmt: skip

    def __repr__(self) -> str:
        inside = f", inside=%{self.inside.name}" if self.inside is not None else ""
        return f"Layout(strides={self.strides}, size={self.size}, start={self.start}, border={self.border}{inside})"
