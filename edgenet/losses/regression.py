"""Losses for numbers: distances between targets and predictions of one shape."""

from __future__ import annotations

import math
from typing import Any

from edgenet import ops
from edgenet.graph import Value

from .loss import NamedLoss, for_arrays, over_last, same_rank

EPSILON = 1e-7


@for_arrays()
def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """Mean of (y_pred - y_true)² over the last axis.

    >>> mean_squared_error([[0, 1, 0], [1, 0, 0]], [[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]]).round(7)
    array([0.0466667, 0.1266667])
    """
    return over_last(ops.square(y_pred - same_rank(y_true, y_pred)))


@for_arrays()
def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """Mean of |y_pred - y_true| over the last axis."""
    return over_last(ops.abs(y_pred - same_rank(y_true, y_pred)))


@for_arrays()
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """100·mean |y_pred - y_true| / max(|y_true|, 1e-7) over the last axis.

    >>> float(mean_absolute_percentage_error([2.0, 4.0], [1.0, 5.0]))
    37.5
    """
    y_true = same_rank(y_true, y_pred)
    return over_last(ops.abs(y_true - y_pred) / ops.maximum(ops.abs(y_true), EPSILON)) * 100.0


@for_arrays()
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """Mean of (log(1 + y_pred) - log(1 + y_true))² over the last axis; numbers below 1e-7 count as 1e-7."""
    p, t = (ops.log(ops.maximum(v, EPSILON) + 1.0) for v in (y_pred, same_rank(y_true, y_pred)))
    return over_last(ops.square(p - t))


@for_arrays()
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Mean of e²/2 where |e| <= delta, else delta·|e| - delta²/2, over the last axis; e = y_true - y_pred.

    >>> float(huber([0.0, 0.0], [0.5, 3.0]))
    1.3125
    """
    e = ops.abs(same_rank(y_true, y_pred) - y_pred)
    near = ops.minimum(e, float(delta))
    return over_last(ops.square(near) * 0.5 + (e - near) * float(delta))


@for_arrays()
def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """Mean of log cosh(y_pred - y_true) = |e| + log(1 + e^(-2|e|)) - log 2 over the last axis."""
    e = ops.abs(y_pred - same_rank(y_true, y_pred))
    return over_last(e + ops.log(1 + ops.exp(e * -2.0)) - math.log(2))


@for_arrays()
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """-sum t·p / (|t|·|p|) along an axis: -1 for equal directions, 1 for opposite ones, 0 for a zero vector.

    >>> float(cosine_similarity([3.0, 4.0], [6.0, 8.0]))
    -1.0
    """
    t, p = (_unit(v, axis) for v in (same_rank(y_true, y_pred), y_pred))
    return -ops.sum(t * p, axis=axis)


def _unit(v: Value, axis: int) -> Value:
    return v / ops.sqrt(ops.maximum(ops.sum(ops.square(v), axis=axis, keepdims=True), EPSILON**2))


class MeanSquaredError(NamedLoss):
    """mean (y_pred - y_true)²; both of one shape.

    >>> MeanSquaredError().name
    'mean_squared_error'
    """

    function = mean_squared_error
    aliases = ("mse", "MSE")


class MeanAbsoluteError(NamedLoss):
    """mean |y_pred - y_true|; both of one shape.

    >>> MeanAbsoluteError(reduction="sum").get_config()
    {'reduction': 'sum', 'name': 'mean_absolute_error', 'dtype': None}
    """

    function = mean_absolute_error
    aliases = ("mae", "MAE")


class MeanAbsolutePercentageError(NamedLoss):
    """100·mean |y_pred - y_true| / |y_true|."""

    function = mean_absolute_percentage_error
    aliases = ("mape", "MAPE")


class MeanSquaredLogarithmicError(NamedLoss):
    """mean (log(1 + y_pred) - log(1 + y_true))²."""

    function = mean_squared_logarithmic_error
    aliases = ("msle", "MSLE")


class LogCosh(NamedLoss):
    """mean log cosh(y_pred - y_true): e²/2 for small errors, |e| - log 2 for large ones."""

    function = log_cosh
    aliases = ("logcosh",)


class Huber(NamedLoss):
    """mean of e²/2 where |e| <= delta, else delta·|e| - delta²/2.

    Args:
        delta: where the parabola becomes a line.
        reduction: as for `Loss`.
        name: what messages call it.
        dtype: None or ``"float32"``.

    >>> float(Huber(delta=2.0)([0.0], [3.0]))
    4.0
    """

    function, aliases = huber, ("huber_loss",)

    def __init__(
        self, delta: float = 1.0, reduction: str | None = "sum_over_batch_size", name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(reduction, name, dtype)
        if not delta > 0:
            raise ValueError(f"{self.name}: delta must be positive, got {delta}")
        self.delta = float(delta)

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """One value a row of the last axis."""
        values: Value = huber(y_true, y_pred, self.delta)
        return values


class CosineSimilarity(NamedLoss):
    """-sum t·p / (|t|·|p|) along an axis, averaged: -1 where predictions point to their targets."""

    function, aliases = cosine_similarity, ("cosine_proximity",)

    def __init__(
        self, axis: int = -1, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.axis = axis

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """One value for each vector along the axis."""
        values: Value = cosine_similarity(y_true, y_pred, self.axis)
        return values
