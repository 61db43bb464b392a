"""Quantised operators of com.microsoft; onnxruntime is the judge."""

import numpy as np
import onnx
import pytest
from numpy.testing import assert_allclose
from onnx import helper
from onnx_models import theirs
from quantised_models import agree, drawn, f32, ours

from edgenet.converters.onnx import UnsupportedModelError, read

pytestmark = pytest.mark.onnxruntime

NODE = helper.make_node
MICROSOFT = "com.microsoft"


def contrib(op, inputs, stored, order, **attrs):
    """A model of one node of com.microsoft."""
    declared = [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
                for k, v in inputs.items()]  # fmt: skip
    kept = [onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in stored.items() if k in order]
    node = NODE(op, order, ["y"], domain=MICROSOFT, **attrs)
    graph = helper.make_graph([node], "contrib", declared, [helper.make_empty_tensor_value_info("y")], kept)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


PAIR = {"as": f32(0.02), "az": np.uint8(100), "bs": f32(0.03), "bz": np.uint8(90), "ys": f32(0.05), "yz": np.uint8(12)}


@pytest.mark.parametrize("op", ["QLinearAdd", "QLinearMul"])
def test_elementwise_contrib_operators(op):
    a, b = drawn(1, "uint8", 2, 3, 5, 4), drawn(2, "uint8", 3, 1, 1)
    model = contrib(op, {"a": a, "b": b}, PAIR, ["a", "as", "az", "b", "bs", "bz", "ys", "yz"])
    agree(ours(model, [a, b])[0], theirs(model, [a, b])[0], 0.9)


@pytest.mark.parametrize(
    ("op", "attrs"),
    [("QLinearSigmoid", {}), ("QLinearLeakyRelu", {"alpha": 0.2}), ("QLinearGlobalAveragePool", {}),
     ("QLinearAveragePool", {"kernel_shape": [2, 3]})],
)  # fmt: skip
def test_contrib_operators_of_one_tensor(op, attrs):
    a = drawn(1, "uint8", 2, 3, 5, 4)
    model = contrib(op, {"a": a}, PAIR, ["a", "as", "az", "ys", "yz"], **attrs)
    agree(ours(model, [a])[0], theirs(model, [a])[0], 0.9)


def test_qlinear_concat():
    a, b = drawn(1, "uint8", 2, 3, 5, 4), drawn(2, "uint8", 2, 2, 5, 4)
    model = contrib("QLinearConcat", {"a": a, "b": b}, PAIR, ["ys", "yz", "a", "as", "az", "b", "bs", "bz"], axis=1)
    agree(ours(model, [a, b])[0], theirs(model, [a, b])[0], 0.95)


@pytest.mark.parametrize("turned", [0, 1])
@pytest.mark.parametrize("quantised", [True, False])
def test_qgemm(turned, quantised):
    a, b = drawn(1, "uint8", 4, 12), drawn(2, "uint8", *((7, 12) if turned else (12, 7)))
    stored = {**PAIR, "b": b, "c": np.arange(7, dtype=np.int32) * 100}
    order = ["a", "as", "az", "b", "bs", "bz", "c", *(["ys", "yz"] if quantised else [])]
    model = contrib("QGemm", {"a": a}, stored, order, transB=turned)
    got, want = ours(model, [a])[0], theirs(model, [a])[0]
    if quantised:
        agree(got, want, 0.95)
    else:
        assert_allclose(got, want, 1e-5, 1e-5)


def test_products_to_floats():
    a, b, c = drawn(1, "uint8", 4, 12), drawn(2, "uint8", 12, 7), f32(np.arange(7))
    stored = {**PAIR, "b": b, "c": c}
    model = contrib("MatMulIntegerToFloat", {"a": a}, stored, ["a", "b", "as", "bs", "az", "bz", "c"])
    assert_allclose(ours(model, [a])[0], theirs(model, [a])[0], 1e-5, 1e-5)
    x = np.random.default_rng(1).standard_normal((4, 12)).astype(np.float32)
    model = contrib("DynamicQuantizeMatMul", {"a": x}, stored, ["a", "b", "bs", "bz", "c"])
    assert_allclose(ours(model, [x])[0], theirs(model, [x])[0], 1e-4, 1e-4)


def test_an_operator_of_com_microsoft_that_nobody_reads():
    x = np.zeros((1, 4), np.uint8)
    model = contrib("QLinearReduceMean", {"x": x}, {"s": f32(1), "z": np.uint8(0)}, ["x", "s", "z", "s", "z"])
    with pytest.raises(UnsupportedModelError, match=r"QLinearReduceMean of the domain 'com\.microsoft'"):
        read(model)
