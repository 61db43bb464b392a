"""Precision, recall, F1 and support of every class as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .scores import Tally


def classification_report(
    y_true: Any, y_pred: Any, *, labels: Any = None, target_names: Sequence[str] | None = None,
    sample_weight: Any = None, digits: int = 2, output_dict: bool = False, zero_division: Any = "warn",
) -> Any:  # fmt: skip
    """Scores of each class and their averages, laid out as scikit-learn does.

    Args:
        y_true: labels of the targets, or one-hot rows.
        y_pred: labels of the predictions, or probabilities (n, classes).
        labels: which labels, in which order; by default all, sorted.
        target_names: what the labels are called.
        sample_weight: a factor for each sample.
        digits: decimals in the table.
        output_dict: whether the result is a dictionary in place of text.
        zero_division: the score where nothing was taken for a class.

    Raises:
        ValueError: if there are not as many names as labels.

    >>> print(classification_report([0, 1, 1, 1], [0, 1, 1, 0], target_names=["cat", "dog"]))
                  precision    recall  f1-score   support
    <BLANKLINE>
             cat       0.50      1.00      0.67         1
             dog       1.00      0.67      0.80         3
    <BLANKLINE>
        accuracy                           0.75         4
       macro avg       0.75      0.83      0.73         4
    weighted avg       0.88      0.75      0.77         4
    <BLANKLINE>
    """
    tally = Tally(y_true, y_pred, labels, sample_weight)
    names = [str(n) for n in (tally.labels.tolist() if target_names is None else target_names)]
    if len(names) != len(tally.labels):
        raise ValueError(f"{len(tally.labels)} labels ({tally.labels.tolist()}), but {len(names)} names: pass labels=…")
    weighted = sample_weight is not None
    each = [tally.score(kind, None, zero_division) for kind in ("precision", "recall", "f")]
    rows = {n: _row([v[i] for v in each], tally.support[i], weighted) for i, n in enumerate(names)}
    complete = labels is None or set(tally.labels.tolist()) >= set(tally.present.tolist())
    averages = {"micro avg": "micro", "macro avg": "macro", "weighted avg": "weighted"}
    means = {}
    for title, average in averages.items():
        if average == "micro" and complete:
            continue
        found = [tally.score(kind, average, zero_division) for kind in ("precision", "recall", "f")]
        means[title] = _row(found, tally.support.sum(), weighted)
    accuracy = float(tally.right / tally.total) if complete else None
    if output_dict:
        return {**rows, **({} if accuracy is None else {"accuracy": accuracy}), **means}
    return _text(rows, accuracy, means, digits)


def _row(scores: Sequence[Any], support: Any, weighted: bool) -> dict[str, float]:
    kept = float(support) if weighted else float(np.round(support))
    return dict(zip(("precision", "recall", "f1-score", "support"), (*map(float, scores), kept), strict=True))


def _text(
    rows: dict[str, dict[str, float]], accuracy: float | None, means: dict[str, dict[str, float]], digits: int
) -> str:
    width = max(*map(len, rows), len("weighted avg"), digits)
    lines = [" " * width + " " + "".join(f" {h:>9}" for h in ("precision", "recall", "f1-score", "support")), ""]

    def line(name: str, row: dict[str, float]) -> str:
        scores = "".join(f" {row[k]:>9.{digits}f}" for k in ("precision", "recall", "f1-score"))
        return f"{name:>{width}} {scores} {row['support']:>9g}"

    lines += [line(n, row) for n, row in rows.items()] + [""]
    if accuracy is not None:
        support = next(iter(means.values()))["support"]
        lines.append(f"{'accuracy':>{width}} {'':>9} {'':>9}  {accuracy:>9.{digits}f} {support:>9g}")
    lines += [line(n, row) for n, row in means.items()]
    return "\n".join(lines) + "\n"
