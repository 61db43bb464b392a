"""Quantised models: what exporters take apart is put together again, computed in integers, written."""

from collections import Counter

import numpy as np
import pytest
import quantised_models
from numpy.testing import assert_allclose, assert_array_equal
from onnx import helper
from onnx_models import model_of, theirs
from quantised_models import agree, drawn, f32, ops_of, ours

from edgenet.converters.onnx import read, write

pytestmark = pytest.mark.onnxruntime

NODE = helper.make_node

# models in QDQ form --------------------------------------------------------------------------------------------------

X = drawn(1, "int8", 2, 4, 8, 8)
W = drawn(2, "int8", 6, 4, 3, 3)
B = np.random.default_rng(3).integers(-3000, 3000, 6).astype(np.int32)
SCALES = {"xs": f32(0.05), "xz": np.int8(3), "ws": f32(np.linspace(0.01, 0.02, 6)), "wz": np.zeros(6, np.int8),
          "ys": f32(0.6), "yz": np.int8(-20)}  # fmt: skip
BIAS = {"b": B, "bs": SCALES["xs"] * SCALES["ws"]}


def qdq(*between, bias=True, scales=SCALES, w=W, ends=("y",)):
    """DequantizeLinear → Conv → `between` → QuantizeLinear, as a model."""
    nodes = [
        NODE("DequantizeLinear", ["x", "xs", "xz"], ["xf"]),
        NODE("DequantizeLinear", ["w", "ws", "wz"], ["wf"], axis=0),
        NODE("DequantizeLinear", ["b", "bs"], ["bf"], axis=0),
        NODE("Conv", ["xf", "wf", *(["bf"] if bias else [])], ["c"], pads=[1, 1, 1, 1], name="conv"),
        *between,
        NODE("QuantizeLinear", [between[-1].output[0] if between else "c", "ys", "yz"], ["y"]),
    ]
    return model_of(nodes, {"x": X}, list(ends), {"w": w, **BIAS, **scales})


RELU, RELU6 = NODE("Relu", ["c"], ["r"]), NODE("Clip", ["c", "low", "high"], ["r"])


@pytest.mark.parametrize("between", [(), (RELU,), (RELU6,)], ids=["nothing", "relu", "relu6"])
def test_a_convolution_between_floats_is_one_of_integers(between):
    model = qdq(*between, scales={**SCALES, "low": f32(0), "high": f32(6)})
    before = Counter(node.op_type for node in model.graph.node)
    assert (before["DequantizeLinear"], before["QuantizeLinear"], before["Conv"]) == (3, 1, 1)
    assert ops_of(model) == {"transpose": 2, "qlinear_conv": 1}
    agree(ours(model, [X])[0], theirs(model, [X])[0])


def test_the_graph_of_a_recognised_convolution():
    images, convolution, back = read(qdq(RELU)).nodes
    assert (images.op, back.op) == ("transpose", "transpose")
    assert [None if v is None else str(v.spec) for v in convolution.inputs] == [
        "int8[2, 8, 8, 4]", "int8[3, 3, 4, 6]", "int8[]", "int8[6]", "int32[6]",
        "float32[]", "float32[6]", "float32[]", "int8[]",
    ]  # fmt: skip
    assert convolution.attrs == {
        "strides": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1), "groups": 1, "low": -20, "high": 127,
    }  # fmt: skip


def test_what_is_read_as_floats_too_stays():
    model = qdq(RELU, ends=("y", "r"))
    assert ops_of(model) == {"transpose": 4, "dequantize_linear": 1, "conv2d": 1, "relu": 1, "qlinear_conv": 1}
    got, want = ours(model, [X]), theirs(model, [X])
    agree(got[0], want[0])
    assert_allclose(got[1], want[1], 1e-4, 1e-4)


def test_without_a_scale_of_the_result_floats_are_meant():
    model = model_of(qdq().graph.node[:-1], {"x": X}, ["c"], {"w": W, **BIAS, **SCALES})
    assert ops_of(model) == {"transpose": 2, "dequantize_linear": 1, "conv2d": 1}
    assert_allclose(ours(model, [X])[0], theirs(model, [X])[0], 1e-4, 1e-4)


def test_a_float_bias_becomes_steps_if_they_are_fine():
    nodes = [n for n in qdq().graph.node if n.output[0] != "bf"]
    for scale, op in ((0.6, "qlinear_conv"), (0.004, "conv2d")):
        stored = {"w": W, "bf": f32(np.arange(6)), **SCALES, "ys": f32(scale)}
        model = model_of(nodes, {"x": X}, ["y"], stored)
        assert ops_of(model)[op] == 1
        agree(ours(model, [X])[0], theirs(model, [X])[0], 0.99)


def test_dense_layers_with_an_addition_behind():
    x, w = drawn(4, "int8", 5, 32), drawn(5, "int8", 32, 10)
    nodes = [
        NODE("DequantizeLinear", ["x", "xs", "xz"], ["xf"]),
        NODE("DequantizeLinear", ["w", "ws"], ["wf"]),
        NODE("DequantizeLinear", ["b", "bs"], ["bf"]),
        NODE("MatMul", ["xf", "wf"], ["m"]),
        NODE("Add", ["bf", "m"], ["a"]),
        NODE("Relu", ["a"], ["r"]),
        NODE("QuantizeLinear", ["r", "ys", "yz"], ["y"]),
    ]
    stored = {**SCALES, "w": w, "ws": f32(0.01), "bs": f32(0.05) * f32(0.01), "b": np.arange(10, dtype=np.int32) * 99}
    model = model_of(nodes, {"x": x}, ["y"], stored)
    assert ops_of(model) == {"qlinear_matmul": 1}
    agree(ours(model, [x])[0], theirs(model, [x])[0])


def test_a_movement_between_the_same_scales_moves_integers():
    nodes = [
        NODE("DequantizeLinear", ["x", "xs", "xz"], ["f"]),
        NODE("Transpose", ["f"], ["t"], perm=[0, 2, 3, 1]),
        NODE("Reshape", ["t", "shape"], ["r"]),
        NODE("QuantizeLinear", ["r", "xs", "xz"], ["y"]),
    ]
    model = model_of(nodes, {"x": X}, ["y"], {**SCALES, "shape": np.array([2, -1])})
    assert ops_of(model) == {"transpose": 1, "reshape": 1}
    assert_array_equal(ours(model, [X])[0], theirs(model, [X])[0])
    other = model_of([*nodes[:3], NODE("QuantizeLinear", ["r", "ys", "yz"], ["y"])], {"x": X}, ["y"],
                     {**SCALES, "shape": np.array([2, -1])})  # fmt: skip
    assert ops_of(other)["quantize_linear"] == 1
    agree(ours(other, [X])[0], theirs(other, [X])[0])


def test_weights_that_are_only_stored_in_integers_stay_trainable():
    nodes = [NODE("DequantizeLinear", ["w", "ws", "wz"], ["wf"], axis=0), NODE("Conv", ["x", "wf"], ["y"])]
    graph = read(model_of(nodes, {"x": f32(X)}, ["y"], {"w": W, **SCALES}))
    assert [(v.name, v.trainable, str(v.array.dtype)) for v in graph.variables] == [("w", True, "float32")]
    assert not read(qdq()).variables


# whole models ---------------------------------------------------------------------------------------------------------

FORMS = [("QDQ", *k, c) for k in (("uint8", "int8"), ("int8", "int8"), ("uint8", "uint8")) for c in (False, True)]


@pytest.mark.parametrize(("how", "activations", "weights", "per_channel"),
                         FORMS + [("QOperator", *f[1:]) for f in FORMS])  # fmt: skip
def test_statically_quantised_networks(tmp_path, how, activations, weights, per_channel):
    pytest.importorskip("onnxruntime.quantization")
    model = quantised_models.quantised(tmp_path, how, activations, weights, per_channel)
    x = quantised_models.images(9, 3)
    got, want = ours(model, [x])[0], theirs(model, [x])[0]
    step = 0.0206  # of the output; a number that another rounding has moved by one step is seen there
    assert np.abs(got - want).max() <= 1.01 * step
    assert (np.abs(got - want) < step / 10).mean() > 0.6
    found = ops_of(model)
    assert (found["qlinear_conv"], found["qlinear_matmul"], found["conv2d"], found["dense"]) == (5, 2, 0, 0)


@pytest.mark.parametrize("weights", ["uint8", "int8"])
@pytest.mark.parametrize("per_channel", [False, True])
def test_dynamically_quantised_networks(tmp_path, weights, per_channel):
    pytest.importorskip("onnxruntime.quantization")
    model = quantised_models.quantised(tmp_path, "dynamic", weights=weights, per_channel=per_channel)
    x = quantised_models.images(9, 3)
    found = ops_of(model)
    assert (found["conv_integer"], found["matmul_integer"], found["conv2d"], found["dense"]) == (5, 2, 0, 0)
    floats = theirs(quantised_models.network(), [x])[0]
    assert_allclose(ours(model, [x])[0], theirs(model, [x])[0], atol=0.05)
    assert np.abs(ours(model, [x])[0] - floats).max() < 0.2


@pytest.mark.parametrize("how", ["QDQ", "QOperator", "dynamic"])
def test_quantised_networks_are_written_and_read_again(tmp_path, how):
    pytest.importorskip("onnxruntime.quantization")
    model = quantised_models.quantised(tmp_path, how, per_channel=True)
    x = quantised_models.images(8, 2)
    again = write(read(model))
    want = ours(model, [x])[0]
    assert_allclose(ours(again, [x])[0], want, atol=1e-6)
    assert_allclose(theirs(again, [x])[0], want, atol=0.03)
