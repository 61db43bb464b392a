"""State that outlives a run: weights, moving statistics, optimizer slots, counters."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from . import headroom
from .spec import ShapeError, Spec

#: float32 numbers in a line of the cache
LINE = 16
_changes = itertools.count(1)
_latest = 0


def touch() -> int:
    """Note that some variable was written: programs recompute what they derived from weights before their next run.

    Returns:
        the number of this change.
    """
    global _latest
    number = next(_changes)
    _latest = max(_latest, number)
    return number


def latest_change() -> int:
    """Number of the latest change of any variable."""
    return _latest


class Variable:
    """A named array that graphs refer to; programs read and write its memory in place."""

    def __init__(self, array: np.ndarray, name: str, trainable: bool = True) -> None:
        self.array = np.ascontiguousarray(array)
        self.name = name
        self.trainable = trainable

    @property
    def spec(self) -> Spec:
        """Shape and dtype."""
        return Spec.of(self.array.shape, str(self.array.dtype))

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the array."""
        return tuple(self.array.shape)

    def numpy(self) -> np.ndarray:
        """A copy of the current value."""
        return self.array.copy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """For NumPy: a copy of the current value."""
        return self.array.astype(self.array.dtype if dtype is None else dtype)

    def __int__(self) -> int:
        """The value of a variable that holds a single number."""
        return int(self.array.item())

    def __float__(self) -> float:
        """The value of a variable that holds a single number."""
        return float(self.array.item())

    def assign(self, value: np.ndarray) -> None:
        """Replace the value.  Raises ShapeError unless the shapes are equal."""
        value = np.asarray(value)
        if value.shape != self.array.shape:
            raise ShapeError(f"{self.name} has shape {self.array.shape}, got an array of shape {value.shape}")
        self.array[...] = value
        touch()

    def move(self, home: np.ndarray) -> None:
        """Keep the value in `home`, an array of the same size, from now on."""
        home = home.reshape(self.array.shape)
        home[...] = self.array
        self.array = home
        touch()

    def __repr__(self) -> str:
        return f"<Variable {self.name} {self.spec}>"


def flatten(variables: Sequence[Variable], name: str) -> Variable:
    """Lay float32 variables out one behind the other in one flat buffer; they stay views of its memory.

    It begins where a line of the cache does: products read some weights where they lie, by vectors as long as a line.

    Raises:
        MemoryError: if the machine has less memory left than the buffer takes.
    """
    size = sum(v.array.size for v in variables)
    headroom.require(4 * size, f"{name}: one block, for the {size:,} weights in training", headroom.FEWER_WEIGHTS)
    room = np.zeros(size + LINE, np.float32)
    start = -(room.ctypes.data // room.itemsize) % LINE
    flat = room[start : start + size]
    at = 0
    for v in variables:
        v.move(flat[at : at + v.array.size])
        at += v.array.size
    return Variable(flat, name, trainable=False)
