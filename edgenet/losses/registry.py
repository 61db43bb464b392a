"""How a name, a function or a config becomes a loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgenet.utils.registry import Registry

from .loss import REDUCTIONS, FunctionLoss, Loss, NamedLoss, known_classes

_registry = Registry("loss", known_classes)


def get(identifier: Any) -> Loss:
    """The loss of a name, a function, a loss, its class or its config.

    Raises:
        ValueError: for a name that is not known.
        TypeError: for anything else.

    >>> get("mse").name, get("sparse_categorical_crossentropy").labels
    ('mean_squared_error', 'int32')
    """
    if identifier is None:
        raise TypeError(_registry.refusal(identifier))
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    found = _registry.get(identifier, Loss)
    if isinstance(found, Loss):
        return found
    cls = known_classes.get(getattr(found, "__name__", ""))
    if cls is not None and issubclass(cls, NamedLoss) and cls.function is found:
        return cls()  # the function of this library: its loss can be saved by name
    return FunctionLoss(found)


def serialize(loss: Loss) -> dict[str, Any]:
    """What `deserialize` makes the loss again from, as JSON can hold it; a function is kept by its name."""
    if isinstance(loss, FunctionLoss):
        return {"function": loss.name, "reduction": loss.reduction}
    told: dict[str, Any] = _registry.serialize(loss)
    return told


def deserialize(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None) -> Loss:
    """The loss of a config.  Raises ValueError for one whose function or class is not known."""
    custom = dict(custom_objects or {})
    if "function" in config:
        name = config["function"]
        if name not in custom:
            raise ValueError(f"the loss is a function {name!r}: pass custom_objects={{{name!r}: function}}")
        return FunctionLoss(custom[name], name, config.get("reduction", REDUCTIONS[0]))
    made: Loss = _registry.deserialize(config, custom_objects)
    return made
