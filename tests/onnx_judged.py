"""onnxruntime as the judge of evaluators: a table of nodes, drawn inputs, and the comparison.

Where onnxruntime has no kernel for a dtype, it judges in a wider one, and the result is compared in the narrow one.
"""

import zlib
from typing import NamedTuple

import numpy as np
import onnx
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from onnx import helper
from onnx_evaluated import evaluated
from onnx_models import theirs

FLOATS = ("float32", "float64", "float16")
SIGNED = ("int8", "int16", "int32", "int64")
FOUR = ("float32", "float64", "int64", "uint8")
INTS = (*SIGNED, "uint8", "uint16", "uint32", "uint64")
NUMBERS = (*FLOATS, *INTS)
ANY = ("float32", "int64", "uint8", "bool", "float16")
JUDGED = 23  # newest opset tried with onnxruntime
INT = np.int64


class T(NamedTuple):
    """An input of the dtype that is tested, of the numbers from `low` to `high`."""

    shape: tuple
    low: float = -4
    high: float = 4

    def draw(self, rng, dtype):
        if dtype == "bool":
            return rng.random(self.shape) < 0.5
        if np.dtype(dtype).kind == "f":
            return np.asarray(rng.uniform(self.low, self.high, self.shape), dtype)
        low = max(int(self.low), 0) if dtype.startswith("u") else int(self.low)
        return np.asarray(rng.integers(low, int(self.high) + 1, self.shape), dtype)


class Table(list):
    """Nodes to be judged, as parameters of a test."""

    def __call__(self, op, *inputs, dtypes=FLOATS, opsets=(7, JUDGED), outputs=1, **attrs):
        """Add a node: inputs are `T`, arrays, or None.

        It is tried at the first, the last and each new version of the range; with all dtypes at the last.
        """
        every = onnx.defs.get_all_schemas_with_history()
        versions = {s.since_version for s in every if s.name == op and s.domain == ""}
        low, high = max(opsets[0], min(versions)), opsets[1]
        many = dtypes if any(isinstance(i, T) for i in inputs) else ("",)
        form = ",".join(f"{k}={v}" for k, v in attrs.items() if not isinstance(v, onnx.TensorProto))
        shapes = ",".join("x".join(map(str, i.shape)) if i is not None else "-" for i in inputs)
        for opset in sorted({low, high} | {v for v in versions if low <= v <= high}):
            for dtype in many if opset == high else many[:1]:
                name = f"{op}-{opset}-{dtype}-{form}-{shapes}".replace(" ", "")
                self.append(pytest.param(op, inputs, dtype, opset, outputs, attrs, id=name))


def ints(*values):
    return np.array(values, INT)


X = T((2, 3, 4))
IMAGE = T((2, 3, 5, 6))

#: operators for whose parameters in float64 onnxruntime takes numbers of 32 bits
ROUGH = {"BatchNormalization", "Gelu", "LayerNormalization", "LeakyRelu", "Shrink"}
WIDER = ("float32", "float64", "int64", "int32")


def judged(op, arrays, own, opset, outputs, attrs):
    """What onnxruntime computes, in the first dtype that it has a kernel for."""
    dtype = next((arrays[i].dtype for i in own), np.dtype(np.float32))
    errors = []
    for kind in dict.fromkeys((dtype.name, *(w for w in WIDER if (w[0] == "f") == (dtype.kind == "f")), *WIDER)):
        given = [a.astype(kind) if i in own else a for i, a in enumerate(arrays)]
        names = ["" if a is None else f"x{i}" for i, a in enumerate(given)]
        node = helper.make_node(op, names, [f"y{i}" for i in range(outputs)], **attrs)
        infos = [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in zip(names, given, strict=True)
            if n
        ]
        made = [helper.make_empty_tensor_value_info(o) for o in node.output]
        graph = helper.make_graph([node], "one", infos, made)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
        try:
            return theirs(model, [a for a in given if a is not None]), kind
        except Exception as error:
            errors.append(str(error)[:200])
    raise AssertionError(errors)


def check(op, inputs, dtype, opset, outputs, attrs):
    """An evaluator against onnxruntime, on drawn inputs."""
    rng = np.random.default_rng(zlib.crc32(f"{op}{attrs}".encode()))
    arrays = [i.draw(rng, dtype) if isinstance(i, T) else i for i in inputs]
    own = [i for i, given in enumerate(inputs) if isinstance(given, T)]
    want, kind = judged(op, arrays, own, opset, outputs, attrs)
    node = helper.make_node(
        op, ["" if a is None else f"x{i}" for i, a in enumerate(arrays)], [f"y{i}" for i in range(outputs)], **attrs
    )
    got = evaluated(node, arrays, opset)
    assert len(got) >= outputs
    for y, w in zip(got, want, strict=False):
        assert y.shape == w.shape
        assert kind != dtype or y.dtype == w.dtype
        if y.dtype.kind == "f":
            eps = float(np.finfo(y.dtype).eps)
            eps = max(eps, 1.2e-7) if kind == "float32" else 1e-9 if op in ROUGH and dtype == "float64" else eps
            assert_allclose(y.astype(np.float64), w.astype(np.float64), rtol=40 * eps, atol=100 * eps)
        else:
            assert_array_equal(y, w.astype(y.dtype))
