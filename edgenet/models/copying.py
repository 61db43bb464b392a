"""Models copied and pickled: by the bytes that a file would hold."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from edgenet.layers.layer import Layer
from edgenet.layers.serialization import custom_object_scope

from . import saving

if TYPE_CHECKING:
    from .model import Model


def copied(model: Model) -> Model:
    """A model of the same layers, weights and state of training, which shares nothing with the first."""
    return saving.from_bytes(saving.to_bytes(model), own_objects(model))


def reduced(model: Model) -> tuple[Any, ...]:
    """What pickle keeps of a model; classes and functions of one's own are kept by their names, as pickle does."""
    return saving.from_bytes, (saving.to_bytes(model), own_objects(model))


def clone_model(model: Model) -> Model:
    """A model of the same layers with new weights, which is not compiled.

    >>> from edgenet import Input, Sequential, layers
    >>> model = Sequential([Input((4,)), layers.Dense(3)])
    >>> clone = clone_model(model)
    >>> clone.count_params(), clone.layers[0] is model.layers[0]
    (15, False)
    """
    with custom_object_scope(own_objects(model)):
        return type(model).from_config(model.get_config())


def own_objects(model: Model) -> dict[str, Any]:
    """Classes and functions which configs of the model name and which are not of this library, by their names."""
    return {name: thing for name, thing in _things(model) if not thing.__module__.startswith("edgenet.")}


def _things(model: Model) -> Iterator[tuple[str, Any]]:
    """All that a config of the model may name."""
    for layer in _layers(model):
        yield type(layer).__name__, type(layer)
        for held in vars(layer).values():
            yield from _leaves(held)
    if model.compiled:
        yield from _leaves(list(model._compiled("copy").values()))


def _layers(layer: Layer) -> Iterator[Layer]:
    yield layer
    for part in layer._parts():
        yield from _layers(part)


def _leaves(given: Any) -> Iterator[tuple[str, Any]]:
    """Functions, the classes of objects with a config, and the functions that losses and metrics wrap."""
    if isinstance(given, list | tuple):
        for part in given:
            yield from _leaves(part)
    elif isinstance(given, dict):
        yield from _leaves(list(given.values()))
    elif hasattr(given, "get_config") and not isinstance(given, type):
        yield type(given).__name__, type(given)
        if inspect.isfunction(getattr(given, "fn", None)):
            yield given.name, given.fn
    elif inspect.isfunction(given) or isinstance(given, type):
        yield given.__name__, given
