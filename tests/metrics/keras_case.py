"""Results of Keras's metrics on two batches of random predictions.

`KERAS_BACKEND=jax python tests/metrics/keras_case.py`, where Keras 3 is installed, writes the numbers beside this file;
the tests compare with them where it is not.
"""

import json
from pathlib import Path

import numpy as np

STORED = Path(__file__).with_suffix(".json")

#: class, arguments, kind of targets
CASES = [
    ("Accuracy", {}, "guessed"),
    ("BinaryAccuracy", {}, "decisions"),
    ("BinaryAccuracy", {"threshold": 0.7}, "decisions"),
    ("CategoricalAccuracy", {}, "one_hot"),
    ("SparseCategoricalAccuracy", {}, "labels"),
    ("TopKCategoricalAccuracy", {"k": 2}, "one_hot"),
    ("SparseTopKCategoricalAccuracy", {"k": 3}, "labels"),
    ("MeanSquaredError", {}, "numbers"),
    ("RootMeanSquaredError", {}, "numbers"),
    ("MeanAbsoluteError", {}, "numbers"),
    ("MeanAbsolutePercentageError", {}, "numbers"),
    ("MeanSquaredLogarithmicError", {}, "numbers"),
    ("LogCoshError", {}, "numbers"),
    ("CosineSimilarity", {}, "numbers"),
    ("R2Score", {}, "numbers"),
    ("R2Score", {"class_aggregation": None}, "numbers"),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, "numbers"),
    ("R2Score", {"num_regressors": 2}, "numbers"),
    ("Hinge", {}, "decisions"),
    ("SquaredHinge", {}, "decisions"),
    ("CategoricalHinge", {}, "one_hot"),
    ("KLDivergence", {}, "one_hot"),
    ("Poisson", {}, "one_hot"),
    ("BinaryCrossentropy", {}, "decisions"),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, "decisions"),
    ("CategoricalCrossentropy", {}, "one_hot"),
    ("SparseCategoricalCrossentropy", {}, "labels"),
    ("TruePositives", {}, "decisions"),
    ("TrueNegatives", {"thresholds": [0.2, 0.6]}, "decisions"),
    ("FalsePositives", {}, "decisions"),
    ("FalseNegatives", {}, "decisions"),
    ("Precision", {}, "decisions"),
    ("Precision", {"thresholds": [0.1, 0.5, 0.9]}, "decisions"),
    ("Precision", {"top_k": 2}, "one_hot"),
    ("Precision", {"class_id": 1}, "one_hot"),
    ("Precision", {"class_id": 3, "top_k": 2}, "one_hot"),
    ("Recall", {}, "decisions"),
    ("Recall", {"thresholds": 0.3}, "decisions"),
    ("Recall", {"top_k": 3}, "one_hot"),
    ("AUC", {}, "decisions"),
    ("AUC", {"curve": "PR"}, "decisions"),
    ("AUC", {"num_thresholds": 11, "summation_method": "minoring"}, "decisions"),
    ("AUC", {"num_thresholds": 11, "summation_method": "majoring", "curve": "PR"}, "decisions"),
    ("AUC", {"thresholds": [0.3, 0.6]}, "decisions"),
    ("SensitivityAtSpecificity", {"specificity": 0.6}, "decisions"),
    ("SpecificityAtSensitivity", {"sensitivity": 0.6}, "decisions"),
    ("PrecisionAtRecall", {"recall": 0.6}, "decisions"),
    ("RecallAtPrecision", {"precision": 0.6}, "decisions"),
    ("F1Score", {}, "one_hot"),
    ("F1Score", {"average": "micro"}, "one_hot"),
    ("F1Score", {"average": "macro"}, "one_hot"),
    ("F1Score", {"average": "weighted"}, "one_hot"),
    ("F1Score", {"threshold": 0.3}, "one_hot"),
    ("FBetaScore", {"average": "macro", "beta": 2.0}, "one_hot"),
]


def data(kind):
    """Targets, predictions, sample weights, and where the second batch begins."""
    rng = np.random.default_rng(4)
    n = 60
    z = rng.normal(size=(n, 4))
    labels = (z + rng.normal(size=(n, 4))).argmax(1)
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    one = (rng.random((n, 1)) < 0.4).astype(float)
    targets, predictions = {
        "numbers": (z + rng.normal(size=(n, 4)), z),
        "labels": (labels, p),
        "one_hot": (np.eye(4)[labels], p),
        "decisions": (one, (rng.random((n, 1)) + 0.4 * one) / 1.4),
        "guessed": (labels[:, None].astype(float), z.argmax(1)[:, None].astype(float)),
    }[kind]
    return targets, predictions.astype(np.float32), rng.random(n), 37


if __name__ == "__main__":
    import keras

    found = []
    for name, options, kind in CASES:
        y, p, weight, at = data(kind)
        values = []
        for w in (None, weight):
            metric = getattr(keras.metrics, name)(**options)
            for part in (slice(0, at), slice(at, None)):
                metric.update_state(y[part], p[part], None if w is None else w[part])
            values.append(np.asarray(metric.result(), np.float64).tolist())
        found.append(values)
    STORED.write_text(json.dumps(found) + "\n")
