"""Initializers of random numbers whose spread is given."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .initializer import SeededInitializer


class RandomNormal(SeededInitializer):
    """Normal numbers of given mean and standard deviation.

    Args:
        mean: their mean.
        stddev: their standard deviation.
        seed: None or an integer of at least 0.
    """

    aliases = ("normal",)

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        """A float32 array of this shape."""
        return self.draw(shape, lambda generator, n: generator.normal(self.mean, self.stddev, n))


class RandomUniform(SeededInitializer):
    """Uniform numbers in [minval, maxval).

    Args:
        minval: lower end.
        maxval: upper end.
        seed: None or an integer of at least 0.
    """

    aliases = ("uniform",)

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        """A float32 array of this shape."""
        return self.draw(shape, lambda generator, n: generator.uniform(self.minval, self.maxval, n))


class TruncatedNormal(SeededInitializer):
    """Normal numbers; those farther than two standard deviations from the mean are drawn again.

    Args:
        mean: mean of the distribution before it is cut.
        stddev: its standard deviation before it is cut.
        seed: None or an integer of at least 0.

    >>> bool(abs(TruncatedNormal(stddev=1.0, seed=0)((1000,))).max() <= 2)
    True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        """A float32 array of this shape."""
        return self.draw(shape, lambda generator, n: self.mean + self.stddev * cut_normal(generator, n))


def cut_normal(generator: np.random.Generator, count: int) -> np.ndarray:
    """Standard normal numbers between -2 and 2."""
    z = generator.standard_normal(count)
    while (far := np.flatnonzero(np.abs(z) > 2)).size:
        z[far] = generator.standard_normal(far.size)
    return z


class Orthogonal(SeededInitializer):
    """Orthogonal rows or columns (whichever are fewer) of the matrix (all axes but the last) × (last axis).

    Q of the QR decomposition of a matrix of normal numbers, its signs chosen so that all orthogonal matrices are
    equally likely (Saxe et al. 2014, arXiv:1312.6120).

    Args:
        gain: length of the orthogonal rows or columns.
        seed: None or an integer of at least 0.

    Raises:
        ValueError: when called with a shape of fewer than two axes.

    >>> w = Orthogonal(seed=0)((3, 3, 2, 4)).reshape(18, 4)
    >>> bool(np.allclose(w.T @ w, np.eye(4), atol=1e-6))
    True
    """

    aliases = ("OrthogonalInitializer",)

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        """A float32 array of this shape."""
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: expected a shape of at least two axes, got {tuple(shape)}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        z = self.generator().standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(z)
        q *= np.where(np.diag(r) < 0, -1, 1)
        return (self.gain * (q if rows >= columns else q.T)).reshape(shape).astype(np.float32)
