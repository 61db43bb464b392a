"""Elementwise arithmetic.

Integers wrap around as in C, and are divided as in C, rounded towards zero; where a divisor is 0 the node is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import Unfit
from ..node import OnnxNode
from .core import broadcast, elementwise, folds, operands, wide
from .signature import is_float

# one input -----------------------------------------------------------------------------------------------------------


def erf(x: np.ndarray) -> np.ndarray:
    """The error function."""
    return np.asarray(_erf(x), np.float64)


_erf = np.vectorize(math.erf, otypes=[np.float64])

_UNARY: dict[str, Callable[[np.ndarray], Any]] = {
    "Abs": np.abs, "Neg": np.negative, "Sign": np.sign, "Reciprocal": lambda x: 1 / x, "Sqrt": np.sqrt,
    "Exp": np.exp, "Log": np.log, "Erf": lambda x: erf(x) if x.size else x,
    "Floor": np.floor, "Ceil": np.ceil, "Round": np.rint,  # to even
    "Sin": np.sin, "Cos": np.cos, "Tan": np.tan, "Asin": np.arcsin, "Acos": np.arccos, "Atan": np.arctan,
    "Sinh": np.sinh, "Cosh": np.cosh, "Asinh": np.arcsinh, "Acosh": np.arccosh, "Atanh": np.arctanh, "Tanh": np.tanh,
    "BitwiseNot": np.invert,
}  # fmt: skip
for _op, _function in _UNARY.items():
    elementwise(_op, _function)

# two inputs ----------------------------------------------------------------------------------------------------------


def divide(a: np.ndarray, b: Any) -> np.ndarray:
    """The quotient; that of integers is rounded towards zero."""
    if is_float(a.dtype):
        return np.asarray(a / b)
    _no_zero(b)
    floor = np.floor_divide(a, b)
    return np.asarray(floor + ((a - floor * b != 0) & ((a < 0) != (b < 0))).astype(a.dtype))


def _no_zero(divisor: Any) -> None:
    if (np.asarray(divisor) == 0).any():
        raise Unfit("it divides by zero")


def _power(base: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """The exponent may have another dtype; the result has that of the base."""
    if is_float(base.dtype):
        return np.asarray(np.power(base, exponent))
    if is_float(exponent.dtype) or (exponent < 0).any():
        return np.asarray(np.trunc(np.power(base.astype(np.float64), exponent)))
    return np.asarray(np.power(base, exponent.astype(base.dtype)))


_BINARY: dict[str, Callable[..., Any]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": divide, "Pow": _power,
    "BitwiseAnd": np.bitwise_and, "BitwiseOr": np.bitwise_or, "BitwiseXor": np.bitwise_xor,
}  # fmt: skip
for _op, _pair in _BINARY.items():
    elementwise(_op, _pair)


@folds("Mod")
def _mod(node: OnnxNode) -> np.ndarray:
    """The remainder: with `fmod` it has the sign of the dividend, else that of the divisor."""
    a, b = operands(node)
    broadcast([a, b])
    if not is_float(a.dtype):
        _no_zero(b)
    remainder = np.fmod if node.attr("fmod", 0) else np.mod
    return np.asarray(remainder(wide(a), wide(b))).astype(a.dtype, copy=False)


@folds("BitShift")
def _bit_shift(node: OnnxNode) -> np.ndarray:
    a, by = operands(node)
    broadcast([a, by])
    node.only("direction", "LEFT", "RIGHT")
    bits = a.dtype.itemsize * 8
    within = np.minimum(by, bits - 1)
    if node.attr("direction") == "RIGHT":
        return np.asarray(np.right_shift(a, within))  # the sign is all that stays of a negative number
    return np.where(by < bits, np.left_shift(a, within), 0).astype(a.dtype)


# any number of inputs ------------------------------------------------------------------------------------------------


def _reduced(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Callable[..., np.ndarray]:
    def run(first: np.ndarray, *rest: np.ndarray) -> np.ndarray:
        for other in rest:
            first = function(first, other)
        return first

    return run


_sum = _reduced(np.add)
for _op, _all in {
    "Min": _reduced(np.minimum), "Max": _reduced(np.maximum), "Sum": _sum, "Mean": lambda *xs: _sum(*xs) / len(xs),
}.items():  # fmt: skip
    elementwise(_op, _all)
