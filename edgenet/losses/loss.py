"""The base of all losses, and how a name, a function or a config becomes one."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from edgenet import ops
from edgenet.graph import ShapeError, Value

REDUCTIONS = ("sum_over_batch_size", "mean", "sum")


def snake_case(name: str) -> str:
    """``"MeanSquaredError"`` to ``"mean_squared_error"``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class Loss:
    """One number from targets and predictions.

    A subclass overrides ``call``, whose values (one for each sample, as a rule) are averaged, or added up where
    `reduction` is ``"sum"``.

    Args:
        name: what messages call the loss; the class's name in snake case by default.
        reduction: ``"sum_over_batch_size"`` (the mean over all values) or ``"sum"``.
    """

    #: dtype in which targets are handed to `call`
    labels: str = "float32"
    aliases: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str | None = None, reduction: str = "sum_over_batch_size") -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(f"{type(self).__name__}: reduction must be one of {REDUCTIONS}, got {reduction!r}")
        self.name = name or snake_case(type(self).__name__)
        self.reduction = reduction

    def __init_subclass__(cls, named: bool = True, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name in (cls.__name__, snake_case(cls.__name__), *cls.aliases) if named else ():
            _classes.setdefault(name, cls)

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """The values that are averaged."""
        raise NotImplementedError(f"{type(self).__name__}.call")

    def __call__(self, y_true: Value, y_pred: Value, sample_weight: Value | None = None) -> Value:
        """The loss as a scalar; `sample_weight` holds one factor for each sample.

        Raises:
            ShapeError: if targets and predictions do not fit together.
        """
        try:
            values = self.call(y_true, y_pred)
        except ShapeError as error:
            text = str(error)
            raise ShapeError(text if text.startswith("loss ") else f"loss {self.name}: {text}") from None
        if not isinstance(values, Value):
            raise TypeError(f"loss {self.name}: expected a symbolic value of edgenet.ops, got {type(values).__name__}")
        if sample_weight is not None:
            if not values.shape:
                raise ShapeError(f"loss {self.name}: sample weights need one value a sample; it returns a scalar")
            values = values * ops.reshape(sample_weight, (values.shape[0], *(1,) * (len(values.shape) - 1)))
        reduce = ops.sum if self.reduction == "sum" else ops.mean
        return reduce(values) if values.shape else values

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        names = inspect.signature(type(self).__init__).parameters
        return {n: getattr(self, n) for n in names if n != "self"}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"


_classes: dict[str, type[Loss]] = {}


class FunctionLoss(Loss, named=False):
    """A loss made of a function ``(y_true, y_pred) -> values``; targets reach it as float32."""

    def __init__(self, fn: Callable[..., Any], name: str | None = None, reduction: str = "sum_over_batch_size") -> None:
        super().__init__(name or getattr(fn, "__name__", type(fn).__name__), reduction)
        self.fn = fn
        self.labels = getattr(fn, "labels", "float32")

    def call(self, y_true: Value, y_pred: Value) -> Value:
        """What the function returns."""
        value: Value = self.fn(y_true, y_pred)
        return value


def get(identifier: Any) -> Loss:
    """The loss of a name, a function, a loss or its config.

    >>> get("mse").name, get("sparse_categorical_crossentropy").labels
    ('mean_squared_error', 'int32')
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, str):
        if identifier in _classes:
            return _classes[identifier]()
        known = sorted(n for n in _classes if n == n.lower())
        raise ValueError(f"unknown loss {identifier!r}: expected one of {', '.join(known)}, or a function")
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    if callable(identifier):
        return FunctionLoss(identifier)
    raise TypeError(f"a loss is a name, a Loss or a function (y_true, y_pred), got {identifier!r}")


def serialize(loss: Loss) -> dict[str, Any]:
    """What `deserialize` makes the loss again from, as JSON can hold it; a function is kept by its name."""
    if isinstance(loss, FunctionLoss):
        return {"function": loss.name, "reduction": loss.reduction}
    return {"class_name": type(loss).__name__, "config": loss.get_config()}


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Loss:
    """The loss of a config.  Raises ValueError for one whose function or class is not known."""
    custom = dict(custom_objects or {})
    if "function" in config:
        name = config["function"]
        if name not in custom:
            raise ValueError(f"the loss is a function {name!r}: pass custom_objects={{{name!r}: function}}")
        return FunctionLoss(custom[name], name, config.get("reduction", REDUCTIONS[0]))
    name = str(config.get("class_name"))
    cls = custom.get(name, _classes.get(name))
    if cls is None:
        raise ValueError(f"unknown loss class {name!r}: pass custom_objects={{{name!r}: class}}")
    made: Loss = cls(**config.get("config", {}))
    return made


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


def _list(shape: tuple[Any, ...]) -> str:
    return f"({', '.join(map(str, shape))})"
