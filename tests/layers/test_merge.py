"""The layers that join values, against NumPy."""

import numpy as np
import pytest
from layers.run import apply, normal, pull
from numpy.testing import assert_allclose, assert_array_equal

from edgenet import Input, layers
from edgenet.graph import Graph, ShapeError
from oracle import elementwise as oracle
from oracle import movement
from tolerance import tolerance

F32 = np.dtype(np.float32)
FOLDS = {
    layers.Add: lambda xs: sum(xs[1:], xs[0]),
    layers.Multiply: lambda xs: np.prod(np.stack(xs), axis=0),
    layers.Average: lambda xs: np.mean(np.stack(xs), axis=0),
    layers.Maximum: lambda xs: np.max(np.stack(xs), axis=0),
    layers.Minimum: lambda xs: np.min(np.stack(xs), axis=0),
}


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("cls", FOLDS)
def test_equal_shapes(cls, count):
    xs = [normal(i, 2, 3, 4, 5) for i in range(count)]
    want = FOLDS[cls]([x.astype(np.float64) for x in xs])
    assert_allclose(apply(cls(), *xs), want, *tolerance(F32, count))


def test_subtract():
    a, b = normal(1, 2, 5), normal(2, 2, 5)
    assert_array_equal(apply(layers.Subtract(), a, b), a - b)


@pytest.mark.parametrize("cls", [layers.Add, layers.Subtract, layers.Multiply, layers.Maximum, layers.Minimum])
def test_gradients(cls):
    a, b, dy = (normal(i, 2, 3, 4) for i in range(3))
    name = {"Subtract": "sub", "Multiply": "mul"}.get(cls.__name__, cls.__name__.lower())
    want = getattr(oracle, f"{name}_grad")(dy, a, b)
    for got, expected in zip(pull(cls(), a, b, dy=dy), want, strict=True):
        assert_allclose(got, expected, *tolerance(F32))


def test_fewer_axes_meet_the_channels_and_not_the_columns():
    x, scale = normal(3, 2, 4, 2, 3), normal(4, 2, 3)
    assert_array_equal(apply(layers.Multiply(), x, scale), x * scale[:, None, None])
    assert_array_equal(apply(layers.Multiply(), scale, x), x * scale[:, None, None])
    assert layers.Multiply()([Input((4, 2, 3)), Input((3,))]).shape == (None, 4, 2, 3)


@pytest.mark.parametrize("axis", [-1, 1, 2, 3])
def test_concatenate(axis):
    sizes = [3, 1, 4]
    shapes = [[2, 3, 4, 5] for _ in sizes]
    for shape, size in zip(shapes, sizes, strict=True):
        shape[axis] = size
    xs = [normal(i, *shape) for i, shape in enumerate(shapes)]
    want = movement.concat(xs, axis)
    layer = layers.Concatenate(axis)
    assert_array_equal(apply(layer, *xs), want)
    dy = normal(9, *want.shape)
    for got, expected in zip(pull(layer, *xs, dy=dy), movement.concat_grad(dy, sizes, axis), strict=True):
        assert_array_equal(got, expected)


def test_functions():
    a, b = Input((4,)), Input((4,))
    for function, cls in (
        (layers.add, layers.Add),
        (layers.subtract, layers.Subtract),
        (layers.multiply, layers.Multiply),
        (layers.average, layers.Average),
        (layers.maximum, layers.Maximum),
        (layers.minimum, layers.Minimum),
    ):
        y = function([a, b], name="joined")
        assert type(y.source.layer) is cls
        assert (y.shape, y.source.layer.name) == ((None, 4), "joined")
    assert layers.concatenate([a, b], axis=1).shape == (None, 8)


def test_errors():
    a, b = Input((4,)), Input((5,))
    with pytest.raises(ShapeError, match=r"layer sum: add: shapes .* do not broadcast"):
        layers.Add(name="sum")([a, b])
    with pytest.raises(ShapeError, match="layer sum: expected a list of values"):
        layers.Add(name="sum")(a)
    with pytest.raises(ShapeError, match="layer less: expected two values, got 3"):
        layers.Subtract(name="less")([a, a, a])
    with pytest.raises(ValueError, match="Concatenate: axis must be one integer other than 0"):
        layers.Concatenate(axis=0)
    with pytest.raises(ShapeError, match="layer cat: axis 2 is none of"):
        layers.Concatenate(axis=2, name="cat")([a, b])
    with pytest.raises(ShapeError, match="layer cat: concat: expected shapes that differ at most in axis 2"):
        layers.Concatenate(name="cat")([Input((2, 3)), Input((3, 3))])
    with pytest.raises(ValueError, match="different graphs"):
        layers.Add()([Graph().input((1,)), Graph().input((1,))])
