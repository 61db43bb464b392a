"""What is read is written again, and onnxruntime computes the same of both files."""

import json

import numpy as np
import onnx
import pytest
from onnx_models import ours, theirs
from random_cnn import KINDS, random_cnn

from edgenet.converters.onnx import UnsupportedModelError, read, write
from edgenet.converters.onnx.compare import AGREE, relative
from edgenet.converters.onnx.layers import load

pytestmark = pytest.mark.onnxruntime
OPSETS = (8, 9, 11, 13, 17, 21)


@pytest.mark.parametrize("seed", range(60))
def test_random_networks(seed):
    model, x = random_cnn(seed, OPSETS[seed % len(OPSETS)])
    onnx.checker.check_model(model, full_check=True)
    want = theirs(model, [x])
    again = write(read(model), opset=(13, 17, 21)[seed % 3])
    assert [i.name for i in again.graph.input] == ["image"]
    assert [o.name for o in again.graph.output] == [o.name for o in model.graph.output]
    layered = write(load(model).graph())
    for results in (ours(model, [x]), theirs(again, [x]), theirs(write(read(again)), [x]), theirs(layered, [x])):
        differences = [relative(y, w) for y, w in zip(results, want, strict=True)]
        assert max(differences) <= AGREE, f"seed {seed}: {differences}"


def test_random_networks_hold_every_kind():
    """Over all seeds, what the generator can add is added."""
    seen = {n.op_type for seed in range(60) for n in random_cnn(seed, OPSETS[seed % len(OPSETS)])[0].graph.node}
    assert len(seen) >= len(set(KINDS)) + 12


def judged(path, inputs, wanted=None):
    """The largest difference between the file and what is written of it; None if it is no Graph."""
    model = onnx.load(path)
    fixed = {t.name for t in model.graph.initializer}
    names = [i.name for i in model.graph.input if i.name not in fixed]
    try:
        graph = read(model, dict(zip(names, (a.shape for a in inputs), strict=True)))
    except UnsupportedModelError:
        return None
    want = theirs(model, inputs) if wanted is None else wanted
    got = theirs(write(graph), inputs)
    return max(relative(y, w) for y, w in zip(got, want, strict=True))


def test_real_models(shared):
    folder = shared / "models"
    found = {}
    for entry in json.loads((folder / "manifest.json").read_text()):
        stored = np.load(folder / f"{entry['name']}.input.npz")
        found[entry["name"]] = judged(folder / entry["file"], [stored[f"in{i}"] for i in range(len(stored.files))])
    wrong = {name: d for name, d in found.items() if d is not None and not d <= AGREE}
    assert not wrong
    assert sum(d is not None for d in found.values()) >= 14


def test_layers_of_keras(shared):
    """Keras's own outputs are the judge: onnxruntime cannot load all of its files."""
    folder = shared / "keras_layers"
    if not folder.is_dir():
        pytest.skip(f"no models in {folder}")
    found = {}
    for entry in json.loads((folder / "manifest.json").read_text()):
        data = np.load(folder / f"{entry['name']}.npz")
        inputs = [data[k] for k in sorted(data.files) if k.startswith("x")]
        wanted = [data[k] for k in sorted(data.files) if k.startswith("y")]
        found[entry["name"]] = judged(folder / f"{entry['name']}.onnx", inputs, wanted)
    wrong = {name: d for name, d in found.items() if d is not None and not d <= AGREE}
    assert not wrong
    assert sum(d is not None for d in found.values()) >= 49
