"""The base of all losses: from targets and predictions, symbolic or arrays, to one number."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar, cast

import numpy as np

from edgenet import ops
from edgenet.graph import ShapeError, Value
from edgenet.ops.arrays import on_arrays

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None)

F = TypeVar("F", bound=Callable[..., Any])


def snake_case(name: str) -> str:
    """``"MeanSquaredError"`` to ``"mean_squared_error"``, ``"KLDivergence"`` to ``"kl_divergence"``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def numbers(given: Any) -> np.ndarray:
    """An array of floating point numbers; those of a lower precision stay as they are."""
    array = np.asarray(given)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def targets(given: Any, labels: str) -> np.ndarray:
    """Targets as an array that is handed to a graph as `labels`.  Raises ValueError where labels have fractions."""
    array = np.asarray(given)
    if labels != "int32":
        return numbers(array)
    whole = array.astype(np.int64)
    if array.dtype.kind not in "iub" and not np.array_equal(whole, array):
        raise ValueError(f"labels must be integers, got {array.dtype} with fractions; one-hot targets need another")
    return whole


def for_arrays(labels: str = "float32") -> Callable[[F], F]:
    """Decorator: lets a function ``(y_true, y_pred, …)`` of symbolic values take arrays and lists too.

    Arrays are computed in float64; those of one axis count as one row, so that the result is a number.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def either(y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(y_true, Value) or isinstance(y_pred, Value):
                return function(y_true, y_pred, *args, **kwargs)
            t, p = targets(y_true, labels), numbers(y_pred)
            row = p.ndim < 2
            if row:
                t, p = t.reshape(1, *t.shape), p.reshape(1, *p.shape)
            values = on_arrays(lambda a, b: function(a, b, *args, **kwargs), t, p)
            return values[0] if row and values.ndim else values

        either.labels = labels  # type: ignore[attr-defined]
        return cast(F, either)

    return decorate


class Loss:
    """One number from targets and predictions.

    A subclass overrides ``call``, whose values (one for each sample, as a rule) are averaged, or added up where
    `reduction` is ``"sum"``.  Called on arrays a loss gives a number; in `compile` it becomes part of the program.

    Args:
        name: what messages call the loss; the class's name in snake case by default.
        reduction: ``"sum_over_batch_size"`` or ``"mean"`` (the mean over all values), ``"sum"``,
            ``"mean_with_sample_weight"`` (the weighted mean), or None or ``"none"`` (the values as they are).
        dtype: None or ``"float32"``.

    Raises:
        ValueError: if `reduction` or `dtype` is none of these.
    """

    #: dtype in which targets are handed to `call`
    labels: str = "float32"
    aliases: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str | None = None, reduction: str | None = REDUCTIONS[0], dtype: Any = None) -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(f"{type(self).__name__}: reduction must be one of {REDUCTIONS}, got {reduction!r}")
        if dtype not in (None, "float32", np.float32):
            raise ValueError(f"{type(self).__name__}: losses are computed in float32, got dtype={dtype!r}")
        self.name = name or snake_case(type(self).__name__)
        self.reduction, self.dtype = reduction, dtype and "float32"

    def __init_subclass__(cls, named: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in (cls.__name__, snake_case(cls.__name__), *cls.aliases) if named else ():
            known_classes.setdefault(name, cls)

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """The values that are averaged."""
        raise NotImplementedError(f"{type(self).__name__}.call")

    def mask(self, y_true: Value, y_pred: Value) -> Value | None:
        """1 for each value that counts and 0 for the others, or None where all of them count."""
        return None

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss as a scalar; `sample_weight` holds one factor for each sample.

        Raises:
            ShapeError: if targets and predictions do not fit together.
        """
        if not isinstance(y_pred, Value) and not isinstance(y_true, Value):
            weight = [] if sample_weight is None else [numbers(sample_weight)]
            arrays = (targets(y_true, self.labels), numbers(y_pred), *weight)
            return on_arrays(lambda t, p, *w: self(t, p, *w), *arrays)[()]
        try:
            values = self.call(y_true, y_pred)
        except ShapeError as error:
            text = str(error)
            raise ShapeError(text if text.startswith("loss ") else f"loss {self.name}: {text}") from None
        if not isinstance(values, Value):
            raise TypeError(f"loss {self.name}: expected a symbolic value of edgenet.ops, got {type(values).__name__}")
        return self._reduced(values, sample_weight, self.mask(y_true, y_pred))

    def _reduced(self, values: Value, weight: Value | None, mask: Value | None) -> Value:
        if weight is not None:
            if not values.shape:
                raise ShapeError(f"loss {self.name}: sample weights need one value a sample; it returns a scalar")
            weight = _beside(weight, values, self.name)
            values = values * weight
        if mask is not None:
            values = values * mask
            weight = mask if weight is None else weight * mask
        if not values.shape or self.reduction in ("none", None):
            return values
        if self.reduction == "sum":
            return ops.sum(values)
        if weight is not None and self.reduction == "mean_with_sample_weight":
            return ops.sum(values) / _positive(ops.sum(ops.broadcast_to(weight, values.shape)))
        return ops.mean(values) if mask is None else ops.sum(values) / _positive(ops.sum(mask))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        names = inspect.signature(type(self).__init__).parameters
        return {n: getattr(self, n) for n in names if n != "self"}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Loss:
        """The loss of a config."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


known_classes: dict[str, type[Loss]] = {}
"""every loss class by its names"""


class NamedLoss(Loss, named=False):
    """A loss that is a function of the library; ``call`` is that function.

    Args:
        reduction: as for `Loss`.
        name: what messages call it.
        dtype: None or ``"float32"``.
    """

    function: ClassVar[Callable[..., Any]]

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """One value a row of the last axis."""
        values: Value = type(self).function(y_true, y_pred)
        return values


class FunctionLoss(Loss, named=False):
    """A loss made of a function ``(y_true, y_pred) -> values``; targets reach it as float32."""

    def __init__(self, fn: Callable[..., Any], name: str | None = None, reduction: str | None = REDUCTIONS[0]) -> None:
        super().__init__(name or getattr(fn, "__name__", type(fn).__name__), reduction)
        self.fn = fn
        self.labels = getattr(fn, "labels", "float32")

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """What the function returns."""
        value: Value = self.fn(y_true, y_pred)
        return value


def _positive(total: Value) -> Value:
    """A divisor that is 1 where the total is 0."""
    return total + ops.equal(total, 0.0)


def _beside(weight: Value, values: Value, name: str) -> Value:
    """Weights with as many axes as the values, of which they may lack the last ones."""
    given = weight.shape
    shape = given[:-1] if len(given) == len(values.shape) + 1 and given[-1] == 1 else given
    if shape[:1] != values.shape[:1] or len(shape) > len(values.shape):
        raise ShapeError(f"loss {name}: sample_weight of shape {given} does not fit values of shape {values.shape}")
    wanted = (*shape, *(1,) * (len(values.shape) - len(shape)))
    return weight if wanted == given else ops.reshape(weight, wanted)


def same_rank(y_true: Value, y_pred: Value) -> Value:
    """`y_true` with a last axis of size 1 added or dropped where that gives it the shape of `y_pred`.

    Raises:
        ShapeError: if the shapes still differ.
    """
    a, b = y_true.shape, y_pred.shape
    if a != b and ((*a, 1) == b or a == (*b, 1)):
        y_true = ops.reshape(y_true, b)
    if y_true.shape != b:
        raise ShapeError(f"y_true has shape {_list(a)}, y_pred has shape {_list(b)}: expected equal shapes")
    return y_true


def over_last(values: Value) -> Value:
    """The mean over the last axis; a lone axis is that of the samples and stays."""
    return ops.mean(values, axis=(len(values.shape) - 1,)) if len(values.shape) > 1 else values


def last_axis(what: str, axis: Any) -> None:
    """Raise ValueError unless the axis is the last one."""
    if axis != -1:
        raise ValueError(f"{what}: classes lie on the last axis (axis=-1), got axis={axis!r}")


def share(what: str, smoothing: float) -> float:
    """A label smoothing.  Raises ValueError unless it is between 0 and 1."""
    if not 0 <= smoothing <= 1:
        raise ValueError(f"{what}: label_smoothing must be between 0 and 1, got {smoothing}")
    return smoothing


def _list(shape: tuple[Any, ...]) -> str:
    return f"({', '.join(map(str, shape))})"
