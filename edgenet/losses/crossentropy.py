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

from .loss import Loss, same_rank

EPSILON = 1e-7


def _logits_behind(p: Value, op: str) -> Value | None:
    """What went into the softmax or sigmoid that computed `p`; None if something else did."""
    node = p.node
    if node is None or node.op != op:
        return None
    last = len(p.shape) - 1
    return node.inputs[0] if op == "sigmoid" or node.attrs.get("axis", -1) in (-1, last) else None


def _with_classes(y_pred: Value) -> None:
    if len(y_pred.shape) < 2:
        raise ShapeError(f"expected predictions (batch, …, classes), got shape {y_pred.shape}")


def _log_probability(p: Value) -> Value:
    """Log p, each row of p divided by its sum, then clipped."""
    p = p / ops.sum(p, axes=(len(p.shape) - 1,), keepdims=True)
    return ops.log(ops.clip(p, EPSILON, 1 - EPSILON))


def categorical_crossentropy(
    y_true: Value, y_pred: Value, from_logits: bool = False, label_smoothing: float = 0.0
) -> Value:
    """-sum_j t[j] log p[j] for each row: the cross entropy of targets t (one-hot, as a rule) and probabilities p.

    Args:
        y_true: float32 (batch, …, classes).
        y_pred: float32 of the same shape.
        from_logits: whether `y_pred` is what would go into a softmax.
        label_smoothing: s turns the targets into t (1 - s) + s / classes.
    """
    _with_classes(y_pred)
    y_true = same_rank(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * np.float32(1 - label_smoothing) + np.float32(label_smoothing / y_pred.shape[-1])
    logits = y_pred if from_logits else _logits_behind(y_pred, "softmax")
    if logits is None:
        return -ops.sum(y_true * _log_probability(y_pred), axes=(len(y_pred.shape) - 1,))
    return ops.softmax_cross_entropy(logits, y_true)


def sparse_categorical_crossentropy(y_true: Value, y_pred: Value, from_logits: bool = False) -> Value:
    """-log p[label] for each row.

    Args:
        y_true: int32 labels (batch, …), or with a last axis of size 1.
        y_pred: float32 (batch, …, classes).
        from_logits: whether `y_pred` is what would go into a softmax.
    """
    _with_classes(y_pred)
    wanted = y_pred.shape[:-1]
    if y_true.shape not in (wanted, (*wanted, 1)):
        raise ShapeError(
            f"expected labels of shape {wanted} for predictions of shape {y_pred.shape}, got y_true of shape "
            f"{y_true.shape}; one-hot targets need categorical_crossentropy"
        )
    labels = y_true if y_true.shape == wanted else ops.reshape(y_true, wanted)
    logits = y_pred if from_logits else _logits_behind(y_pred, "softmax")
    if logits is None:
        targets = ops.one_hot(labels, y_pred.shape[-1])
        return -ops.sum(targets * _log_probability(y_pred), axes=(len(wanted),))
    return ops.sparse_softmax_cross_entropy(logits, labels)


def binary_crossentropy(y_true: Value, y_pred: Value, from_logits: bool = False, label_smoothing: float = 0.0) -> Value:
    """-mean (t log p + (1 - t) log(1 - p)) over the last axis.

    Args:
        y_true: float32 targets of the shape of `y_pred` (a last axis of size 1 may be missing).
        y_pred: float32 probabilities.
        from_logits: whether `y_pred` is what would go into a sigmoid.
        label_smoothing: s turns the targets into t (1 - s) + s / 2.
    """
    t = same_rank(y_true, y_pred)
    if label_smoothing:
        t = t * np.float32(1 - label_smoothing) + np.float32(label_smoothing / 2)
    logits = y_pred if from_logits else _logits_behind(y_pred, "sigmoid")
    if logits is not None:
        values = ops.sigmoid_cross_entropy(logits, t)
    else:
        p = ops.clip(y_pred, EPSILON, 1 - EPSILON)
        values = -(t * ops.log(p) + (1 - t) * ops.log(1 - p))
    return ops.mean(values, axes=(len(values.shape) - 1,)) if len(values.shape) > 1 else values


class CategoricalCrossentropy(Loss):
    """-sum_j t[j] log p[j], averaged; targets are one-hot (batch, …, classes).

    >>> CategoricalCrossentropy(from_logits=True, label_smoothing=0.1).get_config()["label_smoothing"]
    0.1
    """

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
        reduction: str = "sum_over_batch_size", name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction)
        _last(self, axis)
        self.from_logits, self.label_smoothing, self.axis = from_logits, _share(self, label_smoothing), axis

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """One value a row of the last axis."""
        return categorical_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing)


class SparseCategoricalCrossentropy(Loss):
    """-log p[label], averaged; targets are integers (batch, …) from 0 to classes - 1.

    Args:
        from_logits: whether predictions are what would go into a softmax.
        ignore_class: not there yet; must be None.
        reduction: ``"sum_over_batch_size"`` or ``"sum"``.
        axis: the axis of the classes; only the last.
        name: what messages call it.
    """

    labels = "int32"

    def __init__(
        self, from_logits: bool = False, ignore_class: int | None = None, reduction: str = "sum_over_batch_size",
        axis: int = -1, name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction)
        _last(self, axis)
        if ignore_class is not None:
            raise NotImplementedError(f"{self.name}: ignore_class is not there yet; use sample_weight")
        self.from_logits, self.ignore_class, self.axis = from_logits, ignore_class, axis

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """One value a sample."""
        return sparse_categorical_crossentropy(y_true, y_pred, self.from_logits)


class BinaryCrossentropy(Loss):
    """-mean (t log p + (1 - t) log(1 - p)); targets are 0 or 1 (or between), in the shape of the predictions.

    >>> BinaryCrossentropy(label_smoothing=2.0)
    Traceback (most recent call last):
    ValueError: binary_crossentropy: label_smoothing must be between 0 and 1, got 2.0
    """

    aliases = ("bce", "BCE")

    def __init__(
        self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
        reduction: str = "sum_over_batch_size", name: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(name, reduction)
        _last(self, axis)
        self.from_logits, self.label_smoothing, self.axis = from_logits, _share(self, label_smoothing), axis

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """One value a row of the last axis."""
        return binary_crossentropy(y_true, y_pred, self.from_logits, self.label_smoothing)


def _last(loss: Loss, axis: Any) -> None:
    if axis != -1:
        raise ValueError(f"{loss.name}: classes lie on the last axis (axis=-1), got axis={axis!r}")


def _share(loss: Loss, smoothing: float) -> float:
    if not 0 <= smoothing <= 1:
        raise ValueError(f"{loss.name}: label_smoothing must be between 0 and 1, got {smoothing}")
    return smoothing
