"""Layers put together: described, trained, asked, saved."""

from edgenet.layers import register_layer

from .copying import clone_model
from .model import Model
from .saving import load_model
from .sequential import Sequential
from .serialize import model_from_json

register_layer(Model)
register_layer(Model, name="Functional")
register_layer(Sequential)

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json"]
