"""Quantised numbers."""

from __future__ import annotations

import numpy as np
import onnx

from ..node import OnnxNode
from .core import folds


@folds("DequantizeLinear")
def _dequantize(node: OnnxNode) -> np.ndarray:
    x, scale, zero = node.known(0), node.known(1), node.known(2)
    node.only("block_size", 0)
    node.only("output_dtype", 0, onnx.TensorProto.FLOAT)
    axis = node.attr("axis", 1)
    if scale.ndim and x.ndim:
        around = [1] * x.ndim
        around[axis] = scale.size
        scale, zero = scale.reshape(around), None if zero is None else zero.reshape(around)
    shifted = x.astype(np.float32) if zero is None else x.astype(np.float32) - zero.astype(np.float32)
    return np.asarray(shifted * scale.astype(np.float32))
