"""Metrics of decisions: true and false positives, precision, recall, specificity, AUC.

A prediction is positive where it is greater than a threshold; (batch, …, classes) are as many decisions as numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from edgenet import ops
from edgenet.graph import Value

from .metric import Metric, beside, indicators, ratio


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

    rows = 4096

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
        tp = ops.sum(decided * t, axes=0)
        positives = ops.sum(t if weight is None else t * weight)
        return ops.flat(tp, ops.sum(decided, axes=0), positives, total)

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
        top = ops.equal(rest, ops.max(rest, axes=last, keepdims=True))
        rest = ops.minimum(rest, (1 - top * 2) * np.float32(3e38))
    return ops.greater_equal(y_pred, ops.max(rest, axes=last, keepdims=True))


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


class AUC(ThresholdMetric):
    """Area under the ROC or precision-recall curve, from the decisions at many thresholds.

    The exact area, of all scores, is given by the functions `roc_auc_score` and `average_precision_score`.

    Args:
        num_thresholds: how many thresholds, evenly spread over [0, 1].
        curve: ``"ROC"`` (recall over false positive rate) or ``"PR"`` (precision over recall).
        summation_method: ``"interpolation"``, ``"minoring"`` or ``"majoring"``: what the curve is between thresholds.
        name: the key in ``History.history``.
        dtype: None or ``"float32"``.
        thresholds: thresholds between 0 and 1 of one's own.
        multi_label: not there; must be False (all numbers count alike).
        num_labels: not there; must be None.
        label_weights: not there; must be None.
        from_logits: whether predictions are what would go into a sigmoid.

    Source of the interpolated PR curve: Davis and Goadrich, The relationship between precision-recall and ROC curves,
    2006.

    >>> round(AUC()([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 7)
    0.75
    """

    rows = 1024

    def __init__(
        self, num_thresholds: int = 200, curve: str = "ROC", summation_method: str = "interpolation",
        name: str | None = None, dtype: Any = None, thresholds: Sequence[float] | None = None,
        multi_label: bool = False, num_labels: int | None = None, label_weights: Any = None, from_logits: bool = False,
    ) -> None:  # fmt: skip
        if multi_label or num_labels is not None or label_weights is not None:
            raise NotImplementedError("AUC: multi_label is not there; use one AUC an output, or roc_auc_score")
        if str(curve).upper() not in ("ROC", "PR"):
            raise ValueError(f"AUC: curve must be 'ROC' or 'PR', got {curve!r}")
        if summation_method not in ("interpolation", "minoring", "majoring"):
            raise ValueError(
                f"AUC: summation_method must be 'interpolation', 'minoring' or 'majoring', got {summation_method!r}"
            )
        if thresholds is None and num_thresholds < 2:
            raise ValueError(f"AUC: num_thresholds must be 2 or more, got {num_thresholds}")
        self.num_thresholds = num_thresholds if thresholds is None else len(thresholds) + 2
        self.curve, self.summation_method, self.from_logits = str(curve).upper(), summation_method, from_logits
        self.multi_label, self.num_labels, self.label_weights = multi_label, num_labels, label_weights
        super().__init__(thresholds, None, None, name, dtype)

    def _levels(self, thresholds: Any) -> np.ndarray:
        if thresholds is None:
            return spread(self.num_thresholds)
        return np.array([-1e-7, *np.sort(super()._levels(thresholds)), 1 + 1e-7])

    def counts(self, y_true: Value, y_pred: Value, sample_weight: Value | None = None) -> Value:
        """As at any thresholds."""
        return super().counts(y_true, ops.sigmoid(y_pred) if self.from_logits else y_pred, sample_weight)

    def figure(self, counts: np.ndarray) -> Any:
        """The area."""
        found = self.decisions(counts)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return _interpolated(found)
        x, y = (found.false_positive_rate, found.recall) if self.curve == "ROC" else (found.recall, found.precision)
        heights = {
            "interpolation": (y[:-1] + y[1:]) / 2,
            "minoring": np.minimum(y[:-1], y[1:]),
            "majoring": np.maximum(y[:-1], y[1:]),
        }[self.summation_method]
        return float(((x[:-1] - x[1:]) * heights).sum())


def _interpolated(found: Decisions) -> float:
    """The PR area where true positives grow linearly with all positives decided between two thresholds."""
    tp, decided = found.tp, found.tp + found.fp
    slope = ratio(tp[:-1] - tp[1:], np.maximum(decided[:-1] - decided[1:], 0))
    start = tp[1:] - slope * decided[1:]
    both = (decided[:-1] > 0) & (decided[1:] > 0)
    growth = np.where(both, ratio(decided[:-1], np.maximum(decided[1:], 0)), 1.0)
    steps = slope * (tp[:-1] - tp[1:] + start * np.log(np.where(growth > 0, growth, 1.0)))
    return float(ratio(steps, np.maximum(tp[1:] + found.fn[1:], 0)).sum())
