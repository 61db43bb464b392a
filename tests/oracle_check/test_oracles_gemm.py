import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from cases import gemm_cases
from oracle import gemm
from oracle.difference import central_difference
from tolerance import tolerance


def test_numbers_worked_by_hand():
    a, b = [[1, 2], [3, 4]], [[5, 6], [7, 8]]
    assert_array_equal(gemm.matmul(a, b), [[19, 22], [43, 50]])
    assert_array_equal(gemm.matmul(a, b, trans_a=True), [[26, 30], [38, 44]])
    assert_array_equal(gemm.matmul(a, b, trans_b=True), [[17, 23], [39, 53]])
    assert_array_equal(gemm.matmul(a, b, trans_a=True, trans_b=True), [[23, 31], [34, 46]])
    assert_array_equal(gemm.dense(a, b, [100, 1000]), [[119, 1022], [143, 1050]])


@pytest.mark.parametrize(
    "case", [case for case in gemm_cases(0, 40) if case.kind != "empty"], ids=lambda case: f"seed{case.seed}"
)
def test_agrees_with_onnxruntime(onnx_node, case):
    a, b, bias, _ = case.arrays()
    expected = onnx_node("Gemm", [a, b, bias], transA=int(case.trans_a), transB=int(case.trans_b))[0]
    assert_allclose(expected, gemm.matmul(a, b, **case.attrs) + bias, *tolerance(np.float32, case.k))


def test_leading_axes_broadcast_as_in_onnxruntime(onnx_node):
    rng = np.random.default_rng(6)
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in [(2, 1, 3, 4), (5, 4, 6)])
    assert_allclose(onnx_node("MatMul", [a, b])[0], gemm.matmul(a, b), *tolerance(np.float32, 4))


def test_an_empty_sum_is_zero():
    assert_array_equal(gemm.matmul(np.ones((2, 0)), np.ones((0, 3))), np.zeros((2, 3)))


@pytest.mark.parametrize("trans_a", [False, True])
@pytest.mark.parametrize("trans_b", [False, True])
@pytest.mark.parametrize(("a_shape", "b_shape"), [((3, 4), (4, 2)), ((2, 1, 3, 4), (5, 4, 2))])
def test_matmul_gradients_agree_with_central_differences(trans_a, trans_b, a_shape, b_shape):
    rng = np.random.default_rng(7)
    attrs = {"trans_a": trans_a, "trans_b": trans_b}
    a, b = rng.standard_normal(a_shape), rng.standard_normal(b_shape)
    a, b = np.swapaxes(a, -1, -2) if trans_a else a, np.swapaxes(b, -1, -2) if trans_b else b
    dy = rng.standard_normal(gemm.matmul(a, b, **attrs).shape)
    da = central_difference(lambda a: gemm.matmul(a, b, **attrs), a, dy)
    db = central_difference(lambda b: gemm.matmul(a, b, **attrs), b, dy)
    assert_allclose(gemm.matmul_da(dy, b, a.shape, **attrs), da, *tolerance(np.float32, 10))
    assert_allclose(gemm.matmul_db(a, dy, b.shape, **attrs), db, *tolerance(np.float32, 10))


@pytest.mark.parametrize("leading", [(3,), (2, 3)])
def test_dense_gradients_agree_with_central_differences(leading):
    rng = np.random.default_rng(8)
    x, w, b = (rng.standard_normal(shape) for shape in [(*leading, 4), (4, 5), (5,)])
    dy = rng.standard_normal((*leading, 5))
    close = tolerance(np.float32, 6)
    assert_allclose(gemm.dense_dx(dy, w), central_difference(lambda x: gemm.dense(x, w, b), x, dy), *close)
    assert_allclose(gemm.dense_dw(x, dy), central_difference(lambda w: gemm.dense(x, w, b), w, dy), *close)
    assert_allclose(gemm.dense_db(dy), central_difference(lambda b: gemm.dense(x, w, b), b, dy), *close)
