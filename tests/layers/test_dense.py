"""Dense against the oracle, over any number of axes."""

import numpy as np
import pytest
from layers.run import apply, normal, pull, randomise
from numpy.testing import assert_allclose

from edgenet import Input, Model, layers
from edgenet.graph import Graph, ShapeError
from oracle import gemm as oracle
from tolerance import tolerance


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("middle", [(), (5,), (3, 4), (2, 1, 3)], ids=repr)
def test_forward(middle, use_bias):
    layer = layers.Dense(7, use_bias=use_bias)
    x = normal(1, 2, *middle, 9)
    layer.build((None, *middle, 9))
    w, *b = randomise(layer, 2)
    want = oracle.dense(x.reshape(-1, 9), w, *b).reshape(2, *middle, 7)
    y = apply(layer, x)
    assert y.shape == want.shape
    assert_allclose(y, want, *tolerance(y.dtype, 9))


@pytest.mark.parametrize("middle", [(), (5,)], ids=repr)
def test_gradient(middle):
    layer = layers.Dense(6)
    x, dy = normal(3, 4, *middle, 5), normal(4, 4, *middle, 6)
    layer.build(x.shape)
    w, _ = randomise(layer, 5)
    dx, dw, db = pull(layer, x, dy=dy)
    x2, dy2 = x.reshape(-1, 5), dy.reshape(-1, 6)
    assert_allclose(dx, oracle.dense_dx(dy2, w).reshape(x.shape), *tolerance(dx.dtype, 6))
    assert_allclose(dw, oracle.dense_dw(x2, dy2), *tolerance(dx.dtype, len(x2)))
    assert_allclose(db, oracle.dense_db(dy2), *tolerance(dx.dtype, len(x2)))


def test_by_hand():
    layer = layers.Dense(2, activation="relu", kernel_initializer="ones", bias_initializer=lambda shape: [-7.0, 1.0])
    assert_allclose(apply(layer, np.array([[1, 2, 3]], np.float32)), [[0, 7]])


def test_activation_is_a_node_of_its_own():
    graph = Graph()
    layers.Dense(3, activation="relu")(graph.input(("batch", 4)))
    assert [n.op for n in graph.nodes] == ["dense", "relu"]


def test_the_batch_may_stay_unknown():
    assert layers.Dense(3)(Input((5, 6, 4))).shape == (None, 5, 6, 3)
    graph = Graph()
    assert layers.Dense(3)(graph.input(("batch", 5, 4))).shape == ("batch", 5, 3)


def test_activity_regularizers_count_each_call_divided_by_the_batch():
    a, b = Input((2,)), Input((2,))
    shared = layers.Dense(2, activity_regularizer="l2", kernel_initializer="ones")
    model = Model([a, b], layers.Subtract()([shared(a), shared(b)]))
    model.compile("sgd", "mse")
    x = [np.full((3, 2), 1, np.float32), np.full((3, 2), 2, np.float32)]
    y = model.predict_on_batch(x)
    assert_allclose(model.test_on_batch(x, y), 0.01 * 2 * (2**2 + 4**2), *tolerance(np.float32, 4))
    assert model.graph().outputs[0].node.op == "sub"  # in inference nothing is penalised


def test_errors():
    layer = layers.Dense(3, name="head")
    layer(Input((4,)))
    with pytest.raises(ShapeError, match=r"layer head: .*5 features .*4"):
        layer(Input((5,)))
    with pytest.raises(ShapeError, match=r"layer head: .*5 features .*4"):
        layer(Input((2, 5)))
    with pytest.raises(ValueError, match="Dense: units must be an integer of at least 1, got 0"):
        layers.Dense(0)
    with pytest.raises(ValueError, match="unknown regularizer 'l3'"):
        layers.Dense(1, activity_regularizer="l3")
    with pytest.raises(ShapeError, match=r"layer flat: expected an input of shape \(batch, …, features\)"):
        layers.Dense(1, name="flat")(Graph().input(("batch",)))
