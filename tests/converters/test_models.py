"""Whole models of several exporters, with the outputs of onnxruntime stored beside them."""

import json
from collections import Counter

import numpy as np
import onnx
import pytest
from onnx_models import theirs

from edgenet.converters.onnx import UnsupportedModelError, read, write
from edgenet.converters.onnx.backend import prepare
from edgenet.converters.onnx.verify import verify

PASSING = (
    "a01_mnist_cntk",
    "a02_resnet8_cifar10_keras3export",
    "a03_resnet8_cifar10_nchw",
    "a05_dscnn_kws_float",
    "a07_ad_autoencoder_keras3export",
    "a09_ultraface_rfb320",
    "a10_ultraface_slim320_simplified",
    "a11_super_resolution",
    "a12_fastestdet",
    "a13_yunet_120x160",
    "a14_oww_speech_embedding",
    "a15_oww_melspectrogram",
    "a16_ppocr_cls",
    "a17_blazeface",
    "a19_probe_silero_vad_lstm",
)
#: computed in integers, and how many sums of integers there are in each
QUANTISED = {
    "a04_resnet8_cifar10_int8qdq": 10,
    "a06_dscnn_kws_int8qdq": 10,
    "a08_ad_autoencoder_int8qdq": 10,
    "a18_blazeface_int8_dynamic": 37,
}
#: models that nothing but the convolutions' border makes a transposition necessary for
KERAS = ("a02_resnet8_cifar10_keras3export", "a05_dscnn_kws_float")


def stored(shared, name):
    folder = shared / "models"
    if not (folder / f"{name}.onnx").is_file():
        pytest.skip(f"no model {name} in {folder}")
    x, y = np.load(folder / f"{name}.input.npz"), np.load(folder / f"{name}.output.npz")
    inputs = [x[f"in{i}"] for i in range(len(x.files))]
    outputs = [y[k] for k in sorted(y.files) if k.startswith("out")]
    return folder / f"{name}.onnx", inputs, outputs


@pytest.mark.parametrize("name", PASSING)
@pytest.mark.parametrize("by", ["path", "proto"])
def test_stored_outputs(shared, name, by):
    path, inputs, outputs = stored(shared, name)
    results = prepare(path if by == "path" else onnx.load(path)).run(inputs)
    assert len(results) == len(outputs)
    for y, want in zip(results, outputs, strict=True):
        assert (y.shape, y.dtype) == (want.shape, want.dtype)
        assert np.abs(y - want).max() <= 1e-4 * max(1.0, np.abs(want).max())


@pytest.mark.parametrize("name", QUANTISED)
def test_stored_outputs_of_quantised_models(shared, name):
    path, inputs, outputs = stored(shared, name)
    for y, want in zip(prepare(path).run(inputs), outputs, strict=True):
        assert (y.shape, y.dtype) == (want.shape, want.dtype)
        step = 1 if want.dtype == np.int8 else 2e-2 * max(1.0, np.abs(want).max())
        off = np.abs(y.astype(np.float64) - want)
        assert off.max() <= step
        assert (off < step / 100).mean() > 0.95
    shapes = {i.name: a.shape for i, a in zip(onnx.load(path).graph.input, inputs, strict=True)}
    found = Counter(node.op for node in read(path, shapes).nodes)
    sums = found["qlinear_conv"] + found["qlinear_matmul"] + found["conv_integer"]
    assert (sums, found["conv2d"], found["dense"]) == (QUANTISED[name], 0, 0)


@pytest.mark.parametrize("name", KERAS)
def test_nhwc_models_are_not_transposed(shared, name):
    path, inputs, _ = stored(shared, name)
    (info,) = [i.name for i in onnx.load(path).graph.input]
    assert [n.op for n in read(path, {info: inputs[0].shape}).nodes].count("transpose") == 0


@pytest.mark.onnxruntime
@pytest.mark.parametrize("name", [n for n in PASSING if n not in {"a15_oww_melspectrogram", "a16_ppocr_cls"}])
def test_written_again_they_compute_the_same(shared, name):
    path, inputs, _ = stored(shared, name)
    fixed = {v.name for v in onnx.load(path).graph.initializer}
    infos = [i.name for i in onnx.load(path).graph.input if i.name not in fixed]
    graph = read(path, dict(zip(infos, (a.shape for a in inputs), strict=True)))
    verify(write(graph), graph)


@pytest.mark.onnxruntime
@pytest.mark.parametrize("name", QUANTISED)
def test_quantised_models_written_again(shared, name):
    path, inputs, outputs = stored(shared, name)
    shapes = {i.name: a.shape for i, a in zip(onnx.load(path).graph.input, inputs, strict=True)}
    model = write(read(path, shapes))
    for y, again, want in zip(theirs(model, inputs), prepare(model).run(inputs), outputs, strict=True):
        step = 1 if want.dtype == np.int8 else 2e-2 * max(1.0, np.abs(want).max())
        assert np.abs(y.astype(np.float64) - want).max() <= step
        assert np.abs(again.astype(np.float64) - want).max() <= step


def test_what_is_refused_is_named(shared):
    for entry in json.loads((shared / "models" / "manifest.json").read_text()):
        if entry["name"] in (*PASSING, *QUANTISED):
            continue
        with pytest.raises(UnsupportedModelError) as caught:
            prepare(shared / "models" / entry["file"])
        assert any(f"{op} node" in str(caught.value) for op in entry["ops"])


def test_keras_layers(shared):
    folder = shared / "keras_layers"
    if not folder.is_dir():
        pytest.skip(f"no models in {folder}")
    failed = []
    for entry in json.loads((folder / "manifest.json").read_text()):
        data = np.load(folder / f"{entry['name']}.npz")
        with np.errstate(all="ignore"):
            ys = prepare(folder / f"{entry['name']}.onnx").run(
                [data[k] for k in sorted(data.files) if k.startswith("x")]
            )
        wanted = [data[f"y{i}"] for i in range(len(ys))]
        if any(
            y.shape != w.shape or np.abs(y - w).max() > 1e-4 * max(1, np.abs(w).max())
            for y, w in zip(ys, wanted, strict=True)
        ):
            failed.append(entry["name"])
    assert not failed
