import numpy as np
import pytest
from numpy.testing import assert_allclose

from oracle import norm
from oracle.difference import central_difference
from tolerance import tolerance

SHAPES = [(5, 3), (2, 3, 4, 3)]


def test_numbers_worked_by_hand():
    x = np.array([[1.0, 10.0], [3.0, 10.0]])  # means 2 and 10, biased variances 1 and 0
    gamma, beta, moving_mean, moving_var = [2.0, 3.0], [5.0, 7.0], [0.0, 100.0], [9.0, 1.0]
    y, mean, var, new_mean, new_var = norm.batch_norm_train(
        x, gamma, beta, moving_mean, moving_var, momentum=0.75, epsilon=3.0
    )
    close = tolerance(np.float64)
    assert_allclose(mean, [2, 10], *close)
    assert_allclose(var, [1, 0], *close)
    assert_allclose(y, [[2 * -1 / 2 + 5, 7], [2 * 1 / 2 + 5, 7]], *close)  # sqrt(1 + 3) = 2
    assert_allclose(new_mean, [0.5, 77.5], *close)
    assert_allclose(new_var, [7, 0.75], *close)
    assert_allclose(norm.batch_norm(x, gamma, beta, [1, 8], [1, 6], epsilon=3.0), [[5, 9], [7, 9]], *close)


@pytest.mark.parametrize("shape", SHAPES)
def test_agrees_with_onnxruntime(onnx_node, shape):
    rng = np.random.default_rng(1)
    c = shape[-1]
    x, gamma, beta, mean = (rng.standard_normal(s).astype(np.float32) for s in (shape, c, c, c))
    var = rng.uniform(0.5, 2, c).astype(np.float32)
    inputs = [np.moveaxis(x, -1, 1), gamma, beta, mean, var]
    close = tolerance(np.float32, x.size // c)

    y = onnx_node("BatchNormalization", inputs, epsilon=1e-3)[0]
    assert_allclose(np.moveaxis(y, 1, -1), norm.batch_norm(x, gamma, beta, mean, var), *close)

    judged = onnx_node("BatchNormalization", inputs, 3, epsilon=1e-3, momentum=0.9, training_mode=1)
    y, _, _, *moving = norm.batch_norm_train(x, gamma, beta, mean, var, momentum=0.9)
    assert_allclose(np.moveaxis(judged[0], 1, -1), y, *close)
    assert_allclose(judged[1:], moving, *close)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_gradients_agree_with_central_differences(shape, training):
    rng = np.random.default_rng(2)
    c = shape[-1]
    x, dy, gamma, beta, mean = (rng.standard_normal(s) for s in (shape, shape, c, c, c))
    var = rng.uniform(0.5, 2, c)

    def f(x, gamma, beta):
        if training:
            return norm.batch_norm_train(x, gamma, beta, mean, var)[0]
        return norm.batch_norm(x, gamma, beta, mean, var)

    if training:
        dx, dgamma, dbeta = norm.batch_norm_train_grad(dy, x, gamma)
    else:
        dx, dgamma, dbeta = norm.batch_norm_grad(dy, x, gamma, mean, var)
    close = tolerance(np.float32, x.size // c)
    assert_allclose(dx, central_difference(lambda x: f(x, gamma, beta), x, dy), *close)
    assert_allclose(dgamma, central_difference(lambda gamma: f(x, gamma, beta), gamma, dy), *close)
    assert_allclose(dbeta, central_difference(lambda beta: f(x, gamma, beta), beta, dy), *close)
