"""Worked numbers of convolution, pooling, normalisation, activations and initializers."""

import numpy as np
import pytest
from layers.run import apply
from numpy.testing import assert_allclose

from edgenet import Input, Sequential, initializers, layers
from edgenet.graph import Variable
from edgenet.layers.arguments import same_padding

IMAGE = np.float32([[3, 3, 2, 1, 0], [0, 0, 1, 3, 1], [3, 1, 2, 2, 3], [2, 0, 0, 2, 2], [2, 0, 0, 0, 1]])
KERNEL = np.float32([[0, 1, 2], [2, 2, 0], [0, 1, 2]])
SMALL = np.float32([[1, 3, 2, 1], [3, 6, 8, 9], [8, 3, 3, 9], [4, 6, 8, 2]])


def plane(layer, x):
    return apply(layer, np.float32(x)[None, :, :, None])[0, :, :, 0]


def convolution(padding):
    layer = layers.Conv2D(1, 3, padding=padding)
    layer.build((None, 5, 5, 1))
    layer.set_weights([KERNEL[:, :, None, None], np.zeros(1, np.float32)])
    return plane(layer, IMAGE)


def test_convolution():
    assert_allclose(convolution("valid"), [[12, 12, 17], [10, 17, 19], [9, 6, 14]])
    assert_allclose(
        convolution("same"),
        [[6, 14, 17, 11, 3], [14, 12, 12, 17, 11], [8, 10, 17, 19, 13], [11, 9, 6, 14, 12], [6, 4, 4, 6, 4]],
    )


def test_pools():
    assert_allclose(plane(layers.MaxPooling2D(3, 1), IMAGE), [[3, 3, 3], [3, 3, 3], [3, 2, 3]])
    assert_allclose(plane(layers.MaxPooling2D(2), SMALL), [[6, 9], [8, 9]])
    assert_allclose(plane(layers.AveragePooling2D(2), SMALL), [[3.25, 5], [5.25, 5.5]])
    assert_allclose(plane(layers.L2Pooling2D(2), SMALL), [[7.4161985, 12.2474487], [11.1803399, 12.5698051]], rtol=1e-6)


@pytest.mark.parametrize(
    ("sizes", "outputs", "padding"),
    [((6, 3, 2), 3, (0, 1)), ((7, 3, 2), 4, (1, 1)), ((7, 2, 2), 4, (0, 1)), ((128, 7, 2), 64, (2, 3))],
)
def test_same_padding(sizes, outputs, padding):
    n, k, s = sizes
    assert same_padding(n, k, s) == padding
    assert layers.Conv2D(1, k, s, "same")(Input((n, n, 1))).shape == (None, outputs, outputs, 1)
    assert layers.Conv1D(1, k, s, "same")(Input((n, 1))).shape == (None, outputs, 1)
    assert layers.MaxPooling1D(k, s, "same")(Input((n, 1))).shape == (None, outputs, 1)


def test_batch_normalization():
    from edgenet import ops
    from edgenet.compile import compile_graph
    from edgenet.graph import Graph

    x = np.float32([[1, 2], [3, 6], [5, 10]])
    layer = layers.BatchNormalization()
    layer.build((None, 2))
    graph = Graph()
    graph.training, graph.step = True, Variable(np.zeros(1, np.int64), "step", trainable=False)
    graph.outputs = [ops.mul(layer(graph.input(x.shape), training=True), 1.0)]
    (y,) = compile_graph(graph, training=True).run(x)
    assert_allclose(y, [[-1.22452, -1.22469], [0, 0], [1.22452, 1.22469]], atol=1e-5)
    _, _, mean, variance = layer.get_weights()
    assert_allclose(mean, [0.03, 0.06], rtol=1e-5)
    assert_allclose(variance, [1.0166667, 1.0966667], rtol=1e-6)
    assert_allclose(apply(layer, x)[0], [0.96154, 1.85168], atol=1e-5)


def test_layer_normalization():
    x = np.float32([[1, 2, 4]])
    assert_allclose(apply(layers.LayerNormalization(), x), [[-1.0687, -0.26718, 1.33588]], atol=2e-5)


def test_softmax():
    x = np.float32([[3.82, 5.35, 1.44, -1.26, 2.71, 1.98]])
    want = [[0.16115195, 0.74422819, 0.01491471, 0.00100235, 0.05310907, 0.02559374]]
    assert_allclose(apply(layers.Activation("softmax"), x), want, rtol=2e-6)


def test_sigmoid_far_out():
    x = np.float32([[1000, -1000]])
    assert_allclose(apply(layers.Activation("sigmoid"), x), [[1, 0]])


def test_slopes_of_leaky_relu():
    x = np.float32([[-1, 2]])
    assert_allclose(apply(layers.LeakyReLU(), x), [[-0.3, 2]])
    assert_allclose(apply(layers.Activation("leaky_relu"), x), [[-0.2, 2]])


@pytest.mark.parametrize(("shape", "limit"), [((3, 3, 3, 32), 0.138013), ((784, 500), 0.068359)])
def test_glorot_limit(shape, limit):
    w = np.abs(initializers.get("glorot_uniform")(shape))
    assert limit * 0.97 < w.max() <= limit + 1e-6


def test_numbers_of_weights():
    def count(*stack):
        return Sequential(list(stack)).count_params()

    dense = layers.Dense
    assert count(Input((3,)), dense(4), dense(4), dense(1)) == 41
    assert count(Input((10,)), dense(20), dense(20), dense(10)) == 850
    assert count(Input((32, 32, 3)), layers.Conv2D(6, 5)) == 456
    assert (
        count(Input((28, 28, 1)), layers.Conv2D(28, 3), layers.MaxPooling2D(), layers.Flatten(), dense(128), dense(10))
        == 607394
    )
    assert (
        count(
            Input((128, 128, 3)), layers.Conv2D(4, 3, padding="same"), layers.MaxPooling2D(), layers.Conv2D(4, 3),
            layers.MaxPooling2D(), layers.Flatten(), dense(64), dense(5),
        )
        == 246665
    )  # fmt: skip
