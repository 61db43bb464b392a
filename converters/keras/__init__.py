"""Files of Keras in and out, and live Keras models in, by config and weights, with h5py alone.

`load_keras` reads what Keras 1, 2 and 3 wrote (`.h5`, `.hdf5`, `.keras`), `save_keras` writes what Keras 3 opens, and
`from_keras` takes a model that lives in Keras 3 on whatever backend.  No Keras, TensorFlow, JAX or torch is imported.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edgenet.layers import custom_object_scope
from edgenet.models import Model

from . import files, training, weights, writer
from .build import Builder
from .hdf5 import h5py, reading
from .network import DamagedError, read_network

__all__ = ["from_keras", "load_keras", "load_weights", "save_keras", "save_weights"]


def load_keras(
    path: str | os.PathLike[str], custom_objects: Mapping[str, Any] | None = None, compile: bool = True,
    shapes: Mapping[str, Sequence[int]] | None = None, backend: str | None = None,
) -> Model:  # fmt: skip
    """The model of a file of Keras 1, 2 or 3: its layers, weights, and loss, metrics and optimizer.

    Args:
        path: a `.keras`, `.h5` or `.hdf5` file of a whole Sequential or functional model.
        custom_objects: layers (classes derived from `edgenet.layers.Layer`) and functions (of symbolic values) for
            what edgenet does not have, by their names in the file.
        compile: whether to compile the model as the file tells; the state of the optimizer starts anew.
        shapes: shapes of inputs without the batch, by name, where the file leaves sizes open.
        backend: ``"theano"`` for a file of Keras 1 that was trained there: its kernels are turned around.  Files of
            Keras 2 and 3 tell their backend.

    Returns:
        a `Sequential` or a `Model`.  Where layers want images with the channels first, so does the model, and
        `Permute` layers stand where the order changes.

    Raises:
        UnsupportedModelError: listing every layer that edgenet does not have, with its name and class.
        ValueError: if the file is damaged, or holds no whole model.
        FileNotFoundError: if there is no such file.
        ImportError: if h5py is not installed.

    >>> import edgenet
    >>> model = edgenet.Sequential([edgenet.Input((4,)), edgenet.layers.Dense(3, name="head")])
    >>> save_keras(model, "model.keras")
    >>> again = load_keras("model.keras")
    >>> again.layers, bool((again.get_weights()[0] == model.get_weights()[0]).all())
    ([<Dense head>], True)
    """
    h5py()
    custom = dict(custom_objects or {})
    with reading(path), files.opened(path) as contents:
        if contents.config is None:
            raise DamagedError("it holds weights alone: make the model, then call model.load_weights(path)")
        problems: list[str] = []
        network = read_network(contents.config, problems)
        builder = Builder(contents.version, contents.weights.numbers(), shapes or {}, custom)
        with custom_object_scope(custom):
            model, parts = builder.model(network, problems)
        if contents.legacy:
            flip = (contents.backend or backend) == "theano"
            weights.from_legacy(parts, contents.weights, flip, contents.version == 1)
        else:
            weights.from_store(parts, contents.weights)
        if compile and contents.training is not None:
            training.restore(model, contents.training, custom, path)
    return model


def from_keras(
    model: Any, custom_objects: Mapping[str, Any] | None = None, shapes: Mapping[str, Sequence[int]] | None = None
) -> Model:
    """The model of edgenet that computes what a live Keras 3 model does, of any backend, by its config and weights.

    Args:
        model: a built `keras.Sequential` or functional `keras.Model`.
        custom_objects: as for `load_keras`.
        shapes: as for `load_keras`.

    Raises:
        UnsupportedModelError: listing every layer that edgenet does not have, with its name and class.
        TypeError: if it is no Keras model, or one with a call of its own, whose config does not say what it computes.
        ValueError: if it has no weights yet.
    """
    if not all(hasattr(model, name) for name in ("get_config", "layers", "weights", "name")):
        raise TypeError(f"expected a Keras model, got {type(model).__name__}")
    if not getattr(model, "built", True):
        raise ValueError(f"the Keras model {model.name!r} has no weights yet: call it or build it first")
    try:
        config = model.get_config()
    except NotImplementedError as error:
        raise TypeError(f"the Keras model {model.name!r} has no config: {error}") from None
    if not isinstance(config, Mapping) or "layers" not in config:
        raise TypeError(
            f"the Keras model {model.name!r} is of a class with a call of its own, whose config does not say what it "
            "computes: write it as keras.Model(inputs, outputs), or export it to ONNX"
        )
    kind = "Functional" if "input_layers" in config else "Sequential"
    with reading(f"the Keras model {model.name!r}"):
        problems: list[str] = []
        network = read_network({"class_name": kind, "config": _listed(config)}, problems)
        builder = Builder(3, int(model.count_params()), shapes or {}, dict(custom_objects or {}))
        with custom_object_scope(custom_objects):
            made, parts = builder.model(network, problems)
        weights.from_live(parts, model)
    return made


def _listed(config: Any) -> Any:
    """A config as a file would hold it: lists in place of tuples."""
    if isinstance(config, Mapping):
        return {key: _listed(value) for key, value in config.items()}
    return [_listed(value) for value in config] if isinstance(config, list | tuple) else config


def save_keras(model: Model, path: str | os.PathLike[str]) -> None:
    """Write a model as a file that Keras 3 opens: layers, weights, and what it was compiled with.

    Args:
        model: a built model of layers that Keras has too.
        path: a name that ends in `.keras`, `.h5` or `.hdf5`.  The file appears complete or not at all.

    Raises:
        UnsupportedModelError: listing every layer that Keras does not have.
        ValueError: for another ending, or if the model is not built.
        ImportError: if h5py is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in (".keras", ".h5", ".hdf5"):
        raise ValueError(f"a file of Keras is a .keras, .h5 or .hdf5 file, got {str(path)!r}")
    h5py()
    told, parts = writer.model_config(model), writer.parts_of(model)
    compiled = training.described(model)
    if suffix == ".keras":
        whole = {**told, **({"compile_config": compiled} if compiled else {})}
        files.written(path, lambda p: files.write_archive(p, whole, lambda f: weights.to_store(parts, f)))
        return
    attributes: dict[str, Any] = {"keras_version": files.KERAS_VERSION, "backend": "edgenet", "model_config": told}
    if compiled:
        attributes["training_config"] = {**compiled, "optimizer_config": compiled.pop("optimizer")}
    files.written(
        path, lambda p: files.write_hdf5(p, attributes, lambda f: weights.to_legacy(parts, f), "model_weights")
    )


def save_weights(model: Model, path: str | os.PathLike[str]) -> None:
    """Write the weights alone, `.weights.h5` as Keras 3 does and any other `.h5` as Keras 2 did."""
    h5py()
    parts = writer.parts_of(model)
    if str(path).lower().endswith(".weights.h5"):
        files.written(path, lambda p: files.write_hdf5(p, {}, lambda f: weights.to_store(parts, f), None))
    else:
        told = {"keras_version": files.KERAS_VERSION, "backend": "edgenet"}
        files.written(path, lambda p: files.write_hdf5(p, told, lambda f: weights.to_legacy(parts, f), None))


def load_weights(model: Model, path: str | os.PathLike[str]) -> None:
    """Set the weights of a model to those of a file of Keras, whole or weights alone, with the same layers.

    Raises:
        ValueError: if the file is damaged, or holds other weights.
    """
    h5py()
    parts = writer.parts_of(model)
    before = model.get_weights()
    try:
        with reading(path, f"weights of {model.name}"), files.opened(path) as contents:
            if contents.legacy:
                parts = weights.as_named(parts, contents.weights)
                weights.from_legacy(parts, contents.weights, contents.backend == "theano", contents.version == 1)
            else:
                weights.from_store(parts, contents.weights)
    except BaseException:
        model.set_weights(before)
        raise
