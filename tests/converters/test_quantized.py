"""Quantised models: read, recognised, computed in integers, written; onnxruntime is the judge."""

import warnings
from collections import Counter

import numpy as np
import onnx
import pytest
import quantised_models
from numpy.testing import assert_allclose, assert_array_equal
from onnx import TensorProto, helper
from onnx_models import model_of, node_model, theirs

from cases import conv_cases
from edgenet.compile import compile_graph
from edgenet.converters.onnx import UnsupportedModelError, read, write
from edgenet.converters.onnx.fold import fold
from edgenet.converters.onnx.node import OnnxNode
from edgenet.converters.onnx.tensor import Tensor
from edgenet.graph import Graph

pytestmark = pytest.mark.onnxruntime

NODE = helper.make_node
FIRST = (0, 3, 1, 2)
MICROSOFT = "com.microsoft"


def drawn(seed, dtype, *shape):
    info = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(info.min, info.max, shape, dtype, endpoint=True)


def ours(model, arrays):
    """What the compiled graph computes: the backend might evaluate small integers while reading."""
    shapes = {i.name: a.shape for i, a in zip(model.graph.input, arrays, strict=True)}
    return compile_graph(read(model, shapes)).run(*arrays)


def f32(value):
    return np.asarray(value, np.float32)


def ops_of(model):
    return Counter(node.op for node in read(model).nodes)


def agree(got, want, share=0.995):
    """Integers that are equal, but for a few which are one step off."""
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    off = np.abs(got.astype(np.int64) - want.astype(np.int64))
    assert off.max(initial=0) <= 1
    assert not off.size or (off == 0).mean() >= share


# single operators ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [c for c in conv_cases(500, 24) if c.n], ids=repr)
def test_convolutions(case):
    kinds = [("int8", "uint8")[case.seed >> i & 1] for i in (0, 1)]
    kinds[1] = "uint8" if kinds[0] == "uint8" else "int8"  # u8s8 may saturate in onnxruntime, s8u8 it does not know
    (top, bottom), (left, right) = case.padding
    attrs = {"strides": case.strides, "dilations": case.dilation, "group": case.groups,
             "pads": [top, left, bottom, right]}  # fmt: skip
    x = drawn(case.seed, kinds[0], *case.x_shape).transpose(FIRST)
    w = drawn(case.seed + 1, kinds[1], *case.w_shape).transpose(3, 2, 0, 1)
    each = (case.co,) if case.seed % 3 == 1 else ()
    x_zero, w_zero, y_zero = drawn(1, kinds[0]), np.full(each, 0 if each else 3, kinds[1]), drawn(3, kinds[0])
    scale = f32(np.random.default_rng(4).random(each) + 0.5) / f32(70)
    stored = {"xs": f32(0.1), "xz": x_zero, "w": w, "ws": scale, "wz": w_zero, "ys": f32(0.1 * case.k**0.5),
              "yz": y_zero}  # fmt: skip
    if case.seed % 2:
        stored["b"] = np.random.default_rng(5).integers(-9000, 9000, case.co).astype(np.int32)
    model = node_model("QLinearConv", {"x": x}, stored, **attrs)
    agree(ours(model, [x])[0], theirs(model, [x])[0])
    sums = node_model("ConvInteger", {"x": x}, {"w": w, "xz": x_zero, "wz": np.full((), 3, kinds[1])}, **attrs)
    if kinds[0] == "uint8":  # onnxruntime has no other
        assert_array_equal(ours(sums, [x])[0], theirs(sums, [x])[0])


@pytest.mark.parametrize("auto", ["SAME_UPPER", "SAME_LOWER", "VALID"])
def test_auto_pad_pads_with_the_zero_point(auto):
    x, w = drawn(1, "uint8", 2, 3, 10, 7), drawn(2, "uint8", 4, 3, 3, 2)
    attrs = {"auto_pad": auto, "strides": [2, 3], "kernel_shape": [3, 2]}
    model = node_model("ConvInteger", {"x": x}, {"w": w, "xz": np.uint8(200), "wz": np.uint8(9)}, **attrs)
    assert_array_equal(ours(model, [x])[0], theirs(model, [x])[0])


def test_one_spatial_axis():
    x, w = drawn(1, "uint8", 2, 3, 10), drawn(2, "uint8", 4, 3, 3)
    model = node_model("ConvInteger", {"x": x}, {"w": w, "xz": np.uint8(200)}, pads=[1, 2], strides=[2])
    assert_array_equal(ours(model, [x])[0], theirs(model, [x])[0])


@pytest.mark.parametrize("shapes", [((4, 7), (7, 5)), ((2, 3, 4, 7), (7, 5)), ((2, 4, 7), (2, 7, 5))])
@pytest.mark.parametrize("known", [True, False], ids=["weights are known", "weights are computed"])
def test_matrix_products(shapes, known):
    a, b = drawn(1, "uint8", *shapes[0]), drawn(2, "uint8", *shapes[1])
    zeros = {"az": np.uint8(7), "bz": np.uint8(11)}
    inputs, stored = ({"a": a}, {"b": b}) if known else ({"a": a, "b": b}, {})
    arrays = list(inputs.values())
    sums = node_model("MatMulInteger", inputs, {**stored, **zeros}, order=["a", "b", "az", "bz"])
    assert_array_equal(ours(sums, arrays)[0], theirs(sums, arrays)[0])
    stored |= {**zeros, "as": f32(0.02), "bs": f32(0.03), "ys": f32(0.09), "yz": np.uint8(100)}
    order = ["a", "as", "az", "b", "bs", "bz", "ys", "yz"]
    model = node_model("QLinearMatMul", inputs, stored, order=order)
    agree(ours(model, arrays)[0], theirs(model, arrays)[0])


@pytest.mark.parametrize("opset", [10, 13, 21])
@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_quantise_and_dequantise(opset, dtype):
    x = np.random.default_rng(1).standard_normal((2, 3, 5, 4)).astype(np.float32) * 3
    axis = {"axis": 1} if opset > 10 else {}
    scale = f32([0.02, 0.1, 0.3]) if axis else f32(0.05)
    zero = drawn(2, dtype, *scale.shape)
    model = node_model("QuantizeLinear", {"x": x}, {"s": scale, "z": zero}, opset, **axis)
    q = theirs(model, [x])[0]
    agree(ours(model, [x])[0], q)
    model = node_model("DequantizeLinear", {"x": q}, {"s": scale, "z": zero}, opset, **axis)
    assert_array_equal(ours(model, [q])[0], theirs(model, [q])[0])


def test_scales_may_be_computed():
    x, scale, zero = np.linspace(-3, 3, 30, dtype=np.float32), f32(0.03), np.array(90, np.uint8)
    model = node_model("QuantizeLinear", {"x": x, "s": scale, "z": zero})
    agree(ours(model, [x, scale, zero])[0], theirs(model, [x, scale, zero])[0])


@pytest.mark.parametrize("shift", [0, 5, -5])
def test_dynamic_quantisation(shift):
    x = np.random.default_rng(1).standard_normal((1, 3, 40, 50)).astype(np.float32) + shift
    nodes = [NODE("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]), NODE("Transpose", ["q"], ["y"], perm=[0, 2, 3, 1])]
    model = model_of(nodes, {"x": f32(x)}, ["y", "s", "z"])
    got, want = ours(model, [f32(x)]), theirs(model, [f32(x)])
    agree(got[0], want[0])
    assert_array_equal(got[1], want[1])
    assert_array_equal(got[2], want[2])


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
@pytest.mark.parametrize(
    ("op", "attrs", "stored"),
    [
        ("MaxPool", {"kernel_shape": [3, 2], "strides": [2, 2], "pads": [1, 0, 1, 1]}, {}),
        ("Transpose", {"perm": [0, 2, 3, 1]}, {}),
        ("Reshape", {}, {"shape": np.array([0, -1])}),
        ("Slice", {}, {"starts": np.array([1]), "ends": np.array([9]), "axes": np.array([2]), "by": np.array([2])}),
        ("Clip", {}, {"low": 3, "high": 60}),
        ("Pad", {}, {"pads": np.array([0, 0, 1, 2, 0, 0, 0, 1]), "value": 7}),
        ("DepthToSpace", {"blocksize": 2}, {}),
        ("Split", {"axis": 1}, {}),
    ],
)
def test_eight_bits_move(op, attrs, stored, dtype):
    x = drawn(3, dtype, 2, 4, 9, 8)
    stored = {k: np.array(v, dtype) if isinstance(v, int) else v for k, v in stored.items()}
    model = node_model(op, {"x": x}, stored, 13, outputs=2 if op == "Split" else 1, **attrs)
    for got, want in zip(ours(model, [x]), theirs(model, [x]), strict=True):
        assert got.dtype == want.dtype
        assert_array_equal(got, want)


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


# whole models --------------------------------------------------------------------------------------------------------

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


# operators of com.microsoft ------------------------------------------------------------------------------------------


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


# constants and refusals ----------------------------------------------------------------------------------------------


def node_cases():
    """The test cases of onnx for quantised operators."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        cases = collect_testcases(None)
    single = [c for c in cases if len(c.model.graph.node) == 1]
    return [c for c in single if c.model.graph.node[0].op_type in EVALUATED]


EVALUATED = ("QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv", "QLinearMatMul",
             "ConvInteger", "MatMulInteger")  # fmt: skip


@pytest.mark.parametrize("case", node_cases(), ids=lambda c: c.name)
def test_constants_are_evaluated(case):
    """Also where the types are no types of a graph: 2, 4 and 16 bits, float8, float16."""
    graph, (inputs, outputs) = case.model.graph, case.data_sets[0]
    arrays = [onnx.numpy_helper.to_array(a) if isinstance(a, TensorProto) else np.asarray(a) for a in inputs]
    tensors = {i.name: Tensor.known(Graph(), i.name, a) for i, a in zip(graph.input, arrays, strict=True)}
    proto = graph.node[0]
    node = OnnxNode(proto, [tensors[i] if i else None for i in proto.input], case.model.opset_import[0].version,
                    Graph(), set(proto.output))  # fmt: skip
    got = fold(node)
    assert not node.unseen()
    for y, want in zip(got, outputs, strict=True):
        want = onnx.numpy_helper.to_array(want) if isinstance(want, TensorProto) else np.asarray(want)
        assert (y.dtype, y.shape) == (want.dtype, want.shape)
        assert_array_equal(y.astype(np.float64), want.astype(np.float64))


@pytest.mark.parametrize(
    ("op", "inputs", "stored", "attrs", "reason"),
    [
        ("DequantizeLinear", {"x": np.zeros(3, np.int16)}, {"s": f32(1)}, {}, "the input 'x' is int16"),
        (
            "QuantizeLinear", {"x": np.zeros(3, np.float32)}, {"s": f32(1), "z": np.int16(0)}, {},
            "the integers 'z' are int16: only int8 and uint8 are supported",
        ),
        (
            "DequantizeLinear", {"x": np.zeros((4, 3), np.int8)}, {"s": np.ones((2, 3), np.float32)},
            {"axis": 0, "block_size": 2}, "scales of shape [2, 3] for blocks are not supported on computed tensors",
        ),
        (
            "MatMulInteger", {"x": np.zeros((4, 3), np.int8)},
            {"w": np.zeros((3, 2), np.int8), "z": np.zeros(4, np.int8)}, {},
            "a zero point of shape [4] for the left side is not supported, only one number",
        ),
    ],
)  # fmt: skip
def test_refusals_say_why(op, inputs, stored, attrs, reason):
    with pytest.raises(UnsupportedModelError) as caught:
        read(node_model(op, inputs, stored, 21, **attrs))
    assert reason in str(caught.value)


def test_an_operator_of_com_microsoft_that_nobody_reads():
    x = np.zeros((1, 4), np.uint8)
    model = contrib("QLinearReduceMean", {"x": x}, {"s": f32(1), "z": np.uint8(0)}, ["x", "s", "z", "s", "z"])
    with pytest.raises(UnsupportedModelError, match=r"QLinearReduceMean of the domain 'com\.microsoft'"):
        read(model)


def test_inputs_of_eight_bits_do_not_wrap_around():
    model = node_model("DequantizeLinear", {"x": np.zeros(3, np.int8)}, {"s": f32(1)})
    assert ours(model, [np.array([1, -128, 127])])[0].tolist() == [1, -128, 127]
    with pytest.raises(TypeError, match="'x' is int8: expected numbers from -128 to 127, got uint8 from 0 to 200"):
        ours(model, [np.array([0, 5, 200], np.uint8)])


def test_float8_is_refused_by_name():
    model = node_model("QuantizeLinear", {"x": np.zeros(3, np.float32)}, {"s": f32(1)}, 21,
                       output_dtype=TensorProto.FLOAT8E4M3FN)  # fmt: skip
    with pytest.raises(UnsupportedModelError, match="float8e4m3fn"):
        read(model)
