"""Reductions and running sums."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..node import OnnxNode
from .core import folds

_REDUCTIONS: dict[str, tuple[Callable[..., Any], int]] = {  # with the version that made the axes an input
    "ReduceSum": (np.sum, 13), "ReduceProd": (np.prod, 18), "ReduceMax": (np.max, 18), "ReduceMin": (np.min, 18),
    "ReduceMean": (np.mean, 18),
}  # fmt: skip


@folds(*_REDUCTIONS)
def _reduce(node: OnnxNode) -> np.ndarray:
    function, since = _REDUCTIONS[node.op]
    x, axes = node.known(0), node.attr_or_input("axes", 1, since)
    if not axes and node.attr("noop_with_empty_axes", 0):
        return np.asarray(x)
    chosen = tuple(node.input(0).axis(a) for a in axes) if axes else None
    return np.asarray(function(x, axis=chosen, keepdims=bool(node.attr("keepdims", 1)))).astype(x.dtype, copy=False)


@folds("CumSum")
def _cumsum(node: OnnxNode) -> np.ndarray:
    node.only("exclusive", 0)
    node.only("reverse", 0)
    return np.asarray(np.cumsum(node.known(0), axis=int(node.known(1)), dtype=node.known(0).dtype))
