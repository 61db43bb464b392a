"""Pooling over windows of an NHWC image, and over the whole image.

A window is cut off where it leaves the image, so that padding is never read: the maximum is over what is there. The
average divides by the number of pixels that are there (Keras, and ONNX's default), or, with include_padding, by the
window's full size. The gradient of a maximum goes to the first pixel, row by row, that holds it; a NaN counts as the
maximum.
"""

import numpy as np

from oracle import quiet, wide


def pool2d_shape(x_shape, size, *, strides=None, padding=((0, 0), (0, 0))):
    """The shape of y: one output wherever a whole window fits into the padded image. Strides default to the size."""
    strides = size if strides is None else strides
    out = [
        max((before + length + after - k) // stride + 1, 0)
        for length, k, stride, (before, after) in zip(x_shape[1:3], size, strides, padding, strict=True)
    ]
    return (x_shape[0], *out, x_shape[3])


@quiet()
def max_pool2d(x, size, *, strides=None, padding=((0, 0), (0, 0))):
    """y (n, oh, ow, c), the maximum of each window (kh, kw) = size of x (n, h, w, c)."""
    x = wide(x)
    y = np.zeros(pool2d_shape(x.shape, size, strides=strides, padding=padding), x.dtype)
    for p, q, rows, cols in _windows(x.shape, y.shape, size, strides, padding):
        y[:, p, q] = x[:, rows, cols].max(axis=(1, 2))
    return y


@quiet()
def max_pool2d_dx(dy, x, size, *, strides=None, padding=((0, 0), (0, 0))):
    """Gradient with respect to x."""
    dy, x = wide(dy), wide(x)
    dx = np.zeros(x.shape, dy.dtype)
    for p, q, rows, cols in _windows(x.shape, dy.shape, size, strides, padding):
        window = x[:, rows, cols]
        dx[:, rows, cols] += np.where(_first_maximum(window), dy[:, p : p + 1, q : q + 1], 0)
    return dx


@quiet()
def average_pool2d(x, size, *, strides=None, padding=((0, 0), (0, 0)), include_padding=False):
    """y (n, oh, ow, c), the mean of each window (kh, kw) = size of x (n, h, w, c)."""
    x = wide(x)
    y = np.zeros(pool2d_shape(x.shape, size, strides=strides, padding=padding))
    for p, q, rows, cols in _windows(x.shape, y.shape, size, strides, padding):
        y[:, p, q] = x[:, rows, cols].sum(axis=(1, 2)) / _divisor(rows, cols, size, include_padding)
    return y


@quiet()
def average_pool2d_dx(dy, x_shape, size, *, strides=None, padding=((0, 0), (0, 0)), include_padding=False):
    """Gradient with respect to x, which need not be known."""
    dy = wide(dy)
    dx = np.zeros(x_shape)
    for p, q, rows, cols in _windows(x_shape, dy.shape, size, strides, padding):
        dx[:, rows, cols] += dy[:, p : p + 1, q : q + 1] / _divisor(rows, cols, size, include_padding)
    return dx


def global_max_pool2d(x, *, keepdims=False):
    """The maximum over the image: (n, c), or (n, 1, 1, c) with keepdims."""
    return wide(x).max(axis=(1, 2), keepdims=keepdims)


def global_max_pool2d_dx(dy, x):
    """Gradient with respect to x; dy is (n, c) or (n, 1, 1, c)."""
    x = wide(x)
    return np.where(_first_maximum(x), wide(dy).reshape(x.shape[0], 1, 1, x.shape[3]), 0)


@quiet()
def global_average_pool2d(x, *, keepdims=False):
    """The mean over the image: (n, c), or (n, 1, 1, c) with keepdims."""
    return wide(x).mean(axis=(1, 2), keepdims=keepdims)


def global_average_pool2d_dx(dy, x_shape):
    """Gradient with respect to x; dy is (n, c) or (n, 1, 1, c)."""
    n, h, w, c = x_shape
    return np.broadcast_to(wide(dy).reshape(n, 1, 1, c) / (h * w), x_shape).copy()


def _windows(x_shape, y_shape, size, strides, padding):
    """Each output (p, q), with the rows and columns of the image that lie in its window."""
    (kh, kw), (sh, sw), ((top, _), (left, _)) = size, size if strides is None else strides, padding
    for p, q in np.ndindex(*y_shape[1:3]):
        row, col = p * sh - top, q * sw - left
        rows = slice(max(row, 0), min(row + kh, x_shape[1]))
        cols = slice(max(col, 0), min(col + kw, x_shape[2]))
        assert min(rows.stop - rows.start, cols.stop - cols.start) > 0, "a window lies wholly in the padding"
        yield p, q, rows, cols


def _divisor(rows, cols, size, include_padding):
    there = (rows.stop - rows.start) * (cols.stop - cols.start)
    return size[0] * size[1] if include_padding else there


def _first_maximum(window):
    """True at the first maximum of each image and channel, row by row, of window (n, h, w, c)."""
    n, h, w, c = window.shape
    first = window.reshape(n, h * w, c).argmax(axis=1)
    return (np.arange(h * w)[:, None] == first[:, None, :]).reshape(window.shape)
