"""Files of Keras 1 and 2 in the words of their time, written here with h5py and judged by a few lines of NumPy."""

from __future__ import annotations

import json

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from edgenet import ops
from edgenet.converters import load_keras
from edgenet.converters.errors import UnsupportedModelError

h5py = pytest.importorskip("h5py", reason="the extra `keras` is not installed")

RNG = np.random.default_rng(5)


def draw(*shape) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def write(path, config, weights, version="1.2.2", backend=None, training=None):
    """An `.h5` file; `weights` holds arrays by layer.  No version is what Keras before 1.2 wrote."""
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(config).encode()
        if version:
            file.attrs["keras_version"] = version.encode()
        if training:
            file.attrs["training_config"] = json.dumps(training).encode()
        group = file.create_group("model_weights")
        if backend:
            group.attrs["backend"] = backend.encode()
        group.attrs["layer_names"] = [n.encode() for n in weights]
        for name, arrays in weights.items():
            inside = group.create_group(name)
            names = [f"{name}_{i}" for i in range(len(arrays))]
            inside.attrs["weight_names"] = [n.encode() for n in names]
            for n, array in zip(names, arrays, strict=True):
                inside[n] = array
    return path


def conv(x, kernel, bias):
    """x (n, h, w, c) · kernel (kh, kw, c, f), without padding."""
    windows = sliding_window_view(x, kernel.shape[:2], axis=(1, 2))  # n, p, q, c, kh, kw
    return np.einsum("npqcij,ijcf->npqf", windows, kernel) + bias


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def picture_config(order, shape):
    """The digits example of Keras 1."""
    common = {"trainable": True, "init": "glorot_uniform", "activity_regularizer": None, "b_regularizer": None}
    return {
        "class_name": "Sequential",
        "config": [
            {"class_name": "Convolution2D", "config": {
                **common, "name": "convolution2d_1", "batch_input_shape": [None, *shape], "input_dtype": "float32",
                "nb_filter": 4, "nb_row": 3, "nb_col": 2, "border_mode": "valid", "subsample": [1, 1],
                "dim_ordering": order, "bias": True, "activation": "relu",
                "W_regularizer": {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.01},
                "W_constraint": {"name": "MaxNorm", "m": 2, "axis": 0}, "b_constraint": None}},
            {"class_name": "MaxPooling2D", "config": {
                "name": "maxpooling2d_1", "trainable": True, "pool_size": [2, 2], "strides": [2, 2],
                "border_mode": "valid", "dim_ordering": order}},
            {"class_name": "Dropout", "config": {"name": "dropout_1", "trainable": True, "p": 0.25}},
            {"class_name": "Flatten", "config": {"name": "flatten_1", "trainable": True}},
            {"class_name": "Dense", "config": {
                **common, "name": "dense_1", "output_dim": 3, "input_dim": 24, "bias": True, "activation": "softmax",
                "W_regularizer": None, "W_constraint": None, "b_constraint": None}},
        ],
    }  # fmt: skip


TRAINING = {
    "optimizer_config": {"class_name": "SGD", "config": {"lr": 0.1, "decay": 0.5, "momentum": 0.9, "nesterov": True}},
    "loss": "categorical_crossentropy", "metrics": ["accuracy"], "sample_weight_mode": None,
}  # fmt: skip


@pytest.mark.parametrize("backend", [None, "theano", "told"])
@pytest.mark.parametrize("order", ["tf", "th"])
def test_pictures_of_keras_1(tmp_path, order, backend):
    kernel, bias, w, b = draw(3, 2, 2, 4), draw(4), draw(24, 3), draw(3)
    stored = kernel if order == "tf" else kernel.transpose(3, 2, 0, 1)
    shape = (6, 7, 2) if order == "tf" else (2, 6, 7)
    arrays = {"convolution2d_1": [stored, bias], "maxpooling2d_1": [], "dense_1": [w, b]}
    written_by = backend if backend == "theano" else None
    path = write(tmp_path / "old.h5", picture_config(order, shape), arrays, "1.2.2", written_by, TRAINING)
    model = load_keras(path, backend="theano" if backend == "told" else None)

    x = draw(3, 6, 7, 2)
    turned = kernel[::-1, ::-1] if backend else kernel
    y = np.maximum(conv(x, turned, bias), 0)
    y = y.reshape(3, 2, 2, 3, 2, 4).max((2, 4))
    y = y if order == "tf" else y.transpose(0, 3, 1, 2)
    expected = softmax(y.reshape(3, -1) @ w + b)
    given = x if order == "tf" else np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    np.testing.assert_allclose(model.predict(given), expected, rtol=1e-5, atol=1e-6)
    layer = model.get_layer("convolution2d_1")
    assert (layer.kernel_regularizer.l2, layer.kernel_constraint.max_value) == (0.01, 2)
    rates = [model.optimizer.schedule(step) for step in (0, 2)]
    np.testing.assert_allclose(rates, [0.1, 0.05], rtol=1e-6)


def node(name, *inputs, kind="Dense", **config):
    """A layer of a functional model of Keras 1."""
    calls = [[[i, 0, 0] for i in inputs]] if inputs else []
    return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": calls}


def test_a_functional_model_of_keras_1(tmp_path):
    config = {
        "class_name": "Model",
        "config": {
            "name": "model_1",
            "layers": [
                node("words", kind="InputLayer", batch_input_shape=[None, 5], input_dtype="int32", sparse=False),
                node("table", "words", kind="Embedding", input_dim=7, output_dim=3, init="uniform", input_length=5,
                     mask_zero=False, W_regularizer=None, activity_regularizer=None, W_constraint=None, dropout=0.0),
                node("steps", "table", kind="Convolution1D", nb_filter=4, filter_length=2, border_mode="valid",
                     subsample_length=1, activation="linear", bias=True, input_dim=3, input_length=5),
                node("pool", "steps", kind="MaxPooling1D", pool_length=2, stride=2, border_mode="valid"),
                node("flat", "pool", kind="Flatten"),
                node("norm", "flat", kind="BatchNormalization", epsilon=0.01, mode=0, axis=-1, momentum=0.9,
                     gamma_regularizer=None, beta_regularizer=None),
                node("leak", "norm", kind="LeakyReLU", alpha=0.2),
                node("most", "norm", kind="MaxoutDense", output_dim=8, nb_feature=3, init="glorot_uniform", bias=True),
                node("sum", "leak", "most", kind="Merge", mode="sum", concat_axis=-1, dot_axes=-1, arguments={},
                     output_shape=None, output_shape_type="raw", mode_type="raw", output_mask=None),
                node("both", "sum", "leak", kind="Merge", mode="concat", concat_axis=1, dot_axes=-1, mode_type="raw"),
            ],
            "input_layers": [["words", 0, 0]],
            "output_layers": [["both", 0, 0]],
        },
    }  # fmt: skip
    table, kernel, bias = draw(7, 3), draw(2, 3, 4), draw(4)
    gamma, beta, mean, var = draw(8), draw(8), draw(8), draw(8) ** 2 + 0.5
    pieces, offsets = draw(3, 8, 8), draw(3, 8)
    weights = {
        "table": [table], "steps": [kernel[:, None], bias], "norm": [gamma, beta, mean, var], "most": [pieces, offsets],
    }  # fmt: skip
    model = load_keras(write(tmp_path / "old.h5", config, weights, version=None))

    words = RNG.integers(0, 7, (3, 5))
    steps = np.stack([table[words][:, i : i + 2].reshape(3, -1) @ kernel.reshape(6, 4) + bias for i in range(4)], 1)
    flat = steps.reshape(3, 2, 2, 4).max(2).reshape(3, 8)
    norm = gamma * (flat - mean) / np.sqrt(var + 0.01) + beta
    leak = np.where(norm > 0, norm, 0.2 * norm)
    most = (np.einsum("nd,kdu->nku", norm, pieces) + offsets).max(1)
    np.testing.assert_allclose(
        model.predict(words), np.concatenate([leak + most, leak], 1), rtol=1e-4, atol=1e-4
    )  # fmt: skip


def dense(name, **config):
    told = {"name": name, "trainable": True, "units": 2, "activation": "linear", "use_bias": True, **config}
    return {"class_name": "Dense", "config": told}


def test_what_meant_something_else_then_is_asked_for(tmp_path):
    config = {
        "class_name": "Sequential",
        "config": [dense("a", batch_input_shape=[None, 3], activation="hard_sigmoid")],
    }
    w, b, x = draw(3, 2), draw(2), draw(4, 3)
    path = write(tmp_path / "old.h5", config, {"a": [w, b]}, "2.2.4", "tensorflow")
    with pytest.raises(UnsupportedModelError, match=r"clip\(0\.2·x \+ 0\.5, 0, 1\)"):
        load_keras(path)

    def hard_sigmoid(x):
        return ops.clip(x * 0.2 + 0.5, 0.0, 1.0)

    model = load_keras(path, custom_objects={"hard_sigmoid": hard_sigmoid})
    np.testing.assert_allclose(model.predict(x), np.clip(0.2 * (x @ w + b) + 0.5, 0, 1), rtol=1e-5, atol=1e-6)


def test_what_has_no_counterpart_is_listed(tmp_path):
    config = {
        "class_name": "Sequential",
        "config": [
            dense("a", batch_input_shape=[None, 3], activity_regularizer={"name": "ActivityRegularizer", "l1": 0.1}),
            {"class_name": "BatchNormalization", "config": {"name": "each", "mode": 2}},
            {"class_name": "Merge", "config": {"name": "joined", "mode": "cos"}},
            {"class_name": "GRU", "config": {"name": "memory", "output_dim": 2}},
        ],
    }
    with pytest.raises(UnsupportedModelError) as caught:
        load_keras(write(tmp_path / "old.h5", config, {}, None))
    assert [p.partition(")")[0] for p in caught.value.problems] == [
        "layer 'a' (Dense", "layer 'each' (BatchNormalization", "layer 'joined' (Merge", "layer 'memory' (GRU",
    ]  # fmt: skip


@pytest.mark.parametrize("trainable", [True, False])
def test_a_nested_model_is_one_group_with_frozen_weights_last(tmp_path, trainable):
    inner = {
        "class_name": "Sequential",
        "config": {
            "name": "inner",
            "layers": [
                dense("a", batch_input_shape=[None, 3], trainable=trainable),
                {"class_name": "BatchNormalization", "config": {"name": "n", "trainable": True, "epsilon": 0.5}},
                dense("b"),
            ],
        },
    }
    config = {"class_name": "Sequential", "config": {"name": "outer", "layers": [inner, dense("c")]}}
    wa, wb, wc = ([draw(n, 2), draw(2)] for n in (3, 2, 2))
    norm = [draw(2), draw(2), draw(2), draw(2) ** 2]
    trained = [*wa, *norm[:2], *wb] if trainable else [*norm[:2], *wb]
    kept = norm[2:] if trainable else [*wa, *norm[2:]]
    path = write(tmp_path / "two.h5", config, {"inner": [*trained, *kept], "c": wc}, "2.3.1", "tensorflow")
    x = draw(4, 3)
    y = (x @ wa[0] + wa[1] - norm[2]) / np.sqrt(norm[3] + 0.5) * norm[0] + norm[1]
    y = (y @ wb[0] + wb[1]) @ wc[0] + wc[1]
    np.testing.assert_allclose(load_keras(path).predict(x), y, rtol=1e-4, atol=1e-4)


def test_names_that_keras_2_allowed_and_lists_that_were_split(tmp_path):
    config = {
        "class_name": "Sequential",
        "config": {"name": "s", "layers": [dense("block/a", batch_input_shape=[None, 3])]},
    }
    w, b = draw(3, 2), draw(2)
    path = write(tmp_path / "two.h5", config, {"block/a": [w, b]}, "2.3.1")
    with h5py.File(path, "a") as file:
        group = file["model_weights/block/a"]
        names = list(group.attrs["weight_names"])
        del group.attrs["weight_names"]
        group.attrs["weight_names0"], group.attrs["weight_names1"] = names[:1], names[1:]
    model = load_keras(path)
    assert [x.name for x in model.layers] == ["block_a"]
    np.testing.assert_array_equal(model.get_weights()[0], w)
