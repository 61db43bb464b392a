"""Layers as configs, and back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, cast

from edgenet import activations, constraints, initializers, regularizers

from .layer import Layer

L = TypeVar("L", bound=type[Layer])

_classes: dict[str, type[Layer]] = {}
_open: list[dict[str, Any]] = []


def register_layer(cls: L | None = None, *, name: str | None = None) -> L | Callable[[L], L]:
    """A decorator that lets configs refer to a layer class of one's own.

    Args:
        cls: the class.
        name: its name in configs; by default that of the class.

    Raises:
        TypeError: if `cls` is not a subclass of `Layer`.

    >>> @register_layer
    ... class Double(Layer):
    ...     def call(self, x):
    ...         return x + x
    >>> deserialize({"class_name": "Double", "config": {"name": "twice"}})
    <Double twice>
    """

    def register(given: Any) -> Any:
        if not (isinstance(given, type) and issubclass(given, Layer)):
            raise TypeError(f"register_layer: expected a subclass of Layer, got {given!r}")
        _classes[name or given.__name__] = given
        return given

    return register if cls is None else cast(L, register(cls))


def layer_class(name: str) -> type[Layer] | None:
    """The layer class of a name: one of `custom_object_scope`, a registered one, or one of this package; else None."""
    from edgenet import layers

    for known in (*reversed(_open), _classes, vars(layers)):
        found = known.get(name)
        if isinstance(found, type) and issubclass(found, Layer):
            return found
    return None


@contextlib.contextmanager
def custom_object_scope(objects: Mapping[str, Any] | None) -> Iterator[None]:
    """Inside a ``with`` statement: names in configs may mean these layers, functions and classes."""
    objects = dict(objects or {})
    registries = (
        activations.custom_activations,
        constraints.custom_constraints,
        initializers.custom_initializers,
        regularizers.custom_regularizers,
    )
    before = [dict(r) for r in registries]
    _open.append(objects)
    for registry in registries:
        registry.update(objects)
    try:
        yield
    finally:
        _open.pop()
        for registry, old in zip(registries, before, strict=True):
            registry.clear()
            registry.update(old)


def serialize(layer: Layer) -> dict[str, Any]:
    """Class name and config of a layer, as JSON can hold them; without the weights.

    >>> from edgenet.layers import Flatten
    >>> serialize(Flatten(name="flat"))
    {'class_name': 'Flatten', 'config': {'name': 'flat', 'trainable': True, 'data_format': 'channels_last'}}
    """
    names = [name for name, cls in _classes.items() if cls is type(layer)]
    return {"class_name": names[0] if names else type(layer).__name__, "config": layer.get_config()}


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Layer:
    """A new layer, with new weights, of what `serialize` gave.

    Args:
        config: class name and config.
        custom_objects: classes and functions of one's own by the names in the config.

    Raises:
        ValueError: for a class or another name that is not known, or a config without a class name.
    """
    if not isinstance(config, Mapping) or "class_name" not in config:
        raise ValueError(f"expected the config of a layer with 'class_name' and 'config', got {config!r}")
    with custom_object_scope(custom_objects):
        cls = layer_class(config["class_name"])
        if cls is None:
            name = config["class_name"]
            raise ValueError(f"unknown layer class {name!r}: pass custom_objects={{{name!r}: class}}")
        return cls.from_config(dict(config.get("config", {})))
