"""where, power and cast, and what is made of them, as ONNX: judged by onnxruntime."""

import numpy as np
import pytest

from edgenet import ops
from edgenet.converters.onnx import write
from edgenet.converters.onnx.verify import verify
from edgenet.graph import Graph

pytestmark = pytest.mark.onnxruntime

BUILD = {
    "where": lambda x: ops.where(x > 0.1, x, ops.mean(x, axis=(1, 2), keepdims=True)),
    "power": lambda x: ops.abs(x) ** 1.7,
    "cast": lambda x: ops.cast(ops.cast(3 * x, "int32"), "float32"),
    "indexing": lambda x: x[:, 1::2, None, 0] * 2,
    "matmul": lambda x: x @ np.ones((4, 3), np.float32),
    "zeros_like": lambda x: x + ops.zeros_like(x),
    "var": lambda x: ops.var(x, axis=-1),
    "stack": lambda x: ops.stack([x, ops.flip(x, 1)], axis=1),
}


@pytest.mark.parametrize("name", BUILD)
def test_onnxruntime_agrees(name):
    graph = Graph("net")
    graph.outputs = [BUILD[name](graph.input(("batch", 6, 8, 4), name="image"))]
    verify(write(graph), graph)
