"""Batches from iterables: generators, data loaders, objects with ``__len__`` and ``__getitem__``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from edgenet.utils.warning import warn

from .data import Data


class Piece(NamedTuple):
    """Some samples: those of `data` from `first` on, or those whose numbers are `rows`."""

    data: Data
    first: int
    size: int
    rows: np.ndarray | None = None


def is_iterable(x: Any) -> bool:
    """Whether `x` gives batches one after the other, rather than being an array or a collection of arrays.

    >>> is_iterable(iter([])), is_iterable([[1.0]]), is_iterable(np.ones(3))
    (True, False, False)
    """
    if x is None or isinstance(x, str | bytes | Mapping | np.ndarray) or hasattr(x, "__array__"):
        return False
    if isinstance(x, list | tuple):
        return False
    return hasattr(x, "__iter__") or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


def is_batches(x: Any, y: Any) -> bool:
    """Whether `x` gives batches: what `is_iterable` says, or a list of tuples (x, y) without targets beside it."""
    listed = y is None and isinstance(x, list) and bool(x) and all(isinstance(b, tuple) for b in x)
    return listed or is_iterable(x)


class Source:
    """Where the batches of epochs come from.

    With `steps` an epoch takes that many and the next one goes on behind them; without, an epoch takes all.
    """

    #: batches of an epoch, if known
    steps: int | None
    #: samples of an epoch, if known
    samples: int | None = None

    def epoch(self) -> Iterator[Piece]:
        """The batches of the next epoch."""
        raise NotImplementedError


class Arrays(Source):
    """Batches of arrays, of which the last takes what is left."""

    def __init__(
        self, data: Data, batch: int, steps: int | None = None, order: Callable[[int], np.ndarray] | None = None,
        again: bool = False,
    ) -> None:  # fmt: skip
        """`order` gives the samples' order of a pass over all; `again`: every epoch begins at the first sample."""
        self.data, self.batch, self.order, self.again = data, min(batch, len(data)), order, again
        self.given = steps
        self.steps = steps or -(-len(data) // self.batch)
        self.samples = min(len(data), self.steps * self.batch)
        self.left: Iterator[Piece] | None = None

    def _all(self) -> Iterator[Piece]:
        order = self.order(len(self.data)) if self.order else None
        for first in range(0, len(self.data), self.batch):
            size = min(self.batch, len(self.data) - first)
            yield Piece(self.data, first, size, None if order is None else order[first : first + size])

    def epoch(self) -> Iterator[Piece]:
        """The batches of the next epoch."""
        if not self.given:
            yield from self._all()
            return
        if self.left is None or self.again:
            self.left = self._all()
        for step in range(self.given):
            piece = next(self.left, None)
            if piece is None:  # as in Keras an epoch ends with the samples, and the next begins anew
                self.left = None
                if step:
                    _ran_out(step, self.given)
                    return
                self.left = self._all()
                piece = next(self.left)
            yield piece


class Stream(Source):
    """Batches of an iterable, or of an object with ``__len__`` and ``__getitem__``, each read by `read`."""

    def __init__(
        self, given: Any, read: Callable[[Any], Data], steps: int | None = None,
        order: Callable[[int], np.ndarray] | None = None, again: bool = False,
    ) -> None:  # fmt: skip
        """`order` gives that of the batches of an object that is indexed; `again`: every epoch begins anew."""
        self.given, self.read, self.wanted, self.order, self.again = given, read, steps, order, again
        self.indexed = hasattr(given, "__getitem__") and hasattr(given, "__len__")
        self.steps = steps or (len(given) if hasattr(given, "__len__") else None)
        self.left: Iterator[Any] | None = None

    def _all(self) -> Iterator[Any]:
        if not self.indexed:
            return iter(self.given)
        n = len(self.given)
        numbers: Iterable[int] = range(n) if self.order is None else self.order(n).tolist()
        return (self.given[i] for i in numbers)

    def epoch(self) -> Iterator[Piece]:
        """The batches of the next epoch."""
        if callable(getattr(self.given, "on_epoch_begin", None)):
            self.given.on_epoch_begin()
        fresh = self.left is None or self.wanted is None or self.again
        if fresh or self.left is None:
            self.left = self._all()
        step = 0
        while self.wanted is None or step < self.wanted:
            try:
                batch = next(self.left)
            except StopIteration:
                if not step and not fresh:  # the last epoch took all there was: begin anew
                    self.left, fresh = self._all(), True
                    continue
                self.left = None
                if self.wanted is not None:
                    _ran_out(step, self.wanted)
                break
            data = self.read(batch)
            yield Piece(data, 0, len(data))
            step += 1
        if callable(getattr(self.given, "on_epoch_end", None)):
            self.given.on_epoch_end()


def _ran_out(step: int, wanted: int) -> None:
    warn(
        f"the data ended after {step} of the {wanted} steps of an epoch: give more of it, or a smaller number of steps"
    )


def parts(batch: Any, where: str) -> tuple[Any, Any, Any]:
    """x, y and sample_weight of a batch (x, y), (x, y, sample_weight), (x,) or x.

    Raises:
        ValueError: for a tuple or list of another length.
    """
    if not isinstance(batch, list | tuple):
        return batch, None, None
    if not 1 <= len(batch) <= 3:
        raise ValueError(
            f"{where}: a batch is (x, y) or (x, y, sample_weight), where x may be a list of arrays; "
            f"got {len(batch)} parts"
        )
    x, y, weight = (*batch, None, None)[:3]
    return x, y, weight
