"""Shape and dtype of a value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

#: a size, or the name of a size that is not known yet (the batch of an exported graph)
Dim = int | str

DTYPES = ("float32", "int32", "int64", "int8", "uint8", "bool")


class ShapeError(ValueError):
    """Shapes that do not fit together; the message says what was received and what was expected."""


@dataclass(frozen=True)
class Spec:
    """Shape and dtype of a value.

    >>> Spec(("batch", 28, 28, 1)).bind({"batch": 32}).size
    25088
    """

    shape: tuple[Dim, ...]
    dtype: str = "float32"

    @staticmethod
    def of(shape: Iterable[Dim], dtype: str = "float32") -> Spec:
        """A spec with plain Python sizes.  Raises ShapeError for a negative size."""
        dims = tuple(d if isinstance(d, str) else int(d) for d in shape)
        if any(isinstance(d, int) and d < 0 for d in dims):
            raise ShapeError(f"a shape holds no negative size, got {dims}")
        return Spec(dims, dtype)

    @property
    def rank(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def known(self) -> bool:
        """Whether every size is a number."""
        return all(isinstance(d, int) for d in self.shape)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape as numbers.  Raises ShapeError where a size is still a name."""
        if not self.known:
            names = [d for d in self.shape if isinstance(d, str)]
            raise ShapeError(f"the shape {self.shape} is not known yet: bind {', '.join(names)} to a number first")
        return tuple(d for d in self.shape if isinstance(d, int))

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.sizes)

    @property
    def size_bytes(self) -> int:
        """Memory of a value."""
        return self.size * np.dtype(self.dtype).itemsize

    def bind(self, sizes: Mapping[str, int]) -> Spec:
        """The spec with names replaced by `sizes`."""
        return Spec(tuple(sizes.get(d, d) if isinstance(d, str) else d for d in self.shape), self.dtype)

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)}".replace("'", "")
