"""What is known while reading is computed while reading: against the reference evaluator of onnx."""

import numpy as np
import onnx
import pytest
from numpy.testing import assert_array_equal
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator
from onnx_models import model_of

from edgenet.converters.onnx import UnsupportedModelError, read

INT, F = np.int64, np.float32
A = np.array([[7, -7, 5], [2, 9, -4]], INT)
CASES = {
    "Add": [A, np.array(2, INT)],
    "Sub": [A, A],
    "Mul": [A, A[0]],
    "Div": [A, np.array([2, 2, -3], INT)],
    "Neg": [A],
    "Abs": [A],
    "Min": [A, A[::-1], A[0]],
    "Max": [A, A[::-1]],
    "Mod": [A, np.array(3, INT)],
    "Less": [A, A[0]],
    "Equal": [A, A[0]],
    "Sqrt": [A.astype(F) ** 2],
    "Floor": [A.astype(F) / 2],
    "Round": [A.astype(F) / 2],
    "Pow": [A.astype(F), np.array(2, F)],
    "Gather": [A, np.array([[1], [-1]], INT)],
    "Concat": ([A, A], {"axis": 1}),
    "Transpose": [A],
    "Flatten": ([A], {"axis": 0}),
    "Slice": [A, np.array([2], INT), np.array([-9], INT), np.array([1], INT), np.array([-1], INT)],
    "Reshape": [A, np.array([3, -1], INT)],
    "Squeeze": [A[None], np.array([0], INT)],
    "Unsqueeze": [A, np.array([0, -1], INT)],
    "ReduceSum": [A, np.array([1], INT)],
    "ReduceProd": ([A], {"axes": [0], "keepdims": 0}),
    "ReduceMax": [A],
    "CumSum": [A, np.array(1, INT)],
    "Range": [np.array(1, INT), np.array(9, INT), np.array(3, INT)],
    "Expand": [A[:1], np.array([4, 3], INT)],
    "Tile": [A, np.array([2, 1], INT)],
    "Where": [A > 2, A, -A],
    "Not": [A > 2],
    "And": [A > 2, A < 6],
    "Cast": ([A], {"to": TensorProto.FLOAT}),
    "NonZero": [A],
    "ConstantOfShape": ([np.array([2, 2], INT)], {"value": onnx.numpy_helper.from_array(np.array([3], INT))}),
    "Identity": [A],
    "DequantizeLinear": ([A.astype(np.int8), np.array([0.5, 2.0], F), np.array([1, 0], np.int8)], {"axis": 0}),
    "Shape": ([A], {"start": 1}),
    "Size": [A],
}


@pytest.mark.parametrize("op", CASES)
def test_folded(op):
    case = CASES[op]
    arrays, attrs = case if isinstance(case, tuple) else (case, {})
    names = [f"i{k}" for k in range(len(arrays))]
    out = helper.make_tensor_value_info("y", TensorProto.UNDEFINED, None)
    nodes = [helper.make_node(op, names, ["y"], **attrs)]
    model = model_of(nodes, {}, [out], dict(zip(names, arrays, strict=True)), opset=21 if "Linear" in op else 17)
    (want,) = ReferenceEvaluator(model).run(None, {})
    graph = read(model)
    assert not graph.nodes
    array = graph.outputs[0].data
    assert array.shape == np.shape(want)
    assert array.dtype == want.dtype
    assert_array_equal(array, want)


@pytest.mark.parametrize(
    ("attrs", "want"),
    [
        ({"value_int": 3}, np.array(3, INT)), ({"value_ints": [1, 2]}, np.array([1, 2], INT)),
        ({"value_float": 0.5}, np.array(0.5, F)), ({"value_floats": [0.5]}, np.array([0.5], F)),
    ],
)  # fmt: skip
def test_constants(attrs, want):
    out = helper.make_tensor_value_info("y", TensorProto.UNDEFINED, None)
    graph = read(model_of([helper.make_node("Constant", [], ["y"], **attrs)], {}, [out]))
    assert graph.outputs[0].array.dtype == want.dtype
    assert_array_equal(graph.outputs[0].array, want)


@pytest.mark.parametrize(
    ("op", "arrays"),
    [
        ("ConstantOfShape", [np.array([2**29], INT)]), ("Expand", [A, np.array([2**30, 2, 3], INT)]),
        ("Tile", [A, np.array([2**30, 1], INT)]), ("Range", [np.array(0, INT), np.array(2**40, INT), np.array(1, INT)]),
        ("Div", [A, np.array(0, INT)]), ("ConstantOfShape", [np.array([-1], INT)]),
    ],
)  # fmt: skip
def test_absurd_sizes_are_refused(op, arrays):
    names = [f"i{k}" for k in range(len(arrays))]
    out = helper.make_tensor_value_info("y", TensorProto.UNDEFINED, None)
    model = model_of([helper.make_node(op, names, ["y"], name="it")], {}, [], dict(zip(names, arrays, strict=True)))
    model.graph.output.append(out)
    with pytest.raises(UnsupportedModelError, match="'it'"):
        read(model)


def test_a_large_array_is_not_even_begun():
    nodes = [helper.make_node("Expand", ["a", "s"], ["y"], name="it")]
    model = model_of(nodes, {}, [], {"a": A, "s": np.array([2**26, 2, 3], INT)})
    model.graph.output.append(helper.make_tensor_value_info("y", TensorProto.UNDEFINED, None))
    with pytest.raises(UnsupportedModelError, match=r"no array of shape \[67108864, 2, 3\] can be computed"):
        read(model)


def test_a_weight_that_is_reshaped_stays_a_weight():
    x, w = np.ones((2, 6), F), np.arange(12, dtype=F)
    nodes = [helper.make_node("Reshape", ["w", "s"], ["m"]), helper.make_node("MatMul", ["x", "m"], ["y"])]
    graph = read(model_of(nodes, {"x": x}, ["y"], {"w": w, "s": np.array([6, 2])}))
    assert [(v.name, v.shape, v.trainable) for v in graph.variables] == [("w", (6, 2), True)]


def test_weights_in_constant_nodes_are_weights():
    x, w = np.ones((2, 6), F), np.ones((6, 2), F)
    nodes = [
        helper.make_node("Constant", [], ["m"], value=onnx.numpy_helper.from_array(w)),
        helper.make_node("MatMul", ["x", "m"], ["h"]),
        helper.make_node("Constant", [], ["half"], value_float=0.5),
        helper.make_node("Mul", ["h", "half"], ["y"]),
    ]
    graph = read(model_of(nodes, {"x": x}, ["y"]))
    assert [v.name for v in graph.variables] == ["m"]
