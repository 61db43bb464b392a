"""Arrays made larger or smaller at their ends."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import Refused, Unfit
from ..node import OnnxNode
from .core import axes_of, folds, limited, one_number


@folds("Pad")
def _pad(node: OnnxNode) -> np.ndarray:
    """Negative numbers cut away."""
    x, mode = node.known(0), node.attr("mode", "constant")
    if node.opset < 11:
        pads, value = node.ints("pads", ()), node.attr("value", 0.0)
        axes = tuple(range(x.ndim))
    else:
        pads, value = node.known_ints(1), one_number(node, 2, 0)
        axes = axes_of(node.known_ints(3, tuple(range(x.ndim))) if node.opset >= 18 else range(x.ndim), x.ndim)
    if len(pads) != 2 * len(axes):
        raise Unfit(f"expected {2 * len(axes)} pads for the axes {list(axes)}, got {len(pads)}")
    around = [(0, 0)] * x.ndim
    for axis, before, after in zip(axes, pads, pads[len(axes) :], strict=False):
        around[axis] = (before, after)
    limited([n + sum(both) for n, both in zip(x.shape, around, strict=True)])
    if mode == "constant":
        return surrounded(x, around, value)
    if mode not in _PLACES:
        raise Refused(f"mode={mode!r} is not supported, only 'constant', {', '.join(map(repr, _PLACES))}")
    for axis, (before, after) in enumerate(around):
        size = x.shape[axis]
        if not size and max(before, after) > 0:
            raise Unfit(f"axis {axis} of the input of shape {list(x.shape)} has nothing to pad with")
        if before or after:
            x = np.take(x, _PLACES[mode](np.arange(-before, size + after), size), axis)
    return x


_PLACES = {  # where the number at a place outside is found
    "edge": lambda i, n: np.clip(i, 0, n - 1),
    "wrap": lambda i, n: i % n,
    "reflect": lambda i, n: np.abs((i + n - 1) % max(2 * n - 2, 1) - (n - 1)) if n > 1 else 0 * i,
}


def surrounded(x: np.ndarray, around: Sequence[tuple[int, int]], value: float) -> np.ndarray:
    """The array with so many more entries before and after on each axis, fewer where they are negative."""
    y = np.full([n + before + after for n, (before, after) in zip(x.shape, around, strict=True)], value, x.dtype)
    inside = tuple(slice(max(before, 0), n + before + min(after, 0)) for n, (before, after) in _each(x, around))
    taken = tuple(slice(max(-before, 0), n + min(after, 0)) for n, (before, after) in _each(x, around))
    y[inside] = x[taken]
    return y


def _each(x: np.ndarray, around: Sequence[tuple[int, int]]) -> list[tuple[int, tuple[int, int]]]:
    return list(zip(x.shape, around, strict=True))


@folds("CenterCropPad")
def _center_crop_pad(node: OnnxNode) -> np.ndarray:
    """Where the difference is odd, the place more is cut or filled at the end."""
    x, shape = node.known(0), node.known_ints(1)
    axes = axes_of(node.ints("axes", range(x.ndim)), x.ndim)
    if len(shape) != len(axes):
        raise Unfit(f"expected {len(axes)} sizes for the axes {list(axes)}, got {list(shape)}")
    around = [(0, 0)] * x.ndim
    sizes = list(x.shape)
    for axis, size in zip(axes, shape, strict=True):
        more, sizes[axis] = size - x.shape[axis], size
        before = more // 2 if more >= 0 else -(-more // 2)
        around[axis] = (before, more - before)
    limited(sizes)
    return surrounded(x, around, 0)
