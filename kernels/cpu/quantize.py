"""Between floats and integers of eight bits.

::

    quantize      y[i] = saturate(round(x[i] / scale) + zero)            round half to even
    dequantize    y[i] = (x[i] - zero) · scale
    dynamic       scale = (high - low) / 255,  zero = saturate(round(-low / scale)),  y = quantize(x)
                  with low = min(0, min x) and high = max(0, max x); scale = 1 where all of x is 0

Source: QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear of the ONNX operator pages.

Eight bits come as they lie in memory: `sign` is 128 for int8, 0 for uint8, and (x ^ sign) - sign is the number.
"""

import numpy as np

from ..compiler import In, InByte, InI32, Kernel, Out, OutByte, OutI32, device, i64, kernel
from ..generators import bits, divide, minus, plus, times
from ..math import ROUND, ROUND_BITS, rank, unrank

#: numbers that a task converts
BLOCK = 4096
ZERO, ONE, STEPS = np.float32(0), np.float32(1), np.float32(255)
NOTHING, ALL = np.int32(0), np.int32(255)


@device
def number_of(byte, sign):
    """The number that eight bits stand for."""
    return np.int32(byte ^ np.uint8(sign)) - np.int32(sign)


@device
def rounded(v, low, high):
    """The nearest integer, within bounds of less than 2^22; what is no number becomes `low`."""
    v = v if v > low else low
    v = v if v < high else high
    return np.int32(bits(plus(v, ROUND)) - ROUND_BITS)


@device
def bounds(zero, sign):
    """What is left of the zero point, and right of it, until numbers saturate."""
    return np.float32(-sign - zero), np.float32(255 - sign - zero)


@kernel
def quantize(x: In, scale: In, zero: InByte, sign: i64, y: OutByte, n: i64, lo: i64, hi: i64):
    """One scale for all; one task converts BLOCK numbers."""
    s, z = scale[0], number_of(zero[0], sign)
    low, high = bounds(z, sign)
    for i in range(lo * BLOCK, min(hi * BLOCK, n)):
        y[i] = np.uint8(np.int32(rounded(divide(x[i], s), low, high) + z) & ALL)


@kernel
def quantize_channels(
    x: In, scale: In, zero: InByte, sign: i64, y: OutByte, channels: i64, inner: i64, lo: i64, hi: i64
):
    """A scale for each channel of x[rows, channels, inner]; one task converts a row."""
    for task in range(lo, hi):
        for channel in range(channels):
            s, z = scale[channel], number_of(zero[channel], sign)
            low, high = bounds(z, sign)
            first = (task * channels + channel) * inner
            for i in range(first, first + inner):
                y[i] = np.uint8(np.int32(rounded(divide(x[i], s), low, high) + z) & ALL)


@device
def itself(x, sign):
    """The number that 32 bits stand for."""
    return x


def _dequantizers(source, read, suffix: str) -> tuple[Kernel, Kernel]:
    """The kernels for one scale for all (a task converts BLOCK numbers), and for one a channel (it converts a row)."""

    def dequantize(x: source, scale: In, zero: source, sign: i64, y: Out, n: i64, lo: i64, hi: i64):
        s, z = scale[0], read(zero[0], sign)
        for i in range(lo * BLOCK, min(hi * BLOCK, n)):
            y[i] = times(np.float32(np.int32(read(x[i], sign) - z)), s)

    def dequantize_channels(
        x: source, scale: In, zero: source, sign: i64, y: Out, channels: i64, inner: i64, lo: i64, hi: i64
    ):
        for task in range(lo, hi):
            for channel in range(channels):
                s, z = scale[channel], read(zero[channel], sign)
                first = (task * channels + channel) * inner
                for i in range(first, first + inner):
                    y[i] = times(np.float32(np.int32(read(x[i], sign) - z)), s)

    for function in (dequantize, dequantize_channels):
        function.__qualname__ = function.__name__ + suffix
    return Kernel(dequantize), Kernel(dequantize_channels)


#: by dtype; for sums of 32 bits `sign` means nothing
_bytes, _words = _dequantizers(InByte, number_of, ""), _dequantizers(InI32, itself, "_i32")
dequantizers = {"int8": _bytes, "uint8": _bytes, "int32": _words}


@kernel
def extremes(x: In, parts: OutI32, n: i64, lo: i64, hi: i64):
    """parts[t] = ranks of the least and the greatest number of block t, and of 0; see `math.rank`."""
    for task in range(lo, hi):
        low, high = NOTHING, NOTHING
        for i in range(task * BLOCK, min(task * BLOCK + BLOCK, n)):
            r = rank(x[i])
            low = min(low, r)
            high = max(high, r)
        parts[2 * task] = low
        parts[2 * task + 1] = high


@kernel
def dynamic_range(parts: InI32, count: i64, scale: Out, zero: OutByte, lo: i64, hi: i64):
    """scale and zero of all numbers, from the extremes of the parts; one task."""
    for task in range(lo, hi):
        low, high = NOTHING, NOTHING
        for i in range(count):
            low = min(low, parts[2 * i])
            high = max(high, parts[2 * i + 1])
        s = divide(minus(unrank(high), unrank(low)), STEPS)
        s = ONE if s == ZERO else s
        scale[task] = s
        zero[task] = np.uint8(rounded(divide(-unrank(low), s), ZERO, STEPS) & ALL)
