"""Where random numbers come from: one generator for the library, which `set_random_seed` starts anew."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

_generator = np.random.default_rng()
_started = 0


def set_random_seed(seed: Any) -> None:
    """Make what follows reproducible: initial weights, the order of samples, dropout.

    Seeds this library's generator, and, as Keras does, those of Python and of NumPy.

    Raises:
        ValueError: unless `seed` is an integer from 0 to 2**32 - 1.

    >>> set_random_seed(7); a = new_seed(); set_random_seed(7); a == new_seed()
    True
    """
    global _generator, _started
    valid = isinstance(seed, int | np.integer) and 0 <= seed < 2**32
    if not valid:
        raise ValueError(f"set_random_seed: expected an integer from 0 to 2**32 - 1, got {seed!r}")
    random.seed(int(seed))
    np.random.seed(int(seed))
    _generator = np.random.default_rng(int(seed))
    _started += 1


def new_seed() -> int:
    """A random integer from 0 to 2**63 - 1."""
    return int(_generator.integers(2**63))


def times_seeded() -> int:
    """How often `set_random_seed` was called."""
    return _started
