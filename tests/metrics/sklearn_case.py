"""Scores of scikit-learn on random cases.

`python tests/metrics/sklearn_case.py`, where scikit-learn is installed, writes the numbers beside this file; the tests
compare with them where it is not.
"""

import json
from pathlib import Path

import numpy as np

STORED = Path(__file__).with_suffix(".json")
SEEDS = range(3)


def data(seed):
    """Labels of several classes and of two, scores of both kinds, numbers, and weights."""
    rng = np.random.default_rng(seed)
    n, classes = int(rng.integers(20, 80)), int(rng.integers(3, 7))
    z = rng.normal(size=(n, classes))
    label = np.r_[np.arange(classes), (z + rng.normal(size=z.shape)).argmax(1)[classes:]]
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    binary = np.r_[0, 1, rng.integers(0, 2, n - 2)]
    score = np.round((rng.random(n) + 0.5 * binary) / 1.5, 2)  # with ties
    t = rng.normal(size=(n, 3)) + 5
    return {
        "label": label, "p": p, "taken": p.argmax(1), "binary": binary, "score": score,
        "decided": (score > 0.5).astype(int), "t": t, "y": t + rng.normal(size=t.shape), "weight": rng.random(n),
    }  # fmt: skip


def calls(d):
    """Name of the function, arguments and options, for every score."""
    label, taken, binary, decided = d["label"], d["taken"], d["binary"], d["decided"]
    for options in ({}, {"sample_weight": d["weight"]}):
        yield "accuracy_score", (label, taken), options
        yield "balanced_accuracy_score", (label, taken), options
        for normalize in (None, "true", "pred", "all"):
            yield "confusion_matrix", (label, taken), {"normalize": normalize, **options}
        yield "confusion_matrix", (label, taken), {"labels": [2, 0], **options}
        for name in ("precision_score", "recall_score", "f1_score"):
            yield name, (binary, decided), options
            yield name, (binary, decided), {"pos_label": 0, **options}
            for average in ("micro", "macro", "weighted", None):
                yield name, (label, taken), {"average": average, **options}
                yield name, (label, taken), {"average": average, "labels": [0, 2], **options}
        yield "f1_score", (label, np.zeros_like(taken)), {"average": "macro", "zero_division": 0.0, **options}
        yield "precision_score", (label, np.zeros_like(taken)), {"average": None, "zero_division": 1.0, **options}
        yield "fbeta_score", (label, taken), {"beta": 2.0, "average": "weighted", **options}
        yield "top_k_accuracy_score", (label, d["p"]), {"k": 2, **options}
        yield "log_loss", (label, d["p"]), options
        yield "log_loss", (binary, d["score"].clip(0.01, 0.99)), options
        yield "roc_auc_score", (binary, d["score"]), options
        yield "roc_auc_score", (label, d["p"]), {"multi_class": "ovr", **options}
        yield "roc_auc_score", (label, d["p"]), {"multi_class": "ovr", "average": "weighted", **options}
        yield "roc_curve", (binary, d["score"]), options
        yield "roc_curve", (binary, d["score"]), {"drop_intermediate": False, **options}
        yield "precision_recall_curve", (binary, d["score"]), options
        yield "average_precision_score", (binary, d["score"]), options
        yield "mean_absolute_error", (d["t"][:, 0], d["y"][:, 0]), {}
        yield "mean_squared_error", (d["t"][:, 0], d["y"][:, 0]), {}
        yield "root_mean_squared_error", (d["t"], d["y"]), options
        for kind in ("uniform_average", "variance_weighted", "raw_values"):
            yield "r2_score", (d["t"], d["y"]), {"multioutput": kind, **options}
        yield "classification_report", (label, taken), {"output_dict": True, **options}
    yield "classification_report", (label, taken), {"digits": 4}
    yield "classification_report", (label, taken), {"labels": [0, 2]}
    yield "classification_report", (binary, decided), {"target_names": ["no", "a rather long name"]}


def plain(value):
    """A result as JSON can hold it; infinite numbers become None."""
    if isinstance(value, tuple):
        return [plain(v) for v in value]
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, str):
        return value
    array = np.asarray(value, np.float64)
    return np.where(np.isfinite(array), array, None).tolist() if not np.isfinite(array).all() else array.tolist()


def results():
    """What scikit-learn says, seed by seed."""
    from sklearn import metrics

    return [[plain(getattr(metrics, name)(*args, **options)) for name, args, options in calls(data(s))] for s in SEEDS]


if __name__ == "__main__":
    STORED.write_text(json.dumps(results()) + "\n")
