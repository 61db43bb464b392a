"""New arrays."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnx

from ..errors import Refused, Unfit
from ..node import OnnxNode
from .core import dtype_of, folds, limited, one_number


@folds("Shape", names=True)
def _shape(node: OnnxNode) -> np.ndarray:
    return np.array(node.known(0).shape[node.attr("start", 0) : node.attr("end")], np.int64)


@folds("Size", names=True)
def _size(node: OnnxNode) -> np.ndarray:
    return np.array(node.known(0).size, np.int64)


# constants -----------------------------------------------------------------------------------------------------------


@folds("Constant")
def _constant(node: OnnxNode) -> np.ndarray:
    if (tensor := node.attr("value")) is not None:
        return _array(tensor)
    for name, dtype in (("value_float", np.float32), ("value_int", np.int64)):
        for given in (name, f"{name}s"):
            if (value := node.attr(given)) is not None:
                return np.asarray(value, dtype)
    if (sparse := node.attr("sparse_value")) is not None:
        return _dense(sparse)
    if node.attr("value_string") is not None or node.attr("value_strings") is not None:
        raise Refused("strings are not supported")
    raise Refused("it holds no tensor and no numbers")


def _array(tensor: Any) -> np.ndarray:
    limited(tensor.dims)
    array = np.asarray(onnx.numpy_helper.to_array(tensor))
    if array.dtype.kind in "OSU":
        raise Refused("strings are not supported")
    return array


def _dense(sparse: Any) -> np.ndarray:
    """The numbers of a sparse tensor in their places: flat indices, or a row of coordinates for each."""
    values, indices = _array(sparse.values), _array(sparse.indices)
    flat = np.zeros(math.prod(limited(sparse.dims)), values.dtype)
    if indices.ndim == 2:
        if ((indices < 0) | (indices >= np.array(sparse.dims))).any():
            raise Unfit(f"its indices do not fit the shape {list(sparse.dims)}")
        indices = np.ravel_multi_index(tuple(indices.T), tuple(sparse.dims))
    if indices.shape != values.shape or ((indices < 0) | (indices >= flat.size)).any():
        raise Unfit(f"its indices do not fit the shape {list(sparse.dims)}")
    flat[indices] = values
    return flat.reshape(sparse.dims)


@folds("ConstantOfShape")
def _constant_of_shape(node: OnnxNode) -> np.ndarray:
    tensor = node.attr("value")
    value = np.zeros(1, np.float32) if tensor is None else _array(tensor)
    if value.size != 1:
        raise Unfit(f"its value should be one number, got shape {list(value.shape)}")
    return np.full(limited(node.known_ints(0)), value.reshape(-1)[0])


# patterns ------------------------------------------------------------------------------------------------------------


@folds("Range")
def _range(node: OnnxNode) -> np.ndarray:
    """start, start + delta, …, short of the limit."""
    start, limit, delta = (one_number(node, i) for i in range(3))
    dtype = node.known(0).dtype
    if delta == 0:
        raise Unfit("its step is 0")
    span = limit - start
    if dtype == np.float32:  # how many there are depends on the precision of the difference
        span = float(np.float32(limit) - np.float32(start))
    if not math.isfinite(span / delta):
        raise Unfit(f"it cannot go from {start} to {limit} in steps of {delta}")
    (count,) = limited([max(0, -(-span // delta) if isinstance(span, int) else math.ceil(span / delta))])
    return np.asarray(start + np.arange(count) * delta).astype(dtype)


@folds("EyeLike")
def _eye_like(node: OnnxNode) -> np.ndarray:
    x, kind = node.known(0), node.attr("dtype")
    if x.ndim != 2:
        raise Unfit(f"expected a matrix, got shape {list(x.shape)}")
    eye = np.eye(x.shape[0], x.shape[1], k=node.attr("k", 0))
    return eye.astype(x.dtype if kind is None else dtype_of(kind))


_WINDOWS = {  # the weights of 1, cos(2πi/n), cos(4πi/n)
    "HannWindow": (0.5, -0.5, 0.0), "HammingWindow": (25 / 46, -21 / 46, 0.0), "BlackmanWindow": (0.42, -0.5, 0.08)
}  # fmt: skip


@folds(*_WINDOWS)
def _window(node: OnnxNode) -> np.ndarray:
    (size,) = limited([one_number(node, 0)])
    period = size if node.attr("periodic", 1) else size - 1
    turns = 2 * np.pi * np.arange(size) / max(period, 1)
    a, b, c = _WINDOWS[node.op]
    y = a + b * np.cos(turns) + c * np.cos(2 * turns)
    return y.astype(dtype_of(node.attr("output_datatype", onnx.TensorProto.FLOAT)))


@folds("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial")
def _random(node: OnnxNode) -> np.ndarray:
    raise Refused("it draws random numbers: nothing could be compared with its result")


@folds("AffineGrid")
def _affine_grid(node: OnnxNode) -> np.ndarray:
    """theta (n, d, d+1) applied to the coordinates from −1 to 1 of an image of the given size; the last axis is x."""
    theta, size = node.known(0), node.known_ints(1)
    axes = len(size) - 2
    if axes < 1 or theta.shape != (size[0], axes, axes + 1):
        raise Unfit(f"theta of shape {list(theta.shape)} does not fit the size {list(size)}")
    limited((*size[:1], *size[2:], axes))
    if node.attr("align_corners", 0):
        lines = [np.linspace(-1, 1, n) if n > 1 else np.zeros(n) for n in size[2:]]
    else:
        lines = [(2 * np.arange(n) + 1) / n - 1 for n in size[2:]]
    points = np.stack([*np.meshgrid(*lines, indexing="ij")[::-1], np.ones(size[2:])], -1)
    grid = points.reshape(-1, axes + 1) @ theta.astype(np.float64).transpose(0, 2, 1)
    return grid.reshape(size[0], *size[2:], axes).astype(theta.dtype)
