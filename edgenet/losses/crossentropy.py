"""Losses for classes.

Predictions are probabilities, unless ``from_logits``.  Where they come straight from a softmax or a sigmoid, the loss
is computed from the logits in front of it, which is what Keras does: it cannot overflow and its gradient is exact.
Other probabilities are divided by their sum (the categorical losses) and clipped into [EPSILON, 1 - EPSILON].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgenet import ops
from edgenet.graph import ShapeError, Value

from .loss import NamedLoss, for_arrays, last_axis, over_last, same_rank, share

EPSILON = 1e-7


def _logits_behind(p: Value, op: str) -> Value | None:
    """What went into the softmax or sigmoid that computed `p`; None if something else did."""
    node = p.node
    if node is None or node.op != op:
        return None
    last = len(p.shape) - 1
    return node.inputs[0] if op == "sigmoid" or node.attrs.get("axis", -1) in (-1, last) else None


def with_classes(y_pred: Value) -> None:
    """Raise ShapeError unless the predictions have an axis of classes behind that of the samples."""
    if len(y_pred.shape) < 2:
        raise ShapeError(f"expected predictions (batch, …, classes), got shape {y_pred.shape}")


def log_probability(p: Value) -> Value:
    """Log p, each row of p divided by its sum, then clipped."""
    p = p / ops.sum(p, axis=(len(p.shape) - 1,), keepdims=True)
    return ops.log(ops.clip(p, EPSILON, 1 - EPSILON))


def smooth(t: Value, smoothing: float, classes: int) -> Value:
    """t (1 - s) + s / classes."""
    return t * (1 - smoothing) + smoothing / classes if smoothing else t


@for_arrays()
def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """-sum_j t[j] log p[j] for each row: the cross entropy of targets t (one-hot, as a rule) and probabilities p.

    Args:
        y_true: float32 (batch, …, classes).
        y_pred: float32 of the same shape.
        from_logits: whether `y_pred` is what would go into a softmax.
        label_smoothing: s turns the targets into t (1 - s) + s / classes.
        axis: the axis of the classes; only the last.

    >>> categorical_crossentropy([[0, 1, 0], [1, 0, 0]], [[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]]).round(7)
    array([0.3566749, 0.6931472])
    """
    last_axis("categorical_crossentropy", axis)
    with_classes(y_pred)
    y_true = smooth(same_rank(y_true, y_pred), label_smoothing, y_pred.shape[-1])
    logits = y_pred if from_logits else _logits_behind(y_pred, "softmax")
    if logits is None:
        return -ops.sum(y_true * log_probability(y_pred), axis=(len(y_pred.shape) - 1,))
    return ops.softmax_cross_entropy(logits, y_true)


@for_arrays("int32")
def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Any:
    """-log p[label] for each row.

    Args:
        y_true: int32 labels (batch, …), or with a last axis of size 1.
        y_pred: float32 (batch, …, classes).
        from_logits: whether `y_pred` is what would go into a softmax.
        ignore_class: the label of rows whose loss is 0.
        axis: the axis of the classes; only the last.
    """
    last_axis("sparse_categorical_crossentropy", axis)
    labels = _labels(y_true, y_pred)
    logits = y_pred if from_logits else _logits_behind(y_pred, "softmax")
    if logits is not None and ignore_class is None:
        return ops.sparse_softmax_cross_entropy(logits, labels)
    hot = ops.one_hot(labels, y_pred.shape[-1])
    if ignore_class is not None:
        hot = hot * ops.reshape(_counted(labels, ignore_class), (*labels.shape, 1))
    if logits is not None:
        return ops.softmax_cross_entropy(logits, hot)
    return -ops.sum(hot * log_probability(y_pred), axis=(len(labels.shape),))


def _labels(y_true: Value, y_pred: Value) -> Value:
    """Labels in the shape of the predictions without its last axis.  Raises ShapeError if they do not fit."""
    with_classes(y_pred)
    wanted = y_pred.shape[:-1]
    if y_true.shape not in (wanted, (*wanted, 1)):
        raise ShapeError(
            f"expected labels of shape {wanted} for predictions of shape {y_pred.shape}, got y_true of shape "
            f"{y_true.shape}; one-hot targets need categorical_crossentropy"
        )
    return y_true if y_true.shape == wanted else ops.reshape(y_true, wanted)


def _counted(labels: Value, ignored: int) -> Value:
    """0 where the label is the one that is ignored, else 1."""
    return 1 - ops.equal(labels, np.array(ignored, np.int32).reshape(1))


@for_arrays()
def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Any:
    """-mean (t log p + (1 - t) log(1 - p)) over the last axis.

    Args:
        y_true: float32 targets of the shape of `y_pred` (a last axis of size 1 may be missing).
        y_pred: float32 probabilities.
        from_logits: whether `y_pred` is what would go into a sigmoid.
        label_smoothing: s turns the targets into t (1 - s) + s / 2.
        axis: the axis over which the mean is taken; only the last.
    """
    last_axis("binary_crossentropy", axis)
    t = smooth(same_rank(y_true, y_pred), label_smoothing, 2)
    return over_last(binary_values(t, y_pred, from_logits))


def binary_values(t: Value, y_pred: Value, from_logits: bool) -> Value:
    """-(t log p + (1 - t) log(1 - p)), number by number."""
    logits = y_pred if from_logits else _logits_behind(y_pred, "sigmoid")
    if logits is not None:
        return ops.sigmoid_cross_entropy(logits, t)
    p = ops.clip(y_pred, EPSILON, 1 - EPSILON)
    return -(t * ops.log(p) + (1 - t) * ops.log(1 - p))


class _Smoothed(NamedLoss, named=False):
    """A cross entropy of dense targets."""

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
        reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(reduction, name, dtype)
        last_axis(self.name, axis)
        self.from_logits, self.label_smoothing, self.axis = from_logits, share(self.name, label_smoothing), axis

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """One value a row of the last axis."""
        values: Value = type(self).function(y_true, y_pred, self.from_logits, self.label_smoothing)
        return values


class CategoricalCrossentropy(_Smoothed):
    """-sum_j t[j] log p[j], averaged; targets are one-hot (batch, …, classes).

    >>> CategoricalCrossentropy(from_logits=True, label_smoothing=0.1).get_config()["label_smoothing"]
    0.1
    """

    function = categorical_crossentropy
    aliases = ("cce", "CCE")


class BinaryCrossentropy(_Smoothed):
    """-mean (t log p + (1 - t) log(1 - p)); targets are 0 or 1 (or between), in the shape of the predictions.

    >>> BinaryCrossentropy(label_smoothing=2.0)
    Traceback (most recent call last):
    ValueError: binary_crossentropy: label_smoothing must be between 0 and 1, got 2.0
    """

    function = binary_crossentropy
    aliases = ("bce", "BCE")


class SparseCategoricalCrossentropy(NamedLoss):
    """-log p[label], averaged; targets are integers (batch, …) from 0 to classes - 1.

    Args:
        from_logits: whether predictions are what would go into a softmax.
        ignore_class: the label of samples that do not count.
        reduction: as for `Loss`.
        axis: the axis of the classes; only the last.
        name: what messages call it.
        dtype: None or ``"float32"``.
    """

    labels = "int32"
    function = sparse_categorical_crossentropy
    aliases = ("scce", "SCCE")

    def __init__(
        self, from_logits: bool = False, ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size", axis: int = -1, name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(reduction, name, dtype)
        last_axis(self.name, axis)
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """One value a sample."""
        values: Value = sparse_categorical_crossentropy(y_true, y_pred, self.from_logits, self.ignore_class)
        return values

    def mask(self, y_true: Value, y_pred: Value) -> Value | None:
        """0 for the samples of the class that is ignored."""
        return None if self.ignore_class is None else _counted(_labels(y_true, y_pred), self.ignore_class)
