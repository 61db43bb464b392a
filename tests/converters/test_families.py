"""Pads, resizing, recurrent layers, norms, products and other families of operators, judged by onnxruntime."""

import numpy as np
import pytest
from onnx import helper
from onnx_models import judge, model_of, node_model, numbers

from edgenet.converters.onnx import read
from edgenet.graph import emit, gradients

pytestmark = pytest.mark.onnxruntime


@pytest.mark.parametrize("mode", ["constant", "reflect", "edge"])
@pytest.mark.parametrize("pads", [[0, 0, 2, 3, 0, 0, 1, 4], [0, 1, 2, 0, 0, 2, 0, 3], [0, 0, -1, 2, 0, 0, 1, -2]])
def test_pad(mode, pads):
    (x,) = numbers(1, (2, 3, 5, 6))
    judge(node_model("Pad", {"x": x}, {"p": np.array(pads)}, mode=mode), [x])


def test_pad_wraps():
    (x,) = numbers(1, (1, 3, 5, 6))
    pads = np.array([0, 0, 2, 7, 0, 0, 1, 13])
    (y,) = run(node_model("Pad", {"x": x}, {"p": pads}, opset=19, mode="wrap"), [x])
    np.testing.assert_array_equal(y, np.pad(x, ((0, 0), (0, 0), (2, 1), (7, 13)), "wrap"))


def run(model, arrays):
    from edgenet.converters.onnx import backend

    return backend.prepare(model).run(arrays)


COORDINATES = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "half_pixel_symmetric"]


@pytest.mark.parametrize("coordinates", COORDINATES)
@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("sizes", [(4, 9), (10, 14), (3, 3)])
def test_resize_to_sizes(coordinates, mode, sizes):
    (x,) = numbers(2, (1, 2, 5, 7))
    attrs = {"mode": mode, "coordinate_transformation_mode": coordinates, "cubic_coeff_a": -0.5}
    judge(
        node_model("Resize", {"x": x}, {"s": np.array([1, 2, *sizes])}, order=["x", "", "", "s"], opset=19, **attrs),
        [x],
        64,
    )


@pytest.mark.parametrize("attrs", [
    {"mode": "cubic", "exclude_outside": 1}, {"mode": "linear", "antialias": 1}, {"mode": "cubic", "antialias": 1},
    {"mode": "linear", "coordinate_transformation_mode": "asymmetric"}, {"mode": "cubic"}, {"mode": "nearest"},
    {"mode": "linear", "axes": [3, 2]}, {"mode": "linear"},
])  # fmt: skip
@pytest.mark.parametrize("scales", [(0.6, 0.5), (2.0, 1.7)])
def test_resize_by_scales(attrs, scales):
    (x,) = numbers(3, (1, 1, 8, 9))
    given = scales if "axes" in attrs else (1, 1, *scales)
    stored = {"s": np.array(given, np.float32)}
    judge(node_model("Resize", {"x": x}, stored, order=["x", "", "s"], opset=19, **attrs), [x], 256)


def test_aligned_corners_by_a_scale():
    """By hand: place 1 of 4·0.6 is 3 / (2.4 - 1), as the specification's formula says."""
    x = np.arange(1, 9, dtype=np.float32).reshape(1, 1, 2, 4)
    attrs = {"mode": "linear", "coordinate_transformation_mode": "align_corners"}
    stored = {"s": np.float32([1, 1, 0.6, 0.6])}
    (y,) = run(node_model("Resize", {"x": x}, stored, order=["x", "", "s"], opset=19, **attrs), [x])
    np.testing.assert_allclose(y, [[[[1, 1 + 3 / 1.4]]]], rtol=1e-5)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
def test_cropping(mode):
    (x,) = numbers(4, (1, 1, 6, 7))
    stored = {"roi": np.array([0, 0, 0.4, -0.2, 1, 1, 0.8, 1.1], np.float32), "s": np.array([1, 1, 3, 8])}
    attrs = {"mode": mode, "coordinate_transformation_mode": "tf_crop_and_resize", "extrapolation_value": 10.0}
    judge(node_model("Resize", {"x": x}, stored, order=["x", "roi", "", "s"], opset=19, **attrs), [x], 256)


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller"])
def test_aspect_ratio(policy):
    (x,) = numbers(5, (1, 1, 6, 8))
    stored = {"s": np.array([9, 7])}
    attrs = {"mode": "linear", "keep_aspect_ratio_policy": policy, "axes": [2, 3]}
    judge(node_model("Resize", {"x": x}, stored, order=["x", "", "", "s"], opset=19, **attrs), [x], 64)


@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_upsample(mode):
    (x,) = numbers(6, (1, 2, 4, 5))
    stored = {"s": np.array([1, 1, 2, 3], np.float32)}
    judge(node_model("Upsample", {"x": x}, stored, opset=9, mode=mode), [x], 8)


# recurrent ------------------------------------------------------------------------------------------------------------

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def recurrent(op, direction="forward", batch_first=False, given=3, **attrs):
    count, gates, hidden = 2 if direction == "bidirectional" else 1, GATES[op], 4
    state = (3, count, hidden) if batch_first else (count, 3, hidden)
    shapes = [(3, 5, 2) if batch_first else (5, 3, 2), (count, gates * hidden, 2), (count, gates * hidden, hidden)]
    shapes += [(count, 2 * gates * hidden), (3,), state, state, (count, 3 * hidden)]
    arrays = dict(zip(("x", "w", "r", "b", "lengths", "h", "c", "p"), numbers(7, *shapes), strict=True))
    arrays["lengths"] = np.array([5, 2, 4], np.int32)
    names = ["x", "w", "r", *("b" if given > 3 else ())]
    names += {3: [], 4: [], 5: ["lengths"], 6: ["", "h"], 7: ["", "h", "c"], 8: ["", "h", "c", "p"]}[given]
    stored = {n: arrays[n] for n in names[1:] if n}
    outputs = 3 if op == "LSTM" else 2
    model = node_model(
        op, {"x": arrays["x"]}, stored, order=names, outputs=outputs, hidden_size=hidden, direction=direction,
        layout=int(batch_first), **attrs,
    )  # fmt: skip
    return model, arrays["x"]


@pytest.mark.parametrize("direction", ["forward", "reverse", "bidirectional"])
@pytest.mark.parametrize("given", [3, 4, 5, 6, 7, 8])
@pytest.mark.parametrize("op", GATES)
def test_recurrent(op, direction, given):
    if given > {"RNN": 6, "GRU": 6, "LSTM": 8}[op]:
        given = 4
    model, x = recurrent(op, direction, given=given)
    judge(model, [x], 64)


@pytest.mark.parametrize("attrs", [
    ("GRU", {"linear_before_reset": 1}), ("GRU", {"linear_before_reset": 1, "clip": 0.4}), ("LSTM", {"clip": 0.5}),
    ("LSTM", {"input_forget": 1}), ("RNN", {"activations": ["Relu"]}), ("RNN", {"clip": 0.3}),
    ("RNN", {"activations": ["LeakyRelu"], "activation_alpha": [0.3]}),
    ("RNN", {"activations": ["Affine"], "activation_alpha": [0.3], "activation_beta": [0.1]}),
    ("LSTM", {"activations": ["HardSigmoid", "Softsign", "Tanh"], "activation_alpha": [0.3]}),
    ("GRU", {"activations": ["Sigmoid", "Elu"], "activation_alpha": [0.7]}),
], ids=str)  # fmt: skip
def test_forms_of_recurrent_layers(attrs):
    model, x = recurrent(attrs[0], given=4, **attrs[1])
    judge(model, [x], 64)


@pytest.mark.parametrize("op", GATES)
def test_batch_first(op):
    """By turning what goes in and comes out: onnxruntime knows no layout 1."""
    model, x = recurrent(op, "bidirectional", given=4, batch_first=True)
    other, _ = recurrent(op, "bidirectional", given=4)
    got, want = run(model, [x]), run(other, [x.transpose(1, 0, 2)])
    np.testing.assert_array_equal(got[0], want[0].transpose(2, 0, 1, 3))
    np.testing.assert_array_equal(got[1], want[1].transpose(1, 0, 2))


def test_a_long_sequence_is_one_node():
    x, w, r = numbers(8, (200, 1, 8), (1, 64, 8), (1, 64, 16))
    graph = read(node_model("LSTM", {"x": x}, {"w": w, "r": r}, hidden_size=16))
    assert [n.op for n in graph.nodes].count("lstm") == 1
    assert len(graph.nodes) < 8


# norms ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("axis", [-1, 1, 2])
@pytest.mark.parametrize("bias", [False, True])
def test_layer_normalization(axis, bias):
    x, g, b = numbers(9, (2, 3, 4, 5), (3, 4, 5)[axis % 4 - 1 :], (3, 4, 5)[axis % 4 - 1 :])
    stored = {"g": g, **({"b": b} if bias else {})}
    judge(node_model("LayerNormalization", {"x": x}, stored, outputs=3, axis=axis), [x], 60)


def test_layer_normalization_of_an_image_stays_in_its_arrangement():
    x, w, g = numbers(10, (1, 3, 6, 6), (4, 3, 1, 1), (4, 6, 6))
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["h"]),
        helper.make_node("LayerNormalization", ["h", "g"], ["y"], axis=1),
    ]
    model = model_of(nodes, {"x": x}, ["y"], {"w": w, "g": g})
    judge(model, [x], 144)
    assert [n.op for n in read(model).nodes].count("transpose") == 2  # where the image comes in, and goes out


@pytest.mark.parametrize("shape", [(2, 6, 5), (2, 6, 4, 3), (1, 6, 2, 3, 4)])
def test_normalizations_of_images(shape):
    x, g, b = numbers(11, shape, (6,), (6,))
    judge(node_model("InstanceNormalization", {"x": x}, {"g": g, "b": b}), [x], 60)
    judge(node_model("GroupNormalization", {"x": x}, {"g": g, "b": b}, opset=21, num_groups=3), [x], 60)
    judge(node_model("GroupNormalization", {"x": x}, {"g": g[:3], "b": b[:3]}, opset=18, num_groups=3), [x], 60)
    judge(node_model("LpNormalization", {"x": x}, axis=1, p=1), [x], 12)
    judge(node_model("LpNormalization", {"x": x}, axis=-1, p=2), [x], 12)
    if len(shape) == 4:
        judge(node_model("LRN", {"x": x}, size=3, alpha=0.5, beta=0.6, bias=1.5), [x], 12)
        judge(node_model("LRN", {"x": x}, size=5), [x], 12)
        judge(node_model("MeanVarianceNormalization", {"x": x}, axes=[0, 2, 3]), [x], 60)


def test_batch_normalization_that_learns():
    x, g, b, m, v = numbers(12, (4, 3, 5), *[(3,)] * 4)
    stored = {"g": g, "b": b, "m": m, "v": np.abs(v)}
    judge(node_model("BatchNormalization", {"x": x}, stored, outputs=3, training_mode=1, momentum=0.8), [x], 60)


# products -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("p", "q"), [
    ((2, 3, 4), (2, 4, 5)), ((3, 1, 2, 4), (2, 4, 5)), ((4,), (3, 4, 2)), ((2, 3, 4), (4,)), ((3, 4), (5, 4, 2)),
])  # fmt: skip
@pytest.mark.parametrize("stored", [False, True])
def test_matmul(p, q, stored):
    a, b = numbers(13, p, q)
    judge(node_model("MatMul", {"a": a} if stored else {"a": a, "b": b}, {"b": b} if stored else {}),
          [a] if stored else [a, b], 4)  # fmt: skip


@pytest.mark.parametrize(("equation", "shapes"), [
    ("ij->ji", [(2, 3)]), ("bij->b", [(4, 2, 3)]), ("ii->i", [(4, 4)]), ("...ii->...i", [(2, 3, 4, 4)]),
    ("ij,jk->ik", [(2, 3), (3, 4)]), ("bij,bjk->bik", [(5, 2, 3), (5, 3, 4)]), ("i,i", [(6,), (6,)]),
    ("bqhd,bkhd->bhqk", [(2, 3, 4, 5), (2, 6, 4, 5)]), ("...ij,...jk->...ik", [(2, 4, 2, 3), (2, 1, 3, 5)]),
    ("i,j->ij", [(3,), (4,)]), ("bhqk,bkhd", [(2, 4, 3, 6), (2, 6, 4, 5)]), ("ij,ij->j", [(2, 3), (2, 3)]),
    ("ab,bc,cd->da", [(2, 3), (3, 4), (4, 5)]),
])  # fmt: skip
def test_einsum(equation, shapes):
    arrays = numbers(14, *shapes)
    inputs = {f"x{i}": a for i, a in enumerate(arrays)}
    judge(node_model("Einsum", inputs, equation=equation), arrays, 40)


# windows --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("strides", [[1, 1, 1], [2, 1, 2]])
def test_conv_over_three_axes(groups, strides):
    x, w, b = numbers(15, (2, 4, 6, 5, 7), (6, 4 // groups, 3, 2, 3), (6,))
    attrs = {"strides": strides, "pads": [1, 0, 1, 2, 1, 0], "dilations": [2, 1, 1], "group": groups}
    judge(node_model("Conv", {"x": x}, {"w": w, "b": b}, **attrs), [x], 72)


def test_conv_transpose_over_three_axes():
    x, w, b = numbers(16, (1, 2, 3, 4, 3), (2, 3, 3, 2, 3), (3,))
    attrs = {"strides": [2, 1, 2], "pads": [1, 0, 1, 0, 1, 1], "output_padding": [1, 0, 1]}
    judge(node_model("ConvTranspose", {"x": x}, {"w": w, "b": b}, **attrs), [x], 36)


@pytest.mark.parametrize("attrs", [{"output_shape": [10, 9]}, {"output_shape": [14, 9], "auto_pad": "SAME_UPPER"}])
def test_conv_transpose_to_a_size(attrs):
    x, w = numbers(17, (1, 2, 4, 4), (2, 3, 3, 3))
    model = node_model("ConvTranspose", {"x": x}, {"w": w}, strides=[3, 2], **attrs)
    (y,) = run(model, [x])
    assert y.shape == (1, 3, *attrs["output_shape"])
    if attrs["output_shape"][0] == 10:
        judge(model, [x], 18)


@pytest.mark.parametrize("op", ["MaxPool", "AveragePool", "LpPool"])
@pytest.mark.parametrize("shape", [(1, 2, 9), (1, 2, 9, 10), (1, 2, 7, 8, 9)])
@pytest.mark.parametrize("ceil", [0, 1])
def test_pools(op, shape, ceil):
    (x,) = numbers(18, shape)
    n = len(shape) - 2
    attrs = {"kernel_shape": [3, 2, 3][:n], "strides": [2, 3, 2][:n], "pads": [1, 0, 1][:n] + [1, 1, 0][:n]}
    attrs |= {"ceil_mode": ceil} | ({"p": 3} if op == "LpPool" else {})
    judge(node_model(op, {"x": x}, opset=18, **attrs), [x], 64)


@pytest.mark.parametrize("shape", [(1, 2, 9, 10), (1, 2, 7, 8, 9)])
def test_dilated_maximum(shape):
    (x,) = numbers(19, shape)
    n = len(shape) - 2
    attrs = {"kernel_shape": [2, 3, 2][:n], "dilations": [2, 2, 3][:n], "pads": [1] * 2 * n, "strides": [1, 2, 1][:n]}
    judge(node_model("MaxPool", {"x": x}, **attrs), [x])


@pytest.mark.parametrize("include", [0, 1])
@pytest.mark.parametrize("ceil", [0, 1])
def test_dilated_average(include, ceil):
    """By hand: onnxruntime has no average with dilations for all its releases."""
    (x,) = numbers(20, (1, 1, 7))
    attrs = {"kernel_shape": [3], "dilations": [2], "strides": [2], "pads": [1, 2]}
    (y,) = run(node_model("AveragePool", {"x": x}, opset=19, count_include_pad=include, ceil_mode=ceil, **attrs), [x])
    want = []
    for o in range(y.shape[2]):
        taps = [o * 2 - 1 + 2 * k for k in range(3)]
        seen = [x[0, 0, t] for t in taps if 0 <= t < 7]
        count = sum(-1 <= t < 9 for t in taps) if include else len(seen)
        want.append(sum(seen) / count)
    np.testing.assert_allclose(y[0, 0], want, rtol=1e-5)
    assert y.shape[2] == (4 if ceil else 3)


@pytest.mark.parametrize("op", ["GlobalLpPool", "GlobalAveragePool", "GlobalMaxPool"])
def test_global_pools_over_three_axes(op):
    (x,) = numbers(21, (2, 3, 4, 5, 2))
    judge(node_model(op, {"x": x}), [x], 40)


# the rest -------------------------------------------------------------------------------------------------------------

UNARY = ["Sin", "Cos", "Tan", "Atan", "Sinh", "Cosh", "Asinh", "Floor", "Ceil", "Round", "Sign"]


@pytest.mark.parametrize("op", UNARY)
def test_functions(op):
    (x,) = numbers(22, (2, 3, 4))
    judge(node_model(op, {"x": x * 2}), [x * 2], 8)


@pytest.mark.parametrize("op", ["Asin", "Acos", "Atanh", "Acosh"])
def test_functions_of_some_numbers(op):
    (x,) = numbers(23, (40,))
    x = np.tanh(x) if op != "Acosh" else 1 + np.abs(x)
    judge(node_model(op, {"x": x}), [x], 8)


@pytest.mark.parametrize("axes", [None, [1], [0, 2]])
@pytest.mark.parametrize("op", ["L1", "L2", "LogSum", "LogSumExp", "SumSquare", "Prod"])
@pytest.mark.parametrize("keep", [0, 1])
def test_reductions(op, axes, keep):
    (x,) = numbers(24, (3, 4, 5))
    x = np.abs(x) if op == "LogSum" else x
    attrs = {} if axes is None else {"axes": axes}
    judge(node_model(f"Reduce{op}", {"x": x}, keepdims=keep, **attrs), [x], 64)


@pytest.mark.parametrize(("op", "attrs"), [
    ("Hardmax", {"axis": 1}), ("Hardmax", {}), ("Shrink", {"lambd": 0.4, "bias": 0.1}),
    ("ThresholdedRelu", {"alpha": 0.3}),
    ("Celu", {"alpha": 0.6}), ("ArgMin", {"axis": 1}), ("Trilu", {}), ("Trilu", {"upper": 0}),
], ids=str)  # fmt: skip
def test_single_operators(op, attrs):
    (x,) = numbers(25, (3, 4, 5))
    judge(node_model(op, {"x": x}, **attrs), [x], 8)


@pytest.mark.parametrize("attrs", [{}, {"exclusive": 1}, {"reverse": 1}, {"exclusive": 1, "reverse": 1}])
def test_cumsum(attrs):
    (x,) = numbers(26, (3, 4, 5))
    judge(node_model("CumSum", {"x": x}, {"axis": np.array(1)}, **attrs), [x], 5)


def test_choices_and_logic():
    x, y = numbers(27, (3, 4), (4,))
    nodes = [
        helper.make_node("Greater", ["x", "zero"], ["a"]),
        helper.make_node("Less", ["x", "y"], ["b"]),
        helper.make_node("And", ["a", "b"], ["c"]),
        helper.make_node("Xor", ["a", "known"], ["d"]),
        helper.make_node("Or", ["c", "d"], ["e"]),
        helper.make_node("Not", ["e"], ["f"]),
        helper.make_node("Where", ["f", "x", "y"], ["z"]),
        helper.make_node("Where", ["known", "z", "x"], ["w"]),
    ]
    stored = {"zero": np.float32(0), "known": np.array([True, False, True, False])}
    judge(model_of(nodes, {"x": x, "y": y}, ["w"], stored), [x, y])


@pytest.mark.parametrize("fmod", [0, 1])
def test_mod(fmod):
    x, y = numbers(28, (3, 40), (40,))
    if fmod:
        judge(node_model("Mod", {"x": x, "y": y}, fmod=1), [x, y])
    else:  # onnxruntime refuses it
        (z,) = run(node_model("Mod", {"x": x, "y": y}), [x, y])
        np.testing.assert_allclose(z, np.mod(x, y), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("stored", [False, True])
def test_pow_of_values(stored):
    x, p = numbers(29, (3, 4), (4,))
    x = np.abs(x)
    judge(node_model("Pow", {"x": x} if stored else {"x": x, "p": p}, {"p": p} if stored else {}),
          [x] if stored else [x, p], 16)  # fmt: skip


def test_places():
    (x,) = numbers(30, (3, 4, 5))
    rng = np.random.default_rng(30)
    judge(node_model("Gather", {"x": x}, {"i": rng.integers(-4, 4, (2, 3))}, axis=1), [x])
    judge(node_model("Gather", {"x": x}, {"i": rng.integers(0, 5, 40)}, axis=2), [x])
    judge(node_model("GatherElements", {"x": x}, {"i": rng.integers(-4, 4, (3, 6, 2))}, axis=1), [x])
    judge(node_model("GatherND", {"x": x}, {"i": rng.integers(0, 3, (2, 7, 2))}), [x])
    judge(node_model("GatherND", {"x": x}, {"i": rng.integers(0, 4, (3, 2, 1))}, batch_dims=1), [x])
    updates = numbers(31, (3, 2, 5), (2, 4, 5))
    places = np.array([[[0, 1, 2, 3, 0], [1, 0, 3, 2, 1]]] * 3)
    judge(node_model("ScatterElements", {"x": x}, {"i": places, "u": updates[0]}, axis=1), [x])
    judge(node_model("ScatterND", {"x": x}, {"i": np.array([[2], [0]]), "u": updates[1]}), [x])


def test_places_that_are_computed():
    x, s = numbers(32, (3, 4, 5), (2, 3))
    nodes = [
        helper.make_node("ArgMax", ["s"], ["i"], axis=0, keepdims=0),
        helper.make_node("Gather", ["x", "i"], ["y"], axis=1),
    ]
    judge(model_of(nodes, {"x": x, "s": s}, ["y"]), [x, s])


@pytest.mark.parametrize("op", ["LSTM", "GRU", "RNN"])
def test_what_is_read_can_be_trained(op):
    model, _ = recurrent(op, "bidirectional", given=4)
    graph = read(model)
    loss = emit("sum", [graph.outputs[0]], axes=(0, 1, 2, 3), keepdims=False)
    wanted = [graph.variable(v) for v in graph.variables]
    assert len(wanted) == 3
    assert all(g is not None and g.shape == v.shape for g, v in zip(gradients(loss, wanted), wanted, strict=True))
