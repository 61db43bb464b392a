"""Whatever goes by name answers in one way: what was received, what was expected, what was meant."""

import pytest

from edgenet import activations, constraints, initializers, losses, metrics, optimizers, regularizers

KINDS = {
    "activation": (activations, "rellu", "relu"),
    "constraint": (constraints, "max_nrom", "max_norm"),
    "initializer": (initializers, "glorot_unifrom", "glorot_uniform"),
    "loss": (losses, "mean_sqared_error", "mean_squared_error"),
    "metric": (metrics, "acuracy", "accuracy"),
    "optimizer": (optimizers, "adagard", "adagrad"),
    "regularizer": (regularizers, "l1_l3", "l1_l2"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_name_is_answered_with_the_one_that_was_meant(kind):
    home, given, meant = KINDS[kind]
    words = rf"^unknown {kind} '{given}' \(did you mean '{meant}'\?\): expected one of .*\b{meant}\b"
    with pytest.raises(ValueError, match=words):
        home.get(given)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_name_is_answered_with_what_there_is(kind):
    article = "an" if kind[0] in "aeiou" else "a"
    words = rf"^{article} {kind} is a name, {article} {kind.capitalize()}, a config( or a function)?, got 3$"
    with pytest.raises(TypeError, match=words):
        KINDS[kind][0].get(3)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"activation"}))
def test_configs_come_back(kind):
    home, _, name = KINDS[kind]
    if name == "accuracy":
        name = "categorical_hinge"
    thing = home.get(name)
    config = home.serialize(thing)
    assert set(config) == {"class_name", "config"}
    again = home.deserialize(config)
    assert type(again) is type(thing)
    assert home.serialize(again) == config
    wrong = {**config, "class_name": config["class_name"] + "e"}
    with pytest.raises(ValueError, match=f"unknown {kind} class .*did you mean.*: pass custom_objects="):
        home.deserialize(wrong)


def test_case_does_not_matter_where_it_leads_nowhere_else():
    assert type(optimizers.get("RMSprop")) is type(optimizers.get("rmsprop"))
    assert activations.get("ReLU") is activations.relu
    assert losses.get("MSE").name == losses.get("mse").name
