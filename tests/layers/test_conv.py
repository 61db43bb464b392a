"""The convolution layers against the oracle, with TensorFlow's padding worked out apart from it."""

import itertools

import numpy as np
import pytest
from layers.run import apply, normal, pull, randomise
from numpy.testing import assert_allclose

from edgenet import Input, layers
from edgenet.graph import Graph, ShapeError
from edgenet.layers.arguments import same_padding
from oracle import conv as oracle
from oracle.same_padding import same_padding as same_oracle
from tolerance import tolerance

F32 = np.dtype(np.float32)
SETTINGS = [
    {"kernel_size": 3},
    {"kernel_size": 3, "padding": "same"},
    {"kernel_size": 3, "strides": 2, "padding": "same"},
    {"kernel_size": (2, 5), "strides": (3, 2), "padding": "same"},
    {"kernel_size": 3, "dilation_rate": 2, "padding": "same"},
    {"kernel_size": (3, 2), "dilation_rate": (1, 3)},
    {"kernel_size": 1, "strides": 2, "padding": "SAME"},
    {"kernel_size": 7, "strides": 4, "padding": "same"},
]


def geometry(setting, shape):
    """What the oracle takes, of what the layer takes."""
    window, strides, dilation = (
        (v, v) if isinstance(v, int) else v
        for v in (setting["kernel_size"], setting.get("strides", 1), setting.get("dilation_rate", 1))
    )
    padding = ((0, 0), (0, 0))
    if setting.get("padding", "valid").lower() == "same":
        padding = tuple(same_oracle(*a)[1:] for a in zip(shape[1:3], window, strides, dilation, strict=True))
    return {"strides": strides, "padding": padding, "dilation": dilation}


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("setting", SETTINGS, ids=repr)
def test_conv2d(setting, groups):
    x = normal(1, 2, 9, 12, 4)
    layer = layers.Conv2D(6, groups=groups, **setting)
    layer.build(x.shape)
    w, b = randomise(layer, 2)
    attrs = geometry(setting, x.shape)
    want = oracle.conv2d(x, w, b, groups=groups, **attrs)
    y = apply(layer, x)
    assert y.shape == want.shape
    assert_allclose(y, want, *tolerance(F32, w[..., 0].size))
    assert layer(Input(x.shape[1:])).shape == (None, *want.shape[1:])


@pytest.mark.parametrize("setting", SETTINGS[:6], ids=repr)
def test_conv2d_gradient(setting):
    x = normal(3, 2, 9, 12, 3)
    layer = layers.Conv2D(4, **setting)
    layer.build(x.shape)
    w, _ = randomise(layer, 4)
    attrs = geometry(setting, x.shape)
    dy = normal(5, *oracle.conv2d_shape(x.shape, w.shape, **attrs))
    dx, dw, db = pull(layer, x, dy=dy)
    pixels = dy[..., 0].size
    assert_allclose(dx, oracle.conv2d_dx(dy, w, x.shape, **attrs), *tolerance(F32, w[..., 0, :].size))
    assert_allclose(dw, oracle.conv2d_dw(x, dy, w.shape, **attrs), *tolerance(F32, pixels))
    assert_allclose(db, oracle.conv2d_db(dy), *tolerance(F32, pixels))


@pytest.mark.parametrize("multiplier", [1, 3])
@pytest.mark.parametrize("setting", SETTINGS, ids=repr)
def test_depthwise(setting, multiplier):
    x = normal(6, 2, 9, 12, 4)
    layer = layers.DepthwiseConv2D(depth_multiplier=multiplier, **setting)
    layer.build(x.shape)
    w, b = randomise(layer, 7)
    assert w.shape[2:] == (4, multiplier)
    attrs = geometry(setting, x.shape)
    y = apply(layer, x)
    for c, k in itertools.product(range(4), range(multiplier)):  # output channel c·m + k sees input channel c alone
        o = c * multiplier + k
        want = oracle.conv2d(x[..., c : c + 1], w[:, :, c : c + 1, k : k + 1], b[o : o + 1], **attrs)
        assert_allclose(y[..., o : o + 1], want, *tolerance(F32, w[:, :, 0, 0].size))


@pytest.mark.parametrize("multiplier", [1, 2])
def test_depthwise_gradient(multiplier):
    x = normal(8, 2, 7, 6, 3)
    layer = layers.DepthwiseConv2D(3, strides=2, padding="same", depth_multiplier=multiplier)
    layer.build(x.shape)
    w, _ = randomise(layer, 9)
    attrs = {**geometry({"kernel_size": 3, "strides": 2, "padding": "same"}, x.shape), "groups": 3}
    flat = w.reshape(3, 3, 1, -1)
    dy = normal(10, 2, 4, 3, 3 * multiplier)
    dx, dw, db = pull(layer, x, dy=dy)
    assert_allclose(dx, oracle.conv2d_dx(dy, flat, x.shape, **attrs), *tolerance(F32, 9 * multiplier))
    assert_allclose(dw, oracle.conv2d_dw(x, dy, flat.shape, **attrs).reshape(w.shape), *tolerance(F32, 24))
    assert_allclose(db, oracle.conv2d_db(dy), *tolerance(F32, 24))


@pytest.mark.parametrize("setting", SETTINGS[:5], ids=repr)
def test_separable(setting):
    x = normal(11, 2, 9, 12, 4)
    layer = layers.SeparableConv2D(5, depth_multiplier=2, activation="relu", **setting)
    layer.build(x.shape)
    depthwise, pointwise, b = randomise(layer, 12)
    assert [v.shape for v in (depthwise, pointwise, b)] == [(*layer.kernel_size, 4, 2), (1, 1, 8, 5), (5,)]
    flat = depthwise.reshape(*layer.kernel_size, 1, 8)
    between = oracle.conv2d(x, flat, groups=4, **geometry(setting, x.shape))
    want = np.maximum(oracle.conv2d(between, pointwise, b), 0)
    y = apply(layer, x)
    assert_allclose(y, want, *tolerance(F32, 8 * flat[..., 0].size))


def test_same_padding_of_tensorflow():
    assert same_padding(6, 3, 2) == (0, 1)
    assert same_padding(7, 3, 2) == (1, 1)
    assert same_padding(7, 2, 2) == (0, 1)
    assert same_padding(128, 7, 2) == (2, 3)
    for sizes in itertools.product(range(1, 13), range(1, 6), range(1, 5), range(1, 4)):
        assert same_padding(*sizes) == same_oracle(*sizes)[1:]


@pytest.mark.parametrize(
    ("size", "kernel", "strides", "outputs"), [(6, 3, 2, 3), (7, 3, 2, 4), (7, 2, 2, 4), (128, 7, 2, 64)]
)
def test_outputs_of_same_padding(size, kernel, strides, outputs):
    y = layers.Conv2D(1, kernel, strides, "same")(Input((size, size, 1)))
    assert y.shape == (None, outputs, outputs, 1)


def test_the_odd_zero_lies_at_the_bottom_and_on_the_right():
    layer = layers.Conv2D(1, 2, padding="same", use_bias=False, kernel_initializer="ones")
    x = np.arange(1, 5, dtype=np.float32).reshape(1, 2, 2, 1)
    assert_allclose(apply(layer, x)[0, :, :, 0], [[10, 6], [7, 4]])


def test_emits_the_activation_apart_and_views_of_weights():
    graph = Graph()
    layers.Conv2D(3, 1, activation="relu6")(graph.input(("batch", 4, 4, 2)))
    assert [n.op for n in graph.nodes] == ["conv2d", "clip"]


def test_errors():
    for arguments, words in [
        (((4, 3), {"data_format": "channels_first"}), "images are .batch, h, w, channels.*np.moveaxis"),
        (((4, 3), {"padding": "causal"}), "padding must be 'valid' or 'same', got 'causal'"),
        (((4, 0), {}), "kernel_size must be an integer of at least 1, got 0"),
        (((4, (3, 3, 3)), {}), "kernel_size must be an integer or a pair of them"),
        (((4, 3), {"strides": (0, 1)}), "strides"),
        (((5, 3), {"groups": 2}), "filters=5 is not a multiple of groups=2"),
        (((2.5, 3), {}), "filters must be an integer"),
    ]:
        with pytest.raises(ValueError, match=f"Conv2D: {words}"):
            layers.Conv2D(*arguments[0], **arguments[1])
    with pytest.raises(ShapeError, match=r"layer stem: expected images .*got \(None, 28, 28\): a single channel"):
        layers.Conv2D(4, 3, name="stem")(Input((28, 28)))
    with pytest.raises(ShapeError, match=r"layer stem: 3 channels .* no multiple of groups=2"):
        layers.Conv2D(4, 3, groups=2, name="stem")(Input((28, 28, 3)))
    with pytest.raises(ShapeError, match=r"layer stem: conv2d: the window of 3 does not fit"):
        layers.Conv2D(4, 3, name="stem")(Input((2, 28, 3)))
    for cls in (layers.Conv2D, layers.SeparableConv2D):
        layer = cls(4, 1, name="stem")
        layer(Input((8, 8, 3)))
        with pytest.raises(ShapeError, match=r"layer stem: .*4"):
            layer(Input((8, 8, 4)))
