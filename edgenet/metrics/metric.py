"""The base of all metrics: numbers that add up over batches, and what is made of their sum.

A metric is two functions.  ``counts`` turns a batch of targets and predictions into one vector, written with
`edgenet.ops`; the vectors of all batches are added; ``figure`` makes the result of the sum, with NumPy.  So the
programs of `fit` and `evaluate` emit one vector a metric and batch, and precision, AUC or R² come out over all samples,
not as a mean over batches.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from edgenet import ops
from edgenet.graph import ShapeError, Value
from edgenet.ops.arrays import on_arrays

Function = Callable[..., Any]
#: what metrics of Keras make their variables with
VARIABLES = ("add_variable", "add_weight")


def snake_case(name: str) -> str:
    """``"MeanSquaredError"`` to ``"mean_squared_error"``, ``"KLDivergence"`` to ``"kl_divergence"``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


class Metric:
    """A figure of targets and predictions, of one batch after the other.

    A subclass overrides ``counts`` and ``figure``.  In `compile` both are used by the model; on arrays a metric keeps
    the sum of its counts: ``update_state(y_true, y_pred)``, ``result()``, ``reset_state()``.

    Args:
        name: the key in ``History.history``; the class's name in snake case by default.
        dtype: None or ``"float32"``.

    >>> from edgenet import ops
    >>> class Bias(Metric):
    ...     def counts(self, y_true, y_pred, sample_weight=None):
    ...         return ops.flat(ops.sum(y_pred - y_true), ops.sum(y_true))
    ...     def figure(self, counts):
    ...         return counts[0] / counts[1]
    >>> metric = Bias()
    >>> metric.update_state([1.0, 3.0], [2.0, 3.0])
    >>> metric.update_state([4.0, 2.0], [4.0, 6.0])
    >>> metric.name, float(metric.result())
    ('bias', 0.5)
    """

    #: dtype in which targets are handed to `counts`
    labels: str = "float32"
    aliases: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        if dtype not in (None, "float32", np.float32):
            raise ValueError(f"{type(self).__name__}: metrics of a model are float32, got dtype={dtype!r}")
        self.name = name or snake_case(type(self).__name__)
        self.dtype = dtype and "float32"
        self._sum: np.ndarray | None = None

    def __init_subclass__(cls, named: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in (cls.__name__, snake_case(cls.__name__), *cls.aliases) if named else ():
            known_classes.setdefault(name, cls)

    # what a metric is ------------------------------------------------------------------------------------------------

    def counts(self, y_true: Value, y_pred: Value, sample_weight: Value | None = None) -> Value:
        """A vector whose size does not depend on the batch."""
        raise NotImplementedError(f"{type(self).__name__}.counts: override it to use the metric in model.compile")

    def figure(self, counts: np.ndarray) -> Any:
        """The result, of the sum of all counts in float64."""
        raise NotImplementedError(f"{type(self).__name__}.figure")

    def emit(self, y_true: Value, y_pred: Value, sample_weight: Value | None = None) -> Value:
        """The counts, with the name of the metric in errors."""
        try:
            found = self.counts(y_true, y_pred, sample_weight)
        except ShapeError as error:
            raise ShapeError(f"metric {self.name}: {error}") from None
        if not isinstance(found, Value):
            raise TypeError(f"metric {self.name}: expected a symbolic value, got {type(found).__name__}")
        return found

    if not TYPE_CHECKING:  # a checker should go on refusing names that are not there

        def __getattr__(self, name: str) -> Any:
            """Say what a metric has in place of variables."""
            told = "; a metric keeps no variables: override counts and figure" if name in VARIABLES else ""
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{told}")

    # on arrays -------------------------------------------------------------------------------------------------------

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add samples.

        Args:
            y_true: targets, an array or a list.
            y_pred: predictions.
            sample_weight: one factor for each sample.

        Raises:
            ShapeError: if targets and predictions do not fit together.
        """
        arrays = [_numbers(y_true, self.labels), _numbers(y_pred)]
        if sample_weight is not None:
            weight = _numbers(sample_weight)
            arrays.append(np.broadcast_to(weight, arrays[1].shape[:1]) if weight.ndim == 0 else weight)
        n = len(arrays[1]) if arrays[1].ndim else 1
        step = min(self.at_once(arrays[1].size // max(n, 1)), max(n, 1))
        for first in range(0, max(n, 1), step):
            parts = arrays if step >= n else [a[first : first + step] for a in arrays]
            self._add(on_arrays(self.emit, *parts))

    def at_once(self, size: int) -> int:
        """How many samples, with predictions of `size` numbers, are counted at once; by default all."""
        return sys.maxsize

    def _add(self, found: np.ndarray) -> None:
        if self._sum is not None and self._sum.shape != found.shape:
            raise ShapeError(f"metric {self.name}: these predictions have other sizes than those before; reset_state()")
        self._sum = found.astype(np.float64) + (0.0 if self._sum is None else self._sum)

    def result(self) -> Any:
        """The figure of all samples since `reset_state`; 0 of none."""
        return 0.0 if self._sum is None else self.figure(self._sum)

    def reset_state(self) -> None:
        """Forget all samples."""
        self._sum = None

    reset_states = reset_state

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Add samples and return the figure of all so far."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()

    # description -----------------------------------------------------------------------------------------------------

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        names = inspect.signature(type(self).__init__).parameters
        return {n: getattr(self, n) for n in names if n not in ("self", "kwargs")}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """The metric of a config."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


known_classes: dict[str, type[Metric]] = {}
"""every metric class by its names"""


class MeanMetricWrapper(Metric, named=False):
    """The (weighted) mean of what a function ``(y_true, y_pred, **kwargs) -> values`` returns.

    Args:
        fn: the function, of symbolic values.
        name: the key in ``History.history``; the function's name by default.
        dtype: None or ``"float32"``.
        labels: dtype in which the function takes the targets, ``"float32"`` or ``"int32"``.
        kwargs: further arguments of the function.
    """

    def __init__(
        self, fn: Function, name: str | None = None, dtype: Any = None, labels: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(name or str(getattr(fn, "__name__", type(fn).__name__)), dtype)
        self.fn, self.kwargs = fn, kwargs
        self.labels = labels or str(getattr(fn, "labels", "float32"))

    def counts(self, y_true: Value, y_pred: Value, sample_weight: Value | None = None) -> Value:
        """The sum of the values and their number, or the sum of their weights."""
        values = self.fn(y_true, y_pred, **self.kwargs)
        if not isinstance(values, Value):
            raise TypeError(f"metric {self.name}: expected a symbolic value, got {type(values).__name__}")
        if sample_weight is None or not values.shape:
            return ops.flat(ops.sum(values) if values.shape else values, _one(y_pred, values.spec.size))
        weight = beside(sample_weight, values)
        return ops.flat(ops.sum(values * weight), ops.sum(weight))

    def figure(self, counts: np.ndarray) -> Any:
        """The mean, 0 of nothing."""
        return float(ratio(counts[0], counts[1]))


def _one(value: Value, number: float) -> Value:
    """A constant of the graph of a value."""
    return value.graph.constant(np.array(number, np.float32), "count")


def beside(weight: Value, values: Value) -> Value:
    """Weights of samples in the shape of the values.  Raises ShapeError if they do not fit."""
    given, wanted = weight.shape, values.shape
    shape = given[:-1] if len(given) == len(wanted) + 1 and given[-1] == 1 else given
    if len(shape) > len(wanted) or shape[:1] != wanted[:1]:
        raise ShapeError(f"sample_weight of shape {given} does not fit values of shape {wanted}")
    shape = (*shape, *(1,) * (len(wanted) - len(shape)))
    weight = weight if shape == given else ops.reshape(weight, shape)
    return weight if shape == wanted else ops.broadcast_to(weight, wanted)


def fitted(y_true: Value, shape: Sequence[Any], what: str = "y_pred's shape") -> Value:
    """`y_true` in `shape`, from which it may differ by a last axis of size 1.  Raises ShapeError otherwise."""
    shape = tuple(shape)
    if y_true.shape == shape:
        return y_true
    if (*y_true.shape, 1) == shape or y_true.shape == (*shape, 1):
        return ops.reshape(y_true, shape)
    raise ShapeError(f"expected y_true of {what}, {shape}, got {y_true.shape}")


def indicators(y_true: Value, y_pred: Value) -> Value:
    """Targets 0 or 1 in the shape of the predictions (…, classes); labels (…) or (…, 1) become one-hot."""
    shape = y_pred.shape
    if y_true.shape != shape and len(shape) > 1 and shape[-1] != 1 and y_true.shape in (shape[:-1], (*shape[:-1], 1)):
        return ops.equal(ops.reshape(y_true, (*shape[:-1], 1)), np.arange(shape[-1], dtype=np.float32))
    return 1 - ops.equal(fitted(y_true, shape), 0.0)


def ratio(a: Any, b: Any) -> Any:
    """a / b, 0 where b is 0."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b != 0)


def _numbers(given: Any, labels: str = "float32") -> np.ndarray:
    array = np.asarray(given)
    if labels == "int32":
        return array.astype(np.int64)
    return array if array.dtype.kind == "f" else array.astype(np.float64)
