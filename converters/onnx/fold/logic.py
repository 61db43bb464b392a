"""Comparisons, truth and choices."""

from __future__ import annotations

import numpy as np

from ..node import OnnxNode
from .core import broadcast, elementwise, folds, operands, wide

for _op, _function in {
    "Less": np.less, "Greater": np.greater, "LessOrEqual": np.less_equal, "GreaterOrEqual": np.greater_equal,
    "And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor, "Not": np.logical_not, "IsNaN": np.isnan,
}.items():  # fmt: skip
    elementwise(_op, _function, to_bool=True)
elementwise("Equal", np.equal, to_bool=True, names=True)


@folds("IsInf")
def _is_inf(node: OnnxNode) -> np.ndarray:
    x = wide(node.known(0))
    below = np.isneginf(x) & bool(node.attr("detect_negative", 1))
    return np.asarray(below | (np.isposinf(x) & bool(node.attr("detect_positive", 1))))


@folds("Where", names=True)
def _where(node: OnnxNode) -> np.ndarray:
    condition, a, b = operands(node)
    broadcast([condition, a, b])
    return np.where(condition.astype(bool), a, b)
