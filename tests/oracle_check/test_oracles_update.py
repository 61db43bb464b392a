import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from oracle import update
from tolerance import tolerance

CLOSE = tolerance(np.float64, 4)


def test_sgd_worked_by_hand():
    w, m = update.sgd([1.0, 2.0], [10.0, -10.0], learning_rate=0.1)
    assert_allclose(w, [0, 3], *CLOSE)
    assert m is None


def test_momentum_worked_by_hand():
    w, m = update.sgd([1.0], [2.0], [8.0], learning_rate=0.5, momentum=0.75)
    assert_array_equal([w, m], [[6], [5]])  # m = 6 - 1
    w, m = update.sgd([1.0], [2.0], [8.0], learning_rate=0.5, momentum=0.75, nesterov=True)
    assert_array_equal([w, m], [[3.75], [5]])  # w = 1 + 0.75 * 5 - 1


def test_momentum_is_a_sum_of_decayed_gradients():
    """The other common form keeps v = momentum v + g and takes lr v off: the same for a constant lr, m being -lr v."""
    m, gradients, w = np.zeros(3), [[1.0, -2.0, 3.0], [0.5, 0.5, -4.0]], np.array([1.0, 2.0, 3.0])
    v, expected = np.zeros(3), w
    for g in gradients:
        w, m = update.sgd(w, g, m, learning_rate=0.1, momentum=0.9)
        v = 0.9 * v + np.array(g)
        expected = expected - 0.1 * v
    assert_allclose(w, expected, *CLOSE)


def test_first_step_of_adam_is_the_learning_rate():
    """m = g/10 and v = g²/1000, so that w' = w - lr g / (|g| + epsilon sqrt(1000))."""
    g = np.array([5.0, -0.01, 1e-7, 0.0])
    w, m, v = update.adam(np.ones(4), g, np.zeros(4), np.zeros(4), 1, learning_rate=0.25)
    assert_allclose(m, g / 10, *CLOSE)
    assert_allclose(v, g**2 / 1000, *CLOSE)
    assert_allclose(w, 1 - 0.25 * g / (np.abs(g) + 1e-7 * np.sqrt(1000)), *CLOSE)


def test_adam_is_the_bias_corrected_average():
    """Against the definition: weighted means of all gradients so far, each divided by the sum of its weights."""
    rng = np.random.default_rng(1)
    gradients = rng.standard_normal((6, 3))
    w, m, v, expected = np.ones(3), np.zeros(3), np.zeros(3), np.ones(3)
    for step in range(1, 7):
        w, m, v = update.adam(w, gradients[step - 1], m, v, step, learning_rate=0.1, beta_1=0.8, beta_2=0.9, epsilon=0)
        first = np.average(gradients[:step], axis=0, weights=0.8 ** np.arange(step)[::-1])
        second = np.average(gradients[:step] ** 2, axis=0, weights=0.9 ** np.arange(step)[::-1])
        expected = expected - 0.1 * first / np.sqrt(second)
    assert_allclose(w, expected, *tolerance(np.float64, 100))


def test_dropout_worked_by_hand():
    assert_array_equal(update.dropout([1.0, 2.0, np.inf], [True, False, False], 0.75), [4, 0, 0])
