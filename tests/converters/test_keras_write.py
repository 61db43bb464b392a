"""Files of Keras written: they come back the same; Keras itself opens them in `keras_files/roundtrip.py`."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import edgenet
from edgenet import layers, losses, metrics, optimizers
from edgenet.converters import load_keras, save_keras
from edgenet.converters.errors import UnsupportedModelError
from edgenet.converters.keras import hdf5

h5py = pytest.importorskip("h5py", reason="the extra `keras` is not installed")

FILES = Path(__file__).resolve().parent.parent / "keras_files"


def module(name: str):
    """A script of keras_files."""
    spec = importlib.util.spec_from_file_location(name, FILES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(name, made)
    spec.loader.exec_module(made)
    return made


generate, roundtrip = module("generate"), module("roundtrip")
MODELS = roundtrip.models(edgenet, 6)
SUFFIXES = [".keras", ".h5"]


@pytest.fixture(autouse=True)
def trusted(monkeypatch):
    """These files are our own: no other process needs to read them first."""
    monkeypatch.setattr(hdf5, "_tried_by_another", lambda file: None)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back(tmp_path, name, suffix):
    model = MODELS[name]
    path = tmp_path / f"m{suffix}"
    save_keras(model, path)
    again = load_keras(path)
    if name != "normalization_told":  # whose new weights are its arguments in the file
        assert again.get_config()["layers"] == model.get_config()["layers"]
    if name.startswith(("random", "merged")):
        x = roundtrip.samples(model)
        for a, b in zip(*(m.predict(x if len(x) > 1 else x[0], verbose=0) for m in (again, model)), strict=True):
            np.testing.assert_array_equal(a, b)
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_keras_wrote_is_written_again_as_keras_wrote_it(tmp_path, suffix):
    """The names under which Keras keeps weights, the layers' classes, and their calls."""
    first = FILES / f"merged{suffix}"
    path = tmp_path / first.name
    save_keras(load_keras(first), path)

    def names(file):
        found = {}
        (file.get("model_weights") or file).visititems(
            lambda n, held: found.update({n: held[()]}) if isinstance(held, h5py.Dataset) else None
        )
        return {n: a for n, a in found.items() if not n.startswith("optimizer")}

    if suffix == ".keras":
        theirs, ours = (_members(p) for p in (first, path))
        with h5py.File(theirs[1], "r") as a, h5py.File(ours[1], "r") as b:
            assert set(names(a)) == set(names(b))
            for n, array in names(a).items():
                np.testing.assert_array_equal(array, names(b)[n])
        assert ours[0]["class_name"] == theirs[0]["class_name"] == "Functional"
        assert ours[0]["config"]["output_layers"] == theirs[0]["config"]["output_layers"]
    else:
        with h5py.File(first, "r") as a, h5py.File(path, "r") as b:
            both = set(a["model_weights"]) & set(b["model_weights"])  # operators are layers of edgenet alone
            assert {"head", "twice", "side"} <= both
            for name in both:
                assert legacy(b, name) == legacy(a, name), name


def legacy(file, name):
    """Shapes of the weights of a layer, in the order of its list."""
    group = file[f"model_weights/{name}"]
    names = [n.decode() if isinstance(n, bytes) else n for n in group.attrs["weight_names"]]
    return [group[n].shape for n in names]


def _members(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("config.json")), io.BytesIO(archive.read("model.weights.h5"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_training_goes_along(tmp_path, suffix):
    model = edgenet.Sequential([edgenet.Input((4,)), layers.Dense(3, activation="softmax")])
    schedule = optimizers.schedules.ExponentialDecay(0.01, 10, 0.9)
    loss = losses.CategoricalCrossentropy(label_smoothing=0.1)
    model.compile(optimizers.Adam(schedule, clipnorm=1.0), loss, metrics=["accuracy", metrics.Precision()])
    x = np.random.default_rng(0).random((8, 4), np.float32)
    y = np.eye(3, dtype=np.float32)[np.arange(8) % 3]
    save_keras(model, tmp_path / f"m{suffix}")
    again = load_keras(tmp_path / f"m{suffix}")
    assert repr(again.optimizer) == repr(model.optimizer)
    assert again.metrics_names == model.metrics_names
    assert again.evaluate(x, y, verbose=0) == model.evaluate(x, y, verbose=0)


def test_a_loss_of_ones_own_is_left_out_with_a_warning(tmp_path):
    model = edgenet.Sequential([edgenet.Input((4,)), layers.Dense(3)])
    model.compile("sgd", lambda y, p: edgenet.ops.square(y - p))
    with pytest.warns(UserWarning, match="saved without loss and metrics"):
        save_keras(model, tmp_path / "m.keras")
    assert not load_keras(tmp_path / "m.keras").compiled


def test_what_keras_lacks_is_named_at_once(tmp_path):
    class Own(layers.Layer):
        def call(self, x):
            return x

    model = edgenet.Sequential(
        [
            edgenet.Input((4, 4, 2)), layers.L2Pooling2D(name="l2"), Own(name="mine"), layers.Flatten(),
            layers.Dense(2, activation="absolute", name="a"), layers.Maxout(2, name="m"),
        ]
    )  # fmt: skip
    with pytest.raises(UnsupportedModelError) as caught:
        save_keras(model, tmp_path / "m.keras")
    assert [p.split("'")[1] for p in caught.value.problems] == ["l2", "mine", "a", "m"]
    assert list(tmp_path.iterdir()) == []


def test_a_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    model = MODELS["merged"]
    path = tmp_path / "m.h5"
    path.write_bytes(b"before")
    monkeypatch.setattr(h5py.File, "create_group", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_keras(model, path)
    assert [p.name for p in tmp_path.iterdir()] == ["m.h5"]
    assert path.read_bytes() == b"before"
    with pytest.raises(ValueError, match=r"is a \.keras, \.h5 or \.hdf5 file"):
        save_keras(model, tmp_path / "m.onnx")
    with pytest.raises(ValueError, match=r"model\.build"):
        save_keras(edgenet.Sequential([layers.Dense(1)]), path)


def test_weights_of_another_model_name_both(tmp_path):
    path = tmp_path / "net.weights.h5"
    edgenet.Sequential([edgenet.Input((8,)), layers.Dense(3)]).save_weights(path)
    other = edgenet.Sequential([edgenet.Input((8,)), layers.Dense(5, name="wide")], name="other")
    before = other.get_weights()[0].copy()
    with pytest.raises(
        ValueError, match=r"net\.weights\.h5 cannot be read as weights of other: wide/kernel has shape \(8"
    ):
        other.load_weights(path)
    np.testing.assert_array_equal(other.get_weights()[0], before)
