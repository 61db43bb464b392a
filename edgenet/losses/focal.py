"""Cross entropies in which easy samples count less.

Source: Lin et al., Focal loss for dense object detection, 2017.
"""

from __future__ import annotations

from typing import Any

from edgenet import ops
from edgenet.graph import Value

from .crossentropy import EPSILON, binary_values, log_probability, smooth, with_classes
from .loss import NamedLoss, for_arrays, last_axis, over_last, same_rank, share


@for_arrays()
def binary_focal_crossentropy(
    y_true: Any, y_pred: Any, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0,
    from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
) -> Any:  # fmt: skip
    """Mean of (1 - q)^gamma·(-log q) over the last axis, q = p where the target is 1, else 1 - p.

    Args:
        y_true: float32 targets of the shape of `y_pred`.
        y_pred: float32 probabilities.
        apply_class_balancing: whether values are multiplied by alpha where the target is 1, else by 1 - alpha.
        alpha: weight of the class 1.
        gamma: how much less the samples count that are easy; 0 gives the plain cross entropy.
        from_logits: whether `y_pred` is what would go into a sigmoid.
        label_smoothing: s turns the targets into t (1 - s) + s / 2.
        axis: the axis over which the mean is taken; only the last.

    Source: Lin et al., Focal loss for dense object detection, 2017.
    """
    last_axis("binary_focal_crossentropy", axis)
    t = smooth(same_rank(y_true, y_pred), label_smoothing, 2)
    p = ops.sigmoid(y_pred) if from_logits else y_pred
    values = _power(1 - (t * p + (1 - t) * (1 - p)), gamma) * binary_values(t, y_pred, from_logits)
    if apply_class_balancing:
        values = values * (t * alpha + (1 - t) * (1 - alpha))
    return over_last(values)


@for_arrays()
def categorical_focal_crossentropy(
    y_true: Any, y_pred: Any, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False,
    label_smoothing: float = 0.0, axis: int = -1,
) -> Any:  # fmt: skip
    """-sum_j alpha·(1 - p[j])^gamma·t[j]·log p[j] for each row; arguments as for the other cross entropies."""
    last_axis("categorical_focal_crossentropy", axis)
    with_classes(y_pred)
    t = smooth(same_rank(y_true, y_pred), label_smoothing, y_pred.shape[-1])
    log_p = ops.log_softmax(y_pred) if from_logits else log_probability(y_pred)
    return -ops.sum(_power(1 - ops.exp(log_p), gamma) * t * log_p, axis=(len(y_pred.shape) - 1,)) * float(alpha)


def _power(x: Value, gamma: float) -> Value:
    """x^gamma for x of at least 0."""
    if gamma == 2:
        return ops.square(x)
    return x if gamma == 1 else ops.exp(ops.log(ops.maximum(x, EPSILON)) * float(gamma))


class BinaryFocalCrossentropy(NamedLoss):
    """mean of (1 - q)^gamma·(-log q), q = p where the target is 1, else 1 - p; easy samples count less.

    Source: Lin et al., Focal loss for dense object detection, 2017.
    """

    function = binary_focal_crossentropy

    def __init__(
        self, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False,
        label_smoothing: float = 0.0, axis: int = -1, reduction: str | None = "sum_over_batch_size",
        name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(reduction, name, dtype)
        last_axis(self.name, axis)
        self.apply_class_balancing, self.alpha, self.gamma = apply_class_balancing, alpha, gamma
        self.from_logits, self.label_smoothing, self.axis = from_logits, share(self.name, label_smoothing), axis

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """One value a row of the last axis."""
        values: Value = binary_focal_crossentropy(
            y_true, y_pred, self.apply_class_balancing, self.alpha, self.gamma, self.from_logits, self.label_smoothing
        )
        return values


class CategoricalFocalCrossentropy(NamedLoss):
    """-sum_j alpha·(1 - p[j])^gamma·t[j]·log p[j], averaged; targets are one-hot."""

    function = categorical_focal_crossentropy

    def __init__(
        self, alpha: float = 0.25, gamma: float = 2.0, from_logits: bool = False, label_smoothing: float = 0.0,
        axis: int = -1, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(reduction, name, dtype)
        last_axis(self.name, axis)
        self.alpha, self.gamma, self.from_logits = alpha, gamma, from_logits
        self.label_smoothing, self.axis = share(self.name, label_smoothing), axis

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """One value a row of the last axis."""
        values: Value = categorical_focal_crossentropy(
            y_true, y_pred, self.alpha, self.gamma, self.from_logits, self.label_smoothing
        )
        return values
