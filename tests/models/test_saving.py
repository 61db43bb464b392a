"""Saved models: they come back whole, go on training as if nothing had happened, and damaged files are refused."""

import copy
import importlib
import io
import json
import os
import pickle
import sys
import zipfile

import numpy as np
import pytest

import edgenet
from edgenet import Input, Model, Sequential, layers, load_model, ops, optimizers
from edgenet.utils import set_random_seed

SPARSE = "sparse_categorical_crossentropy"


def make(optimizer="adam", compiled=True):
    set_random_seed(1)
    model = Sequential(
        [
            Input((6, 6, 2), name="picture"),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax"),
        ],
        name="small",
    )
    if compiled:
        model.compile(optimizer, SPARSE, metrics=["accuracy"])
    return model


def samples(n=50):
    rng = np.random.default_rng(2)
    return rng.normal(size=(n, 6, 6, 2)).astype(np.float32), rng.integers(0, 3, n)


OPTIMIZERS = [
    optimizers.Adam(0.01, beta_1=0.8),
    optimizers.SGD(0.1),
    optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    optimizers.RMSprop(0.01, rho=0.8),
]


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_a_loaded_model_goes_on_as_the_one_that_was_saved(tmp_path, optimizer):
    model = make(optimizers.deserialize(optimizers.serialize(optimizer)))
    x, y = samples()
    model.fit(x, y, batch_size=16, epochs=2, verbose=0)
    model.optimizer.learning_rate = 0.02
    model.save(tmp_path / "m.edgenet")
    again = load_model(tmp_path / "m.edgenet")
    assert (again.name, again.input_names) == ("small", ["picture"])
    assert again.optimizer.learning_rate == 0.02
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    one = model.fit(x, y, batch_size=16, epochs=2, verbose=0)
    two = again.fit(x, y, batch_size=16, epochs=2, verbose=0)
    assert one.history == two.history
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_model_that_was_never_trained(tmp_path):
    model = make(compiled=False)
    model.save(tmp_path / "m.edgenet")
    again = load_model(tmp_path / "m.edgenet")
    assert not again.compiled
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_its_training(tmp_path):
    model = make()
    model.train_on_batch(*samples(8))
    model.save(tmp_path / "m.edgenet")
    assert not load_model(tmp_path / "m.edgenet", compile=False).compiled


def test_layers_frozen_after_compile_do_not_confuse_the_slots(tmp_path):
    model = make()
    model.train_on_batch(*samples(8))
    model.layers[0].trainable = False
    model.save(tmp_path / "m.edgenet")
    again = load_model(tmp_path / "m.edgenet")
    assert not again.layers[0].trainable
    kept = again.layers[0].get_weights()
    again.train_on_batch(*samples(8))
    for a, b in zip(kept, again.layers[0].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    model.compile(model.optimizer, SPARSE)
    model.train_on_batch(*samples(8))
    np.testing.assert_array_equal(again.layers[-1].get_weights()[0], model.layers[-1].get_weights()[0])


def test_functional_and_nested_models(tmp_path):
    set_random_seed(3)
    a, b = Input((4,), name="a"), Input((4,), name="b")
    inner = Sequential([Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(3)], name="inner")
    inner.layers[0].trainable = False
    total = layers.Add()([inner(a), inner(b)])
    model = Model([a, b], [layers.Dense(2, name="head")(total), total], name="twins")
    model.save(tmp_path / "m.edgenet")
    again = load_model(tmp_path / "m.edgenet")
    x = list(np.random.default_rng(3).normal(size=(2, 5, 4)).astype(np.float32))
    for p, q in zip(model.predict(x), again.predict(x), strict=True):
        np.testing.assert_array_equal(p, q)
    assert [w.shape for w in again.trainable_weights] == [w.shape for w in model.trainable_weights]
    assert again.to_json() == model.to_json()
    other = Model.from_config(json.loads(model.to_json())["config"])
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(other.predict(x)[0], model.predict(x)[0])


def test_objects_of_ones_own(tmp_path):
    class Twice(layers.Layer):
        def __init__(self, factor=2.0, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def call(self, x):
            return x * np.float32(self.factor)

    def quartic(y_true, y_pred):
        return ops.square(ops.square(y_true - y_pred))

    def bias(y_true, y_pred):
        return y_pred - y_true

    model = Sequential([Input((2,)), layers.Dense(2), Twice(3.0)])
    model.compile("sgd", quartic, metrics=[bias, "mse"])
    model.save(tmp_path / "m.edgenet")
    with pytest.raises(ValueError, match="unknown layer class 'Twice': pass custom_objects"):
        load_model(tmp_path / "m.edgenet")
    with pytest.raises(ValueError, match="the loss is a function 'quartic': pass custom_objects"):
        load_model(tmp_path / "m.edgenet", {"Twice": Twice})
    again = load_model(tmp_path / "m.edgenet", {"Twice": Twice, "quartic": quartic, "bias": bias})
    x, y = np.ones((4, 2), np.float32), np.zeros((4, 2), np.float32)
    assert again.evaluate(x, y, verbose=0, return_dict=True) == model.evaluate(x, y, verbose=0, return_dict=True)


def test_weights_alone(tmp_path):
    model, other = make(), make()
    other.set_weights([w + 1 for w in other.get_weights()])
    model.save_weights(tmp_path / "w")
    model.save(tmp_path / "m")
    for name in ("w", "m"):
        other.set_weights([w * 0 for w in other.get_weights()])
        other.load_weights(tmp_path / name)
        for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="holds weights alone"):
        load_model(tmp_path / "w")
    with pytest.raises(ValueError, match=r"holds 8 weights, mlp has 2"):
        Sequential([Input((2,)), layers.Dense(2)], name="mlp").load_weights(tmp_path / "w")


def test_a_file_is_replaced_at_once_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "m.edgenet"
    model = make()
    model.save(path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.save(path, overwrite=False)

    def fail(*args):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        model.save(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["m.edgenet"]
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        model.save(tmp_path / "none" / "m.edgenet")
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "missing")


def test_cut_files_are_refused(tmp_path):
    path = tmp_path / "m.edgenet"
    model = make()
    model.train_on_batch(*samples(8))
    model.save(path)
    whole = path.read_bytes()
    for size in [0, 1, 50, len(whole) // 2, len(whole) - 30, len(whole) - 1]:
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match=r"damaged|no model file"):
            load_model(path)


def test_flipped_bytes_are_refused_or_harmless(tmp_path):
    path = tmp_path / "m.edgenet"
    model = make()
    model.train_on_batch(*samples(8))
    model.save(path)
    whole, seed = path.read_bytes(), 4
    rng = np.random.default_rng(seed)
    refused = 0
    for place in rng.integers(0, len(whole), 150):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << int(rng.integers(8)))]) + whole[place + 1 :])
        try:
            again = load_model(path)
        except ValueError:
            refused += 1
        else:  # a byte that says nothing, such as a date
            for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
                np.testing.assert_array_equal(a, b, err_msg=f"seed {seed}, byte {place}")
    assert refused > 100


def rewritten(path, change):
    """The file with its members changed: `change` gets and returns a dictionary of name to bytes."""
    with zipfile.ZipFile(path) as archive:
        members = {n: archive.read(n) for n in archive.namelist()}
    members = change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def pickled():
    return npy(np.array([print], object), allow_pickle=True)


@pytest.mark.parametrize(
    ("member", "data", "message"),
    [
        ("weights/00000.npy", lambda: npy(np.zeros(9, np.float32)), "should have 288 bytes"),
        ("weights/00001.npy", lambda: npy(np.zeros((2, 2), np.float32)), r"should be float32\[4\], it is"),
        ("weights/00001.npy", pickled, "should have|Object arrays|damaged"),
        ("weights/00001.npy", lambda: b"x" * 130, "damaged|magic"),
        ("config.json", lambda: b"{", "no JSON"),
        ("config.json", lambda: b"[]", "no model file"),
        ("config.json", lambda: b'{"format": "edgenet", "version": 99, "arrays": {}}', "version 99"),
        ("optimizer/m.npy", None, "damaged"),
    ],
)
def test_members_that_are_not_what_the_config_says(tmp_path, member, data, message):
    path = tmp_path / "m.edgenet"
    model = make()
    model.train_on_batch(*samples(8))
    model.save(path)

    def change(members):
        if data is None:
            del members[member]
        else:
            assert member in members
            members[member] = data()
        return members

    rewritten(path, change)
    with pytest.raises(ValueError, match=message):
        load_model(path)


def test_a_config_that_asks_for_too_much_is_refused_before_reading(tmp_path):
    path = tmp_path / "m.edgenet"
    make().save(path)

    def change(members):
        config = json.loads(members["config.json"])
        config["arrays"]["weights/00000"]["shape"] = [1 << 40]
        return {**members, "config.json": json.dumps(config).encode()}

    rewritten(path, change)
    with pytest.raises(ValueError, match="should have 4398046511104 bytes"):
        load_model(path)


def test_files_hold_no_pickle(tmp_path):
    make().save(tmp_path / "m.edgenet")
    with zipfile.ZipFile(tmp_path / "m.edgenet") as archive:
        assert {os.path.splitext(n)[1] for n in archive.namelist()} == {".json", ".npy"}
        assert json.loads(archive.read("config.json"))["format"] == "edgenet"


def test_an_onnx_file_is_pointed_elsewhere(tmp_path):
    with pytest.raises(ValueError, match=r"edgenet\.load\(path\)"):
        edgenet.load_model(tmp_path / "x.onnx")


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m.hdf5"])
def test_under_a_name_of_keras_a_file_of_keras_is_written(tmp_path, name):
    pytest.importorskip("h5py", reason="the extra `keras` is not installed")
    model, (x, y) = make(), samples()
    model.save(tmp_path / name)
    again = load_model(tmp_path / name)
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert again.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)
    with pytest.raises(FileExistsError):
        model.save(tmp_path / name, overwrite=False)
    model.fit(x, y, verbose=0, callbacks=[edgenet.callbacks.ModelCheckpoint(tmp_path / f"best_{name}")])
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", ["m.weights.h5", "m.h5", "m.keras"])
def test_weights_in_a_file_of_keras(tmp_path, name):
    pytest.importorskip("h5py", reason="the extra `keras` is not installed")
    model, other = make(), make()
    model.set_weights([w + 1 for w in model.get_weights()])
    (model.save if name == "m.keras" else model.save_weights)(tmp_path / name)
    other.load_weights(tmp_path / name)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    small = Sequential([Input((2,)), layers.Dense(1), layers.Dense(1)])
    before = small.get_weights()
    with pytest.raises(ValueError, match=r"m\..*h5|m\.keras"):
        small.load_weights(tmp_path / name)
    for a, b in zip(small.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="build the model first"):
        Sequential([layers.Dense(1)]).load_weights(tmp_path / name)


def test_keras_files_need_h5py(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "h5py", None)
    for what in (make().save, make().save_weights, load_model, edgenet.callbacks.ModelCheckpoint):
        with pytest.raises(ImportError, match=r'pip install "edgenet\[keras\]"'):
            what(tmp_path / "m.h5")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_go_on_training_as_the_original(copied):
    model, (x, y) = make(), samples()
    model.fit(x, y, verbose=0)
    twin = copied(model)
    assert (type(twin), twin.name, twin.optimizer.iterations.array[0]) == (Sequential, "small", 2)
    np.testing.assert_array_equal(twin.predict(x), model.predict(x))
    histories = [m.fit(x, y, verbose=0, epochs=2).history for m in (model, twin)]
    assert histories[0] == histories[1]
    twin.set_weights([w * 0 for w in twin.get_weights()])
    assert np.abs(model.get_weights()[0]).max() > 0


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_hold_functions_and_layers_of_ones_own(copied, monkeypatch, tmp_path):
    (tmp_path / "ones_own.py").write_text(
        "from edgenet import layers, ops\n"
        "def cube(y_true, y_pred):\n    return ops.square(y_pred - y_true) * ops.abs(y_pred - y_true)\n"
        "def halved(x):\n    return x * 0.5\n"
        "class Twice(layers.Layer):\n    def call(self, x):\n        return x + x\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    own = importlib.import_module("ones_own")
    model = Sequential([Input((3,)), own.Twice(), layers.Dense(2, activation=own.halved)])
    model.compile("sgd", own.cube, metrics=[own.cube])
    x = np.ones((4, 3), np.float32)
    assert copied(model).evaluate(x, x[:, :2], verbose=0) == model.evaluate(x, x[:, :2], verbose=0)
    assert edgenet.models.clone_model(model).count_params() == 8


def test_a_copy_of_a_model_that_is_not_built():
    model = Sequential([layers.Dense(2)])
    model.compile("sgd", "mse")
    twin = copy.deepcopy(model)
    assert not twin.built
    twin.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    assert twin.count_params() == 8
    assert not model.built


def test_a_clone_has_weights_of_its_own():
    model = make()
    clone = edgenet.models.clone_model(model)
    assert clone.get_config() == model.get_config()
    assert not clone.compiled
    assert not np.array_equal(clone.get_weights()[0], model.get_weights()[0])


def test_export_looks_for_the_folder_before_any_work(tmp_path, monkeypatch):
    model = make()
    monkeypatch.setattr(Model, "graph", None)
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*nodir"):
        model.export(tmp_path / "nodir" / "x.onnx")


def test_export_without_onnx(tmp_path, monkeypatch):
    for name in [n for n in sys.modules if n.startswith("edgenet.converters.onnx")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'small\.export needs the package onnx: pip install "edgenet\[onnx\]"'):
        make().export(tmp_path / "x.onnx")
