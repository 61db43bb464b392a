"""How a name becomes an activation, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgenet.graph import Value
from edgenet.utils.registry import Registry

from . import functions as f

Activation = Callable[[Value], Value]

#: functions of one's own that configs refer to by name
custom_activations: dict[str, Any] = {}

_known: dict[str, Any] = {
    g.__name__: g
    for g in (
        f.absolute, f.elu, f.exponential, f.gelu, f.hard_sigmoid, f.hard_silu, f.leaky_relu, f.linear, f.log_softmax,
        f.mish, f.relu, f.relu6, f.selu, f.sigmoid, f.silu, f.softmax, f.softplus, f.softsign, f.tanh,
    )
} | {"swish": f.silu, "hard_swish": f.hard_silu, "abs": f.absolute}  # fmt: skip
_registry = Registry("activation", _known, custom_activations, revive=lambda cls, config, custom: cls(**config))


def get(identifier: Any) -> Activation:
    """The activation of a name, a config or a function of a symbolic value; `linear` for None.

    Raises:
        ValueError: for a name that is not known.
        TypeError: for anything that cannot be called.
    """
    if isinstance(identifier, type):
        name = identifier.__name__
        raise TypeError(f"an activation is a name or a function, got the class {name}: write {name}()")
    made: Activation = f.linear if identifier is None else _registry.get(identifier)
    return made


def serialize(activation: Any) -> Any:
    """The name of an activation, or the config of an object which has one.

    Raises:
        TypeError: for a function without a name of its own, which no file could hold.

    >>> serialize(f.relu)
    'relu'
    """
    return "linear" if activation is None else _registry.serialize(activation)


def deserialize(config: Mapping[str, Any] | str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """The activation of a name or a config.  Raises ValueError for one whose class is not known."""
    if isinstance(config, str):
        return (custom_objects or {}).get(config) or get(config)
    return _registry.deserialize(config, custom_objects)
