"""How often predictions are right: accuracies and top-k accuracies."""

from __future__ import annotations

from typing import Any

from edgenet import ops
from edgenet.graph import Value
from edgenet.losses.loss import for_arrays

from .metric import MeanMetricWrapper, fitted


@for_arrays()
def accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the prediction equals the target, number by number."""
    return ops.equal(fitted(y_true, y_pred.shape), y_pred)


@for_arrays()
def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest prediction stands at the largest target; both float32 (batch, …, classes).

    >>> categorical_accuracy([[0, 1, 0], [1, 0, 0]], [[0.1, 0.7, 0.2], [0.3, 0.5, 0.2]])
    array([1., 0.])
    """
    y_true = fitted(y_true, y_pred.shape)
    return ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1))


@for_arrays("int32")
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest prediction stands at the label; int32 (batch, …) and float32 (batch, …, classes)."""
    return ops.equal(fitted(y_true, y_pred.shape[:-1], "labels"), ops.argmax(y_pred, axis=-1))


@for_arrays()
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """1 where ``y_pred > threshold`` agrees with the target, 0 or 1."""
    return ops.equal(fitted(y_true, y_pred.shape), ops.greater(y_pred, float(threshold)))


@for_arrays()
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where fewer than k predictions are larger than that at the largest target; one-hot (batch, …, classes)."""
    return _in_top_k(ops.argmax(fitted(y_true, y_pred.shape), axis=-1), y_pred, k)


@for_arrays("int32")
def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where fewer than k predictions are larger than that of the label.

    >>> sparse_top_k_categorical_accuracy([2, 1], [[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], k=2)
    array([0., 1.])
    """
    return _in_top_k(fitted(y_true, y_pred.shape[:-1], "labels"), y_pred, k)


def _in_top_k(labels: Value, y_pred: Value, k: int) -> Value:
    last = len(y_pred.shape) - 1
    own = ops.sum(ops.one_hot(labels, y_pred.shape[-1]) * y_pred, axis=last, keepdims=True)
    larger = ops.sum(ops.greater(y_pred, own), axis=last)
    real = ops.reshape(ops.equal(own, own), labels.shape)  # NaN is no good prediction
    return ops.greater(float(k) - 0.5, larger) * real


class Accuracy(MeanMetricWrapper):
    """How often predictions equal targets: both are labels."""

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


class CategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction stands at the largest target; targets one-hot."""

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest prediction stands at the label.

    >>> metric = SparseCategoricalAccuracy()
    >>> float(metric([1, 0], [[0.1, 0.7, 0.2], [0.3, 0.5, 0.2]]))
    0.5
    """

    labels = "int32"

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often ``y_pred > threshold`` agrees with the target."""

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)
        self.threshold = threshold


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the largest target is among the k largest predictions; targets one-hot."""

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)
        self.k = k


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the label is among the k largest predictions."""

    def __init__(self, k: int = 5, name: str | None = "sparse_top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k)
        self.k = k
