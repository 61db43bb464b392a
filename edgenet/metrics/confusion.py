"""The confusion matrix, and what follows from it: precision, recall, F scores, specificity of each class."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgenet import ops
from edgenet.graph import ShapeError, Value

from .metric import Metric, beside, indicators, ratio

AVERAGES = (None, "micro", "macro", "weighted", "harmonic")


class Confusion:
    """Scores of the classes of a confusion matrix.

    Args:
        matrix: numbers (classes, classes); row i, column j counts samples of class i that were taken for class j.

    >>> scores = Confusion([[150, 30, 20], [0, 9, 1], [2, 0, 8]])
    >>> round(scores.accuracy, 6), round(float(scores.f_score("macro")), 6), round(float(scores.f_score("harmonic")), 6)
    (0.759091, 0.543292, 0.618576)
    """

    def __init__(self, matrix: Any) -> None:
        self.matrix = np.asarray(matrix, np.float64)
        if self.matrix.ndim != 2 or self.matrix.shape[0] != self.matrix.shape[1]:
            raise ShapeError(f"a confusion matrix has shape (classes, classes), got {self.matrix.shape}")
        self.tp = np.diagonal(self.matrix)
        self.support, self.predicted = self.matrix.sum(1), self.matrix.sum(0)

    @classmethod
    def of_counts(cls, tp: np.ndarray, predicted: np.ndarray, support: np.ndarray) -> Confusion:
        """Scores of classes of which a sample may have several: there is no matrix."""
        self = cls(np.zeros((len(tp), len(tp))))
        self.tp, self.predicted, self.support = tp, predicted, support
        return self

    @property
    def accuracy(self) -> float:
        """Share of the samples that is right."""
        return float(ratio(self.tp.sum(), self.matrix.sum()))

    @property
    def false_positives(self) -> np.ndarray:
        """For each class."""
        return np.asarray(self.predicted - self.tp)

    @property
    def true_negatives(self) -> np.ndarray:
        """For each class."""
        return np.asarray(self.matrix.sum() - self.support - self.predicted + self.tp)

    def precision(self, average: str | None = None) -> Any:
        """Share of what was taken for a class that belongs to it."""
        return self._averaged(self.tp, self.predicted, average)

    def recall(self, average: str | None = None) -> Any:
        """Share of a class that was found."""
        return self._averaged(self.tp, self.support, average)

    def specificity(self, average: str | None = None) -> Any:
        """Share of what does not belong to a class that was not taken for it."""
        return self._averaged(self.true_negatives, self.true_negatives + self.false_positives, average)

    def false_positive_rate(self, average: str | None = None) -> Any:
        """Share of what does not belong to a class that was taken for it."""
        return self._averaged(self.false_positives, self.true_negatives + self.false_positives, average)

    def f_score(self, average: str | None = None, beta: float = 1.0) -> Any:
        """(1 + beta²) P·R / (beta² P + R) of each class, or an average.

        ``"harmonic"`` is that of the macro averages of P and R, which is at least as large as ``"macro"``.
        """
        b = beta**2
        if average == "harmonic":
            p, r = self.precision("macro"), self.recall("macro")
            return ratio((1 + b) * p * r, b * p + r)[()]
        return self._averaged((1 + b) * self.tp, b * self.support + self.predicted, average)

    def _averaged(self, above: np.ndarray, below: np.ndarray, average: str | None) -> Any:
        if average not in AVERAGES[:4]:
            raise ValueError(f"average must be one of {AVERAGES[:4]}, got {average!r}")
        if average == "micro":
            return ratio(above.sum(), below.sum())[()]
        each = ratio(above, below)
        if average is None:
            return each
        return each.mean() if average == "macro" else ratio((each * self.support).sum(), self.support.sum())[()]


class ConfusionMatrix(Metric):
    """How often samples of each class (row) were taken for each class (column).

    Args:
        num_classes: must be that of the predictions, from which it follows if None.
        name: the key in ``History.history``.
        dtype: None or ``"float32"``.

    >>> metric = ConfusionMatrix()
    >>> metric([0, 1, 1], [[0.9, 0.1], [0.3, 0.7], [0.8, 0.2]])
    array([[1., 0.],
           [1., 1.]])
    """

    def __init__(
        self, num_classes: int | None = None, name: str | None = "confusion_matrix", dtype: Any = None
    ) -> None:
        super().__init__(name, dtype)
        self.num_classes = num_classes

    def counts(self, y_true: Value, y_pred: Value, sample_weight: Value | None = None) -> Value:
        """The matrix, row by row; predictions (…, 1) are probabilities of the second of two classes."""
        classes = y_pred.shape[-1] if len(y_pred.shape) > 1 else 1
        weight = None if sample_weight is None else beside(sample_weight, y_pred)
        if classes == 1:
            t, p = (ops.reshape(v, (-1, 1)) for v in (indicators(y_true, y_pred), y_pred))
            p = ops.greater(p, 0.5)
            t, p = (ops.concat([1 - v, v], axis=-1) for v in (t, p))
            classes = 2
        else:
            t = ops.reshape(indicators(y_true, y_pred), (-1, classes))
            p = ops.reshape(ops.one_hot(ops.argmax(y_pred, axis=-1), classes), (-1, classes))
        if self.num_classes not in (None, classes):
            raise ShapeError(f"expected predictions of {self.num_classes} classes, got {classes}")
        if weight is not None:
            weight = ops.reshape(weight, (t.shape[0], -1))
            p = p * ops.slice_(weight, [None, 0], [None, 1])
        return ops.reshape(ops.dense(t, p, transpose_x=True), (classes * classes,))

    def figure(self, counts: np.ndarray) -> Any:
        """The matrix."""
        classes = round(len(counts) ** 0.5)
        return counts.reshape(classes, classes)


class FBetaScore(Metric):
    """(1 + beta²) P·R / (beta² P + R): the weighted harmonic mean of precision P and recall R.

    Args:
        average: None for one number a class, ``"micro"`` (all decisions alike), ``"macro"`` (the mean over the
            classes), ``"weighted"`` (the mean weighted by the classes' samples), or ``"harmonic"`` (of macro precision
            and macro recall).
        beta: how much more recall counts.
        threshold: what a prediction must exceed to be positive; None: the largest of a sample is.
        name: the key in ``History.history``.
        dtype: None or ``"float32"``.

    Targets are (batch, classes) of zeros and ones, or labels (batch,).
    """

    aliases = ("fbeta_score",)

    def __init__(
        self, average: str | None = None, beta: float = 1.0, threshold: float | None = None,
        name: str | None = "fbeta_score", dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(name, dtype)
        if average not in AVERAGES:
            raise ValueError(f"{self.name}: average must be one of {AVERAGES}, got {average!r}")
        if not beta > 0:
            raise ValueError(f"{self.name}: beta must be positive, got {beta}")
        self.average, self.beta, self.threshold = average, float(beta), threshold

    def counts(self, y_true: Value, y_pred: Value, sample_weight: Value | None = None) -> Value:
        """For each class: true positives, what was taken for it, what belongs to it."""
        t = indicators(y_true, y_pred)
        if len(y_pred.shape) < 2:
            t, y_pred = (ops.reshape(v, (*v.shape, 1)) for v in (t, y_pred))
        t, p = (ops.reshape(v, (-1, y_pred.shape[-1])) for v in (t, y_pred))
        if self.threshold is not None:
            chosen = ops.greater(p, float(self.threshold))
        elif p.shape[-1] == 1:
            raise ShapeError(f"predictions of one class need threshold=0.5 or another, got shape {y_pred.shape}")
        else:
            chosen = ops.one_hot(ops.argmax(p, axis=-1), p.shape[-1])
        both = t * chosen
        if sample_weight is not None:
            weight = ops.reshape(beside(sample_weight, y_pred), t.shape)
            both, chosen, t = both * weight, chosen * weight, t * weight
        return ops.flat(*(ops.sum(v, axis=0) for v in (both, chosen, t)))

    def figure(self, counts: np.ndarray) -> Any:
        """One number a class, or their average."""
        return Confusion.of_counts(*counts.reshape(3, -1)).f_score(self.average, self.beta)


class F1Score(FBetaScore):
    """2 P·R / (P + R): the harmonic mean of precision P and recall R.

    Arguments as for `FBetaScore`.

    >>> float(F1Score("macro")([0, 1, 1], [[0.9, 0.1], [0.3, 0.7], [0.8, 0.2]]).round(4))
    0.6667
    """

    def __init__(
        self, average: str | None = None, threshold: float | None = None, name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(average, 1.0, threshold, name, dtype)
