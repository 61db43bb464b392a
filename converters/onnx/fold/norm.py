"""Normalisations: (x − mean) / √(variance + epsilon), over different axes, then times a scale and plus a bias."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx

from ..errors import Unfit
from ..node import OnnxNode
from .core import axes_of, axis_of, dtype_of, folds, wide


def _standard(x: np.ndarray, axes: Sequence[int], epsilon: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The normalised numbers, their mean and the inverse of their standard deviation."""
    if not x.size:
        raise Unfit(f"an input of shape {list(x.shape)} has no mean")
    mean = x.mean(tuple(axes), keepdims=True)
    inverse = 1 / np.sqrt(((x - mean) ** 2).mean(tuple(axes), keepdims=True) + np.asarray(epsilon, x.dtype))
    return (x - mean) * inverse, mean, inverse


def _per_channel(node: OnnxNode, i: int, x: np.ndarray, size: int | None = None) -> np.ndarray:
    """Input i, one number for each channel, as it broadcasts over x."""
    node.input(i)  # must be there
    p = wide(node.known(i))
    size = x.shape[1] if size is None else size
    if p.shape != (size,):
        raise Unfit(f"input {i} of shape {list(p.shape)} does not fit {size} channels")
    return np.asarray(p.reshape(-1, *[1] * (x.ndim - 2)))


def _channels(node: OnnxNode) -> tuple[np.ndarray, np.dtype[Any]]:
    x = node.known(0)
    if x.ndim < 2:
        raise Unfit(f"expected a batch of channels, got shape {list(x.shape)}")
    return wide(x), x.dtype


@folds("BatchNormalization")
def _batch(node: OnnxNode) -> Any:
    x, dtype = _channels(node)
    scale, bias, mean, var = (_per_channel(node, i, x) for i in range(1, 5))
    epsilon, momentum = node.attr("epsilon", 1e-5), node.attr("momentum", 0.9)
    node.only("spatial", 1)
    if not node.attr("training_mode", 0):
        if node.opset < 14:
            node.only_output("what training computes")
        return np.asarray((x - mean) * (scale / np.sqrt(var + epsilon)) + bias).astype(dtype)
    axes = (0, *range(2, x.ndim))
    y, new_mean, _ = _standard(x, axes, epsilon)
    new_var = x.var(axes, keepdims=True)
    running = [
        (old.reshape(-1) * momentum + new.reshape(-1) * (1 - momentum)).astype(node.known(i).dtype)
        for i, old, new in ((3, mean, new_mean), (4, var, new_var))
    ]
    return [(y * scale + bias).astype(dtype), *running]


@folds("InstanceNormalization")
def _instance(node: OnnxNode) -> np.ndarray:
    x, dtype = _channels(node)
    y, _, _ = _standard(x, range(2, x.ndim), node.attr("epsilon", 1e-5))
    return np.asarray(y * _per_channel(node, 1, x) + _per_channel(node, 2, x)).astype(dtype)


@folds("GroupNormalization")
def _group(node: OnnxNode) -> np.ndarray:
    """Scale and bias belong to a group before opset 21, to a channel since."""
    x, dtype = _channels(node)
    node.ignore("stash_type")
    n, c = x.shape[:2]
    groups = node.attr("num_groups", 0)
    if groups < 1 or c % groups:
        raise Unfit(f"{c} channels cannot be split into num_groups={groups}")
    y = _standard(x.reshape(n, groups, -1), [2], node.attr("epsilon", 1e-5))[0].reshape(x.shape)
    size = c if node.opset >= 21 else groups
    scale, bias = (np.repeat(_per_channel(node, i, x, size), c // size, axis=0) for i in (1, 2))
    return np.asarray(y * scale + bias).astype(dtype)


def _from_axis(node: OnnxNode, x: np.ndarray) -> tuple[int, ...]:
    return tuple(range(axis_of(node.attr("axis", -1), x.ndim), x.ndim))


@folds("LayerNormalization")
def _layer(node: OnnxNode) -> list[np.ndarray]:
    x = wide(node.known(0))
    stash = dtype_of(node.attr("stash_type", onnx.TensorProto.FLOAT))
    y, mean, inverse = _standard(x, _from_axis(node, x), node.attr("epsilon", 1e-5))
    y = y * wide(node.known(1))
    bias = node.known(2)
    y = y if bias is None else y + wide(bias)
    return [_same(y, x, node), mean.astype(stash), inverse.astype(stash)]


@folds("RMSNormalization")
def _rms(node: OnnxNode) -> np.ndarray:
    x = wide(node.known(0))
    node.ignore("stash_type")
    squares = (x * x).mean(_from_axis(node, x), keepdims=True)
    y = x / np.sqrt(squares + np.asarray(node.attr("epsilon", 1e-5), x.dtype)) * wide(node.known(1))
    return _same(y, x, node)


def _same(y: np.ndarray, x: np.ndarray, node: OnnxNode) -> np.ndarray:
    if y.shape != x.shape:
        raise Unfit(f"its scale or bias does not broadcast to the input of shape {list(x.shape)}")
    return np.asarray(y, node.known(0).dtype)


@folds("MeanVarianceNormalization")
def _mean_variance(node: OnnxNode) -> np.ndarray:
    x = wide(node.known(0))
    axes = axes_of(node.ints("axes", (0, 2, 3)), x.ndim)
    deviation = np.sqrt((x * x).mean(axes, keepdims=True) - x.mean(axes, keepdims=True) ** 2)
    return np.asarray((x - x.mean(axes, keepdims=True)) / (deviation + 1e-9)).astype(node.known(0).dtype)


@folds("LpNormalization")
def _lp(node: OnnxNode) -> np.ndarray:
    """x over its norm along an axis; 0 where that is 0."""
    x = wide(node.known(0))
    axis = axis_of(node.attr("axis", -1), x.ndim)
    node.only("p", 2, 1)
    norm = np.abs(x).sum(axis, keepdims=True) if node.attr("p", 2) == 1 else np.sqrt((x * x).sum(axis, keepdims=True))
    return np.asarray(np.where(norm == 0, 0, x / norm)).astype(node.known(0).dtype)


@folds("LRN")
def _lrn(node: OnnxNode) -> np.ndarray:
    """x / (bias + alpha / size · Σ x²) ** beta over the `size` channels around each."""
    x, dtype = _channels(node)
    size, alpha = node.attr("size", 0), node.attr("alpha", 0.0001)
    beta, bias = node.attr("beta", 0.75), node.attr("bias", 1.0)
    if size < 1:
        raise Unfit(f"expected a size of at least 1, got {size}")
    before, after = (size - 1) // 2, size // 2
    ends = np.minimum(np.arange(x.shape[1]) + after + 1, x.shape[1])
    starts = np.maximum(np.arange(x.shape[1]) - before, 0)
    squares = x * x
    sums = np.stack([squares[:, a:b].sum(1) for a, b in zip(starts, ends, strict=True)], 1) if x.size else squares
    return np.asarray(x / (bias + alpha / size * sums) ** beta).astype(dtype)
