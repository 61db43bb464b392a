"""Accuracies and errors, each a function giving values that are averaged, and the objects that `compile` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from edgenet import ops
from edgenet.graph import ShapeError, Value

Function = Callable[..., Any]


def categorical_accuracy(y_true: Value, y_pred: Value) -> Value:
    """1 where the largest prediction stands at the largest target; both float32 (batch, …, classes)."""
    y_true = _fitted(y_true, y_pred.shape, "y_pred's shape")
    return ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1))


def sparse_categorical_accuracy(y_true: Value, y_pred: Value) -> Value:
    """1 where the largest prediction stands at the label; int32 (batch, …) and float32 (batch, …, classes)."""
    return ops.equal(_fitted(y_true, y_pred.shape[:-1], "labels"), ops.argmax(y_pred, axis=-1))


def binary_accuracy(y_true: Value, y_pred: Value, threshold: float = 0.5) -> Value:
    """1 where ``y_pred > threshold`` agrees with the target, 0 or 1."""
    y_true = _fitted(y_true, y_pred.shape, "y_pred's shape")
    return ops.equal(y_true, ops.greater(y_pred, np.float32(threshold)))


def mean_squared_error(y_true: Value, y_pred: Value) -> Value:
    """(y_pred - y_true)²."""
    return ops.square(y_pred - _fitted(y_true, y_pred.shape, "y_pred's shape"))


def mean_absolute_error(y_true: Value, y_pred: Value) -> Value:
    """|y_pred - y_true|."""
    return ops.abs(y_pred - _fitted(y_true, y_pred.shape, "y_pred's shape"))


sparse_categorical_accuracy.labels = "int32"  # type: ignore[attr-defined]


def _fitted(y_true: Value, shape: tuple[Any, ...], what: str) -> Value:
    """`y_true` in `shape`, from which it may differ by a last axis of size 1."""
    if y_true.shape == shape:
        return y_true
    if (*y_true.shape, 1) == shape or y_true.shape == (*shape, 1):
        return ops.reshape(y_true, shape)
    raise ShapeError(f"expected y_true of {what}, {shape}, got {y_true.shape}")


class Metric:
    """A function ``(y_true, y_pred) -> values`` under a name; the values are averaged.

    Args:
        fn: the function, of symbolic values.
        name: the key in ``History.history``; the function's name by default.
        labels: dtype in which it takes the targets, ``"float32"`` or ``"int32"``.
    """

    def __init__(self, fn: Function, name: str | None = None, labels: str | None = None) -> None:
        self.fn = fn
        self.name = name or str(getattr(fn, "__name__", type(fn).__name__))
        self.labels = labels or str(getattr(fn, "labels", "float32"))

    def __call__(self, y_true: Value, y_pred: Value) -> Value:
        """The mean as a scalar.  Raises ShapeError if targets and predictions do not fit together."""
        try:
            values = self.fn(y_true, y_pred)
        except ShapeError as error:
            raise ShapeError(f"metric {self.name}: {error}") from None
        if not isinstance(values, Value):
            raise TypeError(f"metric {self.name}: expected a symbolic value, got {type(values).__name__}")
        return ops.mean(values) if values.shape else values

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


class CategoricalAccuracy(Metric):
    """How often the largest prediction stands at the largest target; targets one-hot."""

    def __init__(self, name: str = "categorical_accuracy") -> None:
        super().__init__(categorical_accuracy, name)


class SparseCategoricalAccuracy(Metric):
    """How often the largest prediction stands at the label."""

    def __init__(self, name: str = "sparse_categorical_accuracy") -> None:
        super().__init__(sparse_categorical_accuracy, name)


class BinaryAccuracy(Metric):
    """How often ``y_pred > threshold`` agrees with the target."""

    def __init__(self, name: str = "binary_accuracy", threshold: float = 0.5) -> None:
        self.threshold = threshold
        super().__init__(lambda y_true, y_pred: binary_accuracy(y_true, y_pred, threshold), name)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name, "threshold": self.threshold}


class MeanSquaredError(Metric):
    """mean (y_pred - y_true)²."""

    def __init__(self, name: str = "mean_squared_error") -> None:
        super().__init__(mean_squared_error, name)


class MeanAbsoluteError(Metric):
    """mean |y_pred - y_true|."""

    def __init__(self, name: str = "mean_absolute_error") -> None:
        super().__init__(mean_absolute_error, name)


_CLASSES: tuple[type[Any], ...] = (
    CategoricalAccuracy, SparseCategoricalAccuracy, BinaryAccuracy, MeanSquaredError, MeanAbsoluteError,
)  # fmt: skip
_NAMED: dict[str, type[Any]] = {
    **{cls.__name__: cls for cls in _CLASSES},
    **{cls().name: cls for cls in _CLASSES},
    **dict.fromkeys(("mse", "MSE"), MeanSquaredError),
    **dict.fromkeys(("mae", "MAE"), MeanAbsoluteError),
}


def _accuracy_for(y_true: Sequence[Any], y_pred: Sequence[Any]) -> Function:
    """Which accuracy is meant, by the rule of Keras: the shapes of targets and predictions decide."""
    if len(y_pred) < 2 or y_pred[-1] == 1:
        return binary_accuracy
    if len(y_true) < len(y_pred) or y_true[-1] == 1:
        return sparse_categorical_accuracy
    return categorical_accuracy


def get(identifier: Any, y_true: Sequence[Any] = (None, 2), y_pred: Sequence[Any] = (None, 2)) -> Metric:
    """The metric of a name, a function or a metric.

    ``"accuracy"`` and ``"acc"`` mean binary, sparse categorical or categorical accuracy after the shapes of targets and
    predictions (with their batch), as in Keras.

    >>> get("accuracy", (32,), (32, 10)).fn.__name__, get("mse").name
    ('sparse_categorical_accuracy', 'mse')
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, str):
        if identifier.lower() in ("accuracy", "acc"):
            return Metric(_accuracy_for(y_true, y_pred), identifier)
        if identifier in _NAMED:
            made: Metric = _NAMED[identifier](name=identifier)
            return made
        known = sorted({"accuracy", *(n for n in _NAMED if n == n.lower())})
        raise ValueError(f"unknown metric {identifier!r}: expected one of {', '.join(known)}, or a function")
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()  # type: ignore[call-arg]
    if callable(identifier):
        return Metric(identifier, getattr(identifier, "name", None))
    raise TypeError(f"a metric is a name, a Metric or a function (y_true, y_pred), got {identifier!r}")


def serialize(identifier: Any) -> Any:
    """What `deserialize` makes the metric again from, as JSON can hold it; a function is kept by its name."""
    if isinstance(identifier, str):
        return identifier
    if type(identifier) in _CLASSES:
        return {"class_name": type(identifier).__name__, "config": identifier.get_config()}
    return {"function": getattr(identifier, "name", None) or getattr(identifier, "__name__", type(identifier).__name__)}


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The metric of a config.  Raises ValueError for one whose function or class is not known."""
    if isinstance(config, str):
        return config
    name = config.get("function", config.get("class_name"))
    known = {**_NAMED, **(custom_objects or {})}
    if name not in known:
        raise ValueError(f"unknown metric {name!r}: pass custom_objects={{{name!r}: function}}")
    return known[name] if "function" in config else known[name](**config.get("config", {}))
