"""Parts of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import Refused, Unfit
from ..node import OnnxNode
from .core import folds, one_number


@folds("Slice", names=True)
def _slice(node: OnnxNode) -> np.ndarray | Any:
    return node.known(0)[_slices(node)]


def _slices(node: OnnxNode) -> tuple[slice, ...]:
    starts, stops, steps = slice_table(node)
    return tuple(slice(*entry) for entry in zip(starts, stops, steps, strict=True))


def slice_table(node: OnnxNode) -> tuple[list[Any], list[Any], list[int]]:
    """Start, stop and step for each axis by Python's rules, None where an axis is not cut."""
    x = node.input(0)
    if node.opset < 10:
        first, last = node.ints("starts", ()), node.ints("ends", ())
        axes, by = node.ints("axes", range(len(first)), len(first)), (1,) * len(first)
    else:
        first, last = node.known_ints(1, ()), node.known_ints(2, ())
        axes = node.known_ints(3, tuple(range(len(first))))
        by = node.known_ints(4, (1,) * len(first))
    if not len(first) == len(last) == len(axes) == len(by):
        raise Unfit("starts, ends, axes and steps have different lengths")
    if any(isinstance(n, str) for n in (*first, *last)):
        raise Refused("it is cut at a size that is not known yet: pass `shapes` that makes it a number")
    starts: list[Any] = [None] * x.rank
    stops: list[Any] = [None] * x.rank
    steps = [1] * x.rank
    for start, stop, axis, step in zip(first, last, axes, by, strict=True):
        if step == 0:
            raise Unfit("its step is 0")
        axis, size = x.axis(axis), x.shape[x.axis(axis)]
        steps[axis] = step
        if step > 0:
            whole = 2**31 - 1 if isinstance(size, str) else size
            starts[axis], stops[axis] = start or None, None if stop >= whole else stop
        elif isinstance(size, int):  # Python has no number for "before the first"
            starts[axis] = None if start >= size - 1 else max(start, -size)
            stops[axis] = None if stop < -size else stop
        else:
            raise Refused(f"axis {axis} has the size {size}: pass `shapes` that makes it a number")
    return starts, stops, steps


@folds("Split", names=True)
def _split(node: OnnxNode) -> list[np.ndarray]:
    axis = node.input(0).axis(node.attr("axis", 0))
    sizes = split_sizes(node, node.input(0).shape[axis])
    return np.split(node.known(0), np.cumsum(sizes)[:-1], axis)


def split_sizes(node: OnnxNode, size: Any) -> list[int]:
    """The lengths of the parts of a Split."""
    parts = len(node.output_names)
    sizes = node.attr_or_input("split", 1, 13)
    if node.attr("num_outputs", parts) != parts:
        raise Refused(f"num_outputs is {node.attr('num_outputs')}, but the node has {parts} outputs")
    if isinstance(size, str):
        raise Refused(f"it splits the size {size}: pass `shapes` that makes it a number")
    if sizes is None:
        each = -(-size // parts)
        sizes = [max(0, min(each, size - i * each)) for i in range(parts)]
        if node.opset < 18 and size % parts:
            raise Unfit(f"{size} cannot be split into {parts} equal parts")
    if len(sizes) != parts or sum(sizes) != size or min(sizes) < 0:
        raise Unfit(f"{size} cannot be split into {parts} parts of {list(sizes)}")
    return list(sizes)


@folds("Trilu")
def _trilu(node: OnnxNode) -> np.ndarray:
    x, k = node.known(0), int(one_number(node, 1, 0))
    if x.ndim < 2:
        raise Unfit(f"expected at least two axes, got shape {list(x.shape)}")
    rows, columns = np.ogrid[: x.shape[-2], : x.shape[-1]]
    keep = columns - rows >= k if node.attr("upper", 1) else columns - rows <= k
    return np.where(keep, x, np.zeros((), x.dtype))
