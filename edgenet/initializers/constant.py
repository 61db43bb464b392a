"""Initializers that draw no random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .initializer import Initializer


class Zeros(Initializer):
    """Zeros."""

    aliases = ("zero",)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        """A float32 array of this shape."""
        return np.zeros(shape, np.float32)


class Ones(Initializer):
    """Ones."""

    aliases = ("one",)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        """A float32 array of this shape."""
        return np.ones(shape, np.float32)


class Constant(Initializer):
    """The same number everywhere, or a given array that broadcasts to the shape.

    >>> Constant(3.0)((2,))
    array([3., 3.], dtype=float32)
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        """A float32 array of this shape."""
        return np.broadcast_to(np.asarray(self.value, np.float32), tuple(shape)).copy()


class Identity(Initializer):
    """gain on the diagonal of a matrix, zeros elsewhere.  Raises ValueError for a shape of other than two axes.

    >>> Identity(2.0)((2, 3))
    array([[2., 0., 0.],
           [0., 2., 0.]], dtype=float32)
    """

    aliases = ("IdentityInitializer",)

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        """A float32 array of this shape."""
        if len(shape) != 2:
            raise ValueError(f"Identity makes matrices: expected a shape of two axes, got {tuple(shape)}")
        return self.gain * np.eye(*shape, dtype=np.float32)
