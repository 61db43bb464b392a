"""Exact scores of probabilities and of numbers under the names of scikit-learn: ROC, PR, log loss, RMSE, R²."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgenet.graph import ShapeError

from .metric import ratio
from .scores import labels_of, weights_of


def _steps(y_true: Any, y_score: Any, pos_label: Any, sample_weight: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """False and true positives at each distinct score, from the largest down, and these scores."""
    score = np.asarray(y_score, np.float64).reshape(-1)
    given = np.asarray(y_true)
    t = (given.reshape(-1) == pos_label).astype(np.float64)
    if len(t) != len(score) or not len(t):
        raise ShapeError(f"expected equally many targets and scores, at least one, got {len(t)} and {len(score)}")
    if np.isnan(score).any():
        raise ValueError("y_score contains NaN")
    weight = weights_of(sample_weight, len(t))
    order = np.argsort(-score, kind="stable")
    score, t, weight = score[order], t[order], weight[order]
    ends = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)
    return np.cumsum((1 - t) * weight)[ends], np.cumsum(t * weight)[ends], score[ends]


def roc_curve(
    y_true: Any, y_score: Any, *, pos_label: Any = 1, sample_weight: Any = None, drop_intermediate: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """False positive rates, true positive rates, and the thresholds from which on scores count as positive.

    >>> roc_curve([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])[:2]
    (array([0. , 0. , 0.5, 0.5, 1. ]), array([0. , 0.5, 0.5, 1. , 1. ]))
    """
    fp, tp, at = _steps(y_true, y_score, pos_label, sample_weight)
    if drop_intermediate and len(fp) > 2:
        bends = (np.diff(fp, 2) != 0) | (np.diff(tp, 2) != 0)
        keep = np.r_[True, bends, True]
        fp, tp, at = fp[keep], tp[keep], at[keep]
    fp, tp, at = np.r_[0, fp], np.r_[0, tp], np.r_[np.inf, at]
    return ratio(fp, fp[-1]), ratio(tp, tp[-1]), at


def precision_recall_curve(
    y_true: Any, y_score: Any, *, pos_label: Any = 1, sample_weight: Any = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Precisions and recalls for rising thresholds, ending with 1 and 0; and the thresholds, one less."""
    fp, tp, at = _steps(y_true, y_score, pos_label, sample_weight)
    precision = ratio(tp, tp + fp)
    recall = np.ones_like(tp) if tp[-1] == 0 else tp / tp[-1]
    return np.r_[precision[::-1], 1.0], np.r_[recall[::-1], 0.0], at[::-1]


def auc(x: Any, y: Any) -> float:
    """Area under a curve of straight lines between the points (x, y); x rises or falls.

    >>> auc([0.0, 0.5, 1.0], [0.0, 1.0, 1.0])
    0.75
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    step = np.diff(x)
    if len(x) < 2 or not ((step >= 0).all() or (step <= 0).all()):
        raise ValueError("x must rise or fall, and have two points or more")
    return float(abs((step * (y[1:] + y[:-1]) / 2).sum()))


def roc_auc_score(
    y_true: Any, y_score: Any, *, average: str | None = "macro", sample_weight: Any = None, multi_class: str = "raise",
    labels: Any = None,
) -> Any:  # fmt: skip
    """Area under the ROC curve: the probability that a positive has a larger score than a negative.

    Args:
        y_true: 0 and 1 (n,), one-hot or multi-hot rows (n, classes), or labels (n,).
        y_score: scores (n,), or (n, classes).
        average: over the classes: ``"macro"``, ``"weighted"``, ``"micro"``, or None.
        sample_weight: a factor for each sample.
        multi_class: ``"ovr"`` for labels and scores (n, classes): each class against the rest.
        labels: the labels of the columns of `y_score`; by default those of `y_true`, sorted.

    Raises:
        ValueError: if only one class is present.

    >>> roc_auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    t, score, several = _columns(y_true, y_score, labels)
    if several and multi_class == "raise":
        raise ValueError("labels of several classes: pass multi_class='ovr', each class against the rest")
    if several and multi_class != "ovr":
        raise NotImplementedError(f"multi_class={multi_class!r}: only 'ovr', each class against the rest")
    return _averaged(_area_of_roc, t, score, average, sample_weight)


def average_precision_score(
    y_true: Any, y_score: Any, *, average: str | None = "macro", pos_label: Any = 1, sample_weight: Any = None
) -> Any:
    """Area under the precision-recall curve as sum (R_n - R_(n-1)) P_n over the falling thresholds.

    Arguments as for `roc_auc_score`.

    >>> round(average_precision_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 6)
    0.833333
    """
    t, score, several = _columns(y_true, y_score, None)
    if not several and t.shape[1] == 1:
        t = (np.asarray(y_true).reshape(-1, 1) == pos_label).astype(np.float64)
    return _averaged(_area_of_pr, t, score, average, sample_weight)


def _area_of_roc(t: np.ndarray, score: np.ndarray, weight: Any) -> float:
    if not 0 < t.sum() < len(t):
        raise ValueError("the area under the ROC curve needs positives and negatives, got one class only")
    fpr, tpr, _ = roc_curve(t, score, sample_weight=weight)
    return auc(fpr, tpr)


def _area_of_pr(t: np.ndarray, score: np.ndarray, weight: Any) -> float:
    precision, recall, _ = precision_recall_curve(t, score, sample_weight=weight)
    return float(max(0.0, -(np.diff(recall) * precision[:-1]).sum()))


def _columns(y_true: Any, y_score: Any, labels: Any) -> tuple[np.ndarray, np.ndarray, bool]:
    """Zeros and ones (n, classes), scores of that shape, and whether the targets were labels of several classes."""
    score, given = np.asarray(y_score, np.float64), np.asarray(y_true)
    if score.ndim == 1 or score.shape[1:] == (1,):
        t = given.reshape(-1)
        found = np.unique(t)
        if len(found) > 2:
            raise ShapeError(f"{len(found)} labels need scores (n, classes), got shape {score.shape}")
        top = found[-1] if len(found) == 2 else 1
        return (t == top).astype(np.float64)[:, None], score.reshape(-1, 1), False
    if given.ndim == 2 and given.shape == score.shape:
        return (given != 0).astype(np.float64), score, False
    t = labels_of(given, "y_true")
    classes = np.unique(t) if labels is None else np.asarray(labels)
    if len(classes) != score.shape[1] and labels is None and t.dtype.kind in "iu":
        classes = np.arange(score.shape[1])
    if len(classes) != score.shape[1]:
        raise ShapeError(f"{len(classes)} classes need scores (n, {len(classes)}), got {score.shape}; pass labels=…")
    return (t[:, None] == classes).astype(np.float64), score, True


def _averaged(area: Any, t: np.ndarray, score: np.ndarray, average: str | None, sample_weight: Any) -> Any:
    if t.shape != score.shape:
        raise ShapeError(f"targets of shape {t.shape} do not fit scores of shape {score.shape}")
    if t.shape[1] == 1:
        return area(t[:, 0], score[:, 0], sample_weight)
    if average == "micro":
        weight = None if sample_weight is None else np.repeat(weights_of(sample_weight, len(t)), t.shape[1])
        return area(t.reshape(-1), score.reshape(-1), weight)
    each = np.array([area(a, b, sample_weight) for a, b in zip(t.T, score.T, strict=True)])
    if average is None:
        return each
    if average == "macro":
        return float(each.mean())
    if average == "weighted":
        support = (t * weights_of(sample_weight, len(t))[:, None]).sum(0)
        return float((each * support).sum() / support.sum())
    raise ValueError(f"average must be 'macro', 'weighted', 'micro' or None, got {average!r}")


def log_loss(
    y_true: Any, y_pred: Any, *, normalize: bool = True, sample_weight: Any = None, labels: Any = None
) -> float:
    """Mean of -log p[label]; probabilities are clipped by the resolution of float64.

    Args:
        y_true: labels (n,) or one-hot rows (n, classes).
        y_pred: probabilities (n, classes), or (n,) of the larger of two labels.
        normalize: False for the sum.
        sample_weight: a factor for each sample.
        labels: the labels of the columns; by default those of `y_true`, sorted.

    >>> round(log_loss([1, 0], [0.8, 0.4]), 6)
    0.366985
    """
    p, given = np.asarray(y_pred), np.asarray(y_true)
    epsilon = np.finfo(p.dtype if p.dtype.kind == "f" else np.float64).eps
    p = p.astype(np.float64)
    if p.ndim == 1 or p.shape[1] == 1:
        p = np.stack([1 - p.reshape(-1), p.reshape(-1)], 1)
    if given.ndim == 2 and given.shape == p.shape:
        t = given.astype(np.float64)
    else:
        t, p, _ = _columns(given, p, np.unique(given) if labels is None and p.shape[1] == 2 == len(np.unique(given))
                           else labels)  # fmt: skip
    values = -(t * np.log(np.clip(p, epsilon, 1 - epsilon))).sum(1)
    weight = weights_of(sample_weight, len(values))
    total = float((values * weight).sum())
    return total / float(weight.sum()) if normalize else total


def _pair(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    t, p = np.asarray(y_true, np.float64), np.asarray(y_pred, np.float64)
    t, p = (v.reshape(len(v), -1) for v in (t, p))
    if t.shape != p.shape or not t.size:
        raise ShapeError(
            f"expected targets and predictions of one shape, got {np.shape(y_true)} and {np.shape(y_pred)}"
        )
    return t, p


def root_mean_squared_error(y_true: Any, y_pred: Any, *, sample_weight: Any = None) -> float:
    """√(mean (y_pred - y_true)²) over the samples; the mean of that over several outputs.

    >>> root_mean_squared_error([0.0, 0.0], [1.0, 7.0])
    5.0
    """
    t, p = _pair(y_true, y_pred)
    return float(np.sqrt(np.average((t - p) ** 2, axis=0, weights=weights_of(sample_weight, len(t)))).mean())


def r2_score(
    y_true: Any, y_pred: Any, *, sample_weight: Any = None, multioutput: Any = "uniform_average",
    force_finite: bool = True,
) -> Any:  # fmt: skip
    """1 - sum (y_true - y_pred)² / sum (y_true - mean y_true)².

    Args:
        y_true: targets (n,) or (n, outputs).
        y_pred: predictions of that shape.
        sample_weight: a factor for each sample.
        multioutput: ``"uniform_average"``, ``"variance_weighted"``, or ``"raw_values"`` for one number an output.
        force_finite: whether targets without spread give 1 or 0 in place of NaN or -inf.

    >>> r2_score([1.0, 2.0, 3.0], [1.0, 2.0, 4.0])
    0.5
    """
    t, p = _pair(y_true, y_pred)
    weight = weights_of(sample_weight, len(t))[:, None]
    errors = (weight * (t - p) ** 2).sum(0)
    spread = (weight * (t - np.average(t, axis=0, weights=weight[:, 0])) ** 2).sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = 1 - errors / spread
    if force_finite:
        each = np.where(spread != 0, each, np.where(errors == 0, 1.0, 0.0))
    if isinstance(multioutput, str):
        if multioutput == "raw_values":
            return each
        if multioutput == "uniform_average":
            return float(each.mean())
        if multioutput != "variance_weighted":
            raise ValueError(
                f"multioutput must be 'uniform_average', 'variance_weighted' or 'raw_values', got {multioutput!r}"
            )
        return float(np.average(each, weights=spread)) if spread.any() else float(each.mean())
    return float(np.average(each, weights=np.asarray(multioutput, np.float64)))
