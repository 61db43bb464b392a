"""From a model to an ONNX file that other runtimes can feed by name."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from edgenet import Input, Model, layers

pytestmark = pytest.mark.onnxruntime


def test_inputs_bear_the_names_of_the_model(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    a, b = Input((4,)), Input((4,))
    model = Model([a, b], layers.Subtract()([a, b]))
    model.export(tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "m.onnx"), providers=["CPUExecutionProvider"])
    assert [i.name for i in session.get_inputs()] == model.input_names
    x, y = np.random.default_rng(0).standard_normal((2, 3, 4)).astype(np.float32)
    feeds = dict(zip(model.input_names, (x, y), strict=True))
    assert_allclose(session.run(None, feeds)[0], x - y)
