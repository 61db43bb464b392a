import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from oracle import loss
from oracle.difference import central_difference
from tolerance import tolerance

CLOSE = tolerance(np.float64, 4)
LOG = np.log


def test_categorical_crossentropy_worked_by_hand():
    target = [[1.0, 0.0], [0.25, 0.75]]
    prediction = [[0.5, 1.5], [0.5, 0.5]]  # the first row is taken as 1/4, 3/4
    expected = (LOG(4) + LOG(2)) / 2
    assert_allclose(loss.categorical_crossentropy(target, prediction), expected, *CLOSE)
    logits = [[7.0, 7 + LOG(3)], [1000.0, 1000.0]]
    assert_allclose(loss.categorical_crossentropy(target, logits, from_logits=True), expected, *CLOSE)


def test_sparse_categorical_crossentropy_worked_by_hand():
    prediction = [[[0.5, 1.5], [1.0, 1.0]], [[2.0, 6.0], [1.0, 4.0]]]
    expected = (LOG(4) + LOG(2) + LOG(4 / 3) + LOG(5)) / 4
    assert_allclose(loss.sparse_categorical_crossentropy([[0, 1], [1, 0]], prediction), expected, *CLOSE)
    logits = LOG(prediction) - 5
    assert_allclose(loss.sparse_categorical_crossentropy([[0, 1], [1, 0]], logits, from_logits=True), expected, *CLOSE)


def test_binary_crossentropy_worked_by_hand():
    target, prediction = [[1.0, 0.0], [1.0, 0.5]], [[0.25, 0.75], [1.0, 0.5]]
    expected = (LOG(4) + LOG(4) - LOG(1 - 1e-7) + LOG(2)) / 4
    assert_allclose(loss.binary_crossentropy(target, prediction), expected, *CLOSE)
    logits = [[-LOG(3), LOG(3)], [1000.0, 0.0]]
    assert_allclose(loss.binary_crossentropy(target, logits, from_logits=True), (5 * LOG(2)) / 4, *CLOSE)


def test_mean_squared_error_worked_by_hand():
    assert loss.mean_squared_error([[1.0, 2.0], [3.0, 4.0]], [[1.0, 4.0], [6.0, 4.0]]) == 13 / 4
    dx = loss.mean_squared_error_dx([[1.0, 2.0], [3.0, 4.0]], [[1.0, 4.0], [6.0, 4.0]])
    assert_array_equal(dx, [[0, 1], [1.5, 0]])


def test_certainty_is_clipped():
    """A prediction of 0 or 1 costs -log(1e-7) where it is wrong, and has no gradient."""
    worst = -LOG(1e-7)
    assert_allclose(loss.categorical_crossentropy([[1.0, 0.0]], [[0.0, 1.0]]), worst, *CLOSE)
    assert_array_equal(loss.categorical_crossentropy_dx([[1.0, 0.0]], [[0.0, 1.0]]), [[0, 0]])
    # 1 - (1 - 1e-7) is 1e-7 to nine digits, of which float32 needs seven
    assert_allclose(loss.binary_crossentropy([1.0, 0.0], [0.0, 1.0]), worst, *tolerance(np.float32))
    assert_array_equal(loss.binary_crossentropy_dx([1.0, 0.0], [0.0, 1.0]), [0, 0])


@pytest.mark.parametrize("from_logits", [False, True])
def test_the_sparse_form_is_the_dense_one_of_one_hot_rows(from_logits):
    rng = np.random.default_rng(1)
    prediction, labels = rng.uniform(0.1, 1, (3, 5, 4)), rng.integers(0, 4, (3, 5))
    for form in ("crossentropy", "crossentropy_dx"):
        dense, sparse = getattr(loss, f"categorical_{form}"), getattr(loss, f"sparse_categorical_{form}")
        expected = dense(np.eye(4)[labels], prediction, from_logits=from_logits)
        assert_array_equal(sparse(labels, prediction, from_logits=from_logits), expected)


def test_logits_agree_with_onnxruntime(onnx_node):
    rng = np.random.default_rng(2)
    logits, labels = rng.standard_normal((6, 5)).astype(np.float32), rng.integers(0, 5, 6)
    expected = onnx_node("SoftmaxCrossEntropyLoss", [logits, labels], reduction="mean")[0]
    y = loss.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    assert_allclose(expected, y, *tolerance(np.float32, logits.size))


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 2, 4)])
@pytest.mark.parametrize(
    ("name", "attrs"),
    [
        ("categorical_crossentropy", {"from_logits": False}),
        ("categorical_crossentropy", {"from_logits": True}),
        ("binary_crossentropy", {"from_logits": False}),
        ("binary_crossentropy", {"from_logits": True}),
        ("mean_squared_error", {}),
    ],
)
def test_gradients_agree_with_central_differences(name, attrs, shape):
    rng = np.random.default_rng(3)
    target, prediction = rng.uniform(0, 1, (2, *shape)) * 0.9 + 0.05  # rows of targets need not sum to 1
    f, f_dx = getattr(loss, name), getattr(loss, name + "_dx")
    expected = central_difference(lambda prediction: f(target, prediction, **attrs), prediction, 1)
    assert_allclose(f_dx(target, prediction, **attrs), expected, *tolerance(np.float32))
