"""Losses of margins: zero once a prediction is right by 1."""

from __future__ import annotations

from typing import Any

from edgenet import ops
from edgenet.graph import Value

from .loss import NamedLoss, for_arrays, over_last, same_rank


def _signs(y_true: Value) -> Value:
    """Targets -1 and 1; if all of them are 0 or 1 instead, 2·y_true - 1."""
    binary = ops.min(ops.equal(y_true, 0.0) + ops.equal(y_true, 1.0))
    return y_true + binary * (y_true - 1.0)


@for_arrays()
def hinge(y_true: Any, y_pred: Any) -> Any:
    """Mean of max(1 - t·y_pred, 0) over the last axis; t is -1 or 1, targets of 0 and 1 are turned into these.

    >>> hinge([[0, 1, 0], [1, 0, 0]], [[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]]).round(7)
    array([0.8666667, 1.       ])
    """
    return over_last(ops.relu(1 - _signs(same_rank(y_true, y_pred)) * y_pred))


@for_arrays()
def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """Mean of max(1 - t·y_pred, 0)² over the last axis; t as for `hinge`."""
    return over_last(ops.square(ops.relu(1 - _signs(same_rank(y_true, y_pred)) * y_pred)))


@for_arrays()
def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """max(1 + max (1 - t)·y_pred - sum t·y_pred, 0) over the last axis; targets t are one-hot."""
    t, last = same_rank(y_true, y_pred), len(y_pred.shape) - 1
    right, wrong = ops.sum(t * y_pred, axis=last), ops.max((1 - t) * y_pred, axis=last)
    return ops.relu(wrong - right + 1.0)


class Hinge(NamedLoss):
    """mean max(1 - t·y_pred, 0); targets t are -1 or 1 (or 0 or 1)."""

    function = hinge


class SquaredHinge(NamedLoss):
    """mean max(1 - t·y_pred, 0)²; targets t are -1 or 1 (or 0 or 1)."""

    function = squared_hinge


class CategoricalHinge(NamedLoss):
    """mean max(1 + the largest wrong score - the right score, 0); targets are one-hot."""

    function = categorical_hinge
