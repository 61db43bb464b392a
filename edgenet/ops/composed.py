"""Functions of `keras.ops` that are a line or two of others; their gradients and kernels follow from these."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from edgenet.graph import Value

from .activation import clip
from .curve import softplus
from .elementwise import abs, equal, exp, greater, greater_equal, log, maximum, sqrt, square
from .reduce import Axes, argmax, max, mean, sum
from .shaping import squeeze

LN2, LN10 = math.log(2.0), math.log(10.0)


def negative(x: Value) -> Value:
    """-x."""
    return -x


def reciprocal(x: Value) -> Value:
    """1 / x."""
    return 1.0 / x


def power(x1: Any, x2: Any) -> Value:
    """x1 ** x2, broadcast like NumPy; NaN for a negative number to a power that is not whole.

    >>> from edgenet.graph import Graph
    >>> power(Graph().input(("batch", 8)), 3)
    %power: float32[batch, 8]
    """
    y: Value = x1**x2
    return y


def rsqrt(x: Value) -> Value:
    """1 / √x."""
    return 1.0 / sqrt(x)


def log2(x: Value) -> Value:
    """Logarithm to base 2."""
    return log(x) * (1 / LN2)


def log10(x: Value) -> Value:
    """Logarithm to base 10."""
    return log(x) * (1 / LN10)


def less(x1: Any, x2: Any) -> Value:
    """1.0 where x1 < x2, else 0.0; broadcast like NumPy."""
    return greater(x2, x1)


def less_equal(x1: Any, x2: Any) -> Value:
    """1.0 where x1 <= x2, else 0.0; broadcast like NumPy."""
    return greater_equal(x2, x1)


def not_equal(x1: Any, x2: Any) -> Value:
    """0.0 where x1 = x2, else 1.0, for two float32 or two int32 values; broadcast like NumPy."""
    return 1.0 - equal(x1, x2)


def logical_not(x: Value) -> Value:
    """1.0 where x is 0, else 0.0."""
    return equal(x, 0.0)


def logical_and(x1: Any, x2: Any) -> Value:
    """1.0 where neither is 0, else 0.0; broadcast like NumPy."""
    return not_equal(x1, 0.0) * not_equal(x2, 0.0)


def logical_or(x1: Any, x2: Any) -> Value:
    """1.0 where at least one is not 0, else 0.0; broadcast like NumPy."""
    return maximum(not_equal(x1, 0.0), not_equal(x2, 0.0))


def isnan(x: Value) -> Value:
    """1.0 where x is NaN, else 0.0."""
    return not_equal(x, x)


def argmin(x: Value, axis: int | None = None, keepdims: bool = False) -> Value:
    """Index of the first minimum along an axis (None: of x flattened), as int32."""
    return argmax(-x, axis, keepdims)


def var(x: Value, axis: Axes = None, keepdims: bool = False) -> Value:
    """Mean of the squared distance from the mean, over the axis, axes or (None) all."""
    if axis is not None and not isinstance(axis, int):
        axis = tuple(axis)
    return mean(square(x - mean(x, axis, keepdims=True)), axis, keepdims)


def std(x: Value, axis: Axes = None, keepdims: bool = False) -> Value:
    """√ of `var`."""
    return sqrt(var(x, axis, keepdims))


def logsumexp(x: Value, axis: Axes = None, keepdims: bool = False) -> Value:
    """log of the sum of e^x, which no large x makes infinite."""
    if isinstance(axis, Iterable):
        axis = tuple(axis)
    top = max(x, axis, keepdims=True)
    y = log(sum(exp(x - top), axis, keepdims=True)) + top
    return y if keepdims else squeeze(y, axis if axis is not None else tuple(range(x.ndim)))


def relu6(x: Value) -> Value:
    """min(max(x, 0), 6)."""
    return clip(x, 0.0, 6.0)


def hard_sigmoid(x: Value) -> Value:
    """min(max(x + 3, 0), 6) / 6."""
    return relu6(x + 3.0) * (1 / 6)


def softsign(x: Value) -> Value:
    """x / (1 + |x|)."""
    return x / (1.0 + abs(x))


def log_sigmoid(x: Value) -> Value:
    """log of 1 / (1 + e^-x), finite for any finite x."""
    return -softplus(-x)
