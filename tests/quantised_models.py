"""What tests of quantised models share; a small seeded CNN, and what onnxruntime's quantiser makes of it."""

import logging
from collections import Counter

import numpy as np
import onnx
from onnx import helper, numpy_helper

from edgenet.compile import compile_graph
from edgenet.converters.onnx import read
from edgenet.graph import emit

SHAPE = (3, 12, 12)


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


def network(seed=0):
    """Convolutions of all kinds, a residual, a concatenation, pooling and two dense layers, in float."""
    rng = np.random.default_rng(seed)
    weights = {"low": np.float32(0), "high": np.float32(6)}
    nodes = []

    def w(name, *shape):
        fan = np.prod(shape[1:]) if len(shape) > 1 else 1
        weights[name] = (rng.standard_normal(shape) * fan**-0.5).astype(np.float32)
        return name

    def n(op, inputs, out, **attrs):
        nodes.append(helper.make_node(op, inputs, [out], name=f"{out}_node", **attrs))
        return out

    x = n("Conv", ["x", w("w0", 8, 3, 3, 3), w("b0", 8)], "conv0", pads=[1, 1, 1, 1])
    x = n("Relu", [x], "relu0")
    y = n("Conv", [x, w("w1", 8, 1, 3, 3), w("b1", 8)], "depthwise", group=8, pads=[1, 1, 1, 1])
    y = n("Clip", [y, "low", "high"], "relu6")
    y = n("Conv", [y, w("w2", 8, 4, 1, 1)], "grouped", group=2)
    x = n("Relu", [n("Add", [x, y], "residual")], "relu2")
    x = n("MaxPool", [x], "max", kernel_shape=[2, 2], strides=[2, 2])
    a = n("Conv", [x, w("w3", 12, 8, 3, 2), w("b3", 12)], "dilated", dilations=[2, 1], pads=[2, 0, 2, 1])
    b = n("Conv", [x, w("w4", 4, 8, 3, 3), w("b4", 4)], "same", auto_pad="SAME_UPPER")
    x = n("Concat", [a, n("Sigmoid", [b], "gate")], "joined", axis=1)
    x = n("AveragePool", [x], "average", kernel_shape=[2, 2], strides=[2, 2])
    x = n("Flatten", [n("GlobalAveragePool", [x], "global")], "flat")
    x = n("Gemm", [x, w("w5", 10, 16), w("b5", 10)], "gemm", transB=1)
    x = n("MatMul", [n("LeakyRelu", [x], "leaky", alpha=0.1), w("w6", 10, 6)], "matmul")
    n("Add", [x, w("b6", 6)], "y")
    graph = helper.make_graph(
        nodes, "network", [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, ["N", *SHAPE])],
        [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["N", 6])],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in weights.items()],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def images(seed, count=4):
    """Inputs of the network."""
    return np.random.default_rng(seed).standard_normal((count, *SHAPE)).astype(np.float32)


class _Calibration:
    def __init__(self):
        self.batches = iter([{"x": images(i)} for i in range(4)])

    def get_next(self):
        return next(self.batches, None)


def quantised(folder, how, activations="uint8", weights="int8", per_channel=False):
    """The network quantised by onnxruntime: `how` is QDQ, QOperator or dynamic."""
    from onnxruntime import quantization as q

    class Reader(_Calibration, q.CalibrationDataReader):
        pass

    kinds = {"uint8": q.QuantType.QUInt8, "int8": q.QuantType.QInt8}
    source, target = str(folder / "float.onnx"), str(folder / "quantised.onnx")
    onnx.save(network(), source)
    logging.disable(logging.WARNING)  # it advises to preprocess
    try:
        if how == "dynamic":
            types = ["Conv", "MatMul", "Gemm"]
            q.quantize_dynamic(
                source, target, weight_type=kinds[weights], per_channel=per_channel, op_types_to_quantize=types
            )
        else:
            q.quantize_static(
                source, target, Reader(), quant_format=q.QuantFormat[how], activation_type=kinds[activations],
                weight_type=kinds[weights], per_channel=per_channel,
                reduce_range=(activations, weights) == ("uint8", "int8"),  # onnxruntime's kernels may saturate else
            )  # fmt: skip
    finally:
        logging.disable(logging.NOTSET)
    return onnx.load(target)


# nodes of the graph --------------------------------------------------------------------------------------------------


def _constant(x, array, dtype):
    return x.graph.constant(np.asarray(array, dtype))


def _integers(x):
    """x as uint8, its zero point and its scale."""
    scale, zero = _constant(x, 0.03, np.float32), _constant(x, 120, np.uint8)
    return emit("quantize_linear", [x, scale, zero], axis=-1), zero, scale


def _weights(x, *shape):
    """Weights, their zero point and their scale."""
    values = np.random.default_rng(1).integers(0, 256, shape)
    return _constant(x, values, np.uint8), _constant(x, 130, np.uint8), _constant(x, 0.01, np.float32)


def _floats(x, scale):
    return emit("dequantize_linear", [x, _constant(x, scale, np.float32), _constant(x, 0, x.dtype)], axis=-1)


def _conv(x, name, *rest, **bounds):
    (q, zero, scale), (w, w_zero, w_scale) = _integers(x), _weights(x, 3, 2, 4, 5)
    attrs = {"strides": (2, 1), "padding": ((1, 0), (0, 1)), "dilation": (1, 2), "groups": 1}
    if name == "conv_integer":
        return _floats(emit(name, [q, w, zero, w_zero], **attrs), 1)
    bias, y_zero = _constant(x, np.arange(5) * 300, np.int32), _constant(x, 100, np.uint8)
    y_scale = _constant(x, 0.1, np.float32)
    return emit(name, [q, w, zero, w_zero, bias, scale, w_scale, y_scale, y_zero], **attrs, **bounds)


def _matmul(x, name, bias=None):
    rows = emit("reshape", [x], shape=(x.shape[0], 192))
    (q, zero, scale), (w, w_zero, w_scale) = _integers(rows), _weights(x, 192, 5)
    if name == "matmul_integer":
        return _floats(emit(name, [q, w, zero, w_zero]), 1)
    b = None if bias is None else _constant(x, bias, np.int32)
    y_scale, y_zero = _constant(x, 0.2, np.float32), _constant(x, 100, np.uint8)
    return emit(name, [q, w, zero, w_zero, b, scale, w_scale, y_scale, y_zero], low=0, high=255)


def _dynamic(x):
    y, scale, zero = emit("dynamic_quantize_linear", [x])
    return emit("dequantize_linear", [y, scale, zero], axis=-1)


def _per_channel(x):
    scale, zero = _constant(x, [0.02, 0.03, 0.04, 0.05], np.float32), _constant(x, [1, 2, -3, 4], np.int8)
    return emit("dequantize_linear", [emit("quantize_linear", [x, scale, zero], axis=3), scale, zero], axis=3)


#: what makes a graph of each quantised op, out of an image of four channels
BUILD = {
    "quantize_linear": lambda x: _integers(x)[0],
    "dequantize_linear": _per_channel,
    "dynamic_quantize_linear": _dynamic,
    "conv_integer": lambda x: _conv(x, "conv_integer"),
    "qlinear_conv": lambda x: _conv(x, "qlinear_conv", low=0, high=255),
    "matmul_integer": lambda x: _matmul(x, "matmul_integer"),
    "qlinear_matmul": lambda x: _matmul(x, "qlinear_matmul"),
}
OTHER = {
    "quantised bias": lambda x: _matmul(x, "qlinear_matmul", np.arange(5) * 700),
    "quantised relu": lambda x: _conv(x, "qlinear_conv", low=100, high=180),
}
