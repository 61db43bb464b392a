"""BatchNormalization against numbers worked by hand and against the oracle."""

import numpy as np
import pytest
from layers.run import apply, normal, pull, randomise
from numpy.testing import assert_allclose, assert_array_equal

from edgenet import Input, layers
from edgenet.graph import Graph, ShapeError
from oracle import norm as oracle
from tolerance import tolerance

F32 = np.dtype(np.float32)


def test_by_hand():
    layer = layers.BatchNormalization()
    x = np.array([[1, 2], [3, 6], [5, 10]], np.float32)
    y = apply(layer, x, training=True)
    assert_allclose(y, [[-1.22452, -1.22469], [0, 0], [1.22452, 1.22469]], atol=5e-6)
    gamma, beta, mean, variance = layer.get_weights()
    assert_array_equal(gamma, [1, 1])
    assert_array_equal(beta, [0, 0])
    assert_allclose(mean, [0.03, 0.06], *tolerance(F32))
    assert_allclose(variance, [1.0166667, 1.0966667], *tolerance(F32))
    assert_allclose(apply(layer, x)[0], [0.96154, 1.85168], atol=5e-6)


@pytest.mark.parametrize("shape", [(6, 5), (3, 4, 5), (2, 3, 4, 5)], ids=repr)
def test_against_the_oracle(shape):
    x = normal(1, *shape) * 2 + 3
    layer = layers.BatchNormalization(momentum=0.9, epsilon=1e-2)
    layer.build((None, *shape[1:]))
    gamma, beta, mean, variance = randomise(layer, 2)
    want = oracle.batch_norm(x, gamma, beta, mean, variance, epsilon=1e-2)
    assert_allclose(apply(layer, x), want, *tolerance(F32, 32))
    settings = {"momentum": 0.9, "epsilon": 1e-2}
    want, _, _, mean, variance = oracle.batch_norm_train(x, gamma, beta, mean, variance, **settings)
    assert_allclose(apply(layer, x, training=True), want, *tolerance(F32, 64))
    assert_allclose(layer.get_weights()[2], mean, *tolerance(F32, 64))
    assert_allclose(layer.get_weights()[3], variance, *tolerance(F32, 64))


def test_gradient():
    x, dy = normal(3, 3, 4, 5, 6), normal(4, 3, 4, 5, 6)
    layer = layers.BatchNormalization()
    layer.build(x.shape)
    gamma, *_ = randomise(layer, 5)
    for got, want in zip(pull(layer, x, dy=dy), oracle.batch_norm_train_grad(dy, x, gamma), strict=True):
        assert_allclose(got, want, *tolerance(F32, 60))


def test_frozen_it_uses_moving_statistics_in_training_and_leaves_them_alone():
    x, dy = normal(6, 7, 3), normal(7, 7, 3)
    layer = layers.BatchNormalization()
    layer.build(x.shape)
    weights = randomise(layer, 8)
    layer.trainable = False
    assert layer.trainable_weights == []
    assert_array_equal(apply(layer, x, training=True), apply(layer, x))
    for w, before in zip(layer.get_weights(), weights, strict=True):
        assert_array_equal(w, before)
    (dx,) = pull(layer, x, dy=dy)
    assert_allclose(dx, oracle.batch_norm_grad(dy, x, *weights[:1], *weights[2:])[0], *tolerance(F32, 8))


@pytest.mark.parametrize("training", [False, True])
def test_another_axis(training):
    x = normal(9, 2, 3, 4, 5)
    layer, last = layers.BatchNormalization(axis=1), layers.BatchNormalization()
    layer.build(x.shape)
    last.build((2, 4, 5, 3))
    last.set_weights(randomise(layer, 10))
    got, want = apply(layer, x, training=training), apply(last, np.moveaxis(x, 1, -1).copy(), training=training)
    assert_allclose(got, np.moveaxis(want, -1, 1), *tolerance(F32, 40))


def test_without_center_and_scale():
    x = normal(11, 8, 3) + 5
    layer = layers.BatchNormalization(center=False, scale=False)
    y = apply(layer, x, training=True)
    assert [w.name.split("/")[1] for w in layer.weights] == ["moving_mean", "moving_variance"]
    assert layer.trainable_weights == []
    want, *_ = oracle.batch_norm_train(x, np.ones(3), np.zeros(3), np.zeros(3), np.ones(3))
    assert_allclose(y, want, *tolerance(F32, 64))


def test_order_of_weights_and_ops():
    layer = layers.BatchNormalization(name="bn")
    layer(Input((4, 4, 2)))
    assert [w.name for w in layer.weights] == ["bn/gamma", "bn/beta", "bn/moving_mean", "bn/moving_variance"]
    assert [w.trainable for w in layer.weights] == [True, True, False, False]
    graph = Graph()
    layer(graph.input(("batch", 4, 4, 2)))
    assert [n.op for n in graph.nodes] == ["batch_norm"]


def test_a_convolution_takes_it_over_in_inference():
    x = normal(12, 1, 5, 5, 3)
    conv, bn = layers.Conv2D(4, 3), layers.BatchNormalization()
    bn(conv(Input((5, 5, 3))))
    randomise(conv, 13)
    weights = randomise(bn, 14)
    want = oracle.batch_norm(apply(conv, x), *weights)
    assert_allclose(apply(lambda v, training: bn(conv(v)), x), want, *tolerance(F32, 64))


def test_errors():
    with pytest.raises(ValueError, match="BatchNormalization: axis must be one integer other than 0, the batch, got 0"):
        layers.BatchNormalization(axis=0)
    with pytest.raises(ValueError, match=r"momentum must be from 0 to 1, got 1\.5"):
        layers.BatchNormalization(momentum=1.5)
    with pytest.raises(ValueError, match="epsilon must be at least 0"):
        layers.BatchNormalization(epsilon=-1)
    with pytest.raises(ShapeError, match=r"layer bn: expected an input with features along axis 3"):
        layers.BatchNormalization(axis=3, name="bn")(Input((4, 4)))
    layer = layers.BatchNormalization(name="bn")
    layer(Input((4,)))
    with pytest.raises(ShapeError, match=r"layer bn: batch_norm: expected gamma of shape \(5,\), got \(4,\)"):
        layer(Input((5,)))
