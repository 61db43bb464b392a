"""Labels as one-hot rows."""

from __future__ import annotations

from typing import Any

import numpy as np


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Labels (…), or (…, 1), as float32 rows (…, num_classes) with a 1 at each label.

    Args:
        x: integers from 0 to num_classes - 1.
        num_classes: one more than the largest label by default.

    Raises:
        ValueError: if a label is no integer or out of range.

    >>> to_categorical([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]], dtype=float32)
    """
    given = np.asarray(x)
    labels = given.astype(np.int64)
    if not np.array_equal(labels, given):
        raise ValueError(f"to_categorical: labels must be integers, got {given.dtype} with fractions")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    count = int(labels.max()) + 1 if num_classes is None and labels.size else int(num_classes or 0)
    if labels.size and not 0 <= labels.min() <= labels.max() < count:
        raise ValueError(f"to_categorical: expected labels from 0 to {count - 1}, got {labels.min()} to {labels.max()}")
    rows = np.zeros((*labels.shape, count), np.float32)
    np.put_along_axis(rows, labels[..., None], 1, axis=-1)
    return rows
