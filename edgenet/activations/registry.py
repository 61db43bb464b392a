"""How a name becomes an activation, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from edgenet.graph import Value
from edgenet.utils.spelling import did_you_mean

from . import functions as f

Activation = Callable[[Value], Value]

#: functions of one's own that configs refer to by name
custom_activations: dict[str, Any] = {}

_functions: dict[str, Activation] = {
    g.__name__: g
    for g in (
        f.absolute, f.elu, f.exponential, f.gelu, f.hard_sigmoid, f.hard_silu, f.leaky_relu, f.linear, f.log_softmax,
        f.mish, f.relu, f.relu6, f.selu, f.sigmoid, f.silu, f.softmax, f.softplus, f.softsign, f.tanh,
    )
}  # fmt: skip
_aliases: dict[str, Activation] = {"swish": f.silu, "hard_swish": f.hard_silu, "abs": f.absolute}


def get(identifier: Any) -> Activation:
    """The activation of a name or a function of a symbolic value; `linear` for None.

    Raises:
        ValueError: for a name that is not known.
        TypeError: for anything that cannot be called.
    """
    if identifier is None:
        return f.linear
    if isinstance(identifier, str):
        for known in (custom_activations, _functions, _aliases):
            if identifier in known:
                identifier = known[identifier]
                break
        else:
            names = sorted([*_functions, *_aliases])
            raise ValueError(
                f"unknown activation {identifier!r}{did_you_mean(identifier, names)}: expected one of "
                f"{', '.join(names)}, or a function written with edgenet.ops"
            )
    if isinstance(identifier, Mapping):
        identifier = deserialize(identifier)
    if isinstance(identifier, type):
        name = identifier.__name__
        raise TypeError(f"an activation is a name or a function, got the class {name}: write {name}()")
    if not callable(identifier):
        raise TypeError(f"an activation is a name or a function of a symbolic value, got {identifier!r}")
    made: Activation = identifier
    return made


def serialize(activation: Any) -> Any:
    """The name of an activation, or the config of an object which has one.

    Raises:
        TypeError: for a function without a name of its own, which no file could hold.

    >>> serialize(f.relu)
    'relu'
    """
    if activation is None:
        return "linear"
    if hasattr(activation, "get_config"):
        return {"class_name": type(activation).__name__, "config": activation.get_config()}
    name = getattr(activation, "__name__", "<lambda>")
    if name == "<lambda>":
        raise TypeError(f"the activation {activation!r} has no name, so no file can hold it: use a function with def")
    return name


def deserialize(config: Mapping[str, Any] | str) -> Any:
    """The activation of a name or a config.  Raises ValueError for one whose class is not known."""
    if isinstance(config, str):
        return get(config)
    name = str(config.get("class_name"))
    if name not in custom_activations:
        raise ValueError(f"unknown activation class {name!r}: pass custom_objects={{{name!r}: class}}")
    return custom_activations[name](**config.get("config", {}))
