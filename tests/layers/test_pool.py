"""The pooling layers against the oracle."""

import numpy as np
import pytest
from layers.run import apply, normal, pull
from numpy.testing import assert_allclose

from edgenet import Input, layers
from edgenet.graph import ShapeError
from oracle import pool as oracle
from oracle.same_padding import same_padding
from tolerance import tolerance

F32 = np.dtype(np.float32)
SETTINGS = [
    ({}, (2, 2), (2, 2), "valid"),
    ({"pool_size": 3, "strides": 1, "padding": "same"}, (3, 3), (1, 1), "same"),
    ({"pool_size": 3, "strides": 2, "padding": "same"}, (3, 3), (2, 2), "same"),
    ({"pool_size": (2, 3), "padding": "same"}, (2, 3), (2, 3), "same"),
    ({"pool_size": 2, "strides": (3, 1)}, (2, 2), (3, 1), "valid"),
]


def around(mode, shape, pool, strides):
    if mode == "valid":
        return ((0, 0), (0, 0))
    return tuple(same_padding(*a)[1:] for a in zip(shape[1:3], pool, strides, strict=True))


@pytest.mark.parametrize(("setting", "pool", "strides", "mode"), SETTINGS, ids=repr)
def test_windows(setting, pool, strides, mode):
    x = normal(1, 2, 7, 8, 5)
    attrs = {"strides": strides, "padding": around(mode, x.shape, pool, strides)}
    for cls, forward in ((layers.MaxPooling2D, oracle.max_pool2d), (layers.AveragePooling2D, oracle.average_pool2d)):
        layer = cls(**setting)
        want = forward(x, pool, **attrs)
        y = apply(layer, x)
        assert y.shape == want.shape
        assert_allclose(y, want, *tolerance(F32, pool[0] * pool[1]))
        assert layer(Input(x.shape[1:])).shape == (None, *want.shape[1:])


@pytest.mark.parametrize(("setting", "pool", "strides", "mode"), SETTINGS, ids=repr)
def test_gradients(setting, pool, strides, mode):
    x = normal(2, 2, 7, 8, 5)
    attrs = {"strides": strides, "padding": around(mode, x.shape, pool, strides)}
    dy = normal(3, *oracle.pool2d_shape(x.shape, pool, **attrs))
    (dx,) = pull(layers.MaxPooling2D(**setting), x, dy=dy)
    assert_allclose(dx, oracle.max_pool2d_dx(dy, x, pool, **attrs), *tolerance(F32, 9))
    (dx,) = pull(layers.AveragePooling2D(**setting), x, dy=dy)
    assert_allclose(dx, oracle.average_pool2d_dx(dy, x.shape, pool, **attrs), *tolerance(F32, 9))


def test_padding_neither_wins_nor_counts():
    x = -np.ones((1, 3, 3, 1), np.float32)
    for layer in (layers.MaxPooling2D(2, padding="same"), layers.AveragePooling2D(2, padding="same")):
        assert_allclose(apply(layer, x), -np.ones((1, 2, 2, 1)))


@pytest.mark.parametrize("keepdims", [False, True])
def test_global(keepdims):
    x = normal(4, 3, 4, 5, 6)
    for cls, forward, backward in (
        (layers.GlobalAveragePooling2D, oracle.global_average_pool2d, oracle.global_average_pool2d_dx),
        (layers.GlobalMaxPooling2D, oracle.global_max_pool2d, oracle.global_max_pool2d_dx),
    ):
        want = forward(x, keepdims=keepdims)
        y = apply(cls(keepdims=keepdims), x)
        assert y.shape == want.shape
        assert_allclose(y, want, *tolerance(F32, 20))
        dy = normal(5, *want.shape)
        (dx,) = pull(cls(keepdims=keepdims), x, dy=dy)
        given = x if cls is layers.GlobalMaxPooling2D else x.shape
        assert_allclose(dx, backward(dy, given), *tolerance(F32, 20))


def test_errors():
    with pytest.raises(ShapeError, match=r"layer small: max_pool: the window of 3 does not fit into h=2"):
        layers.MaxPooling2D(3, name="small")(Input((2, 5, 1)))
    with pytest.raises(ShapeError, match=r"layer flat: expected images of shape"):
        layers.GlobalAveragePooling2D(name="flat")(Input((5,)))
    with pytest.raises(ValueError, match="AveragePooling2D: pool_size"):
        layers.AveragePooling2D(0)
    with pytest.raises(ValueError, match="MaxPooling2D: images are"):
        layers.MaxPooling2D(data_format="channels_first")
