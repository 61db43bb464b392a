"""What weights are held to, alone and in training."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.run import run

from edgenet import Input, Sequential, constraints, layers, load_model, ops, optimizers
from edgenet.utils import set_random_seed
from oracle import update as oracle
from tolerance import tolerance

W = np.array([[3.0, 0.0], [4.0, -1.0]], np.float32)


def test_the_numbers_of_a_worked_example():
    close = tolerance(np.float32, 4)
    assert_allclose(run(constraints.max_norm(2, axis=0), W), [[1.2, 0], [1.6, -1]], *close)
    assert_array_equal(run(constraints.non_neg(), W), [[3, 0], [4, 0]])
    assert_allclose(run(constraints.unit_norm(axis=0), W), [[0.6, 0], [0.8, -1]], *close)
    assert_allclose(run(constraints.min_max_norm(2, 4, axis=0), W), [[2.4, 0], [3.2, -2]], *close)
    assert_allclose(run(constraints.min_max_norm(2, 4, rate=0.5, axis=0), W), [[2.7, 0], [3.6, -1.5]], *close)


@pytest.mark.parametrize(("shape", "axis"), [((7, 5), 0), ((7, 5), 1), ((3, 3, 4, 6), [0, 1, 2]), ((9,), 0)])
def test_against_the_oracle(shape, axis):
    w = np.random.default_rng(len(shape)).standard_normal(shape).astype(np.float32)
    close = tolerance(np.float32, 16)
    for low, high, rate in [(0, 2, 1), (1, 1.5, 1), (2.5, 3, 0.25)]:
        found = run(constraints.MinMaxNorm(low, high, rate, axis), w)
        assert_allclose(found, oracle.min_max_norm(w, low, high, axis, rate), *close)
    assert_allclose(run(constraints.MaxNorm(1.5, axis), w), oracle.min_max_norm(w, 0, 1.5, axis), *close)
    assert_allclose(run(constraints.UnitNorm(axis), w), oracle.unit_norm(w, axis), *close)


def test_zeros_and_nan():
    for constraint in (constraints.MaxNorm(), constraints.UnitNorm(), constraints.MinMaxNorm(1, 2)):
        assert_array_equal(run(constraint, np.zeros((3, 2), np.float32)), np.zeros((3, 2)))
        w = np.ones((3, 2), np.float32)
        w[0, 0] = np.nan
        assert_array_equal(np.isnan(run(constraint, w)), [[True, False]] * 3)


def test_training_keeps_to_them():
    set_random_seed(1)
    model = Sequential(
        [
            Input((6, 6, 2)),
            layers.Conv2D(4, 3, kernel_constraint=constraints.MaxNorm(0.5, axis=[0, 1, 2]), bias_constraint="non_neg"),
            layers.Flatten(),
            layers.Dense(5, kernel_constraint=constraints.unit_norm()),
            layers.Dense(1, kernel_constraint=lambda w: ops.clip(w, -0.1, 0.1)),
        ]
    )
    model.compile(optimizers.SGD(0.5), "mse")
    rng = np.random.default_rng(1)
    model.fit(rng.normal(size=(32, 6, 6, 2)), rng.normal(size=32) + 3, epochs=3, verbose=0)
    kernel, bias, dense, _, last, _ = model.get_weights()
    norms = oracle.norms(kernel, (0, 1, 2))
    assert norms.max() == pytest.approx(0.5, rel=1e-5)
    assert bias.min() == 0 < bias.max()
    assert_allclose(oracle.norms(dense, 0), np.ones((1, 5)), rtol=1e-5)
    assert np.abs(last).max() == np.float32(0.1)


def test_one_step_is_the_optimizers_and_then_the_constraint():
    model = Sequential([Input((2,)), layers.Dense(2, use_bias=False, kernel_constraint="max_norm")])
    model.compile(optimizers.SGD(1.0), lambda t, p: p)
    model.set_weights([W])
    x = np.array([[2.0, 4.0]], np.float32)
    model.train_on_batch(x, np.zeros((1, 2)))
    moved = W - x.T @ np.full((1, 2), 0.5)
    assert_allclose(model.get_weights()[0], oracle.min_max_norm(moved, 0, 2, 0), rtol=1e-6)


def test_a_frozen_weight_is_left_alone():
    model = Sequential([Input((2,)), layers.Dense(2, kernel_constraint="unit_norm"), layers.Dense(1)])
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    model.layers[0].set_weights([W, np.zeros(2)])
    model.train_on_batch(np.ones((3, 2)), np.ones(3))
    assert_array_equal(model.get_weights()[0], W)


@pytest.mark.parametrize("name", ["MaxNorm", "max_norm", "NonNeg", "non_neg", "UnitNorm", "unit_norm", "min_max_norm"])
def test_names_and_configs(name):
    made = constraints.get(name)
    again = constraints.get(json.loads(json.dumps(constraints.serialize(made))))
    assert repr(again) == repr(made)
    assert constraints.get(type(made)) is not None
    assert constraints.get(None) is constraints.serialize(None) is None
    assert constraints.get(ops.relu) is ops.relu
    assert constraints.serialize(ops.relu) == "relu"


def test_a_saved_model_keeps_them(tmp_path):
    model = Sequential([Input((2,)), layers.Dense(2, kernel_constraint=constraints.MaxNorm(0.5))])
    model.compile(optimizers.SGD(1.0), "mse")
    model.save(tmp_path / "m.edgenet")
    again = load_model(tmp_path / "m.edgenet")
    assert again.layers[0].get_config()["kernel_constraint"]["config"] == {"max_value": 0.5, "axis": 0}
    again.train_on_batch(np.ones((3, 2)), np.full((3, 2), 9.0))
    assert oracle.norms(again.get_weights()[0], 0).max() <= 0.5 + 1e-6


def test_errors():
    with pytest.raises(ValueError, match=r"unknown constraint 'max'.*: expected one of max_norm, maxnorm"):
        constraints.get("max")
    with pytest.raises(TypeError, match="a constraint is a name"):
        constraints.get(3)
    with pytest.raises(ValueError, match="MaxNorm: max_value must be a finite number of at least 0, got -1"):
        constraints.MaxNorm(-1)
    with pytest.raises(ValueError, match=r"UnitNorm: axis must be an integer or a list of them, got 0\.5"):
        constraints.UnitNorm(0.5)
    with pytest.raises(ValueError, match="min_value must not exceed max_value"):
        constraints.MinMaxNorm(3, 2)
    with pytest.raises(ValueError, match="rate must be between 0 and 1"):
        constraints.MinMaxNorm(rate=2)
