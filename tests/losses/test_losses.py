"""Losses on arrays and in programs: published numbers, Keras, gradients."""

import json

import numpy as np
import pytest
from losses.keras_case import CASES, STORED, data

from edgenet import Input, Model, Sequential, layers, losses, ops
from edgenet.compile import compile_graph
from edgenet.graph import Graph, ShapeError, gradients

Y = [[0, 1, 0], [1, 0, 0]]
P = [[0.1, 0.7, 0.2], [0.5, 0.3, 0.2]]
NUMBERS = {
    "mse": (0.0466667, 0.1266667),
    "mae": (0.2, 0.3333333),
    "msle": (0.0229125, 0.0616124),
    "squared_hinge": (0.9133334, 1.1266667),
    "hinge": (0.8666667, 1),
    "categorical_hinge": (0.5, 0.8),
    "log_cosh": (0.0230669, 0.0614412),
    "categorical_crossentropy": (0.3566750, 0.6931472),
    "binary_crossentropy": (0.2283930, 0.4243219),
    "kl_divergence": (0.3566721, 0.6931443),
    "poisson": (0.4522250, 0.5643823),
    "cosine_similarity": (-0.9525794, -0.8111071),
}
ALIASES = {
    "mean_squared_error": ("mse", "MSE"),
    "mean_absolute_error": ("mae", "MAE"),
    "mean_absolute_percentage_error": ("mape", "MAPE"),
    "mean_squared_logarithmic_error": ("msle", "MSLE"),
    "binary_crossentropy": ("bce", "BCE"),
    "kl_divergence": ("kld", "KLD", "kullback_leibler_divergence"),
    "log_cosh": ("logcosh",),
    "cosine_similarity": ("cosine_proximity",),
}


def compiled(loss, y_true, y_pred, weight=None):
    """Value and gradient of a loss in a program."""
    graph = Graph("loss")
    t, p = graph.input(y_true.shape, loss.labels), graph.input(y_pred.shape)
    w = [] if weight is None else [graph.input(weight.shape)]
    value = loss(t, p, *w)
    total = ops.sum(value) if value.shape else value
    graph.outputs = [value, gradients(total, [p])[0]]
    arrays = [y_true.astype(loss.labels), y_pred.astype(np.float32), *([] if weight is None else [weight])]
    return compile_graph(graph).run(*(a.astype(np.float32) if a.dtype == np.float64 else a for a in arrays))


@pytest.mark.parametrize("name", NUMBERS)
def test_published_numbers(name):
    wanted = np.array(NUMBERS[name])
    np.testing.assert_allclose(getattr(losses, name)(Y, P), wanted, rtol=0, atol=2e-7)
    assert losses.get(name)(Y, P) == pytest.approx(wanted.mean(), abs=2e-7)
    value, _ = compiled(losses.get(name), np.array(Y, np.float32), np.array(P, np.float32))
    np.testing.assert_allclose(value, wanted.mean(), rtol=1e-6)


def test_sparse_labels_give_the_numbers_of_one_hot_targets():
    wanted = NUMBERS["categorical_crossentropy"]
    np.testing.assert_allclose(losses.sparse_categorical_crossentropy([1, 0], P), wanted, rtol=0, atol=1e-7)
    np.testing.assert_allclose(losses.sparse_categorical_crossentropy([[1], [0]], P), wanted, rtol=0, atol=1e-7)


@pytest.mark.parametrize(("name", "others"), ALIASES.items())
def test_every_alias(name, others):
    for other in others:
        assert getattr(losses, other) is getattr(losses, name)
        assert type(losses.get(other)) is type(losses.get(name))
    assert type(losses.get(getattr(losses, name))) is type(losses.get(name))


@pytest.mark.parametrize("index", range(len(CASES)), ids=[f"{n}-{o}-{k}" for n, o, k in CASES])
def test_agrees_with_keras_on_arrays_and_in_a_program(index):
    name, options, kind = CASES[index]
    stored = json.loads(STORED.read_text())[index]
    loss = getattr(losses, name)(**options)
    y, p, weight = data(kind, options.get("from_logits", False))
    for w, wanted in zip(((), (weight,)), stored, strict=False):
        np.testing.assert_allclose(loss(y, p, *w), wanted, rtol=2e-6, atol=2e-7)
        np.testing.assert_allclose(compiled(loss, y, p, *w)[0], wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("index", range(len(CASES)), ids=[f"{n}-{o}-{k}" for n, o, k in CASES])
def test_gradient_in_a_program_is_the_slope_of_the_loss_on_arrays(index):
    name, options, kind = CASES[index]
    loss = getattr(losses, name)(**options)
    y, p, weight = data(kind, options.get("from_logits", False))
    weight = None if options.get("axis") == 0 else weight
    _, dp = compiled(loss, y, p, weight)
    slope, h = np.zeros(p.shape), 1e-6
    for i in np.ndindex(p.shape):
        step = np.zeros(p.shape)
        step[i] = h
        slope[i] = (np.sum(loss(y, p + step, weight)) - np.sum(loss(y, p - step, weight))) / (2 * h)
    np.testing.assert_allclose(dp, slope, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("name", ["mse", "huber", "hinge", "bce", "cosine_similarity", "kld", "poisson", "logcosh"])
def test_lists_of_numbers_are_one_row(name):
    y, p = [0.0, 1.0, 1.0], [0.2, 0.3, 0.9]
    value = losses.huber(y, p) if name == "huber" else getattr(losses, name)(y, p)
    assert np.ndim(value) == 0
    assert value == pytest.approx(float(losses.get(name)([y], [p])), rel=1e-12)


def test_a_function_of_ones_own_takes_arrays_through_its_loss():
    def cubic(y_true, y_pred):
        return ops.square(y_pred - y_true) * (y_pred - y_true)

    assert losses.get(cubic)([[1.0, 2.0]], [[2.0, 4.0]]) == pytest.approx(4.5)


def test_weights_of_samples_and_of_single_values():
    rng = np.random.default_rng(2)
    y, p, w = rng.random((4, 5)), rng.random((4, 5)), rng.random(4)
    each = ((y - p) ** 2).mean(1)
    loss = losses.MeanSquaredError()
    assert loss(y, p, w) == pytest.approx((each * w).mean(), rel=1e-12)
    assert loss(y, p, w[:, None]) == pytest.approx((each * w).mean(), rel=1e-12)
    with pytest.raises(ShapeError, match=r"sample_weight of shape \(3\,\) does not fit"):
        loss(y, p, w[:3])


@pytest.mark.parametrize(
    "make",
    [
        lambda: losses.MeanSquaredError(reduction="average"),
        lambda: losses.MeanSquaredError(dtype="float64"),
        lambda: losses.CategoricalCrossentropy(axis=1),
        lambda: losses.Huber(delta=0),
        lambda: losses.BinaryFocalCrossentropy(label_smoothing=2),
    ],
)
def test_arguments_that_make_no_sense(make):
    with pytest.raises(ValueError, match="got"):
        make()


@pytest.mark.parametrize("index", range(len(CASES)), ids=[f"{n}-{o}-{k}" for n, o, k in CASES])
def test_comes_back_from_its_config(index):
    name, options, _ = CASES[index]
    loss = getattr(losses, name)(**options)
    again = losses.deserialize(json.loads(json.dumps(losses.serialize(loss))))
    assert type(again) is type(loss)
    assert vars(again) == vars(loss)


@pytest.mark.parametrize("index", [i for i, (_, o, _) in enumerate(CASES) if "axis" not in o])
def test_trains_a_model(index):
    name, options, kind = CASES[index]
    y, x, weight = data(kind, True)
    last = None if options.get("from_logits") or kind in ("numbers", "signs") else "softmax"
    if name in ("MeanSquaredLogarithmicError", "Poisson"):
        last = "softmax"
    model = Sequential([Input((4,)), layers.Dense(4, activation=last)])
    model.compile("adam", getattr(losses, name)(**options), metrics=["mae"] if y.ndim > 1 else None)
    before = model.get_weights()
    first = model.evaluate(x, y, sample_weight=weight, verbose=0, return_dict=True)["loss"]
    expected = np.mean(getattr(losses, name)(**options)(y, model.predict(x).astype(np.float64), weight))
    assert first == pytest.approx(expected, rel=2e-5, abs=1e-6)
    history = model.fit(x, y, sample_weight=weight, epochs=30, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_several_outputs_with_weights_of_their_own():
    rng = np.random.default_rng(3)
    x, a, b = rng.normal(size=(20, 3)), rng.normal(size=(20, 2)), rng.integers(0, 4, 20)
    inputs = Input((3,))
    model = Model(inputs, [layers.Dense(2, name="a")(inputs), layers.Dense(4, "softmax", name="b")(inputs)])
    scce = losses.SparseCategoricalCrossentropy()
    model.compile("sgd", {"a": "huber", "b": scce}, loss_weights={"a": 0.5, "b": 2.0})
    weight = rng.random(20)
    got = model.evaluate(x, [a, b], sample_weight=weight, batch_size=20, verbose=0, return_dict=True)
    pa, pb = (v.astype(np.float64) for v in model.predict(x))
    wanted = [losses.Huber()(a, pa, weight), scce(b, pb, weight)]
    assert got["a_loss"] == pytest.approx(wanted[0], rel=1e-5)
    assert got["b_loss"] == pytest.approx(wanted[1], rel=1e-5)
    assert got["loss"] == pytest.approx(0.5 * wanted[0] + 2 * wanted[1], rel=1e-5)


def test_sample_weights_for_each_output():
    rng = np.random.default_rng(4)
    x, y, weight = rng.normal(size=(20, 3)), rng.normal(size=(2, 20, 2)), rng.random((2, 20))
    inputs = Input((3,))
    model = Model(inputs, [layers.Dense(2, name="a")(inputs), layers.Dense(2, name="b")(inputs)])
    model.compile("sgd", ["mse", "mae"], weighted_metrics=[[], ["mse"]])
    pa, pb = (v.astype(np.float64) for v in model.predict(x))
    a, b = losses.MeanSquaredError(), losses.MeanAbsoluteError()
    for given, wa, wb in (
        (list(weight), *weight),
        ({"b": weight[1]}, None, weight[1]),
        ([weight[0], None], weight[0], None),
        (weight[0], weight[0], weight[0]),
    ):
        got = model.evaluate(x, list(y), sample_weight=given, batch_size=20, verbose=0, return_dict=True)
        assert got["a_loss"] == pytest.approx(a(y[0], pa, wa), rel=1e-5)
        assert got["b_loss"] == pytest.approx(b(y[1], pb, wb), rel=1e-5)
        wanted = np.average(((y[1] - pb) ** 2).mean(1), weights=wb)
        assert got["b_mse"] == pytest.approx(wanted, rel=1e-5)
    model.fit(x, list(y), sample_weight=list(weight), batch_size=8, verbose=0)
    with pytest.raises(ShapeError, match=r"sample_weight of b should have shape \(20,\), got \(3,\)"):
        model.evaluate(x, list(y), sample_weight=[None, np.ones(3)])
    with pytest.raises(ValueError, match=r"the outputs are \['a', 'b'\]"):
        model.evaluate(x, list(y), sample_weight={"c": weight[0]})
