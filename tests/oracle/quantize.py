"""Quantisation as the ONNX operator pages define it; every scale and zero point broadcasts.

    quantize      saturate(round(x / scale) + zero)          round half to even
    dequantize    (x - zero) * scale
    requantize    saturate(round(float(sums) * (x_scale * w_scale / y_scale)) + zero)

The pages leave open in which precision the quotients are taken; float32 here, as in onnxruntime.
"""

import numpy as np

from oracle import conv, quiet

LIMITS = {"int8": (-128, 127), "uint8": (0, 255)}


def _saturated(steps, zero, low=None, high=None):
    least, most = LIMITS[str(zero.dtype)]
    y = np.rint(steps.astype(np.float64)) + zero.astype(np.float64)
    return np.clip(y, least if low is None else low, most if high is None else high).astype(zero.dtype)


@quiet()
def quantize(x, scale, zero):
    """Integers of the dtype of `zero`."""
    return _saturated(x.astype(np.float32) / scale.astype(np.float32), zero)


def dequantize(x, scale, zero):
    """float32."""
    return (x.astype(np.int64) - zero.astype(np.int64)).astype(np.float32) * scale.astype(np.float32)


def dynamic(x):
    """y, scale, zero; the range takes in 0, and a range of nothing has the scale 1."""
    low, high = np.float32(min(x.min(initial=0), 0)), np.float32(max(x.max(initial=0), 0))
    scale = np.float32((high - low) / np.float32(255))
    scale = np.float32(1) if scale == 0 else scale
    zero = quantize(np.asarray(-low), scale, np.uint8(0))
    return quantize(x, scale, zero), scale, zero


def conv_integer(x, w, x_zero, w_zero, **attrs):
    """The sums of a convolution of integers, NHWC and HWIO, exact in float64."""
    return conv.conv2d(x.astype(np.float64) - x_zero, w.astype(np.float64) - w_zero, **attrs).astype(np.int32)


def matmul_integer(x, w, x_zero, w_zero):
    """The sums of a product of matrices of integers."""
    return (x.astype(np.int64) - x_zero) @ (w.astype(np.int64) - w_zero).astype(np.int32)


def requantize(sums, bias, scales, zero, low=None, high=None):
    """Sums and bias as integers of the dtype of `zero`; `scales` of x, w and y."""
    x_scale, w_scale, y_scale = (s.astype(np.float32) for s in scales)
    total = sums if bias is None else sums + bias
    return _saturated(total.astype(np.float32) * (x_scale * w_scale / y_scale), zero, low, high)
