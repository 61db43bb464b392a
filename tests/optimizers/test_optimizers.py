"""Optimizers: published numbers, those of Keras, and what goes around a step."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from optimizers import keras_case as case
from optimizers.steps import Run

from edgenet import Input, Sequential, layers, optimizers
from edgenet.optimizers import schedules
from edgenet.utils import set_random_seed

# the weights after gradients [0.1, -0.2 i], i = 1, 2, 3, from [1, -2]
THREE_STEPS = [
    ("SGD", {}, [0.9970000, -1.9880000]),
    ("SGD", {"momentum": 0.9}, [0.9943900, -1.9809800]),
    ("SGD", {"momentum": 0.9, "nesterov": True}, [0.9919510, -1.9708819]),
    ("RMSprop", {}, [0.9926228, -1.9913900]),
    ("Adagrad", {}, [0.9991325, -1.9979967]),
    ("Adadelta", {}, [0.9999957, -1.9999946]),
    ("Adam", {}, [0.9970000, -1.9970770]),
    ("Adamax", {}, [0.9970000, -1.9975468]),
    ("Nadam", {}, [0.9974523, -1.9970677]),
    ("AdamW", {}, [0.9969881, -1.9970530]),
    ("SGD", {"clipnorm": 0.1}, [0.9991459, -1.9971491]),
    ("SGD", {"clipvalue": 0.05}, [0.9984999, -1.9985001]),
]


@pytest.mark.parametrize(("kind", "arguments", "wanted"), THREE_STEPS)
def test_three_steps(kind, arguments, wanted):
    run = Run(getattr(optimizers, kind)(**arguments), w=[1.0, -2.0])
    for i in (1, 2, 3):
        run.step([0.1, -0.2 * i])
    assert_allclose(run.flat(), wanted, rtol=0, atol=2.5e-7)


@pytest.fixture(scope="module")
def stored():
    return json.loads(case.STORED.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", case.OPTIMIZERS)
def test_the_weights_of_every_step_are_those_of_keras(stored, name):
    kind, arguments = case.OPTIMIZERS[name]
    optimizer = getattr(optimizers, kind)(**arguments)
    run = Run(optimizer, **case.start())
    for grads, wanted in zip(case.gradients(), stored["optimizers"][name]["weights"], strict=True):
        assert_allclose(run.step(*grads.values()), wanted, rtol=1e-5, atol=1e-5)
    optimizer.finalize_variable_values()
    assert_allclose(run.flat(), stored["optimizers"][name]["final"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", case.SCHEDULES)
def test_schedules_are_those_of_keras(stored, name):
    kind, arguments = case.SCHEDULES[name]
    schedule = getattr(schedules, kind)(**arguments)
    found = [schedule(step) for step in range(16)]
    assert_allclose(found, stored["schedules"][name], rtol=1e-5, atol=1e-7)
    again = schedules.deserialize(json.loads(json.dumps(schedules.serialize(schedule))))
    assert [again(step) for step in range(16)] == found


@pytest.mark.parametrize("name", case.OPTIMIZERS)
def test_configs_and_states_bring_an_optimizer_back(name):
    kind, arguments = case.OPTIMIZERS[name]
    run = Run(getattr(optimizers, kind)(**arguments), **case.start())
    grads = case.gradients()
    for g in grads[:3]:
        run.step(*g.values())
    config = json.loads(json.dumps(optimizers.serialize(run.optimizer)))
    again = optimizers.deserialize(config)
    assert repr(again) == repr(run.optimizer)
    assert again.get_config() == run.optimizer.get_config()
    other = Run(again, **{v.name.removeprefix("layer/"): v.numpy() for v in run.variables})
    state = run.optimizer.get_state()
    slots = again.state
    again.set_state(state, other.variables)
    assert {n: v.numpy().tolist() for n, v in again.state.items()} == {n: state[n].tolist() for n in slots}
    for slot, variable in slots.items():  # those that the programs above know
        variable.assign(state[slot])
    again.state = slots
    for g in grads[3:]:
        assert_array_equal(other.step(*g.values()), run.step(*g.values()))


def test_the_rate_follows_a_schedule():
    run = Run(optimizers.SGD(schedules.PiecewiseConstantDecay([0, 1], [1.0, 0.5, 0.25])), w=[8.0])
    assert run.optimizer.learning_rate == 1.0
    assert [run.step([1.0]).item() for _ in range(4)] == [7.0, 6.5, 6.25, 6.0]
    assert run.optimizer.learning_rate == 0.25
    with pytest.raises(TypeError, match=r"the learning rate follows PiecewiseConstantDecay.* cannot be set to 0\.1"):
        run.optimizer.learning_rate = 0.1
    run.optimizer.learning_rate = schedules.InverseTimeDecay(1.0, 1, 1.0)
    assert run.optimizer.learning_rate == pytest.approx(1 / 5)


def test_a_schedule_in_fit():
    set_random_seed(1)
    model = Sequential([Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile(optimizers.SGD(schedules.ExponentialDecay(0.5, 1, 0.5)), lambda t, p: p)
    x = np.ones((3, 1), np.float32)
    model.fit(x, x, batch_size=1, verbose=0)
    assert model.get_weights()[0].item() == 1 - 0.5 - 0.25 - 0.125
    again = optimizers.deserialize(json.loads(json.dumps(optimizers.serialize(model.optimizer))))
    assert again.learning_rate == 0.5


def test_weights_may_be_left_out_of_the_decay():
    for exclude in ({"var_names": ["bias"]}, {}):
        optimizer = optimizers.SGD(1.0, weight_decay=0.5)
        run = Run(optimizer, kernel=[2.0, 4.0], bias=[8.0], gamma=[16.0])
        fresh = optimizers.SGD(1.0, weight_decay=0.5)
        fresh.exclude_from_weight_decay(**(exclude or {"var_list": [run.variables[1]]}))
        fresh.build(run.variables)
        with pytest.raises(ValueError, match="comes before the first training step"):
            fresh.exclude_from_weight_decay(var_names=["kernel"])
        assert fresh._decayed() == [(0, 2), (3, 4)]
    optimizer = optimizers.SGD(1.0, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gam+a"])
    assert_array_equal(Run(optimizer, kernel=[2.0, 4.0], bias=[8.0], gamma=[16.0]).step([0] * 4), [1, 2, 8, 16])


def test_clipnorm_bounds_each_variable_on_its_own():
    run = Run(optimizers.SGD(1.0, clipnorm=5.0), a=[0.0, 0.0], b=[0.0, 0.0, 0.0])
    assert_array_equal(run.step([6.0, 8.0], [1.0, 2.0, 2.0]), [-3, -4, -1, -2, -2])
    run = Run(optimizers.SGD(1.0, global_clipnorm=6.5), a=[0.0], b=[0.0, 0.0])
    assert_array_equal(run.step([3.0], [4.0, 12.0]), [-1.5, -2, -6])


def test_a_model_that_adds_gradients_up_learns_as_with_large_batches():
    x = np.random.default_rng(1).normal(size=(24, 3)).astype(np.float32)
    y = x @ np.array([1.0, -2.0, 0.5], np.float32)

    def weights(batch, **options):
        set_random_seed(1)
        model = Sequential([Input((3,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
        model.compile(optimizers.SGD(0.1, momentum=0.9, **options), "mse")
        model.fit(x, y, batch_size=batch, epochs=3, shuffle=False, verbose=0)
        return model, np.concatenate([w.ravel() for w in model.get_weights()])

    model, small = weights(4, gradient_accumulation_steps=3)
    assert (model.optimizer.iterations.array[0], model.optimizer.updates.array[0]) == (18, 6)
    assert_allclose(small, weights(12)[1], rtol=1e-5, atol=1e-6)
    assert np.abs(small - weights(4)[1]).max() > 1e-2


def test_fit_ends_with_the_running_mean_of_the_weights():
    set_random_seed(1)
    model = Sequential([Input((1,)), layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizers.SGD(1.0, use_ema=True, ema_momentum=0.5), lambda t, p: -p)
    x = np.ones((3, 1), np.float32)
    model.fit(x, x, batch_size=1, verbose=0)
    assert model.get_weights()[0].item() == 0.5 * (0.5 * 1 + 0.5 * 2) + 0.5 * 3


def test_classes_and_names_where_an_optimizer_is_expected():
    model = Sequential([Input((1,)), layers.Dense(1)])
    for given in (optimizers.Nadam, "nadam", "Nadam", {"class_name": "Nadam", "config": {}}):
        model.compile(given, "mse")
        assert type(model.optimizer) is optimizers.Nadam
    for name in ("SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "AdamW", "Adamax", "Nadam", "Ftrl", "Lion"):
        assert type(optimizers.get(name)) is getattr(optimizers, name)


def test_what_is_refused_with_a_sentence():
    for make in (optimizers.TFOptimizer, lambda: optimizers.get("TFOptimizer")):
        with pytest.raises(NotImplementedError, match=r"runs without TensorFlow: use one of edgenet\.optimizers"):
            make()
    for arguments, kind, message in [
        ({"lr": 0.1}, TypeError, "there is no argument 'lr'; write learning_rate"),
        ({"learnig_rate": 0.1}, TypeError, r"there is no argument 'learnig_rate'; did you mean learning_rate=…\?"),
        ({"momentun": 0.9}, TypeError, r"there is no argument 'momentun'; did you mean momentum=…\?"),
        ({"quux": 0.9}, TypeError, r"there is no argument 'quux'; it takes learning_rate, momentum, .*, clipnorm"),
        ({"decay": 0.1}, TypeError, "InverseTimeDecay"),
        ({"clipnorm": 1.0, "clipvalue": 1.0}, ValueError, "clipped in one way, got clipnorm and clipvalue"),
        ({"clipnorm": 0}, ValueError, "clipnorm must be positive"),
        ({"gradient_accumulation_steps": 1}, ValueError, "an integer of at least 2, got 1"),
        ({"ema_momentum": 2}, ValueError, "ema_momentum must be between 0 and 1"),
        ({"weight_decay": -1}, ValueError, "weight_decay must not be negative"),
        ({"learning_rate": "fast"}, TypeError, "got str"),
    ]:
        with pytest.raises(kind, match=message):
            optimizers.SGD(**arguments)
    with pytest.raises(ValueError, match="weight_decay must be a number"):
        optimizers.AdamW(weight_decay=None)
    with pytest.raises(ValueError, match=r"beta_1 must be in \[0, 1\), got 1"):
        optimizers.Lion(beta_1=1)
    with pytest.raises(ValueError, match="learning_rate_power must be at most 0"):
        optimizers.Ftrl(learning_rate_power=1)
    with pytest.raises(ValueError, match="one more value than boundaries"):
        schedules.PiecewiseConstantDecay([1], [1.0])
    with pytest.raises(ValueError, match="decay_steps must be a positive number of steps"):
        schedules.CosineDecay(0.1, 0)
