"""The base of all constraints, the usual ones, and how a name, a function or a config becomes one."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from edgenet import ops
from edgenet.graph import Value
from edgenet.utils.registry import Registry

#: functions and classes of one's own that configs refer to by name
custom_constraints: dict[str, Any] = {}
#: what keeps a quotient of norms finite
EPSILON = 1e-7


class Constraint:
    """A function of a weight's symbolic value that gives an allowed value of the same shape.

    Training applies it after every step of the optimizer.

    >>> class Centered(Constraint):
    ...     "Mean 0."
    ...     def __call__(self, w):
    ...         return w - ops.mean(w)
    >>> get("Centered")
    Centered()
    """

    names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in (cls.__name__, *cls.names):
            _classes.setdefault(name, cls)

    def __call__(self, w: Value) -> Value:
        """The allowed value."""
        return w

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {n: getattr(self, n) for n in inspect.signature(type(self)).parameters}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Constraint:
        """The constraint of a config."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({arguments})"


_classes: dict[str, type[Constraint]] = {}

Axis = int | Sequence[int]


def _norms(w: Value, axis: Axis) -> Value:
    """Euclidean norms along the axes, which are kept with size 1."""
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    return ops.sqrt(ops.sum(ops.square(w), axes, keepdims=True))


def _number(owner: Constraint, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0 or not math.isfinite(value):
        raise ValueError(f"{type(owner).__name__}: {name} must be a finite number of at least 0, got {value!r}")
    return value


def _axis(owner: Constraint, axis: Any) -> Any:
    one = isinstance(axis, int | np.integer)
    if not one and not (isinstance(axis, list | tuple) and all(isinstance(a, int | np.integer) for a in axis)):
        raise ValueError(f"{type(owner).__name__}: axis must be an integer or a list of them, got {axis!r}")
    return int(axis) if one else [int(a) for a in axis]


class MaxNorm(Constraint):
    """w · min(‖w‖, max_value) / (1e-7 + ‖w‖), the norm being along `axis`.

    Args:
        max_value: the largest norm.
        axis: the axes of one unit's weights: 0 for a dense kernel (ci, units), [0, 1, 2] for a convolution's
            (kh, kw, ci, co).

    Raises:
        ValueError: if max_value is negative or axis is no integer.
    """

    names = ("max_norm", "maxnorm")

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value, self.axis = _number(self, "max_value", max_value), _axis(self, axis)

    def __call__(self, w: Value) -> Value:
        """The allowed value."""
        norms = _norms(w, self.axis)
        return w * (ops.minimum(norms, np.float32(self.max_value)) / (norms + np.float32(EPSILON)))


class NonNeg(Constraint):
    """max(w, 0)."""

    names = ("non_neg", "nonneg", "NonNegative")

    def __call__(self, w: Value) -> Value:
        """The allowed value."""
        return ops.relu(w)


class UnitNorm(Constraint):
    """w / (1e-7 + ‖w‖), the norm being along `axis`.

    Args:
        axis: the axes of one unit's weights, see `MaxNorm`.

    Raises:
        ValueError: if axis is no integer.
    """

    names = ("unit_norm", "unitnorm")

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = _axis(self, axis)

    def __call__(self, w: Value) -> Value:
        """The allowed value."""
        return w / (_norms(w, self.axis) + np.float32(EPSILON))


class MinMaxNorm(Constraint):
    """w · (rate · min(max(‖w‖, min_value), max_value) + (1 - rate) · ‖w‖) / (1e-7 + ‖w‖), the norm being along `axis`.

    Args:
        min_value: the smallest norm.
        max_value: the largest norm.
        rate: 1 for norms within the bounds, less for a step towards them.
        axis: the axes of one unit's weights, see `MaxNorm`.

    Raises:
        ValueError: if a number is out of range, or axis is no integer.
    """

    names = ("min_max_norm", "minmaxnorm")

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0) -> None:
        self.min_value, self.max_value = _number(self, "min_value", min_value), _number(self, "max_value", max_value)
        if min_value > max_value:
            raise ValueError(f"MinMaxNorm: min_value must not exceed max_value, got {min_value} and {max_value}")
        if not 0 <= rate <= 1:
            raise ValueError(f"MinMaxNorm: rate must be between 0 and 1, got {rate}")
        self.rate, self.axis = rate, _axis(self, axis)

    def __call__(self, w: Value) -> Value:
        """The allowed value."""
        norms = _norms(w, self.axis)
        wanted = ops.clip(norms, self.min_value, self.max_value)
        if self.rate != 1:
            wanted = wanted * np.float32(self.rate) + norms * np.float32(1 - self.rate)
        return w * (wanted / (norms + np.float32(EPSILON)))


_registry = Registry("constraint", _classes, custom_constraints)


def get(identifier: Any) -> Callable[[Value], Value] | None:
    """The constraint of a name, a class, a config or a function of a symbolic value; None stays None.

    Raises:
        ValueError: for a name that is not known.
        TypeError: for anything else.

    >>> get("max_norm"), get({"class_name": "UnitNorm", "config": {"axis": 1}})
    (MaxNorm(max_value=2, axis=0), UnitNorm(axis=1))
    """
    made: Callable[[Value], Value] | None = _registry.get(identifier)
    return made


def serialize(constraint: Any) -> Any:
    """What `get` makes the constraint again from, as JSON can hold it; a function is kept by its name."""
    return _registry.serialize(constraint)


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The constraint of a config.  Raises ValueError for one whose class is not known."""
    return _registry.deserialize(config, custom_objects)
