import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from cases import pool_cases
from oracle import pool
from oracle.difference import central_difference
from tolerance import tolerance

X = np.array([[1.0, 5.0, 2.0], [5.0, 3.0, 0.0], [-1.0, -2.0, -3.0]]).reshape(1, 3, 3, 1)


def test_numbers_worked_by_hand():
    assert_array_equal(pool.max_pool2d(X, (2, 2), strides=(1, 1))[0, ..., 0], [[5, 5], [5, 3]])
    assert_array_equal(pool.average_pool2d(X, (2, 2), strides=(1, 1))[0, ..., 0], [[3.5, 2.5], [1.25, -0.5]])
    edge = {"padding": ((0, 1), (1, 0))}  # and the strides are those of the window
    assert_array_equal(pool.max_pool2d(X, (2, 2), **edge)[0, ..., 0], [[5, 5], [-1, -2]])
    assert_array_equal(pool.average_pool2d(X, (2, 2), **edge)[0, ..., 0], [[3, 2.5], [-1, -2.5]])
    include = pool.average_pool2d(X, (2, 2), include_padding=True, **edge)
    assert_array_equal(include[0, ..., 0], [[1.5, 2.5], [-0.25, -1.25]])
    assert_array_equal(pool.global_max_pool2d(X), [[5]])
    assert_allclose(pool.global_average_pool2d(X, keepdims=True), [[[[10 / 9]]]], *tolerance(np.float64))


def test_gradient_of_a_tie_goes_to_the_first_in_the_row_major_order():
    dy = np.arange(1.0, 5.0).reshape(1, 2, 2, 1)
    # the 5 above wins the first two windows, the 5 below the third
    expected = [[0, 1 + 2, 0], [3, 4, 0], [0, 0, 0]]
    assert_array_equal(pool.max_pool2d_dx(dy, X, (2, 2), strides=(1, 1))[0, ..., 0], expected)
    assert_array_equal(pool.global_max_pool2d_dx([[7.0]], X)[0, ..., 0], [[0, 7, 0], [0, 0, 0], [0, 0, 0]])


def test_nan_is_the_maximum_and_takes_the_gradient():
    x = X.copy()
    x[0, 1, 1] = np.nan
    assert np.isnan(pool.max_pool2d(x, (2, 2), strides=(1, 1))).all()
    dx = pool.max_pool2d_dx(np.ones((1, 2, 2, 1)), x, (2, 2), strides=(1, 1))
    assert_array_equal(dx[0, ..., 0], [[0, 0, 0], [0, 4, 0], [0, 0, 0]])


def test_padding_is_no_maximum_even_over_minus_infinity():
    x = np.full((1, 2, 2, 1), -np.inf)
    dx = pool.max_pool2d_dx(np.ones((1, 1, 1, 1)), x, (3, 3), padding=((1, 0), (1, 0)))
    assert_array_equal(dx[0, ..., 0], [[1, 0], [0, 0]])


@pytest.mark.parametrize("case", [case for case in pool_cases(0, 40) if case.n], ids=lambda case: f"seed{case.seed}")
def test_agrees_with_onnxruntime(onnx_node, case):
    x, _ = case.arrays()
    (top, bottom), (left, right) = case.padding
    attributes = {"kernel_shape": case.size, "strides": case.strides, "pads": [top, left, bottom, right]}

    def judge(op, **more):
        return onnx_node(op, [x.transpose(0, 3, 1, 2)], **attributes, **more)[0].transpose(0, 2, 3, 1)

    y = pool.max_pool2d(x, case.size, **case.attrs)
    assert y.shape == case.y_shape
    assert_array_equal(judge("MaxPool"), y)
    for include in (False, True):
        y = pool.average_pool2d(x, case.size, include_padding=include, **case.attrs)
        assert_allclose(judge("AveragePool", count_include_pad=int(include)), y, *tolerance(np.float32, case.k))


def test_global_pools_agree_with_onnxruntime(onnx_node):
    x = np.random.default_rng(1).standard_normal((2, 3, 5, 4)).astype(np.float32)
    nchw = x.transpose(0, 3, 1, 2)
    assert_array_equal(onnx_node("GlobalMaxPool", [nchw])[0][..., 0, 0], pool.global_max_pool2d(x))
    average = onnx_node("GlobalAveragePool", [nchw])[0].transpose(0, 2, 3, 1)
    assert_allclose(average, pool.global_average_pool2d(x, keepdims=True), *tolerance(np.float32, 15))


@pytest.mark.parametrize("strides", [None, (1, 1), (3, 2)])
@pytest.mark.parametrize("padding", [((0, 0), (0, 0)), ((1, 0), (1, 2))])
def test_gradients_agree_with_central_differences(strides, padding):
    rng = np.random.default_rng(2)
    attrs = {"strides": strides, "padding": padding}
    x = rng.permutation(2 * 4 * 5 * 2).reshape(2, 4, 5, 2) / 8  # far enough apart for the maximum to stay where it is
    dy = rng.standard_normal(pool.max_pool2d(x, (2, 3), **attrs).shape)
    close = tolerance(np.float32, 6)
    dx = central_difference(lambda x: pool.max_pool2d(x, (2, 3), **attrs), x, dy)
    assert_allclose(pool.max_pool2d_dx(dy, x, (2, 3), **attrs), dx, *close)
    for include in (False, True):
        attrs["include_padding"] = include
        dx = central_difference(lambda x: pool.average_pool2d(x, (2, 3), **attrs), x, dy)
        assert_allclose(pool.average_pool2d_dx(dy, x.shape, (2, 3), **attrs), dx, *close)


@pytest.mark.parametrize("keepdims", [False, True])
def test_global_gradients_agree_with_central_differences(keepdims):
    rng = np.random.default_rng(3)
    x = rng.permutation(2 * 2 * 3 * 4).reshape(2, 2, 3, 4) / 8
    dy = rng.standard_normal(pool.global_max_pool2d(x, keepdims=keepdims).shape)
    dx = central_difference(lambda x: pool.global_max_pool2d(x, keepdims=keepdims), x, dy)
    assert_allclose(pool.global_max_pool2d_dx(dy, x), dx, *tolerance(np.float32))
    dx = central_difference(lambda x: pool.global_average_pool2d(x, keepdims=keepdims), x, dy)
    assert_allclose(pool.global_average_pool2d_dx(dy, x.shape), dx, *tolerance(np.float32))
