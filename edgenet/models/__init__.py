"""Layers put together: described, trained, asked, saved."""

from edgenet.layers import register_layer

from .model import Model
from .saving import load_model
from .sequential import Sequential

for _name, _class in (("Model", Model), ("Functional", Model), ("Sequential", Sequential)):
    register_layer(name=_name)(_class)

__all__ = ["Model", "Sequential", "load_model"]
