"""Metrics on arrays and in models: published numbers, Keras, state over batches."""

import json

import numpy as np
import pytest
from metrics.keras_case import CASES, STORED, data

from edgenet import Input, Model, Sequential, layers, load_model, metrics, ops
from edgenet.graph import ShapeError

IDS = [f"{n}-{o}-{k}" for n, o, k in CASES]
OWN = [
    ("ConfusionMatrix", {}, "one_hot"),
    ("ConfusionMatrix", {}, "labels"),
    ("ConfusionMatrix", {}, "decisions"),
    ("F1Score", {"average": "harmonic"}, "labels"),
    ("Specificity", {}, "decisions"),
    ("FalsePositiveRate", {"thresholds": [0.2, 0.4]}, "decisions"),
    ("Precision", {}, "labels"),
]


@pytest.mark.parametrize("index", range(len(CASES)), ids=IDS)
def test_agrees_with_keras_over_two_batches(index):
    name, options, kind = CASES[index]
    y, p, weight, at = data(kind)
    for w, wanted in zip((None, weight), json.loads(STORED.read_text())[index], strict=True):
        metric = getattr(metrics, name)(**options)
        for part in (slice(0, at), slice(at, None)):
            metric.update_state(y[part], p[part], None if w is None else w[part])
        np.testing.assert_allclose(metric.result(), wanted, rtol=3e-6, atol=1e-6)
        metric.reset_state()
        assert metric.result() == 0


def passing(shape):
    """A model whose prediction is its input."""
    x = Input(shape)
    model = Model(x, layers.Reshape(shape)(x))
    return model


@pytest.mark.parametrize("case", [*CASES, *OWN], ids=lambda c: f"{c[0]}-{c[1]}-{c[2]}")
@pytest.mark.parametrize("weighted", [False, True])
def test_a_model_reports_the_figure_of_all_samples(case, weighted):
    name, options, kind = case
    y, p, weight, _ = data(kind)
    model = passing(p.shape[1:])
    metric = getattr(metrics, name)(**options)
    which = "weighted_metrics" if weighted else "metrics"
    model.compile("sgd", lambda t, q: ops.square(q), **{which: [metric]})
    got = model.evaluate(p, y, batch_size=17, sample_weight=weight, verbose=0, return_dict=True)
    wanted = getattr(metrics, name)(**options)(y, p, weight if weighted else None)
    np.testing.assert_allclose(got[metric.name], wanted, rtol=1e-5, atol=1e-6)
    assert metric.result() == 0  # the model keeps its own sums


def test_weights_do_not_touch_plain_metrics():
    y, p, weight, _ = data("labels")
    model = passing((4,))
    model.compile("sgd", "scce", metrics=["accuracy"], weighted_metrics=[metrics.SparseCategoricalAccuracy("heavy")])
    got = model.evaluate(p, y, sample_weight=weight, verbose=0, return_dict=True)
    right = y == p.argmax(1)
    assert model.metrics_names == ["loss", "accuracy", "heavy"]
    assert got["accuracy"] == pytest.approx(right.mean(), rel=1e-6)
    assert got["heavy"] == pytest.approx((right * weight).sum() / weight.sum(), rel=1e-6)


def test_one_name_among_plain_and_weighted_metrics():
    y, p, weight, _ = data("labels")
    model = passing((4,))
    model.compile("sgd", "scce", metrics=["accuracy"], weighted_metrics=["accuracy"])
    got = model.evaluate(p, y, sample_weight=weight, verbose=0, return_dict=True)
    right = y == p.argmax(1)
    assert model.metrics_names == list(got) == ["loss", "accuracy", "accuracy_1"]
    assert got["accuracy"] == pytest.approx(right.mean(), rel=1e-6)
    assert got["accuracy_1"] == pytest.approx((right * weight).sum() / weight.sum(), rel=1e-6)


def test_metrics_names_are_those_of_the_history():
    y, p, _, _ = data("one_hot")
    model = passing((4,))
    model.compile("sgd", "categorical_crossentropy", metrics=["AUC", "acc", "mse"])
    assert model.metrics_names == list(model.evaluate(p, y, verbose=0, return_dict=True))


def test_training_and_validation_figures_in_the_history():
    y, p, _, _ = data("one_hot")
    model = Sequential([Input((4,)), layers.Dense(4, activation="softmax")])
    names = ["acc", "precision", "recall", "auc", metrics.F1Score("macro"), "top_k_categorical_accuracy"]
    model.compile("adam", "categorical_crossentropy", metrics=[*names, metrics.ConfusionMatrix()])
    history = model.fit(p, y, validation_split=0.3, epochs=2, batch_size=13, verbose=2).history
    for name in ("acc", "precision", "recall", "auc", "f1_score", "top_k_categorical_accuracy"):
        assert len(history[name]) == len(history[f"val_{name}"]) == 2
    assert history["confusion_matrix"][0].sum() == 42
    assert history["val_confusion_matrix"][1].sum() == 18
    scores = metrics.Confusion(history["val_confusion_matrix"][1])
    assert history["val_f1_score"][1] == pytest.approx(scores.f_score("macro"), rel=1e-12)


@pytest.mark.parametrize("case", [*CASES, *OWN], ids=lambda c: f"{c[0]}-{c[1]}-{c[2]}")
def test_comes_back_from_its_config(case):
    name, options, _ = case
    metric = getattr(metrics, name)(**options)
    again = metrics.deserialize(json.loads(json.dumps(metrics.serialize(metric))))
    assert type(again) is type(metric)
    assert again.get_config() == metric.get_config()


def test_a_saved_model_keeps_its_metrics(tmp_path):
    y, p, weight, _ = data("decisions")
    model = Sequential([Input((1,)), layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "bce", metrics=["auc", metrics.Precision(0.4)], weighted_metrics=[metrics.Recall(0.4)])
    model.save(tmp_path / "m.edgenet")
    wanted = model.evaluate(p, y, sample_weight=weight, verbose=0, return_dict=True)
    again = load_model(tmp_path / "m.edgenet")
    assert again.evaluate(p, y, sample_weight=weight, verbose=0, return_dict=True) == wanted


def test_published_areas():
    metric = metrics.AUC()
    metric.update_state([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    assert metric.result() == pytest.approx(0.75, abs=1e-7)
    assert metrics.roc_auc_score([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) == 0.75


@pytest.mark.parametrize(
    ("matrix", "accuracy", "macro", "harmonic"),
    [
        ([[150, 30, 20], [0, 9, 1], [2, 0, 8]], 0.759091, 0.543292, 0.618576),
        ([[198, 2, 0], [9, 1, 0], [4, 4, 2]], 0.913636, 0.471495, 0.530923),
    ],
)
def test_published_confusion_matrices(matrix, accuracy, macro, harmonic):
    y, p = (np.repeat(v.ravel(), np.ravel(matrix)) for v in np.indices((3, 3)))
    np.testing.assert_array_equal(metrics.confusion_matrix(y, p), matrix)
    assert metrics.accuracy_score(y, p) == pytest.approx(accuracy, abs=5e-7)
    scores, hot = metrics.Confusion(matrix), np.eye(3)[p]
    assert scores.accuracy == pytest.approx(accuracy, abs=5e-7)
    for average, wanted in (("macro", macro), ("harmonic", harmonic)):
        assert metrics.f1_score(y, p, average=average) == pytest.approx(wanted, abs=5e-7)
        assert metrics.F1Score(average)(y, hot) == pytest.approx(wanted, abs=5e-7)
        assert scores.f_score(average) == pytest.approx(wanted, abs=5e-7)
    np.testing.assert_array_equal(metrics.ConfusionMatrix()(y, hot), matrix)


def test_names_by_shape_and_unknown_ones():
    assert metrics.get("ce", (8,), (8, 3)).fn is metrics.sparse_categorical_crossentropy
    assert metrics.get("crossentropy", (8, 1), (8, 1)).fn is metrics.binary_crossentropy
    for name in (
        "rmse",
        "f1_score",
        "r2_score",
        "specificity",
        "false_positive_rate",
        "kld",
        "AUC",
        "msle",
        "cosine_proximity",
    ):
        assert isinstance(metrics.get(name), metrics.Metric)
    with pytest.raises(ValueError, match=r"needs arguments: pass edgenet.metrics.PrecisionAtRecall\(…\)"):
        metrics.get("precision_at_recall")


def test_a_prediction_that_is_no_number_is_wrong():
    p = np.array([[np.nan, 0.2, 0.8], [0.1, 0.2, 0.7]])
    assert metrics.SparseTopKCategoricalAccuracy(2)([0, 2], p) == 0.5


def test_single_precision_thresholds_compare_with_single_precision_predictions():
    p = np.array([0.3, 0.31], np.float32)
    assert metrics.Precision(thresholds=0.3)([0, 1], p) == 1
    assert metrics.Precision(thresholds=0.3)([0, 1], [0.3, 0.31]) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.Precision(thresholds=1.5), "from 0 to 1, got 1.5"),
        (lambda: metrics.AUC(curve="DET"), "'ROC' or 'PR', got 'DET'"),
        (lambda: metrics.AUC(summation_method="x"), "got 'x'"),
        (lambda: metrics.F1Score("mean"), "got 'mean'"),
        (lambda: metrics.FBetaScore(beta=0), "positive, got 0"),
        (lambda: metrics.R2Score("sum"), "got 'sum'"),
        (lambda: metrics.PrecisionAtRecall(2), "got 2"),
        (lambda: metrics.Recall(dtype="float64"), "got dtype='float64'"),
    ],
)
def test_arguments_that_make_no_sense(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_shapes_that_do_not_fit():
    with pytest.raises(ShapeError, match=r"metric recall: expected y_true of y_pred's shape, \(4, 3\), got \(5,\)"):
        metrics.Recall()(np.zeros(5), np.zeros((4, 3)))
    metric = metrics.ConfusionMatrix()
    metric([0, 1], np.eye(2))
    with pytest.raises(ShapeError, match="other sizes"):
        metric([0, 1], np.eye(3)[:2])
