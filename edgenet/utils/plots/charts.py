"""Training and confusion as pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .figure import check_file, new_figure, write

DPI = 150


def plot_history(history: Any, to_file: str | os.PathLike[str] | None = None) -> Any:
    """Draw what `fit` returned: a chart for each figure over the epochs, that of the validation in the same one.

    Needs ``pip install "edgenet[plot]"``.

    Args:
        history: the `History`, or its ``.history``, a dictionary of lists.
        to_file: a name that ends in ``.png``, ``.svg`` or ``.pdf``; None for no file.

    Returns:
        the matplotlib figure.

    Raises:
        ImportError: if matplotlib is not installed.
        TypeError: if `history` is neither.
        ValueError: if it holds no epochs.

    >>> figure = plot_history({"loss": [2.0, 1.0], "val_loss": [2.5, 1.5], "accuracy": [0.4, 0.8]})
    >>> [chart.get_ylabel() for chart in figure.axes]
    ['loss', 'accuracy']
    """
    figures = getattr(history, "history", history)
    if not isinstance(figures, Mapping):
        raise TypeError(f"plot_history: expected what fit returned, or a dictionary of lists, got {type(history)}")
    check_file(to_file, "plot_history")
    curves = {n: np.atleast_1d(np.asarray(v, np.float64)) for n, v in figures.items() if _is_curve(v)}
    names = [n for n in curves if not (n.startswith("val_") and n[4:] in curves)]
    if not names:
        raise ValueError("plot_history: the history holds no epochs: train first, epochs of at least 1")
    figure = new_figure("plot_history", 5.0 * len(names), 3.6, layout="constrained")
    epochs = getattr(history, "epoch", None)
    for name, chart in zip(names, np.atleast_1d(figure.subplots(1, len(names))), strict=True):
        for key, label in ((name, "training"), (f"val_{name}", "validation")):
            if key in curves:
                chart.plot(_epochs(epochs, len(curves[key])), curves[key], marker=".", label=label)
        chart.set_xlabel("epoch")
        chart.set_ylabel(name)
        chart.xaxis.get_major_locator().set_params(integer=True)
        chart.grid(alpha=0.3)
        chart.legend()
    write(figure, to_file, "plot_history", DPI)
    return figure


def _is_curve(values: Any) -> bool:
    """Whether there is one number for each epoch; some metrics give an array."""
    array = np.asarray(values)
    return array.ndim == 1 and array.size > 0 and array.dtype.kind in "fiub"


def _epochs(numbers: Any, count: int) -> list[int]:
    """The number of each epoch, the first being 1; the last ones where a figure came later, or not with every epoch."""
    known = [int(e) + 1 for e in numbers] if numbers is not None else []
    return known if len(known) == count else list(range(1, count + 1))


def plot_confusion_matrix(
    matrix: Any, class_names: Sequence[str] | None = None, normalize: bool = False,
    to_file: str | os.PathLike[str] | None = None,
) -> Any:  # fmt: skip
    """Draw a confusion matrix: rows are true classes, columns predicted ones.

    Needs ``pip install "edgenet[plot]"``.

    Args:
        matrix: counts (classes, classes), such as `edgenet.metrics.confusion_matrix` gives.
        class_names: a name for each class; numbers by default.
        normalize: whether each row is divided by its sum, so that it shows shares of the true class.
        to_file: a name that ends in ``.png``, ``.svg`` or ``.pdf``; None for no file.

    Returns:
        the matplotlib figure.

    Raises:
        ImportError: if matplotlib is not installed.
        ValueError: if the matrix is not square, or names are missing.

    >>> figure = plot_confusion_matrix([[9, 1], [0, 5]], ["cat", "dog"], normalize=True)
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['0.90', '0.10', '0.00', '1.00']
    """
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size or counts.dtype.kind not in "fiub":
        raise ValueError(
            "plot_confusion_matrix: expected a square matrix of numbers, rows true classes and columns predicted ones, "
            f"got {counts.dtype} of shape {counts.shape}; edgenet.metrics.confusion_matrix(y_true, y_pred) makes one"
        )
    n = len(counts)
    names = [str(i) for i in range(n)] if class_names is None else [str(name) for name in class_names]
    if len(names) != n:
        raise ValueError(f"plot_confusion_matrix: expected {n} class names, got {len(names)}")
    check_file(to_file, "plot_confusion_matrix")
    totals = counts.sum(1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals != 0)
    side = max(3.6, 0.55 * n + 1.4)
    figure = new_figure("plot_confusion_matrix", side + 0.9, side, layout="constrained")
    chart = figure.add_subplot()
    shown = shares if normalize else counts
    picture = chart.imshow(shown, cmap="Blues", vmin=0, vmax=1 if normalize else max(counts.max(), 1))
    figure.colorbar(picture, ax=chart, shrink=0.8)
    middle = picture.norm.vmax / 2
    for (i, j), value in np.ndenumerate(shown):
        text = f"{value:.2f}" if normalize else f"{value:g}"
        chart.text(j, i, text, ha="center", va="center", color="white" if value > middle else "black")
    slanted = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if max(map(len, names)) > 4 else {}
    chart.set_xticks(range(n), names, **slanted)
    chart.set_yticks(range(n), names)
    chart.set_xlabel("predicted")
    chart.set_ylabel("true")
    write(figure, to_file, "plot_confusion_matrix", DPI)
    return figure
