"""Mean and sum of numbers that one hands over oneself."""

from __future__ import annotations

from typing import Any

import numpy as np

from .metric import Metric, ratio


class Mean(Metric, named=False):
    """The (weighted) mean of all values so far.

    >>> mean = Mean()
    >>> mean.update_state([1.0, 3.0])
    >>> mean.update_state(5.0)
    >>> mean.result()
    3.0
    """

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Add values."""
        values = np.asarray(values, np.float64)
        weight = _weights(values, sample_weight)
        self._add(np.array([(values * weight).sum(), weight.sum()]))

    def figure(self, counts: np.ndarray) -> Any:
        """The mean, 0 of nothing."""
        return float(ratio(counts[0], counts[1]))

    def __call__(self, values: Any, sample_weight: Any = None) -> Any:  # type: ignore[override]
        """Add values and return the figure of all so far."""
        self.update_state(values, sample_weight)
        return self.result()


class Sum(Mean, named=False):
    """The (weighted) sum of all values so far."""

    def figure(self, counts: np.ndarray) -> Any:
        """The sum."""
        return float(counts[0])


def _weights(values: np.ndarray, given: Any) -> np.ndarray:
    weight = np.asarray(1.0 if given is None else given, np.float64)
    return np.broadcast_to(weight.reshape((*weight.shape, *(1,) * (values.ndim - weight.ndim))), values.shape)
