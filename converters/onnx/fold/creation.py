"""New arrays."""

from __future__ import annotations

import math

import numpy as np
import onnx

from ..errors import Refused
from ..node import OnnxNode
from .core import folds, limited, operands


@folds("Constant")
def _constant(node: OnnxNode) -> np.ndarray:
    if (tensor := node.attr("value")) is not None:
        return np.asarray(onnx.numpy_helper.to_array(tensor))
    for name, dtype in (("value_float", np.float32), ("value_int", np.int64)):
        for given in (name, f"{name}s"):
            if (value := node.attr(given)) is not None:
                return np.asarray(value, dtype)
    raise Refused("it holds no tensor and no numbers")


@folds("ConstantOfShape")
def _constant_of_shape(node: OnnxNode) -> np.ndarray:
    tensor = node.attr("value")
    value = np.zeros(1, np.float32) if tensor is None else np.asarray(onnx.numpy_helper.to_array(tensor))
    return np.full(limited(node.known_ints(0)), value.reshape(-1)[0])


@folds("Range")
def _range(node: OnnxNode) -> np.ndarray:
    start, limit, delta = operands(node)
    if delta == 0:
        raise Refused("its step is 0")
    limited([max(0, math.ceil(((limit - start) / delta).item()))])
    return np.asarray(np.arange(start.item(), limit.item(), delta.item()), start.dtype)
