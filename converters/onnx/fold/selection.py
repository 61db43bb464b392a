"""Sorting: the largest, the distinct."""

from __future__ import annotations

import numpy as np

from ..errors import Unfit
from ..node import OnnxNode
from .core import axis_of, folds, one_number, wide


@folds("TopK")
def _top_k(node: OnnxNode) -> list[np.ndarray]:
    """The k largest (or smallest) along an axis and their indices; of equal ones, the first comes first."""
    x = node.known(0)
    node.ignore("sorted")  # sorted is one of the orders that are allowed otherwise
    axis = axis_of(node.attr("axis", -1), x.ndim)
    k = node.attr("k", 0) if node.opset < 10 else one_number(node, 1)
    if not 0 <= k <= x.shape[axis]:
        raise Unfit(f"it takes {k} of the {x.shape[axis]} numbers along axis {axis}")
    if node.attr("largest", 1):  # sorted from the end, and read from there
        order = x.shape[axis] - 1 - np.argsort(np.flip(wide(x), axis), axis, kind="stable")
        order = np.flip(order, axis)
    else:
        order = np.argsort(wide(x), axis, kind="stable")
    order = np.take(order, range(k), axis)
    return [np.take_along_axis(x, order, axis), order.astype(np.int64)]


@folds("Unique")
def _unique(node: OnnxNode) -> list[np.ndarray]:
    """The distinct slices, where each is first met, which one every slice is, and how often each comes."""
    x, axis = node.known(0), node.attr("axis")
    axis = None if axis is None else axis_of(axis, x.ndim)
    flat = x.reshape(-1) if axis is None else x
    values, first, inverse, counts = np.unique(
        flat, return_index=True, return_inverse=True, return_counts=True, axis=0 if axis is None else axis
    )
    inverse = inverse.reshape(-1)
    if not node.attr("sorted", 1):
        order = np.argsort(first, kind="stable")
        rank = np.empty_like(order)
        rank[order] = np.arange(order.size)
        values, first, counts = np.take(values, order, axis or 0), first[order], counts[order]
        inverse = rank[inverse]
    return [values.astype(x.dtype, copy=False), *(a.astype(np.int64) for a in (first, inverse, counts))]
