"""The base of all initializers, and how a name, a class or a config becomes one."""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from edgenet.utils.random import new_seed
from edgenet.utils.registry import Registry

#: functions and classes of one's own that configs refer to by name
custom_initializers: dict[str, Any] = {}
#: random numbers that are drawn at once
PIECE = 1 << 20


class Initializer:
    """A recipe for the first value of a weight.

    A subclass overrides ``__call__``; arguments of its constructor that are kept under the same names come back from
    ``get_config``.

    >>> class Halves(Initializer):
    ...     def __call__(self, shape, dtype=None):
    ...         return np.full(shape, 0.5, np.float32)
    >>> get("halves")((2,))
    array([0.5, 0.5], dtype=float32)
    """

    aliases: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        for name in (cls.__name__, snake, *cls.aliases):
            _classes.setdefault(name, cls)

    def __call__(self, shape: Sequence[int], dtype: Any = None) -> np.ndarray:
        """A float32 array of this shape."""
        raise NotImplementedError(f"{type(self).__name__}.__call__")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, as JSON can hold them."""
        names = [n for n in inspect.signature(type(self)).parameters]
        return {n: _plain(getattr(self, n)) for n in names}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Initializer:
        """The initializer of a config."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


_classes: dict[str, type[Initializer]] = {}


class SeededInitializer(Initializer):
    """An initializer that draws random numbers.

    As in Keras 3 the same object gives the same numbers for the same shape each time, with `seed` or without; two
    objects without `seed` differ, and both repeat after `edgenet.utils.set_random_seed`.
    """

    def __init__(self, seed: Any = None) -> None:
        if seed is not None and (not isinstance(seed, int | np.integer) or seed < 0):
            raise ValueError(f"{type(self).__name__}: seed must be None or an integer of at least 0, got {seed!r}")
        self.seed: int | None = None if seed is None else int(seed)
        self._drawn = new_seed() if seed is None else int(seed)

    def generator(self) -> np.random.Generator:
        """A generator at the start of the object's numbers."""
        return np.random.default_rng(self._drawn)

    def draw(self, shape: Sequence[int], numbers: Callable[[np.random.Generator, int], np.ndarray]) -> np.ndarray:
        """A float32 array of this shape, filled by ``numbers(generator, count)``.

        They come as float64, in pieces: of a large array as a whole they would take twice its memory.
        """
        array, generator = np.empty(math.prod(shape), np.float32), self.generator()
        for first in range(0, array.size, PIECE):
            part = array[first : first + PIECE]
            part[:] = numbers(generator, part.size)
        return array.reshape(shape)


_registry = Registry("initializer", _classes, custom_initializers)


def get(identifier: Any) -> Callable[[Sequence[int]], np.ndarray] | None:
    """The initializer of a name, a class, a config or a function of a shape; None stays None.

    Raises:
        ValueError: for a name that is not known.
        TypeError: for anything else.

    >>> get("glorot_uniform"), get({"class_name": "Constant", "config": {"value": 2.0}})
    (GlorotUniform(seed=None), Constant(value=2.0))
    """
    made: Callable[[Sequence[int]], np.ndarray] | None = _registry.get(identifier)
    return made


def serialize(initializer: Any) -> Any:
    """What `get` makes the initializer again from, as JSON can hold it; a function is kept by its name."""
    return _registry.serialize(initializer)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The initializer of a config.  Raises ValueError for one whose class is not known."""
    return _registry.deserialize(config, custom_objects)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
