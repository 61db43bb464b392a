import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from oracle import reduce
from oracle.difference import central_difference
from tolerance import tolerance

OPS = {
    "reduce_sum": "ReduceSum",
    "reduce_mean": "ReduceMean",
    "reduce_max": "ReduceMax",
    "reduce_min": "ReduceMin",
}
AXES = [None, (1,), (0, 2), (-1,), (1, 2)]


def test_numbers_worked_by_hand():
    x = [[1.0, 5.0, 3.0], [4.0, 2.0, 5.0]]
    assert_array_equal(reduce.reduce_sum(x, 1), [9, 11])
    assert_array_equal(reduce.reduce_mean(x, 0), [2.5, 3.5, 4])
    assert_array_equal(reduce.reduce_max(x, 0, keepdims=True), [[4, 5, 5]])
    assert reduce.reduce_min(x) == 1
    assert_array_equal(reduce.reduce_sum(np.full(3, 100, np.int8)), 300)


def test_argmax_names_the_first():
    assert_array_equal(reduce.argmax([[1, 3, 3], [2, 2, 2], [0, 0, 1]]), [1, 0, 2])
    assert_array_equal(reduce.argmax([[1, 3, 3], [2, 2, 3]], axis=0, keepdims=True), [[1, 0, 0]])


def test_equal_extremes_share_the_gradient():
    assert_array_equal(reduce.reduce_max_dx([6.0], [[1.0, 3.0, 3.0]], 1), [[0, 3, 3]])
    assert_array_equal(reduce.reduce_min_dx(6.0, [[1.0, 1.0], [1.0, 3.0]]), [[2, 2], [2, 0]])


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("name", OPS)
def test_agrees_with_onnxruntime(onnx_node, name, axes, keepdims):
    x = np.random.default_rng(1).standard_normal((3, 4, 5)).astype(np.float32)
    inputs = [x] if axes is None else [x, np.array(axes)]
    expected = onnx_node(OPS[name], inputs, keepdims=int(keepdims))[0]
    y = getattr(reduce, name)(x, axes, keepdims=keepdims)
    assert y.shape == expected.shape
    assert_allclose(expected, y, *tolerance(np.float32, x.size))


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_argmax_agrees_with_onnxruntime(onnx_node, axis):
    x = np.random.default_rng(2).integers(0, 3, (3, 4, 5)).astype(np.float32)  # full of ties
    assert_array_equal(onnx_node("ArgMax", [x], axis=axis, keepdims=0)[0], reduce.argmax(x, axis))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axes", AXES)
@pytest.mark.parametrize("name", OPS)
def test_gradients_agree_with_central_differences(name, axes, keepdims):
    rng = np.random.default_rng(3)
    x = rng.permutation(24).reshape(2, 3, 4) / 8
    f, f_dx = getattr(reduce, name), getattr(reduce, name + "_dx")
    dy = rng.standard_normal(f(x, axes, keepdims=keepdims).shape)
    dx = f_dx(dy, x if name in ("reduce_max", "reduce_min") else x.shape, axes)
    expected = central_difference(lambda x: f(x, axes, keepdims=keepdims), x, dy)
    assert_allclose(dx, expected, *tolerance(np.float32, x.size))
