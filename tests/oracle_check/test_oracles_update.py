import json
from pathlib import Path

import numpy as np
import pytest
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


KERAS = json.loads((Path(__file__).parents[1] / "optimizers" / "keras_case.json").read_text(encoding="utf-8"))

#: case of Keras: oracle, first values of its slots, whether the step counts, options
AGAINST_KERAS = {
    "sgd_nesterov": (update.sgd, [0], False, {"learning_rate": 0.01, "momentum": 0.8, "nesterov": True}),
    "rmsprop_momentum": (update.rmsprop, [0, 0], False, {"learning_rate": 0.01, "momentum": 0.7, "rho": 0.8}),
    "rmsprop_centered": (update.rmsprop, [0, 0, 0], False, {"learning_rate": 0.01, "centered": True}),
    "adagrad": (update.adagrad, [0.2], False, {"learning_rate": 0.1}),
    "adadelta": (update.adadelta, [0, 0], False, {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-3}),
    "adam": (update.adam, [0, 0], True, {"learning_rate": 0.02}),
    "amsgrad": (update.amsgrad, [0, 0, 0], True, {"learning_rate": 0.02, "beta_2": 0.5}),
    "adamax": (update.adamax, [0, 0], True, {"learning_rate": 0.02, "beta_2": 0.7}),
    "nadam": (update.nadam, [0, 0, 1], True, {"learning_rate": 0.02}),
    "ftrl_penalties": (
        update.ftrl,
        [0.1, 0],
        False,
        {"learning_rate": 0.1, "l1": 0.3, "l2": 0.2, "shrinkage": 0.1, "beta": 0.4},
    ),
    "ftrl_power": (update.ftrl, [0.5, 0], False, {"learning_rate": 0.1, "power": -0.7}),
    "lion": (update.lion, [0], False, {"learning_rate": 0.01}),
}


@pytest.mark.parametrize("name", AGAINST_KERAS)
def test_steps_are_those_of_keras(name):
    """Keras computes in float32, so its numbers are good to some units of 1e-7."""
    from optimizers import keras_case

    step, slots, counts, options = AGAINST_KERAS[name]
    w = np.concatenate([a.ravel() for a in keras_case.start().values()]).astype(np.float64)
    slots = [x if step is update.nadam and i == 2 else np.full(w.shape, float(x)) for i, x in enumerate(slots)]
    for i, (grads, wanted) in enumerate(zip(keras_case.gradients(), KERAS["optimizers"][name]["weights"], strict=True)):
        g = np.concatenate([a.ravel() for a in grads.values()])
        w, *slots = step(w, g, *slots, *([i + 1] if counts else []), **options)
        assert_allclose(w, wanted, rtol=1e-5, atol=1e-5)


def test_norms_worked_by_hand():
    w = [[3.0, 0.0], [4.0, -1.0]]
    assert_array_equal(update.norms(w, 0), [[5, 1]])
    assert_allclose(update.min_max_norm(w, 0, 2, 0), [[1.2, 0], [1.6, -1]], rtol=1e-6)
    assert_allclose(update.min_max_norm(w, 2, 4, 0, rate=0.5), [[2.7, 0], [3.6, -1.5]], rtol=1e-6)
    assert_allclose(update.unit_norm(w, 1), [[1, 0], np.array([4, -1]) / np.sqrt(17)], rtol=1e-6)
    assert_allclose(update.orthogonal(w, 0.5, "columns"), 0.4, *CLOSE)
    assert_allclose(update.orthogonal(w, 0.5, "rows"), 2 / np.sqrt(17), *CLOSE)
    assert_allclose(np.concatenate(update.clip_norm([[6.0, 8.0], [0.0, 1.0]], 5)), [3, 4, 0, 1], *CLOSE)
    assert_allclose(update.decay([2.0], learning_rate=0.5, rate=0.5), [1.5], *CLOSE)
    assert_allclose([update.average([4.0], [8.0], t, momentum=0.75) for t in (0, 1)], [[8], [5]], *CLOSE)


def test_dropout_worked_by_hand():
    assert_array_equal(update.dropout([1.0, 2.0, np.inf], [True, False, False], 0.75), [4, 0, 0])
