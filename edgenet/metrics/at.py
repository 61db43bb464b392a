"""One rate where another has a given value: sensitivity at a specificity, precision at a recall and so on."""

from __future__ import annotations

from typing import Any

import numpy as np

from .threshold import Decisions, ThresholdMetric, spread


class _At(ThresholdMetric, named=False):
    """The best value of one rate among the thresholds where the other is at least `at`."""

    wanted: str
    given: str

    def __init__(self, at: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any) -> None:
        if not 0 <= at <= 1:
            raise ValueError(f"{type(self).__name__}: {self.given} must be between 0 and 1, got {at}")
        if num_thresholds < 1:
            raise ValueError(f"{type(self).__name__}: num_thresholds must be positive, got {num_thresholds}")
        self.at, self.num_thresholds = at, num_thresholds
        super().__init__(None, None, class_id, name, dtype)

    def _levels(self, thresholds: Any) -> np.ndarray:
        return np.array([0.5]) if self.num_thresholds == 1 else spread(self.num_thresholds)

    def value(self, decisions: Decisions) -> np.ndarray:
        """One number."""
        given, wanted = getattr(decisions, self.given), getattr(decisions, self.wanted)
        fit = given >= self.at
        return np.array([wanted[fit].max() if fit.any() else 0.0])


class SensitivityAtSpecificity(_At):
    """The best recall among the thresholds whose specificity is at least the given one."""

    given, wanted = "specificity", "recall"

    def __init__(
        self, specificity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(specificity, num_thresholds, class_id, name, dtype)
        self.specificity = specificity


class SpecificityAtSensitivity(_At):
    """The best specificity among the thresholds whose recall is at least the given one."""

    given, wanted = "recall", "specificity"

    def __init__(
        self, sensitivity: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)
        self.sensitivity = sensitivity


class PrecisionAtRecall(_At):
    """The best precision among the thresholds whose recall is at least the given one."""

    given, wanted = "recall", "precision"

    def __init__(
        self, recall: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(recall, num_thresholds, class_id, name, dtype)
        self.recall = recall


class RecallAtPrecision(_At):
    """The best recall among the thresholds whose precision is at least the given one.

    >>> metric = RecallAtPrecision(0.8)
    >>> metric([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9])
    0.5
    """

    given, wanted = "precision", "recall"

    def __init__(
        self, precision: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(precision, num_thresholds, class_id, name, dtype)
        self.precision = precision
