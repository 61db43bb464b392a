"""What exporters do out of habit leaves no trace in the graph that was read."""

import numpy as np
import pytest
from onnx import helper
from onnx_models import judge, model_of, numbers

from edgenet.compile import compile_graph
from edgenet.converters.onnx import read

pytestmark = pytest.mark.onnxruntime

NODE = helper.make_node
IMAGE = (2, 6, 8, 3)  # NHWC


def ops(model):
    return [n.op for n in read(model).nodes]


def keras_network():
    """As tf2onnx writes an NHWC network: each convolution between two transpositions."""
    w, b, d, g, m, v = numbers(1, (4, 3, 3, 3), (4,), (4, 1, 3, 3), (4,), (4,), (4,))
    first, last = {"perm": [0, 3, 1, 2]}, {"perm": [0, 2, 3, 1]}
    nodes = [
        NODE("Transpose", ["x"], ["x1"], **first),
        NODE("Pad", ["x1", "pads"], ["x2"]),
        NODE("Conv", ["x2", "w", "b"], ["c1"], strides=[2, 2]),
        NODE("BatchNormalization", ["c1", "g", "b", "m", "v"], ["n1"]),
        NODE("Transpose", ["n1"], ["t1"], **last),
        NODE("Sigmoid", ["t1"], ["s1"]),
        NODE("Mul", ["t1", "s1"], ["a1"]),
        NODE("Transpose", ["a1"], ["t2"], **first),
        NODE("Conv", ["t2", "d"], ["c2"], group=4, pads=[1, 1, 1, 1]),
        NODE("Transpose", ["c2"], ["t3"], **last),
        NODE("Add", ["t3", "a1"], ["sum"]),
        NODE("Identity", ["sum"], ["same"]),
        NODE("Dropout", ["same"], ["kept"]),
        NODE("ReduceMean", ["kept"], ["pooled"], axes=[1, 2], keepdims=0),
        NODE("Gemm", ["pooled", "k"], ["y"]),
    ]
    stored = {
        "w": w, "b": b, "d": d, "g": g, "m": m, "v": np.abs(v), "pads": np.array([0, 0, 0, 0, 0, 0, 1, 1]),
        "k": numbers(2, (4, 5))[0],
    }  # fmt: skip
    (x,) = numbers(3, IMAGE)
    return model_of(nodes, {"x": x}, ["y"], stored), x


def test_a_keras_network_ends_without_a_transposition():
    model, x = keras_network()
    judge(model, [x], 64)
    assert ops(model) == ["conv2d", "batch_norm", "silu", "conv2d", "add", "mean", "dense"]
    graph = read(model)
    compile_graph(graph)
    left = [n.op for n in graph.nodes if not n.output.derived]
    assert left == ["conv2d", "silu", "conv2d", "mean", "dense"]
    assert next(n for n in graph.nodes if n.op == "conv2d").attrs["padding"] == ((0, 1), (0, 1))


def test_batch_norm_as_product_and_sum():
    x, w, b, s, t = numbers(4, (2, 3, 6, 6), (4, 3, 3, 3), (4,), (1, 4, 1, 1), (4, 1, 1))
    nodes = [
        NODE("Conv", ["x", "w", "b"], ["c"]),
        NODE("Mul", ["c", "s"], ["m"]),
        NODE("Add", ["m", "t"], ["a"]),
        NODE("Relu", ["a"], ["y"]),
    ]
    model = model_of(nodes, {"x": x}, ["y"], {"w": w, "b": b, "s": s, "t": t})
    judge(model, [x], 27)
    graph = read(model)
    assert [n.op for n in graph.nodes] == ["transpose", "conv2d", "mul", "add", "relu", "transpose"]
    compile_graph(graph)
    left = [n for n in graph.nodes if not n.output.derived]
    assert [n.op for n in left] == ["transpose", "conv2d", "transpose"]
    assert left[1].attrs["activation"] == ("relu",)


def test_dense_of_images():
    """A layer on the last axis, as Shape, Gather, Concat and Reshape."""
    x, k = numbers(5, (2, 4, 5, 6), (6, 3))
    nodes = [
        NODE("Shape", ["x"], ["s"]),
        NODE("Reshape", ["x", "rows"], ["flat"]),
        NODE("MatMul", ["flat", "k"], ["p"]),
        NODE("Gather", ["s", "first"], ["lead"]),
        NODE("Concat", ["lead", "units"], ["shape"], axis=0),
        NODE("Reshape", ["p", "shape"], ["y"]),
    ]
    stored = {"rows": np.array([-1, 6]), "k": k, "first": np.array([0, 1, 2]), "units": np.array([3])}
    model = model_of(nodes, {"x": x}, ["y"], stored)
    judge(model, [x], 6)
    assert ops(model) == ["reshape", "dense", "reshape"]


def test_nearest_pixels_by_copies():
    """Reshape, Expand, Reshape, as torch and Keras write it: no number is computed."""
    (x,) = numbers(6, (1, 2, 3, 4))
    nodes = [
        NODE("Reshape", ["x", "apart"], ["a"]),
        NODE("Expand", ["a", "more"], ["b"]),
        NODE("Reshape", ["b", "whole"], ["y"]),
    ]
    stored = {
        "apart": np.array([1, 2, 3, 1, 4, 1]), "more": np.array([1, 2, 3, 2, 4, 2]), "whole": np.array([1, 2, 6, 8])
    }  # fmt: skip
    model = model_of(nodes, {"x": x}, ["y"], stored)
    judge(model, [x])
    assert ops(model) == ["reshape", "broadcast_to", "reshape"]


def test_global_pools_are_one_op():
    (x,) = numbers(7, (2, 3, 4, 5))
    one, other = (
        model_of([NODE(op, ["x"], ["y"], **attrs)], {"x": x}, ["y"])
        for op, attrs in (("GlobalAveragePool", {}), ("ReduceMean", {"axes": [2, 3]}))
    )
    judge(other, [x], 20)
    assert [o for o in ops(one) if o not in ("transpose", "reshape")] == ["mean"] == ops(other)


def test_layer_norm_in_pieces():
    x, g, b = numbers(8, (2, 5, 8), (8,), (8,))
    nodes = [
        NODE("ReduceMean", ["x"], ["m"], axes=[-1]),
        NODE("Sub", ["x", "m"], ["d"]),
        NODE("Pow", ["d", "two"], ["sq"]),
        NODE("ReduceMean", ["sq"], ["v"], axes=[-1]),
        NODE("Add", ["v", "eps"], ["ve"]),
        NODE("Sqrt", ["ve"], ["root"]),
        NODE("Div", ["d", "root"], ["z"]),
        NODE("Mul", ["z", "g"], ["zg"]),
        NODE("Add", ["zg", "b"], ["n"]),
        NODE("Mul", ["n", "root_half"], ["u"]),
        NODE("Erf", ["u"], ["e"]),
        NODE("Add", ["e", "one"], ["e1"]),
        NODE("Mul", ["n", "e1"], ["h"]),
        NODE("Mul", ["h", "half"], ["y"]),
    ]
    numbers_ = {"two": 2.0, "eps": 1e-5, "root_half": 0.5**0.5, "one": 1.0, "half": 0.5}
    stored = {"g": g, "b": b, **{k: np.float32(v) for k, v in numbers_.items()}}
    model = model_of(nodes, {"x": x}, ["y"], stored)
    judge(model, [x], 32)
    assert ops(model) == ["layer_norm", "gelu"]
