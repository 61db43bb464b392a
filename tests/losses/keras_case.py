"""Values of Keras's losses on random predictions.

`KERAS_BACKEND=jax python tests/losses/keras_case.py`, where Keras 3 is installed, writes the numbers beside this file;
the tests compare with them where it is not.
"""

import json
from pathlib import Path

import numpy as np

STORED = Path(__file__).with_suffix(".json")

#: class, arguments, kind of targets
CASES = [
    ("MeanSquaredError", {}, "numbers"),
    ("MeanSquaredError", {"reduction": "sum"}, "numbers"),
    ("MeanSquaredError", {"reduction": "mean_with_sample_weight"}, "numbers"),
    ("MeanSquaredError", {"reduction": None}, "numbers"),
    ("MeanAbsoluteError", {}, "numbers"),
    ("MeanAbsolutePercentageError", {}, "numbers"),
    ("MeanSquaredLogarithmicError", {}, "numbers"),
    ("LogCosh", {}, "numbers"),
    ("Huber", {}, "numbers"),
    ("Huber", {"delta": 0.3}, "numbers"),
    ("CosineSimilarity", {}, "numbers"),
    ("CosineSimilarity", {"axis": 0}, "numbers"),
    ("Poisson", {}, "numbers"),
    ("KLDivergence", {}, "soft"),
    ("Hinge", {}, "signs"),
    ("Hinge", {}, "binary"),
    ("SquaredHinge", {}, "signs"),
    ("SquaredHinge", {}, "binary"),
    ("CategoricalHinge", {}, "one_hot"),
    ("CategoricalCrossentropy", {}, "one_hot"),
    ("CategoricalCrossentropy", {}, "soft"),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, "one_hot"),
    ("CategoricalCrossentropy", {"from_logits": True}, "one_hot"),
    ("SparseCategoricalCrossentropy", {}, "labels"),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, "labels"),
    ("SparseCategoricalCrossentropy", {"ignore_class": 1}, "labels"),
    ("SparseCategoricalCrossentropy", {"ignore_class": -1, "from_logits": True}, "ignored"),
    ("BinaryCrossentropy", {}, "binary"),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, "binary"),
    ("BinaryCrossentropy", {"from_logits": True}, "binary"),
    ("BinaryFocalCrossentropy", {}, "binary"),
    ("BinaryFocalCrossentropy", {"gamma": 1.5}, "binary"),
    ("BinaryFocalCrossentropy", {"gamma": 3.0, "apply_class_balancing": True, "alpha": 0.4}, "binary"),
    ("BinaryFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "binary"),
    ("CategoricalFocalCrossentropy", {}, "one_hot"),
    ("CategoricalFocalCrossentropy", {"gamma": 1.0, "alpha": 0.7}, "one_hot"),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, "one_hot"),
]


def data(kind, logits):
    """Targets, predictions and sample weights."""
    rng = np.random.default_rng(1)
    z = rng.normal(size=(11, 4))
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    labels = rng.integers(0, 4, 11)
    soft = rng.random((11, 4))
    targets = {
        "numbers": rng.normal(size=(11, 4)) + 0.5,
        "soft": soft / soft.sum(1, keepdims=True),
        "signs": rng.choice([-1.0, 1.0], (11, 4)),
        "binary": rng.choice([0.0, 1.0], (11, 4)),
        "one_hot": np.eye(4)[labels],
        "labels": labels,
        "ignored": np.where(labels == 2, -1, labels),
    }
    weight = rng.random(11)
    return targets[kind], (z if logits else p), weight


if __name__ == "__main__":
    import keras

    found = []
    for name, options, kind in CASES:
        y, p, weight = data(kind, options.get("from_logits", False))
        weights = [()] if options.get("axis") == 0 else [(), (weight,)]
        values = [getattr(keras.losses, name)(**options)(y, p, *w) for w in weights]
        found.append([np.asarray(v, np.float64).tolist() for v in values])
    STORED.write_text(json.dumps(found) + "\n")
