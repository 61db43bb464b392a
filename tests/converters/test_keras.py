"""Files of Keras read: those that Keras 2 and 3 wrote, beside this folder, and live models."""

from __future__ import annotations

import importlib.util
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import edgenet
from edgenet import layers, losses
from edgenet.converters import from_keras, load_keras
from edgenet.converters.errors import UnsupportedModelError

pytest.importorskip("h5py", reason="the extra `keras` is not installed")

FILES = Path(__file__).resolve().parent.parent / "keras_files"
_spec = importlib.util.spec_from_file_location("keras_files_generate", FILES / "generate.py")
assert _spec is not None
generate = importlib.util.module_from_spec(_spec)
assert _spec.loader is not None
_spec.loader.exec_module(generate)

CASES = list(generate.cases(layers))
IMAGE = generate.inputs(0)[0]
WORDS = np.random.default_rng(1).integers(0, 11, (2, 6))
INPUTS = {
    "branches.keras": generate.inputs(0),
    "merged.keras": IMAGE,
    "merged.h5": IMAGE,
    "tf_keras.h5": IMAGE,
    "channels_first.keras": np.ascontiguousarray(IMAGE.transpose(0, 3, 1, 2)),
    "words.keras": WORDS,
    "words.h5": WORDS,
}


def stored(name: str) -> list[np.ndarray]:
    """What Keras computed."""
    with np.load(FILES / f"{name.partition('.')[0]}.npz") as held:
        return [held[f"arr_{i}"] for i in range(len(held.files))]


def outputs(model, x) -> list[np.ndarray]:
    y = model.predict(x, verbose=0)
    return y if isinstance(y, list) else [y]


@pytest.fixture(scope="module")
def branches():
    """Name of a case → what Keras computed, what edgenet computes."""
    model = load_keras(FILES / "branches.keras")
    return dict(zip(CASES, zip(stored("branches"), outputs(model, INPUTS["branches.keras"]), strict=True), strict=True))


@pytest.mark.parametrize("case", CASES)
def test_a_layer_computes_what_it_computes_in_keras(branches, case):
    theirs, ours = branches[case]
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", [n for n in INPUTS if n != "branches.keras"])
def test_a_whole_file(name):
    model = load_keras(FILES / name)
    theirs, ours = stored(name), outputs(model, INPUTS[name])
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    assert isinstance(model, edgenet.Sequential) == name.startswith("words")


def test_names_freezing_and_training_come_with_the_file():
    model = load_keras(FILES / "merged.keras")
    assert (model.name, model.input_names, model.get_layer("head").activation.__name__) == (
        "merged",
        ["image"],
        "softmax",
    )
    assert [x.trainable for x in model.get_layer("twice").layers] == [False, True, True]
    assert type(model.optimizer).__name__ == "Adam"
    for name in ("words.h5", "words.keras"):
        words = load_keras(FILES / name)
        before = words.get_weights()
        words.fit(WORDS, [0, 1], verbose=0)
        assert any((a != b).any() for a, b in zip(before, words.get_weights(), strict=True))
        assert isinstance(words.loss, losses.SparseCategoricalCrossentropy)
    optimizer = load_keras(FILES / "words.h5").optimizer
    assert (optimizer.learning_rate, optimizer.momentum, optimizer.nesterov) == (np.float32(0.05), 0.9, True)
    assert not load_keras(FILES / "words.h5", compile=False).compiled


def test_nothing_of_keras_is_imported():
    assert not {"keras", "tensorflow", "jax", "torch", "tf_keras"} & set(sys.modules)


def test_the_library_reads_them_by_its_own_names(tmp_path):
    model = edgenet.load_model(FILES / "words.h5")
    path = tmp_path / "model.edgenet"
    model.save(path)
    np.testing.assert_array_equal(edgenet.load_model(path).predict(WORDS), model.predict(WORDS))


class Live:
    """What a Keras 3 model shows of itself."""

    def __init__(self, name, config, layers=(), weights=()):
        self.name, self._config, self.layers, self._weights, self.built = name, config, list(layers), weights, True

    def get_config(self):
        return self._config

    def get_weights(self):
        return list(self._weights)

    @property
    def weights(self):
        return [*self._weights, *(w for x in self.layers for w in x.weights)]

    def count_params(self):
        return sum(np.size(w) for w in self.weights)


def live(model: edgenet.Model, config) -> Live:
    """A live Keras model in place of one of edgenet."""
    inside = {e["config"]["name"]: e["config"] for e in config["layers"]}
    held = [live(x, inside[x.name]) if isinstance(x, edgenet.Model) else Live(x.name, None, (), x.get_weights())
            for x in model.layers]  # fmt: skip
    return Live(model.name, config, held)


def test_a_live_model_by_its_config_and_weights():
    with zipfile.ZipFile(FILES / "merged.keras") as archive:
        config = json.loads(archive.read("config.json"))["config"]
    stand_in = live(load_keras(FILES / "merged.keras"), config)
    for a, b in zip(outputs(from_keras(stand_in), IMAGE), stored("merged"), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_a_live_model_that_says_too_little():
    with pytest.raises(TypeError, match="expected a Keras model, got int"):
        from_keras(3)
    with pytest.raises(TypeError, match="a call of its own"):
        from_keras(Live("own", {"name": "own"}))
    unbuilt = Live("later", {})
    unbuilt.built = False
    with pytest.raises(ValueError, match="has no weights yet"):
        from_keras(unbuilt)


def edited(tmp_path: Path, name: str, change) -> Path:
    """A `.keras` file with another config."""
    with zipfile.ZipFile(FILES / name) as archive:
        held = {n: archive.read(n) for n in archive.namelist()}
    config = json.loads(held["config.json"])
    held["config.json"] = json.dumps(change(config) or config).encode()
    path = tmp_path / name
    with zipfile.ZipFile(path, "w") as archive:
        for n, data in held.items():
            archive.writestr(n, data)
    return path


def test_everything_that_edgenet_lacks_is_named_at_once(tmp_path):
    def change(config):
        first, second = config["config"]["layers"][1:3]
        first["class_name"], second["config"]["antialias"] = "LSTM", True
        config["config"]["layers"][4]["config"]["activation"] = {"class_name": "LeakyReLU", "config": {}}

    with pytest.raises(UnsupportedModelError) as caught:
        load_keras(edited(tmp_path, "words.keras", change))
    assert len(caught.value.problems) == 3
    for said in ("'embedding' (LSTM) is of a class", "has antialias=True", "write LeakyReLU as a layer of its own"):
        assert said in str(caught.value)
    assert "custom_objects" in str(caught.value)


@pytest.mark.parametrize(
    "function",
    [
        {"class_name": "__lambda__", "config": {"code": "4wEAAAAAAAAA", "defaults": None, "closure": None}},
        ["4wEAAAAAAAAA", None, None],
        {"module": "builtins", "class_name": "function", "config": "halve", "registered_name": "function"},
    ],
)
def test_code_in_a_file_is_never_run_but_may_be_replaced(tmp_path, function):
    def change(config):
        entry = {"class_name": "Lambda", "config": {"name": "half", "function": function, "arguments": {}}}
        config["config"]["layers"].insert(3, entry)

    path = edited(tmp_path, "words.keras", change)
    with pytest.raises(UnsupportedModelError, match="which is never run"):
        load_keras(path)
    model = load_keras(path, custom_objects={"half": lambda x: x * 0.5, "halve": lambda x: x * 0.5}, compile=False)
    assert model.get_layer("half").function is not None
    np.testing.assert_allclose(
        edgenet.Model(model.inputs, model.get_layer("half").output).predict(WORDS),
        0.5 * edgenet.Model(model.inputs, model.layers[1].output).predict(WORDS),
    )


@pytest.mark.parametrize(
    "told", [{"class_name": "Own>Embedding"}, {"module": "own"}, {"registered_name": "Own>Embedding"}]
)
def test_layers_of_ones_own_take_the_weights_of_the_file(tmp_path, told):
    class Table(layers.Layer):
        def __init__(self, rows, columns, **kwargs):
            super().__init__(**kwargs)
            self.rows, self.columns = rows, columns

        def build(self, input_shape):
            self.table = self.add_weight((self.rows, self.columns), name="table")

        def call(self, x):
            return edgenet.ops.gather(self.value(x, self.table), x)

    def change(config):
        entry = config["config"]["layers"][1]
        entry["config"] = {"name": "embedding", "rows": 11, "columns": 4}
        entry.update(told)

    path = edited(tmp_path, "words.keras", change)
    with pytest.raises(UnsupportedModelError, match=r"\(Embedding\) is of a class of its author's own"):
        load_keras(path)
    model = load_keras(path, custom_objects={"Embedding": Table})
    np.testing.assert_allclose(model.predict(WORDS), stored("words")[0], rtol=1e-5, atol=1e-6)


def test_open_sizes_are_asked_for(tmp_path):
    def change(config):
        config["config"]["layers"][0]["config"]["batch_shape"] = [None, None]

    path = edited(tmp_path, "words.keras", change)
    with pytest.raises(ValueError, match=r"shapes=\{'.*': \(…\)\}"):
        load_keras(path)
    with zipfile.ZipFile(path) as archive:
        name = json.loads(archive.read("config.json"))["config"]["layers"][0]["config"]["name"]
    model = load_keras(path, shapes={name: (6,)})
    np.testing.assert_allclose(model.predict(WORDS), stored("words")[0], rtol=1e-5, atol=1e-6)


def test_a_training_that_edgenet_lacks_is_left_out_with_a_warning(tmp_path):
    def change(config):
        config["compile_config"]["loss"] = "ctc"

    path = edited(tmp_path, "words.keras", change)
    with pytest.warns(UserWarning, match=r"loaded, but not compiled \(unknown loss 'ctc'"):
        assert not load_keras(path).compiled


def test_without_h5py_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "h5py", None)
    model = edgenet.Sequential([edgenet.Input((2,)), layers.Dense(1)])
    for what in (lambda: load_keras(FILES / "words.h5"), lambda: model.save(tmp_path / "m.h5")):
        with pytest.raises(ImportError, match=r'pip install "edgenet\[keras\]"'):
            what()
    assert list(tmp_path.iterdir()) == []
