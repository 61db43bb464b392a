"""From what a user hands in to arrays that fit the model, and from those to the inputs of a program."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgenet.graph import ShapeError


@dataclass
class Data:
    """Samples: an array for each input, one for each target, and perhaps one weight for each sample."""

    x: list[np.ndarray]
    y: list[np.ndarray]
    weight: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.x[0])

    def part(self, first: int, last: int) -> Data:
        """Samples [first, last), without a copy."""
        weight = None if self.weight is None else self.weight[first:last]
        return Data([a[first:last] for a in self.x], [a[first:last] for a in self.y], weight)

    def array(self, role: tuple[str, int]) -> np.ndarray:
        """The array that an input of a program stands for."""
        kind, i = role
        if kind == "w":
            assert self.weight is not None
            return self.weight
        return self.x[i] if kind == "x" else self.y[i]


def arrays(given: Any, names: Sequence[str], what: str, labels: bool = False) -> list[np.ndarray]:
    """One array of numbers for each name, from an array, a list of arrays or a dictionary.

    `labels` says that they may be labels, for the words of an error.

    Raises:
        ValueError: if their number or names do not agree.
        TypeError: if something is no array of numbers.
    """
    if isinstance(given, Mapping):
        if set(given) != set(names):
            raise ValueError(f"{what}: expected a dictionary with the keys {list(names)}, got {list(given)}")
        parts = [given[n] for n in names]
    elif len(names) == 1:
        single = isinstance(given, list | tuple) and len(given) == 1 and isinstance(given[0], np.ndarray)
        parts = [given[0] if single else given]
    elif isinstance(given, list | tuple) and len(given) == len(names):
        parts = list(given)
    else:
        got = f"{len(given)} of them" if isinstance(given, list | tuple) else type(given).__name__
        raise ValueError(f"{what}: expected a list of {len(names)} arrays ({', '.join(names)}), got {got}")
    return [numbers(a, what, labels) for a in parts]


def numbers(given: Any, what: str, labels: bool = False) -> np.ndarray:
    """An array of numbers.

    Raises:
        TypeError: if `given` is something else.
        ShapeError: if it is a single number.
    """
    try:
        array = np.asarray(given)
    except ValueError as error:
        raise TypeError(f"{what}: expected an array, got a {type(given).__name__} of parts that differ") from error
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{what}: expected an array of numbers, got {type(given).__name__} of dtype {array.dtype}"
            + _advice(given, array, labels)
        )
    if not array.ndim:
        raise ShapeError(f"{what}: expected an array whose first axis counts the samples, got the number {array}")
    return array


def _advice(given: Any, array: np.ndarray, labels: bool) -> str:
    """What to do about something that is no array of numbers."""
    if hasattr(given, "__iter__") and not isinstance(given, list | tuple | str | bytes | np.ndarray):
        return "; iterate over a generator or data loader yourself and call train_on_batch"
    held = array.ravel().tolist()
    if labels and held and all(isinstance(v, str | bytes) for v in held):
        return "; labels must be integers: classes, y = np.unique(labels, return_inverse=True)"
    if array.dtype.kind == "O" and array.ndim:
        odd = [v for v in held if not isinstance(v, int | float)]
        if not odd:
            return "; its entries are numbers: convert it by .astype('float32')"
        return f", which holds {'None' if odd[0] is None else type(odd[0]).__name__}"
    return ""


def fit_shape(array: np.ndarray, shape: Sequence[int | None], what: str) -> np.ndarray:
    """The array, viewed with a last axis of size 1 more or less where that gives it `shape` (batch first).

    Raises:
        ShapeError: if the shapes differ otherwise.
    """
    got, want = array.shape[1:], tuple(shape[1:])
    if got != want and (*got, 1) == want:
        return array[..., None]
    if got != want and got == (*want, 1):
        return array[..., 0]
    if got != want:
        raise ShapeError(
            f"{what}: expected an array of shape ({', '.join(map(str, ('n', *want)))}), got {array.shape}"
            + _shape_advice(array.shape, want)
        )
    return array


def _shape_advice(got: tuple[int, ...], want: tuple[int | None, ...]) -> str:
    """What to do about an array of another shape than `want` behind the batch."""
    sizes = [d for d in want if d is not None]
    if got == want:
        return "; is the batch axis missing?"
    if len(got) == 4 and sorted(got[1:]) == sorted(sizes):
        return "; channels come last: should one of them be np.moveaxis(x, 1, -1)?"
    if len(got) > 1 and len(sizes) == len(want) and math.prod(got[1:]) == math.prod(sizes):
        return f"; x.reshape({', '.join(map(str, ('len(x)', *want)))}) has it"
    return ""


def same_length(data: Data, name: str) -> Data:
    """The data.  Raises ShapeError unless all arrays hold equally many samples, at least one."""
    sizes = {"x": [len(a) for a in data.x], "y": [len(a) for a in data.y]}
    if data.weight is not None:
        sizes["sample_weight"] = [len(data.weight)]
    flat = {n for part in sizes.values() for n in part}
    if len(flat) > 1:
        told = ", ".join(f"{n} {' and '.join(map(str, v))}" for n, v in sizes.items() if v)
        raise ShapeError(f"{name}: expected equally many samples everywhere, got {told}")
    if flat == {0}:
        raise ShapeError(f"{name}: expected at least one sample, got none")
    return data


def split(data: Data, share: float) -> tuple[Data, Data]:
    """The first samples and the last ones, which are the `share` for validation, as Keras cuts them.

    Raises:
        ValueError: if one part would be empty.
    """
    if not 0 < share < 1:
        raise ValueError(f"validation_split must be between 0 and 1, got {share}")
    at = int(np.floor(len(data) * (1 - share)))
    if at in (0, len(data)):
        raise ValueError(f"validation_split={share} of {len(data)} samples leaves nothing on one side")
    return data.part(0, at), data.part(at, len(data))


class Feed:
    """Copies samples of an array into an input of a program, converting the dtype batch by batch."""

    def __init__(self, source: np.ndarray, home: np.ndarray) -> None:
        self.source, self.home = source, home
        whole = source.flags.c_contiguous and source.dtype.isnative
        self.into = home if whole and source.dtype == home.dtype else None
        if whole and self.into is None:
            self.into = np.empty(home.shape, source.dtype)
        self.converts = self.into is not home

    def pick(self, rows: np.ndarray) -> None:
        """Copy the samples of these numbers."""
        if self.into is None:  # np.take would first copy the whole array
            np.copyto(self.home, self.source[rows], casting="unsafe")
            return
        self.source.take(rows, 0, self.into, "clip")  # "raise" would go through one more buffer
        if self.converts:
            np.copyto(self.home, self.into, casting="unsafe")

    def span(self, first: int, last: int) -> None:
        """Copy samples [first, last)."""
        np.copyto(self.home, self.source[first:last], casting="unsafe")
