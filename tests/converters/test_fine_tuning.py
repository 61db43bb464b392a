"""Fine tuning through ONNX: out of a file, under a new head, frozen where it should be, and into a file again."""

import numpy as np
import onnx
import pytest
from numpy.testing import assert_array_equal
from onnx import numpy_helper
from onnx_models import theirs

import edgenet
from edgenet import Input, Model, Sequential, layers
from edgenet.datasets import shapes

pytestmark = pytest.mark.onnxruntime
OLD, NEW = [0, 1, 2, 3, 4, 5], [6, 7, 8]


def pictures(classes, n, seed):
    """Pictures (n, c, h, w) of some shapes, and their places in `classes`."""
    (x, y), _ = shapes.load_data(n_train=n, n_test=10, seed=seed)
    rows = np.flatnonzero(np.isin(y, classes))
    x = x[rows].reshape(-1, 1, 28, 28).astype(np.float32) / 255
    return x, np.array([classes.index(c) for c in y[rows]])


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """The file of a network that was trained on six shapes, in the order of axes of other frameworks."""
    edgenet.utils.set_random_seed(1)
    model = Sequential(
        [
            Input((28, 28, 1)), layers.Conv2D(8, 3, padding="same", activation="relu"), layers.MaxPooling2D(),
            layers.Conv2D(16, 3, padding="same"), layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D(),
            layers.Conv2D(16, 3, padding="same", activation="relu"), layers.GlobalAveragePooling2D(),
            layers.Dense(len(OLD), activation="softmax"),
        ]
    )  # fmt: skip
    model.compile(edgenet.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = pictures(OLD, 2000, 1)
    model.fit(x.transpose(0, 2, 3, 1), y, batch_size=32, epochs=14, verbose=0)
    path = tmp_path_factory.mktemp("foreign") / "foreign.onnx"
    model.export(path, layout="NCHW")
    return path


def stored(path):
    return {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}


def test_a_new_head_on_an_imported_network(foreign, tmp_path):
    base = edgenet.load(foreign)
    assert base.input_shape == (None, 1, 28, 28)
    x, y = pictures(OLD, 400, 2)
    trained = (base.predict(x, verbose=0).argmax(1) == y).mean()
    assert trained > 0.5  # the imported network knows what it has learnt

    for layer in base.layers:
        layer.trainable = False
    head = layers.Dense(len(NEW), activation="softmax", name="new_head")
    model = Model(base.input, head(layers.Flatten()(base.layers[-2].output)))
    before = [w.numpy() for w in base.weights]
    model.compile(edgenet.optimizers.Adam(2e-2), "sparse_categorical_crossentropy", metrics=["accuracy"])
    test = pictures(NEW, 1000, 3)
    untrained = model.evaluate(*test, verbose=0)[1]
    model.fit(*pictures(NEW, 1200, 4), batch_size=32, epochs=15, verbose=0)
    accuracy = model.evaluate(*test, verbose=0)[1]
    assert accuracy > max(0.8, untrained + 0.2)
    for weight, array in zip(base.weights, before, strict=True):
        assert_array_equal(weight.numpy(), array)

    model.export(tmp_path / "tuned.onnx")  # compares with onnxruntime
    old, new = stored(foreign), stored(tmp_path / "tuned.onnx")
    kept = [name for name in old if name in new and old[name].ndim == 4]
    assert len(kept) == 3
    for name in kept:
        assert_array_equal(new[name], old[name])
    (got,) = theirs(onnx.load(tmp_path / "tuned.onnx"), [test[0]])
    assert (got.argmax(1) == test[1]).mean() == pytest.approx(accuracy)


def test_the_whole_network_trains_on(foreign, tmp_path):
    """Unfrozen, every weight moves, moving statistics too, and the file follows."""
    model = edgenet.load(foreign)
    before = {w.name: w.numpy() for w in model.weights}
    model.compile(edgenet.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = pictures(OLD, 400, 5)
    first = model.evaluate(x, y, verbose=0)[0]
    model.fit(x, y, batch_size=32, epochs=3, verbose=0)
    assert model.evaluate(x, y, verbose=0)[0] < first
    assert not [w.name for w in model.weights if np.array_equal(before[w.name], w.numpy())]
    model.export(tmp_path / "tuned.onnx")
    (got,) = theirs(onnx.load(tmp_path / "tuned.onnx"), [x])
    np.testing.assert_allclose(got, model.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


def test_real_speech(shared, tmp_path):
    """A keyword spotter learns its words again from 750 recordings, with everything but the head frozen."""
    path = shared / "models" / "a05_dscnn_kws_float.onnx"
    data = shared / "data" / "speech_commands_features" / "kws01_int8_mfcc.npz"
    if not path.is_file() or not data.is_file():
        pytest.skip(f"no {path.name} or {data.name} in {shared}")
    with np.load(data) as held:
        x, y = (held["x"].astype(np.float32) - 83) * np.float32(0.58470291), held["y"]
    base = edgenet.load(path)
    own = (base.predict(x[750:], verbose=0).argmax(1) == y[750:]).mean()
    for layer in base.layers:
        layer.trainable = False
    edgenet.utils.set_random_seed(1)
    model = Model(base.input, layers.Dense(12, activation="softmax")(layers.Flatten()(base.layers[-2].output)))
    before = [w.numpy() for w in base.weights]
    model.compile(edgenet.optimizers.Adam(1e-2), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x[:750], y[:750], batch_size=32, epochs=30, verbose=0)
    assert model.evaluate(x[750:], y[750:], verbose=0)[1] > own - 0.05 > 0.8
    for weight, array in zip(base.weights, before, strict=True):
        assert_array_equal(weight.numpy(), array)
    model.export(tmp_path / "tuned.onnx")
