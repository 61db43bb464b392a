"""Errors of numbers, and losses as metrics: means of the functions of `edgenet.losses`, RMSE, R²."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgenet import losses, ops
from edgenet.graph import Value

from .metric import MeanMetricWrapper, Metric, beside, fitted, ratio


class _Named(MeanMetricWrapper, named=False):
    """The mean of a function of the library."""

    function: Any

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(type(self).function, name, dtype)


class MeanSquaredError(_Named):
    """mean (y_pred - y_true)²."""

    function, aliases = losses.mean_squared_error, ("mse", "MSE")


class MeanAbsoluteError(_Named):
    """mean |y_pred - y_true|.

    >>> metric = MeanAbsoluteError()
    >>> metric.update_state([1.0, 2.0], [1.0, 3.0])
    >>> metric.result()
    0.5
    """

    function, aliases = losses.mean_absolute_error, ("mae", "MAE")


class MeanAbsolutePercentageError(_Named):
    """100·mean |y_pred - y_true| / |y_true|."""

    function, aliases = losses.mean_absolute_percentage_error, ("mape", "MAPE")


class MeanSquaredLogarithmicError(_Named):
    """mean (log(1 + y_pred) - log(1 + y_true))²."""

    function, aliases = losses.mean_squared_logarithmic_error, ("msle", "MSLE")


class LogCoshError(_Named):
    """mean log cosh(y_pred - y_true)."""

    function, aliases = losses.log_cosh, ("logcosh", "log_cosh")

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(name, dtype)


class Hinge(_Named):
    """mean max(1 - t·y_pred, 0), t is -1 or 1."""

    function = losses.hinge


class SquaredHinge(_Named):
    """mean max(1 - t·y_pred, 0)², t is -1 or 1."""

    function = losses.squared_hinge


class CategoricalHinge(_Named):
    """mean max(1 + the largest wrong score - the right score, 0)."""

    function = losses.categorical_hinge


class Poisson(_Named):
    """mean (y_pred - y_true·log y_pred)."""

    function = losses.poisson


class KLDivergence(_Named):
    """sum t·log(t / p), averaged over the samples."""

    function, aliases = losses.kl_divergence, ("kl_divergence", "kullback_leibler_divergence", "kld", "KLD")


class CosineSimilarity(MeanMetricWrapper):
    """sum t·p / (|t|·|p|) along an axis, averaged: 1 where predictions point to their targets (the loss is -1)."""

    aliases = ("cosine_proximity",)

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(lambda t, p: -losses.cosine_similarity(t, p, axis), name, dtype)
        self.axis = axis


class BinaryCrossentropy(MeanMetricWrapper):
    """-mean (t log p + (1 - t) log(1 - p))."""

    aliases = ("bce", "BCE")

    def __init__(
        self, name: str | None = "binary_crossentropy", dtype: Any = None, from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:  # fmt: skip
        told: dict[str, Any] = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(losses.binary_crossentropy, name, dtype, **told)
        self.from_logits, self.label_smoothing = from_logits, label_smoothing


class CategoricalCrossentropy(MeanMetricWrapper):
    """-sum_j t[j] log p[j], averaged; targets one-hot."""

    def __init__(
        self, name: str | None = "categorical_crossentropy", dtype: Any = None, from_logits: bool = False,
        label_smoothing: float = 0.0, axis: int = -1,
    ) -> None:  # fmt: skip
        told: dict[str, Any] = {"from_logits": from_logits, "label_smoothing": label_smoothing, "axis": axis}
        super().__init__(losses.categorical_crossentropy, name, dtype, **told)
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """-log p[label], averaged."""

    labels = "int32"

    def __init__(
        self, name: str | None = "sparse_categorical_crossentropy", dtype: Any = None, from_logits: bool = False,
        axis: int = -1,
    ) -> None:  # fmt: skip
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, from_logits=from_logits, axis=axis)
        self.from_logits, self.axis = from_logits, axis


class RootMeanSquaredError(_Named):
    """√(mean (y_pred - y_true)²) over all numbers.

    >>> metric = RootMeanSquaredError()
    >>> float(metric([0.0, 0.0], [3.0, 4.0]).round(6))
    3.535534
    """

    function, aliases = losses.mean_squared_error, ("rmse", "RMSE")

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def figure(self, counts: np.ndarray) -> Any:
        """The root of the mean."""
        return np.sqrt(ratio(counts[0], counts[1]))[()]


class R2Score(Metric):
    """1 - sum (y_true - y_pred)² / sum (y_true - mean y_true)²: 1 is perfect, 0 as good as the mean.

    Args:
        class_aggregation: ``"uniform_average"`` of the outputs, ``"variance_weighted_average"``, or None for one number
            an output.
        num_regressors: for the adjusted R², the number of independent variables.
        name: the key in ``History.history``.
        dtype: None or ``"float32"``.

    >>> float(R2Score()([[1.0], [2.0], [3.0]], [[1.0], [2.0], [4.0]]))
    0.5
    """

    aliases = ("r2", "r2_score")

    def __init__(
        self, class_aggregation: str | None = "uniform_average", num_regressors: int = 0, name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError(
                f"{self.name}: class_aggregation must be 'uniform_average', 'variance_weighted_average' or None, got "
                f"{class_aggregation!r}"
            )
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors

    def counts(self, y_true: Value, y_pred: Value, sample_weight: Value | None = None) -> Value:
        """How many numbers, how many (or how heavy) samples; for each output the sums of y, y² and squared errors."""
        t, p = fitted(y_true, y_pred.shape), y_pred
        if len(p.shape) < 2:
            t, p = (ops.reshape(v, (*v.shape, 1)) for v in (t, p))
        t, p = (ops.reshape(v, (-1, v.shape[-1])) for v in (t, p))
        squares, errors, size = ops.square(t), ops.square(t - p), p.shape[0]
        every = p.graph.constant(np.array(p.spec.size, np.float32), "count")
        if sample_weight is None:
            n = p.graph.constant(np.array(size, np.float32), "count")
        else:
            weight = beside(sample_weight, ops.sum(y_pred, axis=-1) if len(y_pred.shape) > 1 else y_pred)
            weight = ops.reshape(weight, (size, 1))
            t, squares, errors, n = t * weight, squares * weight, errors * weight, ops.sum(weight)
        return ops.flat(every, n, *(ops.sum(v, axis=0) for v in (t, squares, errors)))

    def figure(self, counts: np.ndarray) -> Any:
        """R², by output or aggregated."""
        every, n, (total, squares, errors) = counts[0], counts[1], counts[2:].reshape(3, -1)
        spread = squares - total * ratio(total, n)
        each = np.where(spread > 0, 1 - ratio(errors, spread), np.where(errors == 0, 1.0, 0.0))
        if self.class_aggregation == "uniform_average":
            each = each.mean()
        elif self.class_aggregation == "variance_weighted_average":
            each = ratio((each * spread).sum(), spread.sum())
        if self.num_regressors and every > self.num_regressors + 1:  # Keras counts numbers here, not samples
            each = 1 - (1 - each) * (every - 1) / (every - self.num_regressors - 1)
        return each[()]
