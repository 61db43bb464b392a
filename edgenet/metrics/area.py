"""Area under the ROC and precision-recall curves, from decisions at many thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet import ops
from edgenet.graph import Value

from .metric import ratio
from .threshold import Decisions, ThresholdMetric, spread


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
