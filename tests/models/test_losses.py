"""Losses and metrics against the oracle, values and gradients, straight and behind a softmax or sigmoid."""

import numpy as np
import pytest

from edgenet import losses, metrics, ops
from edgenet.compile import compile_graph
from edgenet.graph import Graph, ShapeError, gradients
from oracle import activation
from oracle import loss as oracle
from tolerance import tolerance


def evaluate(loss, y_true, y_pred, before=None, weight=None):
    """Value and gradient with respect to `y_pred`, which goes through the op `before` first."""
    graph = Graph("loss")
    t = graph.input(y_true.shape, str(y_true.dtype))
    z = graph.input(y_pred.shape)
    w = [] if weight is None else [graph.input(weight.shape)]
    value = loss(t, before(z) if before else z, *w)
    assert value.shape == ()
    graph.outputs = [value, gradients(value, [z])[0]]
    return compile_graph(graph).run(y_true, y_pred, *([] if weight is None else [weight]))


def problem(seed, shape=(7, 5)):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=shape).astype(np.float32) * 3
    labels = rng.integers(0, shape[-1], shape[:-1]).astype(np.int32)
    return z, labels, np.eye(shape[-1], dtype=np.float32)[labels]


def close(got, wanted, k):
    np.testing.assert_allclose(got, wanted, *tolerance(np.float32, k))


@pytest.mark.parametrize("shape", [(7, 5), (3, 4, 5), (1, 2)])
@pytest.mark.parametrize("form", ["logits", "softmax", "probabilities"])
@pytest.mark.parametrize("sparse", [True, False])
def test_crossentropy(shape, form, sparse):
    z, labels, targets = problem(1, shape)
    cls = losses.SparseCategoricalCrossentropy if sparse else losses.CategoricalCrossentropy
    y = labels if sparse else targets
    if form == "probabilities":
        p = (activation.softmax(z) * 0.7).astype(np.float32)  # rows that do not add up to 1
        value, dp = evaluate(cls(), y, p)
        close(value, oracle.categorical_crossentropy(targets, p), 100)
        close(dp, oracle.categorical_crossentropy_dx(targets, p), 100)
        return
    value, dz = evaluate(cls(from_logits=form == "logits"), y, z, ops.softmax if form == "softmax" else None)
    close(value, oracle.categorical_crossentropy(targets, z, from_logits=True), 100)
    close(dz, oracle.categorical_crossentropy_dx(targets, z, from_logits=True), 100)


def test_logits_behind_a_softmax_keep_extreme_losses_exact():
    z = np.array([[200, 0], [0, 200]], np.float32)
    value, _ = evaluate(losses.get("sparse_categorical_crossentropy"), np.array([1, 1], np.int32), z, ops.softmax)
    assert value == pytest.approx(100)


def test_a_softmax_over_another_axis_is_not_taken_for_logits():
    z, _, targets = problem(2, (4, 4))
    value, _ = evaluate(losses.CategoricalCrossentropy(), targets, z, lambda v: ops.softmax(v, axis=0))
    close(value, oracle.categorical_crossentropy(targets, activation.softmax(z, axis=0)), 100)


@pytest.mark.parametrize("form", ["logits", "sigmoid", "probabilities"])
def test_binary_crossentropy(form):
    z, _, _ = problem(3, (9, 4))
    targets = (np.random.default_rng(3).random((9, 4)) < 0.5).astype(np.float32)
    if form == "probabilities":
        p = activation.sigmoid(z).astype(np.float32)
        p[0, 0], p[0, 1] = 0, 1  # clipped
        value, dp = evaluate(losses.BinaryCrossentropy(), targets, p)
        close(value, oracle.binary_crossentropy(targets, p.astype(np.float32)), 1000)
        inside = np.ones(p.shape, bool)
        inside[0, :2] = False
        wanted = oracle.binary_crossentropy_dx(targets, p)
        np.testing.assert_allclose(dp[inside], wanted[inside], rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(dp[~inside], 0)
        return
    before = ops.sigmoid if form == "sigmoid" else None
    value, dz = evaluate(losses.BinaryCrossentropy(from_logits=form == "logits"), targets, z, before)
    close(value, oracle.binary_crossentropy(targets, z, from_logits=True), 100)
    close(dz, oracle.binary_crossentropy_dx(targets, z, from_logits=True), 100)


def test_label_smoothing():
    z, _, targets = problem(4)
    value, _ = evaluate(losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2), targets, z)
    close(value, oracle.categorical_crossentropy(targets * 0.8 + 0.2 / 5, z, from_logits=True), 100)
    value, _ = evaluate(losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.2), targets, z)
    close(value, oracle.binary_crossentropy(targets * 0.8 + 0.1, z, from_logits=True), 100)


@pytest.mark.parametrize(
    ("y_shape", "shape"), [((6, 3), (6, 3)), ((6,), (6, 1)), ((6, 1), (6,)), ((6, 2, 3), (6, 2, 3))]
)
def test_regression_losses(y_shape, shape):
    rng = np.random.default_rng(5)
    y, p = rng.normal(size=y_shape).astype(np.float32), rng.normal(size=shape).astype(np.float32)
    value, dp = evaluate(losses.get("mse"), y, p)
    close(value, oracle.mean_squared_error(y.reshape(shape), p), 20)
    close(dp, oracle.mean_squared_error_dx(y.reshape(shape), p), 20)
    value, dp = evaluate(losses.get("mae"), y, p)
    close(value, np.abs(y.reshape(shape) - p).mean(dtype=np.float64), 20)
    close(dp, np.sign(p - y.reshape(shape)) / p.size, 20)


def test_reduction_sum_and_sample_weights():
    rng = np.random.default_rng(6)
    y, p = rng.normal(size=(2, 6, 3)).astype(np.float32)
    each = ((y - p) ** 2).mean(axis=1)
    value, _ = evaluate(losses.MeanSquaredError(reduction="sum"), y, p)
    close(value, each.sum(), 20)
    weight = rng.random(6).astype(np.float32)
    value, _ = evaluate(losses.MeanSquaredError(), y, p, weight=weight)
    close(value, (each * weight).mean(), 20)


def test_a_loss_of_ones_own_is_averaged_and_differentiated():
    def cubic(y_true, y_pred):
        d = y_pred - y_true
        return d * d * d

    rng = np.random.default_rng(7)
    y, p = rng.normal(size=(2, 6, 3)).astype(np.float32)
    loss = losses.get(cubic)
    assert loss.name == "cubic"
    value, dp = evaluate(loss, y, p)
    close(value, ((p - y).astype(np.float64) ** 3).mean(), 20)
    close(dp, 3 * (p - y).astype(np.float64) ** 2 / 18, 20)


@pytest.mark.parametrize(
    ("name", "y_shape", "message"),
    [
        ("sparse_categorical_crossentropy", (7, 5), "one-hot targets need categorical_crossentropy"),
        ("categorical_crossentropy", (7, 4), r"y_true has shape \(7, 4\), y_pred has shape \(7, 5\)"),
        ("mse", (7,), r"loss mean_squared_error: y_true has shape \(7\), y_pred has shape \(7, 5\)"),
    ],
)
def test_shapes_that_do_not_fit(name, y_shape, message):
    graph, loss = Graph(), losses.get(name)
    with pytest.raises(ShapeError, match=message):
        loss(graph.input(y_shape, loss.labels), graph.input((7, 5)))


def test_unknown_names_are_listed():
    with pytest.raises(ValueError, match=r"'hinge2' \(did you mean 'hinge'\?\): expected one of .*mean_sq"):
        losses.get("hinge2")
    with pytest.raises(ValueError, match=r"unknown metric 'f9'.*: expected one of accuracy"):
        metrics.get("f9")


@pytest.mark.parametrize(
    "loss",
    [
        losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
        losses.SparseCategoricalCrossentropy(from_logits=True),
        losses.BinaryCrossentropy(reduction="sum", name="bits"),
        losses.MeanSquaredError(),
        losses.MeanAbsoluteError(),
    ],
)
def test_losses_come_back_from_their_configs(loss):
    again = losses.deserialize(losses.serialize(loss))
    assert type(again) is type(loss)
    assert vars(again) == vars(loss)


# metrics -------------------------------------------------------------------------------------------------------------


def measure(metric, y_true, y_pred):
    graph = Graph("metric")
    t, p = graph.input(y_true.shape, str(y_true.dtype)), graph.input(y_pred.shape)
    graph.outputs = [metric.emit(t, p)]
    return metric.figure(compile_graph(graph).run(y_true, y_pred)[0])


@pytest.mark.parametrize(
    ("y_shape", "p_shape", "kind"),
    [
        ((8, 3), (8, 3), "categorical"),
        ((8,), (8, 3), "sparse"),
        ((8, 1), (8, 3), "sparse"),
        ((8, 1), (8, 1), "binary"),
        ((8,), (8, 1), "binary"),
        ((8, 4, 3), (8, 4, 3), "categorical"),
        ((8, 4), (8, 4, 3), "sparse"),
    ],
)
def test_accuracy_means_what_the_shapes_say(y_shape, p_shape, kind):
    rng = np.random.default_rng(8)
    p = rng.random(p_shape).astype(np.float32)
    metric = metrics.get("accuracy", y_shape, p_shape)
    assert metric.name == "accuracy"
    if kind == "sparse":
        y = rng.integers(0, 3, y_shape).astype(np.int32)
        wanted = np.mean(y.reshape(p_shape[:-1]) == p.argmax(-1))
    elif kind == "binary":
        y = rng.integers(0, 2, y_shape).astype(np.float32)
        wanted = np.mean(y.reshape(p_shape) == (p > 0.5))
    else:
        y = np.eye(3, dtype=np.float32)[rng.integers(0, 3, p_shape[:-1])]
        wanted = np.mean(y.argmax(-1) == p.argmax(-1))
    assert metric.labels == str(y.dtype)
    assert 0 < wanted < 1
    assert measure(metric, y, p) == pytest.approx(wanted, rel=1e-6)


def test_binary_accuracy_and_its_threshold():
    p = np.array([0.2, 0.5, 0.6, 0.9], np.float32)
    y = np.array([0, 0, 1, 1], np.float32)
    assert measure(metrics.get("binary_accuracy"), y, p) == 1
    assert measure(metrics.BinaryAccuracy(threshold=0.7), y, p) == 0.75
    assert measure(metrics.BinaryAccuracy(threshold=0.1), y, p) == 0.5


def test_errors_as_metrics():
    rng = np.random.default_rng(9)
    y, p = rng.normal(size=(2, 6, 3)).astype(np.float32)
    assert measure(metrics.get("mse"), y, p) == pytest.approx(np.mean((y - p) ** 2), rel=1e-6)
    assert measure(metrics.get("mae"), y, p) == pytest.approx(np.mean(np.abs(y - p)), rel=1e-6)
    assert metrics.get("mse").name == "mse"
    assert metrics.get(metrics.MeanSquaredError()).name == "mean_squared_error"
