"""Quantised operators on known arrays, with NumPy.

Unlike on computed tensors, integers of 2 to 32 bits, floats of 4 and 8 bits and scales for blocks are evaluated too.
The formulas are those of the ONNX operator pages.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from ..fold import folds
from ..node import OnnxNode
from ..window import read_window


def _spread(node: OnnxNode, x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Scales or zero points as they stand beside x: one, one for each place along the axis, or one for each block."""
    block, axis = node.attr("block_size", 0), node.attr("axis", 1)
    if values.size == 1 and not block:
        return values.reshape(())
    axis = node.input(0).axis(axis)
    if block:
        values = np.repeat(values, block, axis).take(range(x.shape[axis]), axis)
        if values.shape != x.shape:
            node.refuse(f"scales for blocks of {block} do not fit to a tensor of shape {list(x.shape)}")
        return values
    if values.shape != (x.shape[axis],):
        node.refuse(f"scales of shape {list(values.shape)} do not fit to axis {axis} of shape {list(x.shape)}")
    return values.reshape([-1 if i == axis else 1 for i in range(x.ndim)])


def _dtype(kind: int, default: Any) -> np.dtype[Any]:
    return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(kind) if kind else default)


def _limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    """The least and the greatest number of a type: for those of less than nine bits, by looking at all there are."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).min, np.iinfo(dtype).max
    bits = int(next(c for c in dtype.name if c.isdigit()))  # uint4, float8_e4m3fn
    numbers = np.arange(1 << bits, dtype=np.uint8).view(dtype).astype(np.float32)
    numbers = numbers[np.isfinite(numbers)]
    return float(numbers.min()), float(numbers.max())


def _saturated(values: np.ndarray, zero: Any, dtype: np.dtype[Any]) -> np.ndarray:
    """round(values) + zero, half to even, within the limits of the type; what is no number becomes the least."""
    low, high = _limits(dtype)
    steps = np.rint(values).astype(np.float64) + zero
    steps = np.where(np.isnan(steps), low, np.clip(steps, low, high))
    return np.asarray(steps.astype(np.int64).astype(dtype))


def quantize(x: np.ndarray, scale: Any, zero: Any, dtype: Any) -> np.ndarray:
    """saturate(round(x / scale) + zero), in float32."""
    return _saturated(x.astype(np.float32) / np.float32(scale), np.asarray(zero, np.float64), np.dtype(dtype))


@folds("QuantizeLinear")
def _quantize(node: OnnxNode) -> np.ndarray:
    x, scale, zero = node.known(0), node.known(1), node.known(2)
    node.ignore("precision")
    kind, saturate = node.attr("output_dtype", 0), node.attr("saturate", 1)
    dtype = _dtype(kind, np.uint8) if zero is None else zero.dtype
    scale = _spread(node, x, scale.astype(np.float32))
    if dtype.kind in "iu" or dtype.name in ("int4", "uint4", "int2", "uint2"):
        return quantize(x, scale, 0 if zero is None else _spread(node, x, zero.astype(np.int64)), dtype)
    _, most = _limits(dtype)  # a float of few bits, which knows no zero point
    values = x.astype(np.float32) / scale
    return np.asarray((np.clip(values, -most, most) if saturate else values).astype(dtype))


@folds("DequantizeLinear")
def _dequantize(node: OnnxNode) -> np.ndarray:
    x, scale, zero = node.known(0), node.known(1), node.known(2)
    dtype = _dtype(node.attr("output_dtype", 0), scale.dtype)
    wide = np.float64 if x.dtype.kind in "iu" and x.dtype.itemsize == 4 else np.float32
    shifted = x.astype(wide) if zero is None else x.astype(wide) - _spread(node, x, zero.astype(wide))
    return np.asarray((shifted.astype(np.float32) * _spread(node, x, scale.astype(np.float32))).astype(dtype))


@folds("DynamicQuantizeLinear")
def _dynamic(node: OnnxNode) -> list[np.ndarray]:
    x = node.known(0)
    low, high = (np.float32(f(x, initial=0)) for f in (np.min, np.max))
    scale = np.float32((high - low) / np.float32(255)) or np.float32(1)
    zero = quantize(-np.asarray(low), scale, 0, np.uint8)
    return [quantize(x, scale, zero, np.uint8), np.asarray(scale), zero]


# products ------------------------------------------------------------------------------------------------------------


def _less(x: np.ndarray, zero: np.ndarray | None, shape: Any = None) -> np.ndarray:
    """x - zero; `shape`: how several zero points stand beside x."""
    if zero is None:
        return x.astype(np.int64)
    return np.asarray(x.astype(np.int64) - zero.astype(np.int64).reshape(() if zero.size == 1 else shape or zero.shape))


def _rows(values: np.ndarray) -> tuple[int, ...]:
    """How numbers for each row of a matrix stand beside it."""
    return (*values.shape, 1) if values.ndim == 1 else values.shape


def _sums(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Sums of 32 bits, which wrap around."""
    return np.asarray(np.matmul(a, b).astype(np.int32))


@folds("MatMulInteger")
def _matmul_integer(node: OnnxNode) -> np.ndarray:
    a_zero = node.known(2)
    a = _less(node.known(0), a_zero, None if a_zero is None else _rows(a_zero))
    return _sums(a, _less(node.known(1), node.known(3)))


@folds("QLinearMatMul")
def _qlinear_matmul(node: OnnxNode) -> np.ndarray:
    a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero = (node.known(i) for i in range(8))
    sums = _sums(_less(a, a_zero, _rows(a_zero)), _less(b, b_zero))
    left = a_scale.astype(np.float32)
    left = left.reshape(_rows(left)) if left.size > 1 else left.reshape(())
    right = b_scale.astype(np.float32)
    scale = left * (right if right.size > 1 else right.reshape(())) / y_scale.astype(np.float32)
    return _saturated(sums.astype(np.float32) * scale, y_zero.astype(np.float64), y_zero.dtype)


def _convolved(node: OnnxNode, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Sums of a convolution with one or two spatial axes; zero points are taken off already."""
    if x.ndim not in (3, 4) or w.ndim != x.ndim:
        node.refuse(f"expected an input with 1 or 2 spatial axes, got shapes {list(x.shape)} and {list(w.shape)}")
    kernel = node.ints("kernel_shape", w.shape[2:], x.ndim - 2)
    window = read_window(node, x.shape[2:], kernel)
    flat = x.ndim == 3
    x, w = (a[:, :, None] if flat else a for a in (x, w))
    groups = node.attr("group", 1)
    if groups < 1 or x.shape[1] != groups * w.shape[1] or w.shape[0] % groups:
        node.refuse(f"an input of shape {list(x.shape)} and a kernel {list(w.shape)} do not make {groups} groups")
    x = np.pad(x, ((0, 0), (0, 0), *window.padding))
    (dh, dw), (sh, sw), (kh, kw) = window.dilation, window.strides, w.shape[2:]
    spans = (dh * (kh - 1) + 1, dw * (kw - 1) + 1)
    if any(size < span for size, span in zip(x.shape[2:], spans, strict=True)):
        node.refuse(f"the window of {spans} does not fit into an input of shape {list(x.shape)}")
    views = np.lib.stride_tricks.sliding_window_view(x, spans, (2, 3))[:, :, ::sh, ::sw, ::dh, ::dw]
    parts = [
        np.tensordot(v, f, ((1, 4, 5), (1, 2, 3)))
        for v, f in zip(np.split(views, groups, 1), np.split(w, groups), strict=True)
    ]
    y = np.concatenate(parts, -1).transpose(0, 3, 1, 2).astype(np.int32)
    return np.asarray(y[:, :, 0] if flat else y)


def _channels(w: np.ndarray) -> tuple[int, ...]:
    return (-1, *(1,) * (w.ndim - 1))


@folds("ConvInteger")
def _conv_integer(node: OnnxNode) -> np.ndarray:
    w = node.known(1)
    return _convolved(node, _less(node.known(0), node.known(2)), _less(w, node.known(3), _channels(w)))


@folds("QLinearConv")
def _qlinear_conv(node: OnnxNode) -> np.ndarray:
    x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, b = (node.known(i) for i in range(9))
    sums = _convolved(node, _less(x, x_zero), _less(w, w_zero, _channels(w)))
    around = (1, -1, *(1,) * (x.ndim - 2))
    if b is not None:
        sums = sums + b.reshape(around)
    scale = (x_scale.astype(np.float32) * w_scale.astype(np.float32) / y_scale.astype(np.float32)).reshape(-1)
    scale = scale.reshape(around if scale.size > 1 else ())
    return _saturated(sums.astype(np.float32) * scale, y_zero.astype(np.float64), y_zero.dtype)
