"""Flatten, Reshape and ZeroPadding2D against NumPy."""

import numpy as np
import pytest
from layers.run import apply, normal, pull
from numpy.testing import assert_array_equal

from edgenet import Input, layers
from edgenet.graph import Graph, ShapeError
from oracle import movement as oracle


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 7), (3,), (0, 3, 2)], ids=repr)
def test_flatten(shape):
    x = normal(1, *shape)
    assert_array_equal(apply(layers.Flatten(), x), x.reshape(shape[0], int(np.prod(shape[1:]))))


@pytest.mark.parametrize("target", [(6, 4), (-1,), (2, -1, 3), 24, [4, 3, 2, 1]], ids=repr)
def test_reshape(target):
    x = normal(2, 3, 2, 12)
    sizes = (target,) if isinstance(target, int) else tuple(target)
    want = x.reshape(3, *sizes)
    layer = layers.Reshape(target)
    assert_array_equal(apply(layer, x), want)
    assert layer(Input((2, 12))).shape == (None, *want.shape[1:])
    dy = normal(3, *want.shape)
    assert_array_equal(pull(layer, x, dy=dy)[0], dy.reshape(x.shape))


def test_flatten_moves_nothing_and_keeps_the_batch_open():
    graph = Graph()
    assert layers.Flatten()(graph.input(("batch", 3, 4))).shape == ("batch", 12)
    assert [n.op for n in graph.nodes] == ["reshape"]


@pytest.mark.parametrize(
    ("padding", "sides"),
    [
        ((1, 1), ((1, 1), (1, 1))),
        (2, ((2, 2), (2, 2))),
        ((0, 3), ((0, 0), (3, 3))),
        (((0, 1), (2, 3)), ((0, 1), (2, 3))),
        ([[0, 1], [2, 3]], ((0, 1), (2, 3))),
    ],
    ids=repr,
)
def test_zero_padding(padding, sides):
    x = normal(4, 2, 3, 4, 2)
    widths = ((0, 0), *sides, (0, 0))
    want = oracle.pad(x, widths)
    layer = layers.ZeroPadding2D(padding)
    assert_array_equal(apply(layer, x), want)
    dy = normal(5, *want.shape)
    assert_array_equal(pull(layer, x, dy=dy)[0], oracle.pad_dx(dy, widths))


def test_errors():
    with pytest.raises(ShapeError, match=r"layer r: samples of shape \(5,\) hold 5 numbers: .*\(2, 3\)"):
        layers.Reshape((2, 3), name="r")(Input((5,)))
    with pytest.raises(ShapeError, match=r"samples of shape \(5,\)"):
        layers.Reshape((2, -1))(Input((5,)))
    with pytest.raises(ValueError, match="at most one size may be -1"):
        layers.Reshape((-1, -1))
    with pytest.raises(ValueError, match="size of target_shape must be an integer of at least 1, got 0"):
        layers.Reshape((0, 3))
    with pytest.raises(ValueError, match="ZeroPadding2D: padding must be an integer"):
        layers.ZeroPadding2D((1, 2, 3))
    with pytest.raises(ValueError, match="ZeroPadding2D: padding must be an integer of at least 0, got -1"):
        layers.ZeroPadding2D(-1)
