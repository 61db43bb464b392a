"""Numbers that move and do not change."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import Open, Refused, Unfit
from ..node import OnnxNode
from .core import axes_of, axis_of, broadcast, folds, limited, one_number, operands


@folds("Identity", names=True)
def _identity(node: OnnxNode) -> np.ndarray | Any:
    return node.known(0)


@folds("Dropout", names=True)
def _dropout(node: OnnxNode) -> list[Any]:
    """Nothing is dropped; the mask, which opset 12 defines, says so, and was left at 0 before."""
    node.ignore("ratio", "seed")
    ratio = one_number(node, 1, 0.5) if node.opset >= 12 else 0
    if ratio and one_number(node, 2, False):
        raise Refused("training_mode draws random numbers: only inference is supported")
    x = node.known(0)
    return [x, np.full(x.shape, node.opset >= 12, x.dtype if node.opset < 10 else bool)]


# shapes --------------------------------------------------------------------------------------------------------------


@folds("Transpose", names=True)
def _transpose(node: OnnxNode) -> np.ndarray | Any:
    x = node.known(0)
    perm = node.ints("perm", tuple(reversed(range(x.ndim))))
    if sorted(perm) != list(range(x.ndim)):
        raise Unfit(f"perm={list(perm)} is no order of the axes of shape {list(x.shape)}")
    return x.transpose(perm)


@folds("Reshape", names=True)
def _reshape(node: OnnxNode) -> np.ndarray | Any:
    x, shape = node.known(0), list(node.known_ints(1))
    if not node.attr("allowzero", 0):
        shape = [x.shape[i] if s == 0 and i < x.ndim else s for i, s in enumerate(shape)]
    if shape.count(-1) > 1 or any(not isinstance(s, str) and s < -1 for s in shape):
        raise Unfit(f"{shape} is no shape")
    return x.reshape(shape)


@folds("Flatten", names=True)
def _flatten(node: OnnxNode) -> np.ndarray | Any:
    x, axis = node.known(0), node.attr("axis", 1)
    axis = axis if axis == x.ndim else axis_of(axis, x.ndim)
    return x.reshape(math.prod(x.shape[:axis]), math.prod(x.shape[axis:]))


@folds("Squeeze", names=True)
def _squeeze(node: OnnxNode) -> np.ndarray | Any:
    x, axes = node.known(0), node.attr_or_input("axes", 1, 13)
    chosen = tuple(i for i, n in enumerate(x.shape) if n == 1) if axes is None else axes_of(axes, x.ndim)
    if any(x.shape[a] != 1 for a in chosen):
        raise Unfit(f"it would remove axes {list(axes)} of shape {list(x.shape)}, not all of which are 1")
    return x.squeeze(chosen)


@folds("Unsqueeze", names=True)
def _unsqueeze(node: OnnxNode) -> np.ndarray:
    x, axes = node.known(0), node.attr_or_input("axes", 1, 13, ())
    return np.expand_dims(x, axes_of(axes, x.ndim + len(axes)))


# copies --------------------------------------------------------------------------------------------------------------


@folds("Concat", names=True)
def _concat(node: OnnxNode) -> np.ndarray:
    arrays = operands(node)
    axis = axis_of(node.attr("axis", 1), arrays[0].ndim)
    rests = {(*a.shape[:axis], *a.shape[axis + 1 :]) for a in arrays if a.ndim == arrays[0].ndim}
    if len(rests) > 1 or any(a.ndim != arrays[0].ndim for a in arrays):
        shapes = ", ".join(str(list(a.shape)) for a in arrays)
        raise Unfit(f"the shapes {shapes} differ elsewhere than along axis {axis}")
    return np.concatenate(arrays, axis)


@folds("Expand", names=True)
def _expand(node: OnnxNode) -> np.ndarray:
    x, shape = node.known(0), _numbers(node.known_ints(1))
    if min(shape, default=0) < 0:
        raise Unfit(f"{list(shape)} is no shape")
    return np.array(np.broadcast_to(x, broadcast([x, np.broadcast_to(np.zeros(()), limited(shape))])))


@folds("Tile", names=True)
def _tile(node: OnnxNode) -> np.ndarray:
    x, repeats = node.known(0), _numbers(node.known_ints(1))
    if len(repeats) != x.ndim or min(repeats, default=0) < 0:
        raise Unfit(f"expected a number of repetitions for each axis of {list(x.shape)}, got {list(repeats)}")
    limited([s * r for s, r in zip(x.shape, repeats, strict=True)])
    return np.tile(x, repeats)


def _numbers(sizes: Sequence[Any]) -> tuple[int, ...]:
    """Sizes that must be known."""
    if names := [s for s in sizes if isinstance(s, str)]:
        raise Open(f"it computes with the size {', '.join(names)}: pass `shapes` that makes it a number")
    return tuple(sizes)


@folds("ReverseSequence")
def _reverse_sequence(node: OnnxNode) -> np.ndarray:
    """The first numbers along the time axis in reverse order, as many as each sequence of the batch has."""
    x, lengths = node.known(0), node.known_ints(1)
    time, batch = node.attr("time_axis", 0), node.attr("batch_axis", 1)
    if {time, batch} != {0, 1} or x.ndim < 2:
        raise Unfit(f"expected time_axis and batch_axis to be 0 and 1, got {time} and {batch}")
    if len(lengths) != x.shape[batch] or not all(0 <= n <= x.shape[time] for n in lengths):
        raise Unfit(f"the lengths {list(lengths)} do not fit the input of shape {list(x.shape)}")
    y = x.copy()
    inside, outside = np.moveaxis(x, (time, batch), (0, 1)), np.moveaxis(y, (time, batch), (0, 1))
    for i, n in enumerate(lengths):
        outside[:n, i] = inside[:n, i][::-1]
    return y


# blocks of an image --------------------------------------------------------------------------------------------------


def _image(node: OnnxNode) -> tuple[np.ndarray, int]:
    x, size = node.known(0), node.attr("blocksize", 0)
    if x.ndim != 4 or size < 1:
        raise Unfit(f"expected 4 axes and a blocksize of at least 1, got shape {list(x.shape)} and {size}")
    return x, size


@folds("DepthToSpace")
def _depth_to_space(node: OnnxNode) -> np.ndarray:
    """Channels become blocks: (by, bx, c) for DCR, (c, by, bx) for CRD is how they are numbered."""
    x, b = _image(node)
    n, c, h, w = x.shape
    node.only("mode", "DCR", "CRD")
    if c % (b * b):
        raise Unfit(f"{c} channels are no multiple of blocksize² = {b * b}")
    if node.attr("mode", "DCR") == "DCR":
        blocks = x.reshape(n, b, b, c // b**2, h, w).transpose(0, 3, 4, 1, 5, 2)
    else:
        blocks = x.reshape(n, c // b**2, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return np.ascontiguousarray(blocks).reshape(n, c // b**2, h * b, w * b)


@folds("SpaceToDepth")
def _space_to_depth(node: OnnxNode) -> np.ndarray:
    x, b = _image(node)
    n, c, h, w = x.shape
    node.only("mode", "DCR", "CRD")
    if h % b or w % b:
        raise Unfit(f"the size {h} by {w} is no multiple of the blocksize {b}")
    order = (0, 3, 5, 1, 2, 4) if node.attr("mode", "DCR") == "DCR" else (0, 1, 3, 5, 2, 4)
    return np.ascontiguousarray(x.reshape(n, c, h // b, b, w // b, b).transpose(order)).reshape(
        n, c * b * b, h // b, w // b
    )
