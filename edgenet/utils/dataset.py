"""Batches that are made when they are asked for."""

from __future__ import annotations

from typing import Any


class PyDataset:
    """Base of data sets that make batch after batch: ``fit``, ``evaluate`` and ``predict`` take one in place of arrays.

    A subclass overrides ``__len__``, the number of batches of an epoch, and ``__getitem__``, which gives batch number
    `index` as ``(x, y)`` or ``(x, y, sample_weight)``; if it likes also ``on_epoch_begin`` and ``on_epoch_end``.
    `fit` asks for the batches in another order each epoch unless ``shuffle=False``.

    Args:
        workers: 1: batches are made in the thread that trains.
        use_multiprocessing: False.
        max_queue_size: accepted as in Keras.

    Raises:
        ValueError: for other `workers` or processes.

    >>> import numpy as np
    >>> class Squares(PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         x = np.full((8, 1), index, np.float32)
    ...         return x, x**2
    >>> [y[0, 0].item() for x, y in Squares()]
    [0.0, 1.0, 4.0]
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        if use_multiprocessing or workers not in (0, 1):
            raise ValueError(
                f"{type(self).__name__}: batches are made in the thread that trains, got workers={workers}, "
                f"use_multiprocessing={use_multiprocessing}; leave both out"
            )
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    def __getitem__(self, index: int) -> Any:
        """Batch number `index`."""
        raise NotImplementedError(f"{type(self).__name__}.__getitem__(index), which gives a batch")

    def __len__(self) -> int:
        """Number of batches of an epoch."""
        raise NotImplementedError(f"{type(self).__name__}.__len__(), the number of batches of an epoch")

    @property
    def num_batches(self) -> int:
        """Number of batches of an epoch."""
        return len(self)

    def __iter__(self) -> Any:
        """The batches of one epoch in order."""
        return (self[i] for i in range(len(self)))

    def on_epoch_begin(self) -> None:
        """What is to be done before each epoch."""

    def on_epoch_end(self) -> None:
        """What is to be done after each epoch."""
