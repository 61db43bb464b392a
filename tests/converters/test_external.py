"""Weights in files beside the model: found, measured, and never read from elsewhere."""

import numpy as np
import onnx
import pytest
from numpy.testing import assert_array_equal
from onnx import helper
from onnx_models import model_of, node_model, numbers

from edgenet.converters.onnx import InferenceSession, UnsupportedModelError

X, W, V = numbers(0, (2, 3), (3, 4), (3, 4))


@pytest.fixture
def path(tmp_path):
    """A model of two matrices in one file, which lies in a folder of its own."""
    nodes = [helper.make_node("MatMul", ["x", "w"], ["a"]), helper.make_node("MatMul", ["x", "v"], ["b"])]
    found = tmp_path / "inside" / "m.onnx"
    found.parent.mkdir()
    model = model_of(nodes, {"x": X}, ["a", "b"], {"w": W, "v": V})
    onnx.save_model(model, found, save_as_external_data=True, location="weights.bin", size_threshold=0)
    return found


def changed(path, change):
    """The model with its tensors' entries changed; `change` gets the tensors and dictionaries of their entries."""
    model = onnx.load(path, load_external_data=False)
    for tensor in model.graph.initializer:
        told = {e.key: e.value for e in tensor.external_data}
        change(tensor, told)
        del tensor.external_data[:]
        for key, value in told.items():
            tensor.external_data.add(key=key, value=str(value))
    path.write_bytes(model.SerializeToString())
    return path


def test_they_are_read(path):
    a, b = InferenceSession(path).run(None, {"x": X})
    np.testing.assert_allclose(a, X @ W, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(b, X @ V, rtol=1e-5, atol=1e-6)


def test_a_missing_file_is_listed_for_each(path):
    (path.parent / "weights.bin").unlink()
    with pytest.raises(UnsupportedModelError, match=r"(?s)'w'.*no file 'weights.bin'.*'v'.*no file 'weights.bin'"):
        InferenceSession(path)


@pytest.mark.parametrize(
    "location", ["../secret.bin", "{root}/secret.bin", "link.bin", ".", "", "a\0b", "sub/../../secret.bin"]
)
def test_files_elsewhere_are_not_read(path, location):
    root = path.parent.parent
    (root / "secret.bin").write_bytes(bytes(1000))
    (path.parent / "link.bin").symlink_to(root / "secret.bin")
    (path.parent / "sub").mkdir()
    changed(path, lambda tensor, told: told.update(location=location.format(root=root)))
    with pytest.raises(UnsupportedModelError, match=r"outside of the folder|its name is|no file") as caught:
        InferenceSession(path)
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ({"length": 10**9}, "takes 48"),
        ({"offset": 10**6}, "which has"),
        ({"offset": -4}, "should be a number"),
        ({"length": "1e3"}, "should be a number"),
        ({"offset": "9" * 40}, "should be a number"),
    ],
)
def test_sizes_that_lie(path, entries, reason):
    with pytest.raises(UnsupportedModelError, match=reason):
        InferenceSession(changed(path, lambda tensor, told: told.update(entries)))


def test_shapes_that_lie(path):
    def grow(tensor, told):
        tensor.dims[0] = 2**40
        told.pop("length")

    with pytest.raises(UnsupportedModelError, match="which has"):
        InferenceSession(changed(path, grow))


def test_constants_of_four_bits(tmp_path):
    """Two numbers share a byte."""
    from edgenet.converters.onnx.external import read_external

    tensor = onnx.TensorProto(name="q", data_type=onnx.TensorProto.UINT4, dims=[5])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="q.bin")
    (tmp_path / "q.bin").write_bytes(bytes([0x21, 0x43, 0x05]))
    model = node_model("Relu", {"x": X})
    model.graph.node[0].attribute.add(name="t", t=tensor, type=onnx.AttributeProto.TENSOR)
    assert read_external(model, tmp_path) == []
    assert_array_equal(onnx.numpy_helper.to_array(model.graph.node[0].attribute[0].t).astype(int), [1, 2, 3, 4, 5])
