"""Scores of labels under the names of scikit-learn: all samples at once, in float64 NumPy.

Labels are integers, strings or booleans (n,).  One-hot rows and probabilities (n, classes) are taken for the index of
their largest number.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from edgenet.graph import ShapeError

from .metric import ratio

AVERAGES = ("binary", "micro", "macro", "weighted", None)


def labels_of(given: Any, what: str) -> np.ndarray:
    """Labels (n,).

    Raises:
        ValueError: if they are fractions.
        ShapeError: if they have another shape than (n,), (n, 1) or (n, classes).
    """
    array = np.asarray(given)
    if array.ndim == 2:
        array = array[:, 0] if array.shape[1] == 1 else array.argmax(1)
    if array.ndim != 1:
        raise ShapeError(f"{what}: expected labels (n,), one-hot rows or probabilities (n, classes), got {array.shape}")
    if array.dtype.kind == "f":
        if not np.array_equal(array, np.trunc(array)):
            raise ValueError(f"{what}: expected labels, got numbers with fractions; compare them, e.g. {what} > 0.5")
        array = array.astype(np.int64)
    return array


def both(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    """Labels of targets and predictions.  Raises ShapeError unless there are equally many, at least one."""
    t, p = labels_of(y_true, "y_true"), labels_of(y_pred, "y_pred")
    if len(t) != len(p) or not len(t):
        raise ShapeError(f"expected equally many targets and predictions, at least one, got {len(t)} and {len(p)}")
    return t, p


def weights_of(sample_weight: Any, n: int) -> np.ndarray:
    """One factor for each of n samples.  Raises ShapeError for another shape."""
    if sample_weight is None:
        return np.ones(n)
    weight = np.asarray(sample_weight, np.float64)
    if weight.shape != (n,):
        raise ShapeError(f"sample_weight should have shape ({n},), got {weight.shape}")
    return weight


class Tally:
    """What was right, taken for and present of each label; `labels` picks and orders them."""

    def __init__(self, y_true: Any, y_pred: Any, labels: Any, sample_weight: Any) -> None:
        t, p = both(y_true, y_pred)
        weight = weights_of(sample_weight, len(t))
        self.present = np.unique(np.concatenate([t, p]))
        self.labels = self.present if labels is None else np.asarray(labels)
        every = np.unique(np.concatenate([self.present, self.labels]))
        a, b, n = np.searchsorted(every, t), np.searchsorted(every, p), len(every)
        matrix = np.bincount(a * n + b, weight, n * n).reshape(n, n)
        place = np.searchsorted(every, self.labels)
        self.matrix = matrix[np.ix_(place, place)]
        self.tp, self.support, self.predicted = (v[place] for v in (matrix.diagonal(), matrix.sum(1), matrix.sum(0)))
        self.total = weight.sum()
        self.right = matrix.trace()

    def counts(self, kind: str) -> tuple[np.ndarray, np.ndarray]:
        """Numerator and denominator of a score, for each label."""
        fp, tn = self.predicted - self.tp, self.total - self.support - self.predicted + self.tp
        return {
            "precision": (self.tp, self.predicted),
            "recall": (self.tp, self.support),
            "specificity": (tn, tn + fp),
            "false_positive_rate": (fp, tn + fp),
        }[kind]

    def score(self, kind: str, average: str | None, zero_division: Any, beta: float = 1.0) -> Any:
        """A score of each label, or an average."""
        if kind == "f":
            above, below = (1 + beta**2) * self.tp, beta**2 * self.support + self.predicted
        else:
            above, below = self.counts(kind)
        void = 0.0 if zero_division == "warn" else float(zero_division)
        if average == "micro":
            return _divided(above.sum(), below.sum(), void)[()]
        each = _divided(above, below, void)
        if average is None:
            return each
        counted = ~np.isnan(each)
        if not counted.any():
            return np.nan
        if average == "macro":
            return each[counted].mean()
        return _divided((each * self.support)[counted].sum(), self.support[counted].sum(), void)[()]


def _divided(a: Any, b: Any, void: float) -> Any:
    return np.where(np.asarray(b) == 0, void, ratio(a, b))


def confusion_matrix(
    y_true: Any, y_pred: Any, *, labels: Any = None, sample_weight: Any = None, normalize: str | None = None
) -> np.ndarray:
    """Row i, column j counts samples of label i that were taken for label j.

    Args:
        y_true: labels of the targets.
        y_pred: labels of the predictions.
        labels: which labels, in which order; by default all, sorted.
        sample_weight: a factor for each sample.
        normalize: None, or ``"true"`` (rows add up to 1), ``"pred"`` (columns do) or ``"all"`` (the matrix does).

    >>> confusion_matrix([0, 1, 1, 2], [0, 1, 2, 2])
    array([[1, 0, 0],
           [0, 1, 1],
           [0, 0, 1]])
    """
    matrix = Tally(y_true, y_pred, labels, sample_weight).matrix
    if normalize in ("true", "pred"):
        return np.asarray(ratio(matrix, matrix.sum(1 if normalize == "true" else 0, keepdims=True)))
    if normalize == "all":
        return np.asarray(ratio(matrix, matrix.sum()))
    if normalize is not None:
        raise ValueError(f"normalize must be None, 'true', 'pred' or 'all', got {normalize!r}")
    return matrix.astype(np.int64) if sample_weight is None else matrix


def accuracy_score(y_true: Any, y_pred: Any, *, normalize: bool = True, sample_weight: Any = None) -> float:
    """Share of the predictions that is right (their number, if `normalize` is false)."""
    tally = Tally(y_true, y_pred, None, sample_weight)
    return float(tally.right / tally.total if normalize else tally.right)


def balanced_accuracy_score(y_true: Any, y_pred: Any, *, sample_weight: Any = None, adjusted: bool = False) -> float:
    """The mean recall of the labels that occur in `y_true`; `adjusted`: 0 stands for guessing."""
    tally = Tally(y_true, y_pred, None, sample_weight)
    seen = tally.support > 0
    score = float((tally.tp[seen] / tally.support[seen]).mean())
    return (score - 1 / seen.sum()) / (1 - 1 / seen.sum()) if adjusted else score


def _score(
    kind: str, y_true: Any, y_pred: Any, labels: Any, pos_label: Any, average: str | None, sample_weight: Any,
    zero_division: Any, beta: float = 1.0,
) -> Any:  # fmt: skip
    if average == "binary":
        present = Tally(y_true, y_pred, None, sample_weight).present
        if len(present) > 2:
            raise ValueError(
                f"there are {len(present)} labels: average='binary' is for two; choose 'micro', 'macro', 'weighted' "
                "or None"
            )
        if len(present) == 2 and pos_label not in present:
            raise ValueError(f"pos_label={pos_label!r} is none of the labels {present.tolist()}")
        labels = [pos_label]
    elif average not in AVERAGES:
        raise ValueError(f"average must be one of {AVERAGES}, got {average!r}")
    tally = Tally(y_true, y_pred, labels, sample_weight)
    value = tally.score(kind, "macro" if average == "binary" else average, zero_division, beta)
    return value if average is None else float(value)


def precision_score(
    y_true: Any, y_pred: Any, *, labels: Any = None, pos_label: Any = 1, average: str | None = "binary",
    sample_weight: Any = None, zero_division: Any = "warn",
) -> Any:  # fmt: skip
    """TP / (TP + FP): the share of what was taken for a label that has it.

    Args:
        y_true: labels of the targets.
        y_pred: labels of the predictions.
        labels: which labels count; by default all.
        pos_label: the label that is scored by ``average="binary"``.
        average: ``"binary"``, ``"micro"`` (all decisions alike), ``"macro"`` (the mean over the labels), ``"weighted"``
            (weighted by the labels' samples), or None for an array with one score a label.
        sample_weight: a factor for each sample.
        zero_division: the score where nothing was taken for a label; ``"warn"`` is 0 as well.

    >>> precision_score([0, 1, 1, 2], [0, 1, 2, 2], average=None)
    array([1. , 1. , 0.5])
    """
    return _score("precision", y_true, y_pred, labels, pos_label, average, sample_weight, zero_division)


def recall_score(
    y_true: Any, y_pred: Any, *, labels: Any = None, pos_label: Any = 1, average: str | None = "binary",
    sample_weight: Any = None, zero_division: Any = "warn",
) -> Any:  # fmt: skip
    """TP / (TP + FN): the share of a label's samples that was found.  Arguments as for `precision_score`."""
    return _score("recall", y_true, y_pred, labels, pos_label, average, sample_weight, zero_division)


def specificity_score(
    y_true: Any, y_pred: Any, *, labels: Any = None, pos_label: Any = 1, average: str | None = "binary",
    sample_weight: Any = None, zero_division: Any = "warn",
) -> Any:  # fmt: skip
    """TN / (TN + FP): the share of the samples without a label that was not taken for it.

    Arguments as for `precision_score`.

    >>> specificity_score([0, 0, 0, 1], [0, 1, 0, 1]) + false_positive_rate_score([0, 0, 0, 1], [0, 1, 0, 1])
    1.0
    """
    return _score("specificity", y_true, y_pred, labels, pos_label, average, sample_weight, zero_division)


def false_positive_rate_score(
    y_true: Any, y_pred: Any, *, labels: Any = None, pos_label: Any = 1, average: str | None = "binary",
    sample_weight: Any = None, zero_division: Any = "warn",
) -> Any:  # fmt: skip
    """FP / (FP + TN) = 1 - specificity.  Arguments as for `precision_score`."""
    return _score("false_positive_rate", y_true, y_pred, labels, pos_label, average, sample_weight, zero_division)


def fbeta_score(
    y_true: Any, y_pred: Any, *, beta: float, labels: Any = None, pos_label: Any = 1, average: str | None = "binary",
    sample_weight: Any = None, zero_division: Any = "warn",
) -> Any:  # fmt: skip
    """(1 + beta²) P·R / (beta² P + R) of precision P and recall R.  Other arguments as for `f1_score`."""
    if average == "harmonic":
        tally = Tally(y_true, y_pred, labels, sample_weight)
        p, r = (tally.score(kind, "macro", zero_division) for kind in ("precision", "recall"))
        return float(ratio((1 + beta**2) * p * r, beta**2 * p + r))
    return _score("f", y_true, y_pred, labels, pos_label, average, sample_weight, zero_division, beta)


def f1_score(
    y_true: Any, y_pred: Any, *, labels: Any = None, pos_label: Any = 1, average: str | None = "binary",
    sample_weight: Any = None, zero_division: Any = "warn",
) -> Any:  # fmt: skip
    """2 P·R / (P + R), the harmonic mean of precision P and recall R.

    Arguments as for `precision_score`; ``average="harmonic"`` besides is the harmonic mean of macro precision and macro
    recall, where ``"macro"`` is the mean of the labels' scores.

    >>> f1_score([0, 1, 1, 2], [0, 1, 2, 2], average="micro")
    0.75
    """
    told = {"labels": labels, "pos_label": pos_label, "average": average, "sample_weight": sample_weight}
    return fbeta_score(y_true, y_pred, beta=1.0, zero_division=zero_division, **told)


def top_k_accuracy_score(
    y_true: Any, y_score: Any, *, k: int = 2, normalize: bool = True, sample_weight: Any = None
) -> float:
    """How often the label is among the k largest scores of its sample; labels (n,) and scores (n, classes).

    >>> top_k_accuracy_score([2, 1], [[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]])
    0.5
    """
    score, label = np.asarray(y_score, np.float64), labels_of(y_true, "y_true")
    if score.ndim != 2 or len(score) != len(label):
        raise ShapeError(f"expected scores ({len(label)}, classes), got shape {score.shape}")
    own = np.take_along_axis(score, label[:, None].astype(np.int64), 1)
    weight = weights_of(sample_weight, len(label))
    hits = float((((score > own).sum(1) < k) * weight).sum())
    return hits / float(weight.sum()) if normalize else hits
