"""Small neural networks on the CPU: Keras's words, Numba's kernels, ONNX in and out.

>>> from edgenet import Input, Sequential, layers
>>> model = Sequential([Input((28, 28, 1)), layers.Flatten(), layers.Dense(10, activation="softmax")])
>>> model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
>>> model.count_params()
7850

Parts are imported when they are first used: ``import edgenet`` alone takes milliseconds.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

if _TYPE_CHECKING:
    from . import (
        activations,
        callbacks,
        constraints,
        datasets,
        initializers,
        layers,
        losses,
        metrics,
        models,
        ops,
        optimizers,
        regularizers,
        utils,
    )
    from .initializers import Initializer
    from .kernels.parallel import get_num_threads, num_threads, set_num_threads
    from .layers import Layer
    from .layers.tensor import Input
    from .losses import Loss
    from .metrics import Metric
    from .models import Model, Sequential, load_model
    from .optimizers import Optimizer
    from .regularizers import Regularizer

    __version__: str
    InferenceSession: _Any
    load: _Any

#: where the names that are no module come from
_HOMES = {
    "InferenceSession": "converters.onnx",
    "Initializer": "initializers",
    "Input": "layers.tensor",
    "Layer": "layers",
    "Loss": "losses",
    "Metric": "metrics",
    "Model": "models",
    "Optimizer": "optimizers",
    "Regularizer": "regularizers",
    "Sequential": "models",
    "get_num_threads": "kernels.parallel",
    "load": "converters.onnx.layers",
    "load_model": "models",
    "num_threads": "kernels.parallel",
    "set_num_threads": "kernels.parallel",
}

__all__ = [
    "InferenceSession",
    "Initializer",
    "Input",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "__version__",
    "activations",
    "callbacks",
    "constraints",
    "datasets",
    "get_num_threads",
    "initializers",
    "layers",
    "load",
    "load_model",
    "losses",
    "metrics",
    "models",
    "num_threads",
    "ops",
    "optimizers",
    "regularizers",
    "set_num_threads",
    "utils",
]


def __getattr__(name: str) -> _Any:
    if name == "__version__":
        value: _Any = _version()
    elif name in _HOMES:
        try:
            value = getattr(_import_module(f".{_HOMES[name]}", __name__), name)
        except ModuleNotFoundError as error:
            if error.name != "onnx":
                raise
            raise ImportError(f'edgenet.{name} needs the package onnx: pip install "edgenet[onnx]"') from error
    elif name in __all__:
        value = _import_module(f".{name}", __name__)
    else:
        raise AttributeError(f"module 'edgenet' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("edgenet")
    except metadata.PackageNotFoundError:  # a checkout that was not installed
        return "0+unknown"
