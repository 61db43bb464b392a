"""Elementwise arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import Refused
from ..node import OnnxNode
from .core import Fold, folds, limited, operands


def elementwise(function: Callable[..., Any], kind: str = "same") -> Fold:
    """The evaluator of a function of arrays that broadcast; the result is bool, or like the first."""

    def run(node: OnnxNode) -> np.ndarray:
        arrays = operands(node)
        limited(np.broadcast_shapes(*(a.shape for a in arrays)))
        result = np.asarray(function(*arrays))
        return result.astype(bool if kind == "bool" else arrays[0].dtype, copy=False)

    return run


def _divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Integer division rounds towards zero, as in C."""
    if a.dtype.kind not in "iu":
        return np.asarray(a / b)
    if (b == 0).any():
        raise Refused("it divides by zero")
    quotient = np.abs(a) // np.abs(b)
    return np.asarray(np.where((a < 0) != (b < 0), -quotient, quotient))


def _reduced(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    def run(first: np.ndarray, *rest: np.ndarray) -> np.ndarray:
        for other in rest:
            first = function(first, other)
        return first

    return run


_ARITHMETIC: dict[str, Callable[..., Any]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": _divide, "Pow": np.power,
    "Neg": np.negative, "Abs": np.abs, "Sign": np.sign, "Floor": np.floor, "Ceil": np.ceil, "Round": np.round,
    "Sqrt": np.sqrt, "Exp": np.exp, "Log": np.log, "Reciprocal": np.reciprocal, "Relu": lambda x: np.maximum(x, 0),
    "Min": _reduced(np.minimum), "Max": _reduced(np.maximum), "Sum": _reduced(np.add),
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)), "Tanh": np.tanh, "Sin": np.sin, "Cos": np.cos,
}  # fmt: skip


for _op, _function in _ARITHMETIC.items():
    folds(_op)(elementwise(_function))


@folds("Mod")
def _mod(node: OnnxNode) -> np.ndarray:
    a, b = operands(node)
    return np.asarray(np.fmod(a, b) if node.attr("fmod", 0) else np.mod(a, b))
