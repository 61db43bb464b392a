"""Metrics of decisions: true and false positives, precision, recall, specificity.

A prediction is positive where it is greater than a threshold; (batch, …, classes) are as many decisions as numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from edgenet import ops
from edgenet.graph import Value

from .metric import Metric, beside, indicators, ratio

#: predictions times thresholds that are compared at once where a metric is called on arrays
COMPARISONS = 1 << 20


class Decisions(NamedTuple):
    """True and false positives and negatives, for each threshold."""

    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray
    tn: np.ndarray

    @property
    def precision(self) -> np.ndarray:
        """Share of the positive decisions that is right, TP / (TP + FP)."""
        return np.asarray(ratio(self.tp, self.tp + self.fp))

    @property
    def recall(self) -> np.ndarray:
        """Share of the positives that is found, TP / (TP + FN)."""
        return np.asarray(ratio(self.tp, self.tp + self.fn))

    @property
    def specificity(self) -> np.ndarray:
        """Share of the negatives that is left alone, TN / (TN + FP)."""
        return np.asarray(ratio(self.tn, self.tn + self.fp))

    @property
    def false_positive_rate(self) -> np.ndarray:
        """FP / (FP + TN) = 1 - specificity."""
        return np.asarray(ratio(self.fp, self.fp + self.tn))


class ThresholdMetric(Metric, named=False):
    """A metric of the decisions at one or several thresholds.

    Args:
        thresholds: one number or a list of them, from 0 to 1; 0.5 by default.  A list gives one result for each.
        top_k: only the k largest predictions of a sample count as positive (then there is no threshold by default).
        class_id: the only class that counts.
        name: the key in ``History.history``.
        dtype: None or ``"float32"``.
    """

    def __init__(
        self, thresholds: Any = None, top_k: int | None = None, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        self.thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        self.levels = self._levels(thresholds)

    def _levels(self, thresholds: Any) -> np.ndarray:
        if thresholds is None:
            return np.array([-np.inf if self.top_k else 0.5])
        levels = np.atleast_1d(np.asarray(thresholds, np.float64))
        if levels.ndim > 1 or not levels.size or not ((levels >= 0) & (levels <= 1)).all():
            raise ValueError(f"{self.name}: thresholds must be numbers from 0 to 1, got {thresholds!r}")
        return levels

    def counts(self, y_true: Value, y_pred: Value, sample_weight: Value | None = None) -> Value:
        """True positives and positives decided for each threshold; then all positives, all decisions."""
        t = indicators(y_true, y_pred)
        weight = None if sample_weight is None else beside(sample_weight, y_pred)
        among = None if self.top_k is None else _among_largest(y_pred, self.top_k)
        if self.class_id is not None:
            t, y_pred = _column(t, self.class_id), _column(y_pred, self.class_id)
            weight = None if weight is None else _column(weight, self.class_id)
            among = None if among is None else _column(among, self.class_id)
        t, p = (ops.reshape(v, (-1, 1)) for v in (t, y_pred))
        decided = ops.greater(p, self.levels) if np.isfinite(self.levels).all() else ops.equal(p, p)
        if among is not None:
            decided = decided * ops.reshape(among, (-1, 1))
        if weight is None:
            total = p.graph.constant(np.array(p.spec.size, np.float32), "count")
        else:
            weight = ops.reshape(weight, (-1, 1))
            decided, t, total = decided * weight, t, ops.sum(weight)
        tp = ops.sum(decided * t, axis=0)
        positives = ops.sum(t if weight is None else t * weight)
        return ops.flat(tp, ops.sum(decided, axis=0), positives, total)

    def at_once(self, size: int) -> int:
        """So many samples that their comparisons with all thresholds stay small."""
        return max(1, COMPARISONS // max(1, size * len(self.levels)))

    def decisions(self, counts: np.ndarray) -> Decisions:
        """What the counts mean."""
        tp, decided = counts[:-2].reshape(2, -1)
        positives, total = counts[-2:]
        fp, fn = decided - tp, positives - tp
        return Decisions(tp, fp, fn, np.maximum(total - positives - fp, 0.0))

    def figure(self, counts: np.ndarray) -> Any:
        """One number, or an array of one for each threshold of a list."""
        values = self.value(self.decisions(counts))
        return float(values[0]) if len(values) == 1 else values

    def value(self, decisions: Decisions) -> np.ndarray:
        """The figure for each threshold."""
        raise NotImplementedError(f"{type(self).__name__}.value")


def _among_largest(y_pred: Value, k: int) -> Value:
    """1 at the k largest predictions of each row."""
    last, rest = len(y_pred.shape) - 1, y_pred
    for _ in range(min(k, y_pred.shape[-1]) - 1):
        top = ops.equal(rest, ops.max(rest, axis=last, keepdims=True))
        rest = ops.minimum(rest, (1 - top * 2) * np.float32(3e38))
    return ops.greater_equal(y_pred, ops.max(rest, axis=last, keepdims=True))


def _column(v: Value, index: int) -> Value:
    rank = len(v.shape) - 1
    return ops.slice_(v, [None] * rank + [index], [None] * rank + [index + 1 or None])


class Precision(ThresholdMetric):
    """Share of the positive decisions that is right, TP / (TP + FP).

    >>> float(Precision()([0, 1, 1, 1], [0.2, 0.8, 0.4, 0.9]))
    1.0
    """

    def value(self, decisions: Decisions) -> np.ndarray:
        """For each threshold."""
        return decisions.precision


class Recall(ThresholdMetric):
    """Share of the positives that is found, TP / (TP + FN): the sensitivity, the true positive rate.

    >>> round(Recall()([0, 1, 1, 1], [0.2, 0.8, 0.4, 0.9]), 7)
    0.6666667
    """

    aliases = ("sensitivity", "true_positive_rate")

    def value(self, decisions: Decisions) -> np.ndarray:
        """For each threshold."""
        return decisions.recall


class Specificity(ThresholdMetric):
    """Share of the negatives that is left alone, TN / (TN + FP)."""

    aliases = ("true_negative_rate",)

    def value(self, decisions: Decisions) -> np.ndarray:
        """For each threshold."""
        return decisions.specificity


class FalsePositiveRate(ThresholdMetric):
    """Share of the negatives that is taken for positive, FP / (FP + TN) = 1 - specificity."""

    def value(self, decisions: Decisions) -> np.ndarray:
        """For each threshold."""
        return decisions.false_positive_rate


class _Count(ThresholdMetric, named=False):
    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(thresholds, None, None, name, dtype)


class TruePositives(_Count):
    """Number of positives that are found."""

    def value(self, decisions: Decisions) -> np.ndarray:
        """For each threshold."""
        return decisions.tp


class FalsePositives(_Count):
    """Number of negatives that are taken for positive."""

    def value(self, decisions: Decisions) -> np.ndarray:
        """For each threshold."""
        return decisions.fp


class TrueNegatives(_Count):
    """Number of negatives that are left alone."""

    def value(self, decisions: Decisions) -> np.ndarray:
        """For each threshold."""
        return decisions.tn


class FalseNegatives(_Count):
    """Number of positives that are missed."""

    def value(self, decisions: Decisions) -> np.ndarray:
        """For each threshold."""
        return decisions.fn


def spread(num_thresholds: int) -> np.ndarray:
    """Thresholds from just below 0 to just above 1, as Keras lays them.

    >>> spread(3).round(3)
    array([-0. ,  0.5,  1. ])
    """
    inner = np.arange(1, num_thresholds - 1) / (num_thresholds - 1)
    return np.array([-1e-7, *inner, 1 + 1e-7])
