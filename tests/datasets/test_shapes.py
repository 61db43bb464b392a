import hashlib
import time

import numpy as np
import pytest

from edgenet.datasets import shapes


@pytest.fixture(scope="module")
def data():
    return shapes.load_data()


def softmax_regression(x, y, x_test, epochs=15, step=0.03, batch=100):
    """Predicted labels of a linear model, trained by plain gradient descent on standardised pixels."""
    mean, deviation = x.mean(axis=0), x.std(axis=0) + 1e-6
    x, x_test = (x - mean) / deviation, (x_test - mean) / deviation
    w, b, targets = np.zeros((x.shape[1], 10)), np.zeros(10), np.eye(10)[y]
    for epoch in range(epochs):
        for start in range(0, len(x), batch):
            rows = slice(start, start + batch)
            logits = x[rows] @ w + b
            p = np.exp(logits - logits.max(axis=1, keepdims=True))
            error = (p / p.sum(axis=1, keepdims=True) - targets[rows]) / batch
            w -= step / np.sqrt(1 + epoch) * (x[rows].T @ error)
            b -= step / np.sqrt(1 + epoch) * error.sum(axis=0)
    return (x_test @ w + b).argmax(axis=1)


def test_shapes_and_dtypes(data):
    (x_train, y_train), (x_test, y_test) = data
    assert x_train.shape == (6000, 28, 28, 1)
    assert y_train.shape == (6000,)
    assert x_test.shape == (1000, 28, 28, 1)
    assert y_test.shape == (1000,)
    assert {a.dtype for a in (x_train, y_train, x_test, y_test)} == {np.dtype(np.uint8)}
    assert all(a.flags.writeable and a.flags.c_contiguous for a in (x_train, y_train, x_test, y_test))


def test_classes_are_balanced_and_mixed(data):
    for _, y in data:
        assert (np.bincount(y) == len(y) // len(shapes.CLASS_NAMES)).all()
        assert (np.sort(y.reshape(-1, 10), axis=1) == np.arange(10)).all()
        assert len({tuple(row) for row in y.reshape(-1, 10)}) > 0.9 * len(y) / 10


def test_a_linear_model_learns_something_but_not_much(data):
    (x_train, y_train), (x_test, y_test) = data
    flat = [x.reshape(len(x), -1) / 255.0 for x in (x_train, x_test)]
    accuracy = (softmax_regression(flat[0], y_train, flat[1]) == y_test).mean()
    assert 0.4 < accuracy < 0.65


def test_the_pictures_are_the_same_bytes_everywhere():
    digest = hashlib.sha256()
    for x, y in shapes.load_data(n_train=1230, n_test=50, seed=7):
        digest.update(x.tobytes() + y.tobytes())
    assert digest.hexdigest() == "a5df4d2bef19ec6e87a8f1c14b04548269d5e3d6cbc36ca4b0d83507a2b8d69f"


def test_the_first_pictures_do_not_depend_on_how_many_follow(data):
    (x_train, y_train), (x_test, y_test) = shapes.load_data(n_train=1007, n_test=3)
    np.testing.assert_array_equal(x_train, data[0][0][:1007])
    np.testing.assert_array_equal(y_train, data[0][1][:1007])
    np.testing.assert_array_equal(x_test, data[1][0][:3])
    np.testing.assert_array_equal(y_test, data[1][1][:3])


def test_seeds_and_splits_give_different_pictures(data):
    (other_train, _), _ = shapes.load_data(n_train=100, n_test=0, seed=1)
    (x_train, _), (x_test, _) = data
    assert (other_train != x_train[:100]).any(axis=(1, 2, 3)).all()
    assert (x_test[:100] != x_train[:100]).any(axis=(1, 2, 3)).all()
    assert len({picture.tobytes() for x in (x_train, x_test) for picture in x}) == 7000


def test_empty_sets_are_allowed():
    (x_train, y_train), (x_test, y_test) = shapes.load_data(n_train=0, n_test=np.int64(1))
    assert x_train.shape == (0, 28, 28, 1)
    assert y_train.shape == (0,)
    assert len(x_test) == len(y_test) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_train": -1}, ValueError, r"n_train is -1; give 0 or more"),
        ({"n_test": 2.5}, TypeError, r"n_test is 2\.5, a float; give a whole number"),
        ({"n_test": True}, TypeError, r"n_test is True, a bool"),
        ({"seed": -3}, ValueError, r"seed is -3"),
        ({"seed": None}, TypeError, r"seed is None"),
    ],
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        shapes.load_data(**arguments)


def test_every_class_covers_a_part_of_the_picture():
    x, y = np.arange(28.0)[None, None, :], np.arange(28.0)[None, :, None]
    labels = np.arange(10, dtype=np.uint8)
    still = {"x": 13.5, "y": 13.5, "radius": 10.0, "half_tangent": 0.0, "stretch": 1.0}
    coverage = shapes._coverage(labels, {name: np.full((10, 1, 1), value) for name, value in still.items()}, x, y)
    assert coverage.min() == 0.0
    assert coverage.max() == 1.0
    area = dict(zip(shapes.CLASS_NAMES, coverage.sum(axis=(1, 2)), strict=True))
    assert area["circle"] == pytest.approx(np.pi * 8.0**2, rel=0.01)
    assert area["ring"] == pytest.approx(np.pi * (8.2**2 - 4.6**2), rel=0.02)
    assert area["square"] == pytest.approx(16.0**2, rel=0.01)
    assert area["triangle"] == pytest.approx(0.75 * np.sqrt(3) * 10.0**2, rel=0.03)
    assert all(80 < value < 280 for value in area.values())


def test_drawing_is_fast_enough_to_be_done_anew_each_time():
    started = time.process_time()
    shapes.load_data()
    assert time.process_time() - started < 10.0  # about 0.3 s; the margin is for a loaded or emulated machine
