"""Scores against scikit-learn, to 1e-12: live where it is installed, else against its stored results."""

import json

import numpy as np
import pytest
from metrics import sklearn_case as case

from edgenet import metrics


@pytest.fixture(scope="module")
def references():
    try:
        return case.results()
    except ImportError:
        return json.loads(case.STORED.read_text())


def same(got, wanted, what):
    if isinstance(wanted, str):
        assert got == wanted, what
    elif isinstance(wanted, dict):
        assert list(got) == list(wanted), what
        for key in wanted:
            same(got[key], wanted[key], what)
    elif isinstance(got, list | tuple):
        assert len(got) == len(wanted), what
        for a, b in zip(got, wanted, strict=True):
            same(a, b, what)
    elif wanted is None:
        assert got is None, what
    else:
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12, err_msg=str(what))


@pytest.mark.parametrize("seed", case.SEEDS)
def test_every_score(seed, references):
    for (name, args, options), wanted in zip(case.calls(case.data(seed)), references[seed], strict=True):
        got = getattr(metrics, name)(*args, **options)
        same(case.plain(got), wanted, (seed, name, sorted(options)))


def test_stored_results_are_those_of_the_installed_version():
    pytest.importorskip("sklearn")
    same(case.results(), json.loads(case.STORED.read_text()), "stored")


@pytest.mark.parametrize("seed", case.SEEDS)
@pytest.mark.parametrize("weighted", [False, True])
def test_metric_objects_give_the_scores(seed, weighted):
    d = case.data(seed)
    w = d["weight"] if weighted else None
    told = {"sample_weight": w}
    classes = d["p"].shape[1]
    pairs = {
        "SparseCategoricalAccuracy": ("label", "p", metrics.accuracy_score(d["label"], d["taken"], **told)),
        "ConfusionMatrix": ("label", "p", metrics.confusion_matrix(d["label"], d["taken"], **told)),
        "SparseCategoricalCrossentropy": ("label", "p", metrics.log_loss(d["label"], d["p"], **told)),
        "BinaryAccuracy": ("binary", "score", metrics.accuracy_score(d["binary"], d["decided"], **told)),
        "Precision": ("binary", "score", metrics.precision_score(d["binary"], d["decided"], **told)),
        "Recall": ("binary", "score", metrics.recall_score(d["binary"], d["decided"], **told)),
        "Specificity": ("binary", "score", metrics.recall_score(d["binary"], d["decided"], pos_label=0, **told)),
        "FalsePositiveRate": ("binary", "score", metrics.false_positive_rate_score(d["binary"], d["decided"], **told)),
        "R2Score": ("t", "y", metrics.r2_score(d["t"], d["y"], **told)),
        "MeanAbsoluteError": ("t", "y", np.average(np.abs(d["t"] - d["y"]).mean(1), weights=w)),
        "RootMeanSquaredError": ("t", "y", np.average(((d["t"] - d["y"]) ** 2).mean(1), weights=w) ** 0.5),
        "CosineSimilarity": (
            "t", "y",
            np.average(
                (d["t"] * d["y"]).sum(1) / np.linalg.norm(d["t"], axis=1) / np.linalg.norm(d["y"], axis=1), weights=w
            ),
        ),
    }  # fmt: skip
    for name, (y, p, wanted) in pairs.items():
        got = getattr(metrics, name)()(d[y], d[p], w)
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12, err_msg=f"{name} seed {seed}")
    for average in ("micro", "macro", "weighted", "harmonic", None):
        got = metrics.F1Score(average)(np.eye(classes)[d["label"]], d["p"], w)
        wanted = metrics.f1_score(d["label"], d["taken"], average=average, **told)
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-12, err_msg=f"F1 {average} seed {seed}")


@pytest.mark.parametrize("seed", case.SEEDS)
@pytest.mark.parametrize("average", ["macro", "micro", "weighted", None])
def test_specificity_is_the_recall_of_all_others(seed, average):
    d = case.data(seed)
    matrix = metrics.confusion_matrix(d["label"], d["taken"]).astype(float)
    fp, fn, tp = matrix.sum(0) - np.diag(matrix), matrix.sum(1) - np.diag(matrix), np.diag(matrix)
    tn = matrix.sum() - fp - fn - tp
    each = tn / (tn + fp)
    wanted = {
        "macro": each.mean(),
        "micro": tn.sum() / (tn + fp).sum(),
        "weighted": np.average(each, weights=tp + fn),
        None: each,
    }[average]
    got = metrics.specificity_score(d["label"], d["taken"], average=average)
    np.testing.assert_allclose(got, wanted, rtol=1e-12)
    rate = metrics.false_positive_rate_score(d["label"], d["taken"], average=average)
    np.testing.assert_allclose(rate, 1 - np.asarray(wanted), rtol=1e-12)
    np.testing.assert_allclose(metrics.Confusion(matrix).specificity(average), wanted, rtol=1e-12)
    np.testing.assert_allclose(metrics.Confusion(matrix).false_positive_rate(average), rate, rtol=1e-12, atol=1e-15)


def test_one_hot_rows_and_probabilities_count_as_labels():
    d = case.data(0)
    hot = np.eye(d["p"].shape[1])[d["label"]]
    assert metrics.accuracy_score(hot, d["p"]) == metrics.accuracy_score(d["label"], d["taken"])
    assert metrics.classification_report(hot, d["p"]) == metrics.classification_report(d["label"], d["taken"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.f1_score([0, 1], [0.2, 0.7]), "y_pred: expected labels, got numbers with fractions"),
        (lambda: metrics.f1_score([0, 1, 2], [0, 1, 2]), "3 labels: average='binary' is for two"),
        (lambda: metrics.recall_score([0, 2], [0, 2]), "pos_label=1 is none of"),
        (lambda: metrics.precision_score([0, 1], [0, 1], average="mean"), "got 'mean'"),
        (lambda: metrics.roc_auc_score([1, 1], [0.1, 0.2]), "one class only"),
        (lambda: metrics.roc_auc_score([0, 1, 2], np.eye(3)), "multi_class='ovr'"),
        (lambda: metrics.confusion_matrix([0], [0], normalize="rows"), "got 'rows'"),
        (lambda: metrics.classification_report([0, 1], [0, 1], target_names=["a"]), "2 labels"),
        (lambda: metrics.accuracy_score([0, 1], [0]), "got 2 and 1"),
        (lambda: metrics.r2_score([0.0, 1.0], [0.0]), "one shape"),
    ],
)
def test_calls_that_make_no_sense(call, message):
    with pytest.raises(ValueError, match=message):
        call()
