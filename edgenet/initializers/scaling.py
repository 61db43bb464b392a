"""Initializers whose spread follows from the shape, so that signals keep their size from layer to layer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .initializer import SeededInitializer
from .spread import cut_normal

#: standard deviation of a standard normal distribution that is cut at -2 and 2
CUT_STDDEV = 0.87962566103423978

MODES = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")


def compute_fans(shape: Sequence[int]) -> tuple[int, int]:
    """How many inputs an output depends on, and how many outputs an input changes.

    A kernel (kh, kw, ci, co) has fan_in = kh·kw·ci and fan_out = kh·kw·co.

    >>> compute_fans((784, 500)), compute_fans((3, 3, 3, 32))
    ((784, 500), (27, 288))
    """
    if len(shape) < 2:
        return (shape[0], shape[0]) if shape else (1, 1)
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


class VarianceScaling(SeededInitializer):
    """Random numbers of variance scale / n, where n is a fan of the shape (see `compute_fans`).

    Uniform numbers lie within ±sqrt(3·scale/n); normal ones have the standard deviation sqrt(scale/n), after those
    beyond two deviations were drawn again unless the distribution is ``"untruncated_normal"``.

    Args:
        scale: a positive number.
        mode: n is ``"fan_in"``, ``"fan_out"``, or their mean ``"fan_avg"``.
        distribution: ``"truncated_normal"``, ``"untruncated_normal"`` or ``"uniform"``.
        seed: None or an integer of at least 0.

    Raises:
        ValueError: if an argument is none of these.
    """

    def __init__(
        self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", seed: int | None = None
    ) -> None:
        kind, distribution = type(self).__name__, "truncated_normal" if distribution == "normal" else distribution
        if not scale > 0:
            raise ValueError(f"{kind}: scale must be positive, got {scale}")
        if mode not in MODES:
            raise ValueError(f"{kind}: mode must be one of {MODES}, got {mode!r}")
        if distribution not in DISTRIBUTIONS:
            raise ValueError(f"{kind}: distribution must be one of {DISTRIBUTIONS}, got {distribution!r}")
        super().__init__(seed)
        self.scale, self.mode, self.distribution = scale, mode, distribution

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        """A float32 array of this shape."""
        fan_in, fan_out = compute_fans(shape)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(n, 1)
        limit, stddev = math.sqrt(3 * variance), math.sqrt(variance)
        if self.distribution == "uniform":
            return self.draw(shape, lambda generator, n: generator.uniform(-limit, limit, n))
        if self.distribution == "truncated_normal":
            return self.draw(shape, lambda generator, n: stddev / CUT_STDDEV * cut_normal(generator, n))
        return self.draw(shape, lambda generator, n: generator.normal(0, stddev, n))


class GlorotUniform(VarianceScaling):
    """Uniform within ±sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "uniform", seed)


class GlorotNormal(VarianceScaling):
    """Truncated normal of variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_avg", "truncated_normal", seed)


class HeUniform(VarianceScaling):
    """Uniform within ±sqrt(6 / fan_in) (He et al. 2015, arXiv:1502.01852)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "uniform", seed)


class HeNormal(VarianceScaling):
    """Truncated normal of variance 2 / fan_in (He et al. 2015, arXiv:1502.01852)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(2.0, "fan_in", "truncated_normal", seed)


class LecunUniform(VarianceScaling):
    """Uniform within ±sqrt(3 / fan_in) (LeCun et al. 1998)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "uniform", seed)


class LecunNormal(VarianceScaling):
    """Truncated normal of variance 1 / fan_in (LeCun et al. 1998)."""

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(1.0, "fan_in", "truncated_normal", seed)
