"""Classes and arguments of layers: from the words of Keras 1, 2 and 3 to those of edgenet, which are Keras 3's."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from edgenet import activations, initializers
from edgenet.layers import Layer

from .network import Spec

#: classes that went by other names
CLASSES = {
    "Convolution1D": "Conv1D", "Convolution2D": "Conv2D", "AtrousConvolution2D": "Conv2D",
    "AtrousConvolution1D": "Conv1D", "Deconvolution2D": "Conv2DTranspose", "Convolution2DTranspose": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D", "DepthwiseConvolution2D": "DepthwiseConv2D", "MaxoutDense": "Maxout",
    "MaxPool1D": "MaxPooling1D", "MaxPool2D": "MaxPooling2D", "AvgPool1D": "AveragePooling1D",
    "AvgPool2D": "AveragePooling2D", "GlobalMaxPool2D": "GlobalMaxPooling2D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D", "GlobalMaxPool1D": "GlobalMaxPooling1D",
    "GlobalAvgPool1D": "GlobalAveragePooling1D", "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
}  # fmt: skip
#: arguments that went by other names
NAMES = {
    "init": "kernel_initializer", "border_mode": "padding", "subsample": "strides", "subsample_length": "strides",
    "dim_ordering": "data_format", "bias": "use_bias", "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer", "W_constraint": "kernel_constraint", "b_constraint": "bias_constraint",
    "nb_filter": "filters", "filter_length": "kernel_size", "output_dim": "units", "atrous_rate": "dilation_rate",
    "p": "rate", "sigma": "stddev", "pool_length": "pool_size", "stride": "strides", "length": "size",
    "nb_feature": "pieces", "beta_init": "beta_initializer", "gamma_init": "gamma_initializer",
}  # fmt: skip
#: where a class has other names than the others
NAMES_OF = {
    "Embedding": {
        "output_dim": "output_dim", "init": "embeddings_initializer", "W_regularizer": "embeddings_regularizer",
        "W_constraint": "embeddings_constraint",
    },
    "PReLU": {"init": "alpha_initializer"},
    "DepthwiseConv2D": {
        "kernel_initializer": "depthwise_initializer", "kernel_regularizer": "depthwise_regularizer",
        "kernel_constraint": "depthwise_constraint", "init": "depthwise_initializer",
    },
    "LeakyReLU": {"alpha": "negative_slope"},
    "GaussianNoise": {"sigma": "stddev"},
}  # fmt: skip
#: arguments without a meaning for edgenet: where weights lie, how Keras computes, what a file says elsewhere
IDLE = {
    "name", "trainable", "dtype", "batch_input_shape", "batch_shape", "input_dtype", "input_length", "input_shape",
    "autocast", "build_config", "fused", "renorm_clipping", "renorm_momentum", "virtual_batch_size", "cache_readonly",
    "lora_rank", "lora_alpha", "output_shape", "module", "fill_value", "value_range", "data_format", "input_dim",
    "bounding_box_format", "fill_mode", "quantization_config", "seed", "weights",
}  # fmt: skip
#: Keras's modes of the old layer Merge
MERGES = {
    "sum": "Add",
    "mul": "Multiply",
    "ave": "Average",
    "max": "Maximum",
    "min": "Minimum",
    "concat": "Concatenate",
}
ACTIVATION_LAYERS = {"function", "builtin_function_or_method"}


class Unsupported(Exception):
    """What a layer has and edgenet has not, as the end of a sentence."""


def translate(spec: Spec, version: int, custom: Mapping[str, Any]) -> tuple[str, dict[str, Any], bool]:
    """Class and arguments of edgenet for a layer, and whether its images are channels first.

    Raises:
        Unsupported: if it cannot be said in edgenet.
    """
    kind, given = CLASSES.get(spec.kind, spec.kind), _old_words(spec)
    if kind == "Merge":
        kind = _merge(given)
    if kind == "Lambda":
        _lambda(given, custom)
    if kind == "BatchNormalization" and (given.pop("mode", 0) or given.get("renorm")):
        raise Unsupported("normalises by each batch or by renormalisation also in inference; edgenet has mode 0 alone")
    given = {NAMES_OF.get(kind, {}).get(key, key): value for key, value in given.items()}
    _dtype(given.get("dtype"))
    first = given.get("data_format") in ("channels_first", "th")
    found = {key: _value(key, value, version, custom) for key, value in given.items()}
    return kind, found, first


def fitting(cls: type[Layer], given: dict[str, Any]) -> dict[str, Any]:
    """The arguments that the constructor of a class takes.

    Raises:
        Unsupported: if one that it does not take is more than switched off.
    """
    known = set(_parameters(cls))
    for key, value in given.items():
        if key not in known and key not in IDLE and value not in (None, False, [], {}, 0, "auto"):
            raise Unsupported(f"has {key}={value!r}, which edgenet's {cls.__name__} does not have")
    found = {key: value for key, value in given.items() if key in known and key not in ("name", "trainable", "dtype")}
    if "data_format" in found:
        found["data_format"] = None
    return found


def _parameters(cls: type[Layer]) -> Iterator[str]:
    """The names of a constructor's arguments; where it takes ``**kwargs``, those of the class above count too."""
    for base in cls.__mro__:
        if base is Layer:
            return
        if "__init__" in vars(base):
            parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
            yield from (p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))
            if all(p.kind is not p.VAR_KEYWORD for p in parameters):
                return


def _old_words(spec: Spec) -> dict[str, Any]:
    """The arguments in the words of Keras 2 and 3."""
    given = dict(spec.config)
    special = NAMES_OF.get(CLASSES.get(spec.kind, spec.kind), {})
    if "nb_row" in given or "nb_col" in given:
        given["kernel_size"] = [given.pop("nb_row", None), given.pop("nb_col", None)]
    found: dict[str, Any] = {}
    for key, value in given.items():
        found[special.get(key, NAMES.get(key, key))] = value
    if isinstance(found.get("padding"), dict):  # ZeroPadding2D of Keras 1
        sides = found["padding"]
        found["padding"] = [[sides.get("top_pad", 0), sides.get("bottom_pad", 0)],
                            [sides.get("left_pad", 0), sides.get("right_pad", 0)]]  # fmt: skip
    return found


def _merge(given: dict[str, Any]) -> str:
    """The class that does what a Merge layer of Keras 1 does."""
    mode = given.pop("mode", None)
    axis = given.pop("concat_axis", -1)
    for key in ("mode_type", "dot_axes", "output_mask", "output_mask_type", "output_shape_type", "arguments"):
        given.pop(key, None)
    if mode not in MERGES or given.pop("layers", None):
        raise Unsupported(f"merges by {mode!r}; edgenet has {', '.join(map(repr, MERGES))} in a functional model")
    if mode == "concat":
        given["axis"] = axis
    return MERGES[mode]


def _lambda(given: dict[str, Any], custom: Mapping[str, Any]) -> None:
    """Take the function from `custom`; code in a file is never run."""
    told = given.get("function")
    if isinstance(told, Mapping):
        told = told.get("config")
    for key in ("function_type", "module", "output_shape_type", "output_shape_module", "mask"):
        given.pop(key, None)
    name = told if isinstance(told, str) and told in custom else str(given.get("name"))
    if name not in custom:
        raise Unsupported(
            f"holds Python code, which is never run: write it with edgenet.ops and pass custom_objects={{{name!r}: f}}"
        )
    given["function"] = custom[name]


def _dtype(given: Any) -> None:
    name = given.get("class_name") if isinstance(given, Mapping) else given
    if name is not None and "quantized" in str(name).lower():
        raise Unsupported("is quantised: save the model before its quantisation")


def _value(key: str, value: Any, version: int, custom: Mapping[str, Any]) -> Any:
    """An argument's value in edgenet's form."""
    if isinstance(value, Mapping) and set(value) == {"type", "value"}:  # a NumPy number, in some files of Keras 2
        value = value["value"]
    if key == "seed":
        return value if isinstance(value, int) else None
    if key == "activation":
        return _activation(value, version, custom)
    if key.endswith("_initializer"):
        return _initializer(value)
    if key.endswith(("_regularizer", "_constraint")):
        return _object(value)
    return value


def _activation(value: Any, version: int, custom: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        if value.get("class_name") not in ACTIVATION_LAYERS or not isinstance(value.get("config"), str):
            kind = value.get("class_name")
            raise Unsupported(f"has a {kind} as its activation: write {kind} as a layer of its own behind it")
        value = value["config"]
    if value == "hard_sigmoid" and version < 3 and value not in custom:
        raise Unsupported(
            "has the hard_sigmoid of Keras 1 and 2, clip(0.2·x + 0.5, 0, 1), which is another function in Keras 3 and "
            "edgenet: pass custom_objects={'hard_sigmoid': f} with the one that is meant"
        )
    try:
        activations.get(value)
    except (ValueError, TypeError):
        raise Unsupported(
            f"has the activation {value!r}, which edgenet does not have: pass custom_objects={{{value!r}: f}}"
        ) from None
    return value


def _initializer(value: Any) -> Any:
    """The initializer, or a plain one in place of an unknown: the weights come from the file."""
    told = _object(value)
    if isinstance(told, Mapping) and isinstance(told.get("config"), Mapping):
        told = {**told, "config": {k: v for k, v in told["config"].items() if k not in ("input_axes", "output_axes")}}
        if not isinstance(told["config"].get("seed"), int | None):
            told["config"]["seed"] = None
    try:
        initializers.get(told)
    except (ValueError, TypeError, OverflowError):
        return "zeros"
    return told


def _object(value: Any) -> Any:
    """Class and config of a regularizer, a constraint or an initializer, as edgenet takes them."""
    if not isinstance(value, Mapping):
        return value
    if "name" in value and "class_name" not in value:  # Keras 1: the arguments stand beside the name
        return _renamed(str(value["name"]), {k: v for k, v in value.items() if k != "name"})
    config: Any = value.get("config")
    if value.get("class_name") == "function" and isinstance(config, str):
        return config
    if not isinstance(config, Mapping):
        raise Unsupported(f"has {str(value)[:80]} where a class and its config belong")
    return _renamed(str(value.get("class_name")), dict(config))


def _renamed(name: str, config: dict[str, Any]) -> dict[str, Any]:
    names = {"WeightRegularizer": "L1L2", "L1L2Regularizer": "L1L2", "L1Regularizer": "L1L2", "L2Regularizer": "L1L2"}
    arguments = {"m": "max_value", "low": "min_value", "high": "max_value"}
    return {
        "class_name": names.get(name, name).rpartition(">")[2],
        "config": {arguments.get(k, k): _value("", v, 3, {}) for k, v in config.items() if k != "name"},
    }
