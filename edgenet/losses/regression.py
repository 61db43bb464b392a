"""Losses for numbers: squared and absolute distance."""

from __future__ import annotations

from edgenet import ops
from edgenet.graph import Value

from .loss import Loss, same_rank


def mean_squared_error(y_true: Value, y_pred: Value) -> Value:
    """Mean of (y_pred - y_true)² over the last axis."""
    return _over_last(ops.square(y_pred - same_rank(y_true, y_pred)))


def mean_absolute_error(y_true: Value, y_pred: Value) -> Value:
    """Mean of |y_pred - y_true| over the last axis."""
    return _over_last(ops.abs(y_pred - same_rank(y_true, y_pred)))


def _over_last(values: Value) -> Value:
    return ops.mean(values, axes=(len(values.shape) - 1,)) if len(values.shape) > 1 else values


class MeanSquaredError(Loss):
    """mean (y_pred - y_true)²; both of one shape.

    >>> MeanSquaredError().name
    'mean_squared_error'
    """

    aliases = ("mse", "MSE")

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """One value a row of the last axis."""
        return mean_squared_error(y_true, y_pred)


class MeanAbsoluteError(Loss):
    """mean |y_pred - y_true|; both of one shape.

    >>> get_config = MeanAbsoluteError(reduction="sum").get_config()
    >>> get_config
    {'name': 'mean_absolute_error', 'reduction': 'sum'}
    """

    aliases = ("mae", "MAE")

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """One value a row of the last axis."""
        return mean_absolute_error(y_true, y_pred)
