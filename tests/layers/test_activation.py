"""Activations, by name and as layers, and their gradients, against formulas in float64."""

import numpy as np
import pytest
from layers.run import apply, pull
from numpy.testing import assert_allclose, assert_array_equal

from edgenet import Input, activations, layers
from edgenet.graph import ShapeError
from oracle import activation as oracle
from oracle import curve
from oracle.difference import central_difference
from tolerance import tolerance

F32 = np.dtype(np.float32)
# no kink of any of these functions lies within the step of a central difference
X = (np.linspace(-9, 9, 110, dtype=np.float32) + np.float32(0.01)).reshape(10, 11)


def softplus(x):
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(x, 0)


def hard_sigmoid(x):
    return np.clip(x + 3, 0, 6) / 6


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


NAMED = {
    "linear": lambda x: x,
    "relu": oracle.relu,
    "relu6": oracle.relu6,
    "leaky_relu": lambda x: oracle.leaky_relu(x, 0.2),
    "elu": elu,
    "selu": lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772),
    "sigmoid": oracle.sigmoid,
    "hard_sigmoid": hard_sigmoid,
    "silu": lambda x: x * oracle.sigmoid(x),
    "swish": lambda x: x * oracle.sigmoid(x),
    "hard_silu": lambda x: x * hard_sigmoid(x),
    "hard_swish": lambda x: x * hard_sigmoid(x),
    "tanh": oracle.tanh,
    "softplus": softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "exponential": np.exp,
    "gelu": curve.gelu,
    "absolute": np.abs,
    "abs": np.abs,
    "softmax": oracle.softmax,
    "log_softmax": oracle.log_softmax,
}


def check(layer, function, x=X):
    wide = x.astype(np.float64)
    assert_allclose(apply(layer, x), function(wide), *tolerance(F32, 16))
    dy = np.random.default_rng(0).standard_normal(x.shape).astype(np.float32)
    (dx,) = pull(layer, x, dy=dy)
    want = central_difference(function, wide, dy.astype(np.float64))
    scale = max(1.0, float(np.abs(want).max()))
    assert_allclose(dx / scale, want / scale, *tolerance(F32, 32))


@pytest.mark.parametrize("name", NAMED)
def test_by_name(name):
    check(layers.Activation(name), NAMED[name], X / 2 if name == "exponential" else X)


def relu(x, slope, top, threshold):
    y = np.where(x > threshold, x, slope * (x - threshold))
    return y if top is None else np.minimum(y, top)


@pytest.mark.parametrize("threshold", [0.0, 1.5])
@pytest.mark.parametrize("top", [None, 6.0, 4.5])
@pytest.mark.parametrize("slope", [0.0, 0.25])
def test_relu_layer(slope, top, threshold):
    layer = layers.ReLU(top, negative_slope=slope, threshold=threshold)
    check(layer, lambda x: relu(x, slope, top, threshold))


def test_relu_keeps_nan_and_takes_infinity():
    x = np.array([[np.nan, np.inf, -np.inf]], np.float32)
    for layer in (layers.ReLU(), layers.ReLU(threshold=1.0), layers.ReLU(None, 0.5), layers.ReLU(None, 0.5, 1.0)):
        assert_array_equal(apply(layer, x), [[np.nan, np.inf, -np.inf if layer.negative_slope else 0]])


@pytest.mark.parametrize(
    ("layer", "ops"),
    [
        (layers.ReLU(), ["relu"]),
        (layers.ReLU(6.0), ["clip"]),
        (layers.ReLU(negative_slope=0.1), ["leaky_relu"]),
        (layers.LeakyReLU(), ["leaky_relu"]),
        (layers.Softmax(), ["softmax"]),
        (layers.Activation("relu6"), ["clip"]),
        (layers.Activation(None), []),
    ],
    ids=repr,
)
def test_ops_that_a_convolution_can_take_over(layer, ops):
    from edgenet.graph import Graph

    graph = Graph()
    layer(graph.input((2, 3)))
    assert [n.op for n in graph.nodes] == ops


def test_leaky_relu_and_its_older_spelling():
    check(layers.LeakyReLU(), lambda x: oracle.leaky_relu(x, 0.3))
    assert layers.LeakyReLU(alpha=0.1).negative_slope == 0.1


def test_softmax_axis():
    x = X.reshape(2, 5, 11)
    assert_allclose(apply(layers.Softmax(axis=1), x), oracle.softmax(x, 1), *tolerance(F32, 16))
    assert layers.Softmax(axis=[-1]).axis == -1


def test_softplus_at_zero_has_slope_one_half():
    x = np.zeros((1, 1), np.float32)
    assert_allclose(pull(layers.Activation("softplus"), x, dy=x + 1)[0], [[0.5]])


def test_names():
    for name in NAMED:
        assert activations.get(activations.serialize(activations.get(name))) is activations.get(name)
    assert activations.get(None) is activations.linear
    assert activations.serialize(None) == "linear"

    def double(x):
        return x + x

    assert activations.get(double) is double
    assert activations.serialize(double) == "double"
    assert_allclose(apply(layers.Activation(double), X), 2 * X)
    with pytest.raises(ValueError, match=r"'rellu' \(did you mean 'relu'\?\): expected one of abs"):
        activations.get("rellu")
    with pytest.raises(TypeError, match="an activation is a name, an Activation, a config or a function"):
        activations.get(3)
    with pytest.raises(TypeError, match="a lambda has no name"):
        activations.serialize(lambda x: x)


def test_errors():
    for arguments in ({"max_value": -1.0}, {"negative_slope": -0.1}, {"threshold": -1}):
        with pytest.raises(ValueError, match=f"ReLU: {next(iter(arguments))} must be a finite number of at least 0"):
            layers.ReLU(**arguments)
    with pytest.raises(ValueError, match="LeakyReLU: negative_slope"):
        layers.LeakyReLU(None)
    with pytest.raises(ValueError, match="Softmax: axis must be an integer or a list of them"):
        layers.Softmax(axis=[])
    with pytest.raises(ValueError, match="Softmax: axis must be one integer other than 0"):
        layers.Softmax(axis=[0, 1])
    with pytest.raises(ShapeError, match=r"layer both: axis=\(1, 3\) are not 2 axes of shape"):
        layers.Softmax(axis=(1, 3), name="both")(Input((2, 3)))
