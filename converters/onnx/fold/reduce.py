"""Reductions, running sums and the places of extremes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import Unfit
from ..node import OnnxNode
from .arithmetic import divide
from .core import axes_of, axis_of, folds, limited, one_number, wide
from .signature import is_float

Axes = tuple[int, ...]


def _sum(x: np.ndarray, axes: Axes) -> np.ndarray:
    return np.asarray(np.sum(x, axes, keepdims=True, dtype=x.dtype))


def _mean(x: np.ndarray, axes: Axes) -> np.ndarray:
    total = _sum(x, axes)
    return divide(total, np.asarray(x.size // max(total.size, 1), x.dtype))


def _lowest(dtype: np.dtype[Any]) -> Any:
    """What is below every number of the dtype, or equal."""
    return False if dtype.kind == "b" else -np.inf if is_float(dtype) else np.iinfo(dtype).min


def _highest(dtype: np.dtype[Any]) -> Any:
    return True if dtype.kind == "b" else np.inf if is_float(dtype) else np.iinfo(dtype).max


def _log_sum_exp(x: np.ndarray, axes: Axes) -> np.ndarray:
    top = np.max(x, axes, keepdims=True, initial=_lowest(x.dtype))
    finite = np.where(np.isfinite(top), top, 0)
    return np.asarray(np.log(_sum(np.exp(x - finite), axes)) + finite)


_REDUCTIONS: dict[str, tuple[Callable[[np.ndarray, Axes], Any], int]] = {  # with the version of the axes as an input
    "ReduceSum": (_sum, 13),
    "ReduceMean": (_mean, 18),
    "ReduceProd": (lambda x, axes: np.prod(x, axes, keepdims=True, dtype=x.dtype), 18),
    "ReduceMax": (lambda x, axes: np.max(x, axes, keepdims=True, initial=_lowest(x.dtype)), 18),
    "ReduceMin": (lambda x, axes: np.min(x, axes, keepdims=True, initial=_highest(x.dtype)), 18),
    "ReduceL1": (lambda x, axes: _sum(np.abs(x), axes), 18),
    "ReduceL2": (lambda x, axes: np.sqrt(_sum(x * x, axes)), 18),
    "ReduceSumSquare": (lambda x, axes: _sum(x * x, axes), 18),
    "ReduceLogSum": (lambda x, axes: np.log(_sum(x, axes)), 18),
    "ReduceLogSumExp": (lambda x, axes: _log_sum_exp(x if is_float(x.dtype) else x.astype(np.float64), axes), 18),
}


@folds(*_REDUCTIONS)
def _reduce(node: OnnxNode) -> np.ndarray:
    function, since = _REDUCTIONS[node.op]
    x, axes = node.known(0), node.attr_or_input("axes", 1, since)
    every = () if node.attr("noop_with_empty_axes", 0) else tuple(range(x.ndim))
    chosen = axes_of(axes, x.ndim) if axes else every  # over no axes, a norm is still computed of each number
    y = np.asarray(function(wide(x), chosen)).astype(x.dtype, copy=False)
    return y if node.attr("keepdims", 1) else y.reshape([n for i, n in enumerate(x.shape) if i not in chosen])


@folds("CumSum", "CumProd")
def _cumulate(node: OnnxNode) -> np.ndarray:
    x = node.known(0)
    axis = axis_of(one_number(node, 1), x.ndim)
    along = np.moveaxis(wide(x), axis, 0)
    along = along[::-1] if node.attr("reverse", 0) else along
    first = np.full_like(along[:1], node.op == "CumProd")
    if node.attr("exclusive", 0):  # the number itself does not count
        along = np.concatenate([first, along])[:-1]
    y = (np.cumsum if node.op == "CumSum" else np.cumprod)(along, 0, dtype=along.dtype)
    y = y[::-1] if node.attr("reverse", 0) else y
    return np.asarray(np.moveaxis(y, 0, axis), x.dtype)


@folds("ArgMax", "ArgMin")
def _arg(node: OnnxNode) -> np.ndarray:
    x = wide(node.known(0))
    axis = axis_of(node.attr("axis", 0), x.ndim)
    keep = bool(node.attr("keepdims", 1))
    if not x.shape[axis]:
        raise Unfit(f"axis {axis} of the input of shape {list(x.shape)} has no elements")
    find = np.argmax if node.op == "ArgMax" else np.argmin
    if node.attr("select_last_index", 0):
        return np.asarray(x.shape[axis] - 1 - find(np.flip(x, axis), axis, keepdims=keep), np.int64)
    return np.asarray(find(x, axis, keepdims=keep), np.int64)


@folds("OneHot")
def _one_hot(node: OnnxNode) -> np.ndarray:
    """A new axis of `depth`: the second value at the index, the first elsewhere (also where it is out of range)."""
    indices, values = wide(node.known(0)), node.known(2)
    depth = int(one_number(node, 1))
    if depth < 1 or values.shape != (2,):
        raise Unfit(f"expected a depth of at least 1 and two values, got {depth} and {values.size} values")
    limited((*indices.shape, depth))
    axis = axis_of(node.attr("axis", -1), indices.ndim + 1)
    wrapped = np.expand_dims(np.where(indices < 0, indices + depth, indices), axis)
    places = np.arange(depth).reshape([depth if i == axis else 1 for i in range(indices.ndim + 1)])
    return np.asarray(np.where(wrapped == places, values[1], values[0]))
