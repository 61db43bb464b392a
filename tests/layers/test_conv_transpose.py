"""The transposed convolution against sums written out, and convolution along sequences against that over images."""

import numpy as np
import pytest
from layers.run import apply, normal, pull, randomise
from numpy.testing import assert_allclose

from edgenet import Input, layers
from edgenet.graph import ShapeError
from oracle import conv as oracle
from oracle.difference import central_difference
from tolerance import tolerance

F32 = np.dtype(np.float32)


def scattered(x, w, strides, dilation):
    """Each pixel adds its kernel times its number; nothing is cut off."""
    n, h, width, _ = x.shape
    (kh, kw, co, _), (sh, sw), (dh, dw) = w.shape, strides, dilation
    y = np.zeros((n, (h - 1) * sh + (kh - 1) * dh + sh + 9, (width - 1) * sw + (kw - 1) * dw + sw + 9, co))
    for p, q, i, j in np.ndindex(h, width, kh, kw):
        y[:, p * sh + i * dh, q * sw + j * dw] += x[:, p, q].astype(np.float64) @ w[i, j].T.astype(np.float64)
    return y


#: kernel, stride, dilation, padding, output_padding → size of the result for 5 pixels, and what is cut off in front;
#: worked out by hand from the rules of Keras 3
AXES = [
    (3, 1, 1, "valid", None, 7, 0), (3, 1, 1, "same", None, 5, 1), (3, 2, 1, "valid", None, 11, 0),
    (3, 2, 1, "same", None, 10, 0), (2, 3, 1, "valid", None, 15, 0), (2, 3, 1, "same", None, 15, 0),
    (4, 2, 1, "same", None, 10, 1), (5, 2, 1, "same", None, 10, 1), (3, 1, 2, "same", None, 5, 2),
    (3, 2, 1, "valid", 1, 12, 0), (3, 2, 1, "same", 0, 9, 1), (3, 2, 1, "same", 1, 10, 0),
    (1, 2, 1, "same", None, 10, 0),
]  # fmt: skip


@pytest.mark.parametrize(("k", "stride", "dilation", "padding", "extra", "size", "cut"), AXES)
def test_conv2d_transpose(k, stride, dilation, padding, extra, size, cut):
    layer = layers.Conv2DTranspose(3, k, stride, padding, output_padding=extra, dilation_rate=dilation)
    x = normal(1, 2, 5, 5, 4)
    layer.build(x.shape)
    w, b = randomise(layer, 2)
    assert w.shape == (k, k, 3, 4)
    whole = scattered(x, w, (stride, stride), (dilation, dilation))
    want = whole[:, cut : cut + size, cut : cut + size] + b
    y = apply(layer, x)
    assert_allclose(y, want, *tolerance(F32, k * k * 4))
    dy = normal(3, *y.shape)
    dx, dw, db = pull(layer, x, dy=dy)

    def forward(x, w):
        return scattered(x, w, (stride, stride), (dilation, dilation))[:, cut : cut + size, cut : cut + size]

    few = (slice(0, 1), slice(0, 2))  # central differences of a corner are enough of x
    corner = central_difference(lambda c: forward(_with(x, few, c), w), x[few], dy.astype(np.float64))
    assert_allclose(dx[few], corner, *tolerance(F32, 32 * k * k * 3))
    assert_allclose(dw, central_difference(lambda v: forward(x, v), w, dy.astype(np.float64)), *tolerance(F32, 400))
    assert_allclose(db, dy.sum((0, 1, 2)), *tolerance(F32, dy[..., 0].size))


def _with(x, where, values):
    wide = x.astype(np.float64)
    wide[where] = values
    return wide


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    ("k", "stride", "dilation", "padding", "around"),
    [
        (3, 1, 1, "valid", (0, 0)), (3, 1, 1, "same", (1, 1)), (3, 2, 1, "same", (1, 1)), (2, 1, 1, "same", (0, 1)),
        (3, 1, 2, "causal", (4, 0)), (2, 3, 1, "causal", (1, 0)), (3, 1, 2, "same", (2, 2)), (1, 2, 1, "valid", (0, 0)),
    ],
)  # fmt: skip
def test_conv1d(k, stride, dilation, padding, around, groups):
    layer = layers.Conv1D(6, k, stride, padding, dilation_rate=dilation, groups=groups)
    x = normal(4, 3, 9, 4)
    layer.build(x.shape)
    w, b = randomise(layer, 5)
    attrs = {"strides": (1, stride), "padding": ((0, 0), around), "dilation": (1, dilation), "groups": groups}
    want = oracle.conv2d(x[:, None], w[None], b, **attrs)[:, 0]
    y = apply(layer, x)
    assert_allclose(y, want, *tolerance(F32, k * 4))
    dy = normal(6, *y.shape)
    dx, dw, db = pull(layer, x, dy=dy)
    assert_allclose(dx, oracle.conv2d_dx(dy[:, None], w[None], x[:, None].shape, **attrs)[:, 0], *tolerance(F32, 18))
    assert_allclose(dw, oracle.conv2d_dw(x[:, None], dy[:, None], w[None].shape, **attrs)[0], *tolerance(F32, 27))
    assert_allclose(db, dy.sum((0, 1)), *tolerance(F32, 27))


def test_causal_sees_no_future():
    layer = layers.Conv1D(2, 3, padding="causal", dilation_rate=2)
    x = normal(7, 1, 10, 2)
    layer.build(x.shape)
    later = x.copy()
    later[:, 6:] += 1
    a, b = apply(layer, x), apply(layer, later)
    assert (a[:, :6] == b[:, :6]).all()
    assert (a[:, 6:] != b[:, 6:]).any()


def test_errors():
    with pytest.raises(ValueError, match="output_padding=2 must be less than strides=2"):
        layers.Conv2DTranspose(3, 3, 2, output_padding=2)
    with pytest.raises(ShapeError, match=r"layer up: expected images .*got \(None, 8, 3\)"):
        layers.Conv2DTranspose(3, 3, name="up")(Input((8, 3)))
    layer = layers.Conv2DTranspose(3, 3, name="up")
    layer(Input((8, 8, 3)))
    with pytest.raises(ShapeError, match="layer up: x has 4 channels"):
        layer(Input((8, 8, 4)))
    with pytest.raises(ValueError, match=r"Conv1D: strides must be an integer of at least 1, got \(1, 2\)"):
        layers.Conv1D(3, 3, (1, 2))
    with pytest.raises(ValueError, match="Conv1D: padding must be 'valid' or 'same', got 'full'"):
        layers.Conv1D(3, 3, padding="full")
    with pytest.raises(ShapeError, match=r"layer words: expected sequences .*got \(None, 8\): a single channel"):
        layers.Conv1D(3, 3, name="words")(Input((8,)))
