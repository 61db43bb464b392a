"""How a name, a function or a config becomes a metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgenet import losses
from edgenet.utils.registry import Registry

from .accuracy import binary_accuracy, categorical_accuracy, sparse_categorical_accuracy
from .metric import Function, MeanMetricWrapper, Metric, known_classes


def _accuracy_for(y_true: Sequence[Any], y_pred: Sequence[Any]) -> Function:
    """Which accuracy is meant, by the rule of Keras: the shapes of targets and predictions decide."""
    return (sparse_categorical_accuracy, categorical_accuracy, binary_accuracy)[_kind(y_true, y_pred)]


def _crossentropy_for(y_true: Sequence[Any], y_pred: Sequence[Any]) -> Function:
    return (
        losses.sparse_categorical_crossentropy,
        losses.categorical_crossentropy,
        losses.binary_crossentropy,
    )[_kind(y_true, y_pred)]


def _kind(y_true: Sequence[Any], y_pred: Sequence[Any]) -> int:
    """0 for labels, 1 for one-hot targets, 2 for decisions."""
    if len(y_pred) < 2 or y_pred[-1] == 1:
        return 2
    return 0 if len(y_true) < len(y_pred) or y_true[-1] == 1 else 1


_BY_SHAPE = {
    "accuracy": _accuracy_for,
    "acc": _accuracy_for,
    "crossentropy": _crossentropy_for,
    "ce": _crossentropy_for,
}
_registry = Registry("metric", known_classes, also=("accuracy",))


def get(identifier: Any, y_true: Sequence[Any] = (None, 2), y_pred: Sequence[Any] = (None, 2)) -> Metric:
    """The metric of a name, a function, a metric or its config.

    ``"accuracy"`` and ``"acc"`` mean binary, sparse categorical or categorical accuracy after the shapes of targets and
    predictions (with their batch), as in Keras; ``"crossentropy"`` and ``"ce"`` likewise.

    >>> get("accuracy", (32,), (32, 10)).fn.__name__, get("mse").name
    ('sparse_categorical_accuracy', 'mse')
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, str):
        if identifier.lower() in _BY_SHAPE:
            return MeanMetricWrapper(_BY_SHAPE[identifier.lower()](y_true, y_pred), identifier)
        cls: Any = _registry.named(identifier)
        try:
            made: Metric = cls() if identifier == cls.__name__ else cls(name=identifier)
        except TypeError as error:
            raise ValueError(
                f"the metric {identifier!r} needs arguments: pass edgenet.metrics.{cls.__name__}(…)"
            ) from error
        return made
    if isinstance(identifier, Mapping):
        return get(deserialize(identifier), y_true, y_pred)
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        return identifier()
    if isinstance(identifier, losses.Loss):
        return MeanMetricWrapper(identifier.call, identifier.name, labels=identifier.labels)
    if callable(identifier):
        return MeanMetricWrapper(identifier, getattr(identifier, "name", None))
    raise TypeError(_registry.refusal(identifier))


def serialize(identifier: Any) -> Any:
    """What `deserialize` makes the metric again from, as JSON can hold it; a function is kept by its name."""
    if isinstance(identifier, str):
        return identifier
    if isinstance(identifier, type) and issubclass(identifier, Metric):
        identifier = identifier()
    if isinstance(identifier, Metric) and type(identifier) is not MeanMetricWrapper:
        return _registry.serialize(identifier)
    return {"function": getattr(identifier, "name", None) or getattr(identifier, "__name__", type(identifier).__name__)}


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The metric of a config.  Raises ValueError for one whose function or class is not known."""
    if isinstance(config, str):
        return config
    if "function" not in config:
        return _registry.deserialize(config, custom_objects)
    name = config["function"]
    found = _registry.find(name, custom_objects)
    if found is None:
        raise ValueError(f"unknown metric {name!r}: pass custom_objects={{{name!r}: function}}")
    return found
