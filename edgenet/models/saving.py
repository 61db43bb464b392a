"""Models in files: layers, weights, and the state of training, from which a loaded model goes on."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgenet import losses, metrics, optimizers
from edgenet.graph import Variable
from edgenet.layers.serialization import custom_object_scope
from edgenet.utils import random

from . import archive, serialize

if TYPE_CHECKING:
    from .model import Model

#: names of files that Keras writes end so
KERAS = (".keras", ".h5", ".hdf5")


def is_keras(path: str | os.PathLike[str]) -> bool:
    """Whether a file is one of Keras, by its name."""
    return Path(path).suffix.lower() in KERAS


def save_model(model: Model, path: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write a model; under a name of Keras's (`.keras`, `.h5`) as a file of Keras.

    Raises:
        ValueError: if the model is not built, Keras does not have one of its layers, or the name ends in ``.onnx``.
        FileExistsError: if `overwrite` is false and the file exists.
        ImportError: if a file of Keras is asked for and h5py is not installed.
    """
    if Path(path).suffix.lower() == ".onnx":
        raise ValueError(f"{path}: model.export(path) writes ONNX; model.save writes edgenet's own files and Keras's")
    _may_write(model, path, overwrite)
    if is_keras(path):
        from edgenet.converters import keras

        return keras.save_keras(model, path)
    archive.write(path, *_content(model))


def _content(model: Model) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Config and arrays of a model."""
    config: dict[str, Any] = {"model": serialize.layer_config(model)}
    arrays = _weights(model)
    if model.compiled:
        config["compile"] = _compile_config(model)
        config.update(_progress(model, arrays))
    return config, arrays


def save_training(model: Model, path: str | os.PathLike[str], notes: Mapping[str, Any]) -> None:
    """Write weights and the state of training, without the layers, and notes that JSON can hold."""
    _may_write(model, path, True)
    arrays = _weights(model)
    archive.write(path, {**_progress(model, arrays), "notes": dict(notes)}, arrays)


def load_training(model: Model, path: str | os.PathLike[str]) -> dict[str, Any]:
    """Go back to what `save_training` wrote of this model; returns its notes.

    Raises:
        ValueError: if the file is damaged, or belongs to another model or optimizer.
    """
    config, arrays = archive.read(path)
    model._compiled("load_training")
    if not model.built:
        raise ValueError(f"{model.name}: build the model before going on from {path}, by model.build((None, …))")
    if "notes" not in config:
        raise ValueError(f"{path} does not hold a state of training")
    _set_weights(model, arrays, path)
    try:
        _go_on(model, config, arrays)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise ValueError(f"{path} does not fit the training of {model.name}: {error}") from error
    notes: dict[str, Any] = config["notes"]
    return notes


def _progress(model: Model, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """The part of a config that tells how far training is; the optimizer's state is added to the arrays."""
    optimizer = model.optimizer
    arrays.update((f"optimizer/{n}", a) for n, a in optimizer.get_state().items())
    place = {id(w): i for i, w in enumerate(model.weights)}
    return {
        "shuffle": model._shuffle[0] if model._shuffle else None,
        "seeds": [layer._drawn for layer in _seeded(model)],
        "trained": [place[id(v)] for v, _ in optimizer.layout if id(v) in place],
    }


def _go_on(model: Model, config: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """Bring back what `_progress` told."""
    owners: list[Variable] = [model.weights[i] for i in config["trained"]]
    state = {n.removeprefix("optimizer/"): a for n, a in arrays.items() if n.startswith("optimizer/")}
    model.optimizer.set_state(state, owners)
    model._theta = None  # training programs refer to the slots of before
    for layer, seed in zip(_seeded(model), config.get("seeds", ()), strict=False):
        layer._drawn = int(seed)
    if config.get("shuffle") is not None:
        model._shuffle = (int(config["shuffle"]), random.times_seeded())


def save_weights(model: Model, path: str | os.PathLike[str], overwrite: bool = True) -> None:
    """Write the weights alone."""
    _may_write(model, path, overwrite)
    if is_keras(path):
        from edgenet.converters import keras

        return keras.save_weights(model, path)
    archive.write(path, {}, _weights(model))


def load_model(
    filepath: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None, compile: bool = True
) -> Model:
    """The model of a file of ``model.save``, or of Keras (`.keras`, `.h5`).

    Args:
        filepath: the file.
        custom_objects: layers, losses, metrics, … of one's own, by their names.
        compile: whether to bring back loss, metrics and the optimizer with its state, if the file has them.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no model file, or damaged, or needs `custom_objects`.
        ImportError: if it is a file of Keras and h5py is not installed.
    """
    suffix = Path(filepath).suffix.lower()
    if suffix == ".onnx":
        raise ValueError(
            f"{filepath}: load_model reads files of model.save; edgenet.load(path) makes a model of an ONNX file, and "
            "edgenet.InferenceSession(path) runs it"
        )
    if is_keras(filepath):
        from edgenet.converters import keras

        return keras.load_keras(filepath, custom_objects, compile)
    return _revived(*archive.read(filepath), filepath, dict(custom_objects or {}), compile)


def to_bytes(model: Model) -> bytes:
    """What `save_model` writes; the model need not be built."""
    buffer = io.BytesIO()
    archive.pack(buffer, *_content(model))
    return buffer.getvalue()


def from_bytes(data: bytes, custom_objects: Mapping[str, Any] | None = None) -> Model:
    """The model of `to_bytes`."""
    return _revived(
        *archive.unpack(io.BytesIO(data), "the copied model"), "the copied model", dict(custom_objects or {})
    )


def _revived(
    config: Mapping[str, Any], arrays: Mapping[str, np.ndarray], filepath: Any, custom: dict[str, Any],
    compile: bool = True,
) -> Model:  # fmt: skip
    """The model of a config and arrays."""
    from .model import Model

    if "model" not in config:
        raise ValueError(
            f"{filepath} holds weights alone: make the model, then call model.load_weights({str(filepath)!r})"
        )
    with custom_object_scope(custom):
        model = serialize.layer_from_config(config["model"])
    if not isinstance(model, Model):
        raise ValueError(f"{filepath} holds a {type(model).__name__}, which is no model")
    _set_weights(model, arrays, filepath)
    if compile and config.get("compile") is not None:
        _compile(model, config, arrays, custom, filepath)
    return model


def load_weights(model: Model, path: str | os.PathLike[str]) -> None:
    """Set a model's weights to those of a file, of edgenet or of Keras (`.weights.h5`, `.h5`, `.keras`)."""
    if not is_keras(path):
        _, arrays = archive.read(path)
    if not model.built:
        raise ValueError(f"{model.name}.load_weights: build the model first, by model.build((None, …)) or an Input")
    if is_keras(path):
        from edgenet.converters import keras

        return keras.load_weights(model, path)
    _set_weights(model, arrays, path)


def check_folder(path: str | os.PathLike[str], what: str) -> None:
    """Raise FileNotFoundError unless the folder of a file to be written exists."""
    folder = Path(path).parent
    if not folder.is_dir():
        raise FileNotFoundError(f"cannot {what} {path}: there is no folder {folder}")


def _may_write(model: Model, path: str | os.PathLike[str], overwrite: bool) -> None:
    check_folder(path, "save")
    if not model.built:
        raise ValueError(f"{model.name} is not built, so there are no weights to save: call model.build((None, …))")
    if not overwrite and Path(path).exists():
        raise FileExistsError(f"{path} exists; pass overwrite=True to replace it")


def _seeded(model: Any) -> list[Any]:
    """The layers, also those inside of layers, that draw random numbers from a seed of their own."""
    found = [model] if hasattr(model, "_drawn") else []
    return found + [layer for part in model._parts() for layer in _seeded(part)]


def _weights(model: Model) -> dict[str, np.ndarray]:
    return {f"weights/{i:05d}": w.array for i, w in enumerate(model.weights)}


def _set_weights(model: Model, arrays: Mapping[str, np.ndarray], path: Any) -> None:
    found = [arrays[n] for n in sorted(arrays) if n.startswith("weights/")]
    if len(found) != len(model.weights):
        raise ValueError(f"{path} holds {len(found)} weights, {model.name} has {len(model.weights)}")
    try:
        model.set_weights(found)
    except ValueError as error:
        raise ValueError(f"{path} does not fit {model.name}: {error}") from error


def _compile_config(model: Model) -> dict[str, Any]:
    arguments = model._compiled("save")
    return {
        "optimizer": optimizers.serialize(arguments["optimizer"]),
        "loss": _each(arguments["loss"], lambda x: losses.serialize(losses.get(x))),
        "loss_weights": arguments["loss_weights"],
        "metrics": _each(arguments["metrics"], metrics.serialize),
        "weighted_metrics": _each(arguments["weighted_metrics"], metrics.serialize),
    }


def _each(given: Any, function: Any) -> Any:
    """Apply a function to what stands in lists and dictionaries."""
    if isinstance(given, list | tuple):
        return [_each(x, function) for x in given]
    if isinstance(given, Mapping) and not {"class_name", "function"} & set(given):
        return {n: _each(x, function) for n, x in given.items()}
    return None if given is None else function(given)


def _compile(
    model: Model, config: Mapping[str, Any], arrays: Mapping[str, np.ndarray], custom: Mapping[str, Any], path: Any
) -> None:
    told = config["compile"]
    try:
        optimizer = optimizers.deserialize(told["optimizer"], custom)
        model.compile(
            optimizer=optimizer,
            loss=_each(told["loss"], lambda x: losses.deserialize(x, custom)),
            loss_weights=told["loss_weights"],
            metrics=_each(told["metrics"], lambda x: metrics.deserialize(x, custom)),
            weighted_metrics=_each(told.get("weighted_metrics"), lambda x: metrics.deserialize(x, custom)),
        )
        _go_on(model, config, arrays)
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(
            f"{path} is damaged, its state of training cannot be read: {error}; try compile=False"
        ) from error
    except ValueError as error:
        raise ValueError(f"{path}: {error} (or load the model without its training, compile=False)") from error
