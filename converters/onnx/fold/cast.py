"""Changes of dtype.

To the short floating point numbers (float8…) the rules of the ONNX page of Cast apply: rounded to even; what is too
large becomes the largest number with `saturate`, and without it what the dtype has for that, inf or NaN.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import Refused, Unfit
from ..node import OnnxNode
from .core import dtype_of, folds
from .signature import is_float


@folds("Cast", names=True)
def _cast(node: OnnxNode) -> np.ndarray:
    return _as_dtype(node, dtype_of(node.attr("to", 0)))


@folds("CastLike", names=True)
def _cast_like(node: OnnxNode) -> np.ndarray:
    dtype = node.known(1).dtype
    return _as_dtype(node, np.dtype(np.int64) if dtype.kind == "O" else dtype)


@folds("BitCast")
def _bit_cast(node: OnnxNode) -> np.ndarray:
    x, dtype = node.known(0), dtype_of(node.attr("to", 0))
    if x.dtype.itemsize != dtype.itemsize:
        raise Unfit(f"{x.dtype} and {dtype} have different widths")
    return np.ascontiguousarray(x).view(dtype).reshape(x.shape)


def _as_dtype(node: OnnxNode, dtype: np.dtype[Any]) -> np.ndarray:
    x, saturate, mode = node.known(0), bool(node.attr("saturate", 1)), node.attr("round_mode", "up")
    if x.dtype == object and any(isinstance(a, str) for a in x.flat):
        if dtype.kind in "iu":
            return np.asarray(x)
        raise Unfit(f"a size that is not known yet cannot become {dtype}")
    if "e8m0" in dtype.name:
        return _power_of_two(x.astype(np.float32), dtype, saturate, mode)
    try:
        y = x.astype(dtype)
    except TypeError:
        y = x.astype(np.float32).astype(dtype)
    if saturate and "float8" in dtype.name:
        large = ~np.isfinite(y.astype(np.float32)) & ~np.isnan(x.astype(np.float32))
        every = np.arange(256).astype(np.uint8).view(dtype).astype(np.float32)
        largest = every[np.isfinite(every)].max()
        y = np.where(large, np.where(x < 0, -largest, largest).astype(dtype), y)
    return y if y.dtype == dtype or is_float(dtype) else y.astype(dtype)


def _power_of_two(x: np.ndarray, dtype: np.dtype[Any], saturate: bool, mode: str) -> np.ndarray:
    """float8e8m0 holds the power of two alone: byte b is 2 ** (b − 127), and 255 is NaN."""
    if mode not in ("up", "down", "nearest"):
        raise Refused(f"round_mode={mode!r} is not supported, only 'up', 'down' or 'nearest'")
    mantissa, exponent = np.frexp(np.abs(np.where(np.isfinite(x), x, 1)))  # mantissa from 0.5 to 1
    over = mantissa > 0.5 if mode == "up" else mantissa >= (0.75 if mode == "nearest" else 1)
    byte = np.where(x == 0, -1, exponent.astype(np.int64) - 1 + over + 127)
    byte = np.where(np.isinf(x), 255, byte)
    if saturate:
        byte = np.clip(byte, 0, 254)
    byte = np.where(np.isnan(x) | (byte < 0) | (byte > 254), 255, byte)
    return byte.astype(np.uint8).view(dtype)
