"""The base of all regularizers, the usual ones, and how a name, a function or a config becomes one."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from edgenet import ops
from edgenet.graph import ShapeError, Value
from edgenet.utils.registry import Registry

#: functions and classes of one's own that configs refer to by name
custom_regularizers: dict[str, Any] = {}


class Regularizer:
    """A function of a weight's symbolic value that gives a scalar.

    >>> class Drift(Regularizer):
    ...     "The square of the mean."
    ...     def __call__(self, w):
    ...         return ops.square(ops.mean(w))
    >>> get("Drift")
    Drift()
    """

    names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in (cls.__name__, *cls.names):
            _classes.setdefault(name, cls)

    def __call__(self, w: Value) -> Value:
        """The penalty."""
        raise NotImplementedError(f"{type(self).__name__}.__call__")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {n: getattr(self, n) for n in inspect.signature(type(self)).parameters}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Regularizer:
        """The regularizer of a config."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


_classes: dict[str, type[Regularizer]] = {}


def _factor(owner: Regularizer, name: str, value: Any) -> float:
    value = 0.0 if value is None else value
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or not math.isfinite(value):
        raise ValueError(f"{type(owner).__name__}: {name} must be a finite number of at least 0, got {value!r}")
    return float(value)


class L1L2(Regularizer):
    """l1 · sum |w| + l2 · sum w².

    Args:
        l1: factor of the sum of absolute values.
        l2: factor of the sum of squares.

    Raises:
        ValueError: if a factor is negative or not finite.
    """

    names = ("l1_l2",)

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1, self.l2 = _factor(self, "l1", l1), _factor(self, "l2", l2)

    def __call__(self, w: Value) -> Value:
        """The penalty."""
        parts = [ops.sum(f(w)) * factor for f, factor in ((ops.abs, self.l1), (ops.square, self.l2)) if factor]
        if not parts:
            return ops.sum(w * 0.0)
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]


class L1(Regularizer):
    """l1 · sum |w|.  Raises ValueError if l1 is negative or not finite."""

    names = ("l1",)

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = _factor(self, "l1", l1)

    def __call__(self, w: Value) -> Value:
        """The penalty."""
        return ops.sum(ops.abs(w)) * self.l1


class L2(Regularizer):
    """l2 · sum w².  Raises ValueError if l2 is negative or not finite."""

    names = ("l2",)

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = _factor(self, "l2", l2)

    def __call__(self, w: Value) -> Value:
        """The penalty."""
        return ops.sum(ops.square(w)) * self.l2


class OrthogonalRegularizer(Regularizer):
    """factor · mean over all pairs of rows (or columns) of |cos| of the angle between them, for a matrix w.

    Args:
        factor: strength of the penalty.
        mode: ``"rows"`` or ``"columns"``.

    Raises:
        ValueError: if the factor is negative or not finite, or for another mode.
        ShapeError: when called on something that is no matrix of at least two rows (or columns).
    """

    names = ("orthogonal", "orthogonal_regularizer")

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        if mode not in ("rows", "columns"):
            raise ValueError(f"OrthogonalRegularizer: mode must be 'rows' or 'columns', got {mode!r}")
        self.factor, self.mode = _factor(self, "factor", factor), mode

    def __call__(self, w: Value) -> Value:
        """The penalty."""
        rows, axis = self.mode == "rows", 1 if self.mode == "rows" else 0
        if len(w.shape) != 2 or w.shape[1 - axis] < 2:
            raise ShapeError(f"OrthogonalRegularizer: expected a matrix of at least two {self.mode}, got {w.shape}")
        size = w.shape[1 - axis]
        unit = w / ops.sqrt(ops.maximum(ops.sum(ops.square(w), axis, keepdims=True), np.float32(1e-12)))
        product = ops.dense(unit, unit, transpose_w=True) if rows else ops.dense(unit, unit, transpose_x=True)
        others = 1 - np.eye(size, dtype=np.float32)
        return ops.sum(ops.abs(product * others)) * np.float32(self.factor / (size * (size - 1)))


_registry = Registry("regularizer", _classes, custom_regularizers)


def get(identifier: Any) -> Callable[[Value], Value] | None:
    """The regularizer of a name, a class, a config or a function of a symbolic value; None stays None.

    Raises:
        ValueError: for a name that is not known.
        TypeError: for anything else.

    >>> get("l1_l2"), get({"class_name": "L2", "config": {"l2": 0.5}})
    (L1L2(l1=0.0, l2=0.0), L2(l2=0.5))
    """
    made: Callable[[Value], Value] | None = _registry.get(identifier)
    return made


def serialize(regularizer: Any) -> Any:
    """What `get` makes the regularizer again from, as JSON can hold it; a function is kept by its name."""
    return _registry.serialize(regularizer)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The regularizer of a config.  Raises ValueError for one whose class is not known."""
    return _registry.deserialize(config, custom_objects)
