"""From a model of edgenet to what a file of Keras 3 says of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from edgenet import layers as library
from edgenet.layers import Layer
from edgenet.layers.tensor import SymbolicTensor
from edgenet.models import Model, Sequential

from ..errors import UnsupportedModelError
from .build import Part

#: layers of edgenet that Keras does not have
OWN = {"DistanceWeightedAveragePooling2D", "L2Pooling2D", "Lambda", "Maxout", "RadialBasis"}
#: activations of edgenet that Keras does not have
OWN_ACTIVATIONS = {"absolute"}
MODULES = {
    "_initializer": "keras.initializers",
    "_regularizer": "keras.regularizers",
    "_constraint": "keras.constraints",
}


def parts_of(model: Model) -> list[Part]:
    """The layers of a model as Keras's files name them."""
    return [_part(layer) for layer in model.layers]


def _part(layer: Layer) -> Part:
    inside = parts_of(layer) if isinstance(layer, Model) else None
    kind = _model_kind(layer) if isinstance(layer, Model) else type(layer).__name__
    return Part(kind, layer.name, layer, inside)


def _model_kind(model: Model) -> str:
    return "Sequential" if isinstance(model, Sequential) else "Functional"


def model_config(model: Model) -> dict[str, Any]:
    """Class and config of a model.

    Raises:
        UnsupportedModelError: naming every layer that Keras does not have.
        ValueError: if the model is not built.
    """
    problems: list[str] = []
    told = _network(model, problems)
    if problems:
        hint = "Save it as a file of edgenet's own, e.g. model.edgenet, or export it to ONNX."
        raise UnsupportedModelError(f"the model {model.name!r} cannot be written as a file of Keras", problems, hint)
    return told


def _network(model: Model, problems: list[str]) -> dict[str, Any]:
    if not model.built:
        raise ValueError(f"{model.name} is not built: call model.build((None, …)) before it is saved")
    if isinstance(model, Sequential):
        config: dict[str, Any] = {"name": model.name, "trainable": model.trainable, "dtype": "float32"}
        config["layers"] = [_input(model.inputs[0], _input_name(model, 0))]
        config["layers"] += [_layer(layer, problems) for layer in model.layers]
        config["build_input_shape"] = [None, *model.inputs[0].shape[1:]]
        return {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None}
    places: dict[int, list[Any]] = {}
    entries = []
    for i, tensor in enumerate(model.inputs):
        name = _input_name(model, i)
        places[id(tensor)] = [name, 0, 0]
        entries.append({**_input(tensor, name), "name": name, "inbound_nodes": []})
    counts: dict[int, int] = {}
    for call in model.calls:
        number = counts.get(id(call.layer), 0)
        counts[id(call.layer)] = number + 1
        places.update((id(t), [call.layer.name, number, t.index]) for t in call.outputs)
    for layer in model.layers:
        nodes = []
        for call in (c for c in model.calls if c.layer is layer):
            tensors = [_tensor(t, places[id(t)]) for t in call.inputs]
            mode = {} if call.training is None else {"training": call.training}
            nodes.append({"args": [tensors] if call.nested else tensors, "kwargs": mode})
        entries.append({**_layer(layer, problems), "name": layer.name, "inbound_nodes": nodes})
    functional = {x.name for x in model.layers if isinstance(x, Model) and not isinstance(x, Sequential)}
    ends = [[_outside(places[id(t)], functional) for t in tensors] for tensors in (model.inputs, model.outputs)]
    many = model._nested_inputs, model._nested_outputs
    starts, stops = (e if m else e[0] for e, m in zip(ends, many, strict=True))
    config = {
        "name": model.name, "trainable": model.trainable, "layers": entries, "input_layers": starts,
        "output_layers": stops,
    }  # fmt: skip
    return {"module": "keras.src.models.functional", "class_name": "Functional", "config": config,
            "registered_name": "Functional"}  # fmt: skip


def _outside(place: list[Any], functional: set[str]) -> list[Any]:
    """A place as the list of outputs counts: there a nested functional model has a call before all others."""
    return [place[0], place[1] + 1, place[2]] if place[0] in functional else place


def _input_name(model: Model, i: int) -> str:
    """A name for an input that no layer and no other input has."""
    taken = {layer.name for layer in model.layers} | {model.input_names[j] for j in range(i)}
    name = model.input_names[i]
    while name in taken:
        name += "_input"
    return name


def _input(tensor: SymbolicTensor, name: str) -> dict[str, Any]:
    config = {"batch_shape": [None, *tensor.shape[1:]], "dtype": tensor.dtype, "sparse": False, "name": name}
    return {"module": "keras.layers", "class_name": "InputLayer", "config": config, "registered_name": None}


def _tensor(tensor: SymbolicTensor, place: list[Any]) -> dict[str, Any]:
    config = {"shape": [None, *tensor.shape[1:]], "dtype": tensor.dtype, "keras_history": place}
    return {"class_name": "__keras_tensor__", "config": config}


def _layer(layer: Layer, problems: list[str]) -> dict[str, Any]:
    """Class and config of a layer; an entry of `problems` where Keras does not have it."""
    if isinstance(layer, Model):
        return _network(layer, problems)
    kind = type(layer).__name__
    if getattr(library, kind, None) is not type(layer) or kind in OWN:
        problems.append(f"layer {layer.name!r} is a {kind}, which Keras does not have")
        return {}
    try:
        config = {key: _value(key, value) for key, value in _arguments(layer).items()}
        json.dumps(config, allow_nan=False)
    except (TypeError, ValueError, NotImplementedError) as error:
        problems.append(f"layer {layer.name!r} ({kind}): {error}")
        return {}
    return {"module": "keras.layers", "class_name": kind, "config": {**config, "dtype": "float32"},
            "registered_name": None}  # fmt: skip


def _arguments(layer: Layer) -> dict[str, Any]:
    """The constructor's arguments, as Keras's constructor takes them."""
    config = layer.get_config()
    if isinstance(layer, library.SpatialDropout1D | library.SpatialDropout2D):
        del config["trainable"]
    if isinstance(layer, library.Normalization) and layer.mean is not None:
        config["mean"], config["variance"] = (w.array.tolist() for w in layer.weights)
    return config


def _value(key: str, value: Any) -> Any:
    if key == "activation" and (not isinstance(value, str) or value in OWN_ACTIVATIONS):
        raise ValueError(f"Keras does not have the activation {value!r}")
    for ending, module in MODULES.items():
        if key.endswith(ending) and isinstance(value, Mapping):
            return {"module": module, **value, "registered_name": None}
    return value
