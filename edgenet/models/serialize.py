"""Models as configs: what JSON can hold, and back.  Weights are another matter (`saving`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from edgenet import layers
from edgenet.layers.layer import Layer
from edgenet.layers.tensor import Input, SymbolicTensor, unwrap

if TYPE_CHECKING:
    from .model import Model


def layer_config(layer: Layer) -> dict[str, Any]:
    """Class and config of a layer.  Raises TypeError if JSON cannot hold the config."""
    from .model import Model
    from .sequential import Sequential

    found = layers.serialize(layer)
    if isinstance(layer, Model) and type(layer).get_config is Model.get_config:
        found["class_name"] = "Sequential" if isinstance(layer, Sequential) else "Model"  # layers and calls say it all
    try:
        json.dumps(found, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"layer {layer.name}: {type(layer).__name__}.get_config() holds what JSON cannot ({error}); "
            "give names and numbers, or override get_config and from_config"
        ) from None
    return found


def layer_from_config(config: Any) -> Layer:
    """The layer of `layer_config`.  Raises ValueError for an unknown class or arguments it does not take."""
    try:
        return layers.deserialize(config)
    except TypeError as error:
        raise ValueError(f"a layer does not take its config: {error}") from error


def model_config(model: Model) -> dict[str, Any]:
    """The config of a model."""
    from .sequential import Sequential

    inputs = [{"name": t.name, "shape": list(t.shape[1:]), "dtype": t.dtype} for t in model.inputs]
    config: dict[str, Any] = {"name": model.name, "trainable": model.trainable}
    if isinstance(model, Sequential):
        return {**config, "inputs": inputs, "layers": [layer_config(x) for x in model.layers]}
    number = {id(layer): i for i, layer in enumerate(model.layers)}
    place = {id(t): ["input", i] for i, t in enumerate(model.inputs)}
    calls = []
    for i, call in enumerate(model.calls):
        place.update((id(t), [i, t.index]) for t in call.outputs)
        sources = [place[id(t)] for t in call.inputs]
        mode = {} if call.training is None else {"training": call.training}
        calls.append({"layer": number[id(call.layer)], "inputs": sources, "nested": call.nested, **mode})
    return {
        **config,
        "inputs": inputs,
        "layers": [layer_config(x) for x in model.layers],
        "calls": calls,
        "outputs": [place[id(t)] for t in model.outputs],
        "nested": [model._nested_inputs, model._nested_outputs],
    }


def model_from_config(cls: type[Model], config: Mapping[str, Any]) -> Model:
    """A model of `model_config`.

    Raises:
        ValueError: if the config does not describe a model.
    """
    from .sequential import Sequential

    try:
        starts = [Input(i["shape"], dtype=i["dtype"], name=i["name"]) for i in config["inputs"]]
        parts = [layer_from_config(x) for x in config["layers"]]
        if issubclass(cls, Sequential):
            made: Model = cls([*starts, *parts], name=config["name"])
        else:
            results: list[list[SymbolicTensor]] = []

            def find(place: Any) -> SymbolicTensor:
                number, index = place
                found: SymbolicTensor = starts[index] if number == "input" else results[number][index]
                return found

            for call in config["calls"]:
                xs = [find(p) for p in call["inputs"]]
                layer, mode = parts[call["layer"]], call.get("training")
                results.append(unwrap(layer(xs if call["nested"] else xs[0], training=mode))[0])
            ends = [find(p) for p in config["outputs"]]
            many_in, many_out = config["nested"]
            made = cls(starts if many_in else starts[0], ends if many_out else ends[0], name=config["name"])
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"this is no config of a model: {type(error).__name__} {error}") from error
    made._trainable = bool(config.get("trainable", True))  # not through the property: layers keep their own
    return made


def to_json(model: Model) -> str:
    """The config of a model as text."""
    return json.dumps(layer_config(model))


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A new model, with new weights, of what `Model.to_json` gave.

    Raises:
        ValueError: if the text is not the config of a model.
    """
    try:
        told = json.loads(json_string)
    except ValueError as error:
        raise ValueError(f"model_from_json: expected what Model.to_json gives, got no JSON: {error}") from error
    return layers.deserialize(told, custom_objects)
