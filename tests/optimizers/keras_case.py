"""Optimizers and schedules of Keras, run on fixed gradients: what edgenet's have to agree with.

``python tests/optimizers/keras_case.py``, in an environment with keras and jax, writes the numbers anew.
"""

import json
import os
from pathlib import Path

import numpy as np

STORED = Path(__file__).with_suffix(".json")
STEPS = 7
SHAPES = {"kernel": (3, 2), "bias": (4,)}

#: name: class, arguments
OPTIMIZERS = {
    "sgd": ("SGD", {}),
    "sgd_momentum": ("SGD", {"momentum": 0.9}),
    "sgd_nesterov": ("SGD", {"momentum": 0.8, "nesterov": True}),
    "sgd_decay": ("SGD", {"learning_rate": 0.1, "weight_decay": 0.05}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop_momentum": ("RMSprop", {"learning_rate": 0.01, "momentum": 0.7, "rho": 0.8}),
    "rmsprop_centered": ("RMSprop", {"learning_rate": 0.01, "centered": True}),
    "rmsprop_both": ("RMSprop", {"learning_rate": 0.01, "centered": True, "momentum": 0.5, "epsilon": 1e-3}),
    "adagrad": ("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 0.2}),
    "adadelta": ("Adadelta", {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-3}),
    "adam": ("Adam", {"learning_rate": 0.02}),
    "amsgrad": ("Adam", {"learning_rate": 0.02, "amsgrad": True, "beta_2": 0.5}),
    "adam_decay": ("Adam", {"learning_rate": 0.02, "weight_decay": 0.1}),
    "adamw": ("AdamW", {"learning_rate": 0.05}),
    "adamax": ("Adamax", {"learning_rate": 0.02, "beta_2": 0.7}),
    "nadam": ("Nadam", {"learning_rate": 0.02}),
    "ftrl": ("Ftrl", {"learning_rate": 0.1}),
    "ftrl_penalties": (
        "Ftrl",
        {
            "learning_rate": 0.1,
            "l1_regularization_strength": 0.3,
            "l2_regularization_strength": 0.2,
            "l2_shrinkage_regularization_strength": 0.1,
            "beta": 0.4,
        },
    ),
    "ftrl_power": ("Ftrl", {"learning_rate": 0.1, "learning_rate_power": -0.7, "initial_accumulator_value": 0.5}),
    "lion": ("Lion", {"learning_rate": 0.01}),
    "clipnorm": ("SGD", {"learning_rate": 0.1, "clipnorm": 1.5}),
    "clipvalue": ("SGD", {"learning_rate": 0.1, "clipvalue": 0.4}),
    "global_clipnorm": ("SGD", {"learning_rate": 0.1, "global_clipnorm": 1.5}),
    "ema": ("SGD", {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.6}),
    "ema_overwrite": (
        "Adam",
        {"learning_rate": 0.1, "use_ema": True, "ema_momentum": 0.6, "ema_overwrite_frequency": 3},
    ),
    "accumulation": ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "gradient_accumulation_steps": 3}),
    "accumulation_adam": (
        "Adam",
        {"learning_rate": 0.1, "gradient_accumulation_steps": 2, "clipnorm": 0.5, "weight_decay": 0.1},
    ),
    "accumulation_ema": ("SGD", {"learning_rate": 0.1, "gradient_accumulation_steps": 2, "use_ema": True}),
}

#: name: class, arguments
SCHEDULES = {
    "exponential": ("ExponentialDecay", {"initial_learning_rate": 0.3, "decay_steps": 4, "decay_rate": 0.5}),
    "exponential_stairs": (
        "ExponentialDecay",
        {"initial_learning_rate": 0.3, "decay_steps": 4, "decay_rate": 0.5, "staircase": True},
    ),
    "inverse_time": ("InverseTimeDecay", {"initial_learning_rate": 0.3, "decay_steps": 4, "decay_rate": 0.5}),
    "inverse_time_stairs": (
        "InverseTimeDecay",
        {"initial_learning_rate": 0.3, "decay_steps": 4, "decay_rate": 0.5, "staircase": True},
    ),
    "piecewise": ("PiecewiseConstantDecay", {"boundaries": [3, 8], "values": [0.3, 0.2, 0.1]}),
    "polynomial": ("PolynomialDecay", {"initial_learning_rate": 0.3, "decay_steps": 9, "power": 2.0}),
    "polynomial_cycle": (
        "PolynomialDecay",
        {"initial_learning_rate": 0.3, "decay_steps": 5, "end_learning_rate": 0.1, "cycle": True},
    ),
    "cosine": ("CosineDecay", {"initial_learning_rate": 0.3, "decay_steps": 9, "alpha": 0.1}),
    "cosine_warmup": (
        "CosineDecay",
        {"initial_learning_rate": 0.1, "decay_steps": 9, "warmup_target": 0.3, "warmup_steps": 4},
    ),
    "restarts": ("CosineDecayRestarts", {"initial_learning_rate": 0.3, "first_decay_steps": 3}),
    "restarts_shrinking": (
        "CosineDecayRestarts",
        {"initial_learning_rate": 0.3, "first_decay_steps": 4, "t_mul": 1.0, "m_mul": 0.5, "alpha": 0.1},
    ),
}


def start():
    """The first weights."""
    rng = np.random.default_rng(1)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}


def gradients():
    """One dictionary of gradients for each step."""
    rng = np.random.default_rng(2)
    return [{n: rng.normal(size=s).astype(np.float32) for n, s in SHAPES.items()} for _ in range(STEPS)]


def main():
    """Run Keras, write the file."""
    os.environ["KERAS_BACKEND"] = "jax"
    import keras

    found = {"keras": keras.__version__, "optimizers": {}, "schedules": {}}
    for case, (kind, arguments) in OPTIMIZERS.items():
        optimizer = getattr(keras.optimizers, kind)(**arguments)
        variables = [keras.Variable(a, name=n) for n, a in start().items()]
        optimizer.build(variables)
        weights = []
        for grads in gradients():
            optimizer.apply([keras.ops.convert_to_tensor(g) for g in grads.values()], variables)
            weights.append(flat(variables))
        optimizer.finalize_variable_values(variables)
        found["optimizers"][case] = {"weights": weights, "final": flat(variables)}
    for case, (kind, arguments) in SCHEDULES.items():
        schedule = getattr(keras.optimizers.schedules, kind)(**arguments)
        found["schedules"][case] = [round(float(schedule(step)), 8) for step in range(16)]
    STORED.write_text(text(found), encoding="utf-8")


def text(found):
    """JSON with one line a case."""
    lines = [f'"keras": {json.dumps(found["keras"])}']
    for part in ("optimizers", "schedules"):
        cases = ",\n".join(f"  {json.dumps(n)}: {json.dumps(v)}" for n, v in found[part].items())
        lines.append(f'"{part}": {{\n{cases}\n }}')
    return "{\n " + ",\n ".join(lines) + "\n}\n"


def flat(variables):
    """All numbers in one list."""
    return [round(float(x), 7) for v in variables for x in np.asarray(v).ravel()]


if __name__ == "__main__":
    main()
