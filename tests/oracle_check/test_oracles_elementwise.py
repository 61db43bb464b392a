import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from oracle import elementwise
from oracle.difference import central_difference
from tolerance import tolerance

OPS = {"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "maximum": "Max", "minimum": "Min"}
SHAPES = [((3, 4), (3, 4)), ((2, 3, 4), (4,)), ((2, 1, 4), (3, 1)), ((), (2, 3)), ((1, 3), (2, 3))]


def test_numbers_worked_by_hand():
    a, b = [[6.0, 2.0]], [[3.0], [-4.0]]
    assert_array_equal(elementwise.add(a, b), [[9, 5], [2, -2]])
    assert_array_equal(elementwise.sub(a, b), [[3, -1], [10, 6]])
    assert_array_equal(elementwise.mul(a, b), [[18, 6], [-24, -8]])
    assert_array_equal(elementwise.div(a, b), [[2, 2 / 3], [-1.5, -0.5]])
    assert_array_equal(elementwise.maximum(a, b), [[6, 3], [6, 2]])
    assert_array_equal(elementwise.minimum(a, b), [[3, 2], [-4, -4]])


def test_unbroadcast_sums_what_was_repeated():
    dy = np.arange(24.0).reshape(2, 3, 4)
    assert_array_equal(elementwise.unbroadcast(dy, (2, 3, 4)), dy)
    assert_array_equal(elementwise.unbroadcast(dy, (4,)), [60, 66, 72, 78])
    assert_array_equal(elementwise.unbroadcast(dy, (2, 1, 1)), [[[66]], [[210]]])
    assert_array_equal(elementwise.unbroadcast(dy, ()), 276)
    assert_array_equal(elementwise.unbroadcast(np.zeros((0, 3)), (1, 3)), np.zeros((1, 3)))


def test_the_gradient_of_a_tie_goes_to_the_first():
    for grad in (elementwise.maximum_grad, elementwise.minimum_grad):
        assert_array_equal(grad([5.0], [1.0], [1.0]), [[5], [0]])


def test_division_by_zero_gives_no_warning():
    assert_array_equal(elementwise.div([1.0, -1.0, 0.0], 0.0), [np.inf, -np.inf, np.nan])


@pytest.mark.parametrize(("a_shape", "b_shape"), SHAPES)
@pytest.mark.parametrize("name", OPS)
def test_agrees_with_onnxruntime(onnx_node, name, a_shape, b_shape):
    rng = np.random.default_rng(1)
    a, b = (np.asarray(rng.standard_normal(shape), np.float32) for shape in (a_shape, b_shape))
    assert_allclose(onnx_node(OPS[name], [a, b])[0], getattr(elementwise, name)(a, b), *tolerance(np.float32))


@pytest.mark.parametrize(("a_shape", "b_shape"), SHAPES)
@pytest.mark.parametrize("name", OPS)
def test_gradients_agree_with_central_differences(name, a_shape, b_shape):
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal(a_shape), rng.uniform(0.5, 2, b_shape)
    f = getattr(elementwise, name)
    dy = rng.standard_normal(f(a, b).shape)
    da, db = getattr(elementwise, name + "_grad")(dy, a, b)
    assert (da.shape, db.shape) == (a_shape, b_shape)
    assert_allclose(da, central_difference(lambda a: f(a, b), a, dy), *tolerance(np.float32, dy.size))
    assert_allclose(db, central_difference(lambda b: f(a, b), b, dy), *tolerance(np.float32, dy.size))


@pytest.mark.parametrize(
    ("name", "onnx_name"),
    [("exp", "Exp"), ("log", "Log"), ("sqrt", "Sqrt"), ("absolute", "Abs"), ("equal", "Equal"),
     ("greater", "Greater"), ("greater_equal", "GreaterOrEqual")],
)  # fmt: skip
def test_functions_and_comparisons_agree_with_onnxruntime(onnx_node, name, onnx_name):
    x = np.array([-2.0, -0.5, 0.0, 0.25, 1.0, 3.0, 0.0], np.float32)
    given = [x, x[::-1].copy()] if name in ("equal", "greater", "greater_equal") else [x]
    with np.errstate(all="ignore"):
        want = onnx_node(onnx_name, given)[0].astype(np.float64)
    assert_allclose(getattr(elementwise, name)(*given), want, *tolerance(np.float32))


def test_the_gradient_of_the_absolute_agrees_with_central_differences():
    x = np.array([-2.0, -0.5, 0.25, 3.0])
    dy = np.array([1.0, 2.0, 3.0, 4.0])
    want = central_difference(elementwise.absolute, x, dy)
    assert_allclose(elementwise.absolute_dx(dy, x), want, *tolerance(np.float32))
    assert_array_equal(elementwise.absolute_dx([5.0], [0.0]), [0])
    assert_array_equal(elementwise.square([-3.0, 2.0]), [9, 4])
