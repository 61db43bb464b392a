"""Comparisons and choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..node import OnnxNode
from .arithmetic import elementwise
from .core import folds, operands

_LOGIC: dict[str, Callable[..., Any]] = {
    "Less": np.less, "Greater": np.greater, "LessOrEqual": np.less_equal, "GreaterOrEqual": np.greater_equal,
    "And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor, "Not": np.logical_not,
}  # fmt: skip


for _op, _function in _LOGIC.items():
    folds(_op)(elementwise(_function, "bool"))
folds("Equal", names=True)(elementwise(np.equal, "bool"))


@folds("Where", names=True)
def _where(node: OnnxNode) -> np.ndarray:
    condition, a, b = operands(node)
    return np.where(condition.astype(bool), a, b)
