"""Noise and augmentation: nothing in inference; in training what the drawn numbers say, again and again."""

import numpy as np
import pytest
from layers.run import apply, normal, pull
from numpy.testing import assert_allclose, assert_array_equal

from edgenet import Input, Sequential, layers

X = np.random.default_rng(0).uniform(0, 255, (64, 6, 8, 3)).astype(np.float32)
LAYERS = {
    "noise": lambda seed: layers.GaussianNoise(2.0, seed=seed),
    "flip": lambda seed: layers.RandomFlip(seed=seed),
    "translation": lambda seed: layers.RandomTranslation(0.3, 0.3, seed=seed),
    "rotation": lambda seed: layers.RandomRotation(0.2, seed=seed),
    "zoom": lambda seed: layers.RandomZoom(0.3, seed=seed),
    "contrast": lambda seed: layers.RandomContrast(0.5, seed=seed),
}


@pytest.mark.parametrize("name", LAYERS)
def test_drawn_anew_for_each_step_and_seed(name):
    make = LAYERS[name]
    assert_array_equal(apply(make(1), X), X)
    first = apply(make(1), X, training=True)
    assert_array_equal(apply(make(1), X, training=True), first)
    assert (first != X).any()
    assert (apply(make(1), X, training=True, step=1) != first).any()
    assert (apply(make(2), X, training=True) != first).any()


@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_flip(mode):
    y = apply(layers.RandomFlip(mode, seed=3), X, training=True)
    forms = {"as it was": X}
    if "horizontal" in mode:
        forms["across"] = X[:, :, ::-1]
    if "vertical" in mode:
        forms["down"] = X[:, ::-1]
    if "and" in mode:
        forms["both"] = X[:, ::-1, ::-1]
    counts = [sum(np.array_equal(a, b) for a, b in zip(y, form, strict=True)) for form in forms.values()]
    assert sum(counts) == 64
    assert min(counts) >= 64 // len(forms) // 3


def test_translation_of_known_size():
    y = apply(
        layers.RandomTranslation((0.5, 0.5), (-0.25, -0.25), "constant", seed=1, fill_value=7.0), X, training=True
    )
    want = np.full_like(X, 7)
    want[:, 3:, :-2] = X[:, :-3, 2:]
    assert_allclose(y, want, rtol=1e-5)


def test_rotation_of_known_size_is_against_the_clock():
    x = normal(1, 2, 5, 5, 2)
    y = apply(layers.RandomRotation((0.25, 0.25), seed=1), x, training=True)
    assert_allclose(y, np.rot90(x, 1, (1, 2)), atol=1e-5)


def test_zoom_of_known_size():
    x = normal(2, 1, 8, 8, 1)
    y = apply(layers.RandomZoom((-0.5, -0.5), interpolation="nearest", seed=1), x, training=True)
    assert_array_equal(y[0, 1:-1:2, 1:-1:2, 0], x[0, 2:-3, 2:-3, 0][: y[0, 1:-1:2].shape[0]])
    out = apply(layers.RandomZoom((1.0, 1.0), (0.0, 0.0), "constant", seed=1), x, training=True)
    assert_array_equal(out[:, [0, 1, 6, 7]], np.zeros((1, 4, 8, 1)))


def test_contrast():
    y = apply(layers.RandomContrast(0.5, value_range=(-1e6, 1e6), seed=1), X, training=True).astype(np.float64)
    mean = X.mean((1, 2), keepdims=True, dtype=np.float64)
    factor = ((y - mean) / (X - mean)).reshape(64, -1)
    assert_allclose(factor, np.median(factor, 1)[:, None] * np.ones_like(factor), rtol=1e-2)
    assert 0.5 <= np.median(factor, 1).min() < 0.7
    assert 1.3 < np.median(factor, 1).max() < 1.5
    cut = apply(layers.RandomContrast(0.5, value_range=(50, 200), seed=1), X, training=True)
    assert cut.min() == 50
    assert cut.max() == 200


def test_noise():
    x = np.zeros((50, 400), np.float32)
    y = apply(layers.GaussianNoise(2.0, seed=1), x, training=True)
    assert abs(y.mean()) < 0.05
    assert abs(y.std() - 2) < 0.05
    assert_array_equal(pull(layers.GaussianNoise(2.0, seed=1), x, dy=x + 1)[0], x + 1)


def test_two_layers_of_one_seed_draw_differently():
    from edgenet.compile import compile_graph
    from edgenet.graph import Graph, Variable

    graph = Graph()
    graph.step = Variable(np.zeros(1, np.int64), "step", trainable=False)
    x = graph.input((1000,))
    graph.outputs = [layers.GaussianNoise(1.0, seed=1)(x, training=True) for _ in range(2)]
    a, b = compile_graph(graph).run(np.zeros(1000, np.float32))
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.15


def test_spatial_dropout_of_sequences():
    y = apply(layers.SpatialDropout1D(0.5, seed=1), np.ones((8, 5, 40), np.float32), training=True)
    assert_array_equal(y, np.repeat(y[:, :1], 5, 1))
    assert set(np.unique(y)) == {0, 2}


def test_training_with_augmentation_in_front_and_behind():
    model = Sequential(
        [
            Input((6, 8, 3)), layers.Rescaling(1 / 255), layers.RandomFlip("horizontal"), layers.RandomRotation(0.05),
            layers.RandomZoom(0.1), layers.RandomTranslation(0.1, 0.1), layers.RandomContrast(0.1, value_range=(0, 1)),
            layers.Conv2D(2, 3), layers.RandomFlip(), layers.GaussianNoise(0.1), layers.Flatten(), layers.Dense(1),
        ]
    )  # fmt: skip
    model.compile("adam", "mse")
    history = model.fit(X, X.mean((1, 2, 3)) / 255, epochs=3, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert_array_equal(model.predict(X, verbose=0), model.predict(X, verbose=0))


def test_errors():
    for make, words in [
        (lambda: layers.RandomFlip("sideways"), "RandomFlip: mode must be"),
        (lambda: layers.RandomTranslation(2.0, 0), "RandomTranslation: height_factor must go from low to high within"),
        (lambda: layers.RandomRotation("a"), "RandomRotation: factor must be a number or a pair"),
        (lambda: layers.RandomRotation(0.1, "mirror"), "fill_mode must be one of constant, nearest, reflect, wrap"),
        (lambda: layers.RandomZoom(0.1, interpolation="cubic"), "interpolation must be one of nearest, bilinear"),
        (lambda: layers.RandomContrast(1.5), "factor must be from 0 to 1"),
        (lambda: layers.GaussianNoise(-1.0), "stddev must be a number of at least 0"),
    ]:
        with pytest.raises(ValueError, match=words):
            make()
