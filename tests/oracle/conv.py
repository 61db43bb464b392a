"""Convolution (cross-correlation, as everywhere in deep learning), NHWC with HWIO weights, and its gradients.

    y[n, p, q, o] = b[o] + sum over i, j, c of  xp[n, p*sh + i*dh, q*sw + j*dw, c] * w[i, j, c, o]

xp is x with zeros around it. With g groups, x's channels and w's outputs fall into g equal runs, and outputs of run r
see only the channels of run r; w is (kh, kw, ci/g, co). Depthwise is g = ci with w (kh, kw, 1, ci*multiplier).

Everything is a loop over the taps (i, j) of the window: tap (i, j) meets the slice of xp in which it multiplies, and
the three functions differ only in which of the three (slice, w[i, j], y) is unknown. A padded zero is a zero that is
multiplied: with an infinite weight it gives NaN.
"""

import numpy as np

from oracle import quiet, wide


def conv2d_shape(x_shape, w_shape, *, strides=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1)):
    """The shape of y: one output wherever the whole (dilated) window fits into the padded input."""
    out = []
    for size, k, stride, (before, after), dil in zip(
        x_shape[1:3], w_shape[:2], strides, padding, dilation, strict=True
    ):
        room = before + size + after - ((k - 1) * dil + 1)
        out.append(max(room // stride + 1, 0))
    return (x_shape[0], *out, w_shape[3])


@quiet()
def conv2d(x, w, b=None, *, strides=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1):
    """y (n, oh, ow, co) from x (n, h, w, ci), w (kh, kw, ci/groups, co) and b (co,)."""
    x, w = wide(x), wide(w)
    y_shape = conv2d_shape(x.shape, w.shape, strides=strides, padding=padding, dilation=dilation)
    xp = np.pad(x, ((0, 0), *padding, (0, 0)))
    y = np.zeros(y_shape, np.result_type(x, w))
    for i, j, rows, cols in _taps(w.shape, y_shape, strides, dilation):
        for ci, co in _groups(x.shape[3], w, groups):
            y[..., co] += xp[:, rows, cols, ci] @ w[i, j, :, co]
    return y if b is None else y + wide(b)


@quiet()
def conv2d_dx(dy, w, x_shape, *, strides=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1):
    """Gradient with respect to x. It is also what a transposed convolution computes from dy."""
    dy, w = wide(dy), wide(w)
    (top, bottom), (left, right) = padding
    n, h, width, c = x_shape
    dxp = np.zeros((n, top + h + bottom, left + width + right, c), np.result_type(dy, w))
    for i, j, rows, cols in _taps(w.shape, dy.shape, strides, dilation):
        for ci, co in _groups(c, w, groups):
            dxp[:, rows, cols, ci] += dy[..., co] @ w[i, j, :, co].T
    return dxp[:, top : top + h, left : left + width]


@quiet()
def conv2d_dw(x, dy, w_shape, *, strides=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=1):
    """Gradient with respect to w."""
    x, dy = wide(x), wide(dy)
    xp = np.pad(x, ((0, 0), *padding, (0, 0)))
    dw = np.zeros(w_shape, np.result_type(x, dy))
    for i, j, rows, cols in _taps(w_shape, dy.shape, strides, dilation):
        for ci, co in _groups(x.shape[3], dw, groups):
            dw[i, j, :, co] = np.tensordot(xp[:, rows, cols, ci], dy[..., co], axes=([0, 1, 2], [0, 1, 2]))
    return dw


def conv2d_db(dy):
    """Gradient with respect to b."""
    return wide(dy).sum(axis=(0, 1, 2))


def _taps(w_shape, y_shape, strides, dilation):
    """Each tap (i, j) of the window, with the rows and columns of the padded input that it meets, one an output."""
    (sh, sw), (dh, dw), (oh, ow) = strides, dilation, y_shape[1:3]
    for i, j in np.ndindex(*w_shape[:2]):
        yield i, j, slice(i * dh, i * dh + oh * sh, sh), slice(j * dw, j * dw + ow * sw, sw)


def _groups(channels, w, groups):
    """The input and the output channels of each group."""
    ci, co = channels // groups, w.shape[3] // groups
    assert (ci * groups, co * groups, ci) == (channels, w.shape[3], w.shape[2]), "groups do not divide the channels"
    for g in range(groups):
        yield slice(g * ci, (g + 1) * ci), slice(g * co, (g + 1) * co)
