"""Configs of layers: constructor arguments as JSON can hold them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgenet import activations

#: arguments that every layer takes
COMMON = {"self", "name", "trainable", "dtype"}


def constructor_arguments(layer: Any, base: type) -> dict[str, Any]:
    """The arguments of the layer's constructor, read from the attributes of the same names.

    Where a constructor takes ``**kwargs``, the arguments of the class it derives from count too.
    """
    found: dict[str, Any] = {}
    for cls in type(layer).__mro__:
        if cls is base:
            break
        if "__init__" not in vars(cls):
            continue
        parameters = list(inspect.signature(vars(cls)["__init__"]).parameters.values())
        for p in parameters:
            if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) or p.name in COMMON or p.name in found:
                continue
            if not hasattr(layer, p.name):
                raise NotImplementedError(
                    f"{type(layer).__name__} does not keep its argument {p.name!r} as self.{p.name}: "
                    f"keep it, or override get_config"
                )
            found[p.name] = plain(getattr(layer, p.name))
        if all(p.kind is not p.VAR_KEYWORD for p in parameters):
            break
    return found


def revived(value: Any) -> Any:
    """What `plain` was given, as far as that was a layer; all else is left to the constructor."""
    if isinstance(value, list):
        return [revived(v) for v in value]
    if isinstance(value, Mapping) and set(value) == {"layer"}:
        from .serialization import deserialize

        return deserialize(value["layer"])
    return value


def plain(value: Any) -> Any:
    """A constructor argument as JSON can hold it.

    >>> from edgenet import initializers
    >>> plain((3, 3)), plain(activations.relu), plain(initializers.get("zeros"))
    ([3, 3], 'relu', {'class_name': 'Zeros', 'config': {}})
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "connections"):
        from .serialization import serialize

        return {"layer": serialize(value)}
    if hasattr(value, "get_config") and not isinstance(value, type):
        return {"class_name": type(value).__name__, "config": value.get_config()}
    if callable(value):
        return activations.serialize(value)
    raise TypeError(f"no config can hold {value!r}: give numbers, names, or an object with get_config")
