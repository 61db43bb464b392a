"""Quantised operators: computed in integers; onnxruntime is the judge."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from onnx import TensorProto, helper
from onnx_models import model_of, node_model, theirs
from quantised_models import agree, drawn, f32, ours

from cases import conv_cases
from edgenet.converters.onnx import UnsupportedModelError, read

pytestmark = pytest.mark.onnxruntime

NODE = helper.make_node
FIRST = (0, 3, 1, 2)


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


# refusals -------------------------------------------------------------------------------------------------------------


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
