import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from oracle import activation
from oracle.difference import central_difference
from tolerance import tolerance

# name: (arguments of the oracle, name and attributes in ONNX)
POINTWISE = {
    "relu": ((), "Relu", {}),
    "leaky_relu": ((0.25,), "LeakyRelu", {"alpha": 0.25}),
    "sigmoid": ((), "Sigmoid", {}),
    "tanh": ((), "Tanh", {}),
}
ALONG_AN_AXIS = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}


def test_numbers_worked_by_hand():
    x = [-8.0, -1.0, 0.0, 1.0, 8.0]
    assert_array_equal(activation.relu(x), [0, 0, 0, 1, 8])
    assert_array_equal(activation.relu6(x), [0, 0, 0, 1, 6])
    assert_array_equal(activation.clip(x, -2, 4), [-2, -1, 0, 1, 4])
    assert_array_equal(activation.leaky_relu(x, 0.5), [-4, -0.5, 0, 1, 8])
    thirds = np.log([[1.0, 2.0], [4.0, 2.0]])
    assert_allclose(activation.softmax(thirds), [[1 / 3, 2 / 3], [2 / 3, 1 / 3]], *tolerance(np.float64))
    assert_allclose(activation.softmax(thirds, axis=0), [[0.2, 0.5], [0.8, 0.5]], *tolerance(np.float64))
    assert_allclose(activation.log_softmax(thirds), np.log([[1 / 3, 2 / 3], [2 / 3, 1 / 3]]), *tolerance(np.float64))
    assert_allclose(activation.sigmoid([-np.log(3), 0, np.log(3)]), [0.25, 0.5, 0.75], *tolerance(np.float64))
    assert_allclose(activation.tanh([np.log(2)]), [0.6], *tolerance(np.float64))


def test_derivatives_where_there_is_none():
    dy = np.ones(3)
    assert_array_equal(activation.relu_dx(dy, [-1, 0, 1]), [0, 0, 1])
    assert_array_equal(activation.leaky_relu_dx(dy, [-1, 0, 1], 0.5), [0.5, 0.5, 1])
    assert_array_equal(activation.relu6_dx(np.ones(5), [-1, 0, 3, 6, 7]), [0, 0, 1, 0, 0])


def test_far_out():
    x = np.array([-1000.0, -40.0, 40.0, 1000.0])
    assert_allclose(activation.sigmoid(x), [0, np.exp(-40), 1, 1], rtol=tolerance(np.float64)[0])
    assert_allclose(activation.sigmoid_dx(1, x), [0, np.exp(-40), np.exp(-40), 0], rtol=tolerance(np.float64)[0])
    assert_allclose(activation.tanh_dx(1, x), [0, 4 * np.exp(-80), 4 * np.exp(-80), 0], rtol=tolerance(np.float64)[0])
    assert_array_equal(activation.softmax([1000.0, -1000.0, 1000.0]), [0.5, 0, 0.5])
    assert_array_equal(activation.log_softmax([1000.0, -1000.0]), [0, -2000])


@pytest.mark.parametrize("name", [*POINTWISE, *ALONG_AN_AXIS, "relu6"])
def test_nan_stays_nan(name):
    arguments = POINTWISE[name][0] if name in POINTWISE else ()
    assert np.isnan(getattr(activation, name)([np.nan], *arguments)).all()


@pytest.mark.parametrize("name", POINTWISE)
def test_agrees_with_onnxruntime(onnx_node, name):
    arguments, op, attributes = POINTWISE[name]
    x = np.linspace(-9, 9, 997, dtype=np.float32)
    y = getattr(activation, name)(x, *arguments)
    assert_allclose(onnx_node(op, [x], **attributes)[0], y, *tolerance(np.float32))


def test_clip_agrees_with_onnxruntime(onnx_node):
    x = np.linspace(-9, 9, 997, dtype=np.float32)
    assert_array_equal(onnx_node("Clip", [x, np.float32(0), np.float32(6)])[0], activation.relu6(x))


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("name", ALONG_AN_AXIS)
def test_agrees_with_onnxruntime_along_an_axis(onnx_node, name, axis):
    x = 4 * np.random.default_rng(1).standard_normal((3, 4, 17)).astype(np.float32)
    y = getattr(activation, name)(x, axis)
    assert_allclose(onnx_node(ALONG_AN_AXIS[name], [x], axis=axis)[0], y, *tolerance(np.float32, 17))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("relu", ()), ("leaky_relu", (0.3,)), ("clip", (-0.6, 1.1)), ("relu6", ()), ("sigmoid", ()), ("tanh", ())],
)
def test_derivatives_agree_with_central_differences(name, arguments):
    x = np.linspace(-7.1, 7.3, 40)  # on no kink
    dy = np.random.default_rng(2).standard_normal(x.shape)
    f, f_dx = getattr(activation, name), getattr(activation, name + "_dx")
    dx = central_difference(lambda x: f(x, *arguments), x, dy)
    assert_allclose(f_dx(dy, x, *arguments), dx, *tolerance(np.float32))


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("name", ALONG_AN_AXIS)
def test_derivatives_agree_with_central_differences_along_an_axis(name, axis):
    x, dy = np.random.default_rng(3).standard_normal((2, 3, 4, 2))
    f, f_dx = getattr(activation, name), getattr(activation, name + "_dx")
    assert_allclose(f_dx(dy, x, axis), central_difference(lambda x: f(x, axis), x, dy), *tolerance(np.float32))
