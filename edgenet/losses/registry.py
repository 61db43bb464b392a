"""How a name, a function or a config becomes a loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgenet.utils.spelling import did_you_mean

from .loss import REDUCTIONS, FunctionLoss, Loss, NamedLoss, known_classes


def get(identifier: Any) -> Loss:
    """The loss of a name, a function, a loss, its class or its config.

    >>> get("mse").name, get("sparse_categorical_crossentropy").labels
    ('mean_squared_error', 'int32')
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, str):
        if identifier in known_classes:
            return known_classes[identifier]()
        known = sorted(n for n in known_classes if n == n.lower())
        near = did_you_mean(identifier, known)
        raise ValueError(f"unknown loss {identifier!r}{near}: expected one of {', '.join(known)}, or a function")
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if isinstance(identifier, type) and issubclass(identifier, Loss):
        return identifier()
    if callable(identifier):
        cls = known_classes.get(getattr(identifier, "__name__", ""))
        if cls is not None and issubclass(cls, NamedLoss) and cls.function is identifier:
            return cls()  # the function of this library: its loss can be saved by name
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
    cls = custom.get(name, known_classes.get(name))
    if cls is None:
        raise ValueError(f"unknown loss class {name!r}: pass custom_objects={{{name!r}: class}}")
    made: Loss = cls(**config.get("config", {}))
    return made
