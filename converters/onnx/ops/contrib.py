"""The operators of com.microsoft that quantised models of onnxruntime hold.

QLinearAdd and its like are defined by floats: dequantise, compute, quantise.  They are read as what they are.  The
products (QGemm, DynamicQuantizeMatMul, MatMulIntegerToFloat) are computed in integers.

Source: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md
"""

from __future__ import annotations

import numpy as np

from edgenet.graph import emit

from ..integers import Integers, as_float, constant, dequantised, limits, matrix_product, quantised, with_input, zero_or
from ..node import OnnxNode
from ..registry import find_importer, importer
from ..tensor import Tensor, one, side_by_side, together
from .quantize import expect_bytes, pair

MICROSOFT = "com.microsoft"
#: the opset whose operators the float steps are read by
OPSET = 17


def _floats(node: OnnxNode, first: int) -> Tensor:
    """The tensor that the inputs (x, scale, zero) from `first` on stand for."""
    q = node.input(first)
    expect_bytes(node, q)
    return dequantised(q, node.input(first + 1), zero_or(node, first + 2, q.dtype))


def _quantised(node: OnnxNode, y: Tensor, first: int, dtype: str) -> Tensor:
    """A float tensor by the inputs (scale, zero) from `first` on."""
    zero = zero_or(node, first + 1, dtype)
    expect_bytes(node, zero)
    return quantised(y, node.input(first), zero)


def _binary(onnx_op: str, name: str) -> None:
    @importer(onnx_op, domain=MICROSOFT, any_dtype=True)
    def read(node: OnnxNode) -> Tensor:
        values, axes = together([_floats(node, 0), _floats(node, 3)])
        return _quantised(node, Tensor.held(one(emit(name, values)), axes), 6, node.input(0).dtype)


_binary("QLinearAdd", "add")
_binary("QLinearMul", "mul")


def _unary(onnx_op: str, float_op: str) -> None:
    """An operator of (x, x_scale, x_zero, y_scale, y_zero) that computes what a float operator does."""

    @importer(onnx_op, domain=MICROSOFT, any_dtype=True)
    def read(node: OnnxNode) -> Tensor:
        node.only("channels_last", 0)
        node.ignore("opset")
        found = find_importer(float_op, "", OPSET)
        assert found is not None
        inner = with_input(node, _floats(node, 0))
        inner.inputs, inner.opset = inner.inputs[:1], OPSET
        y = found.read(inner)
        return _quantised(node, y if isinstance(y, Tensor) else Tensor.held(y), 3, node.input(0).dtype)


for _op in ("Sigmoid", "LeakyRelu", "GlobalAveragePool", "AveragePool", "Softmax"):
    _unary(f"QLinear{_op}", _op)


@importer("QLinearConcat", domain=MICROSOFT, any_dtype=True)
def read_concat(node: OnnxNode) -> Tensor:
    tensors = [_floats(node, i) for i in range(2, len(node.inputs), 3)]
    if not tensors:
        node.refuse("expected at least one tensor to join")
    axis = tensors[0].axis(node.attr("axis", 1))
    values, axes = side_by_side(tensors)
    y = Tensor.held(values[0] if len(values) == 1 else one(emit("concat", values, axis=axes.index(axis))), axes)
    return _quantised(node, y, 0, node.input(2).dtype)


def _turned(node: OnnxNode, i: int) -> Tensor:
    """Input i, a matrix, transposed."""
    t = node.input(i)
    if t.rank != 2:
        node.refuse(f"input {i} should be a matrix, got shape {list(t.shape)}")
    return t.renamed((1, 0)) if t.array is None else node.constant(t.array.T, like=t)


@importer("QGemm", domain=MICROSOFT, any_dtype=True)
def read_gemm(node: OnnxNode) -> Tensor:
    node.only("alpha", 1.0)
    left, right = (
        _turned(node, i) if node.attr(flag, 0) else node.input(i) for i, flag in ((0, "transA"), (3, "transB"))
    )
    x = Integers(left, node.input(1), zero_or(node, 2, left.dtype), None)
    w = Integers(right, node.input(4), zero_or(node, 5, right.dtype), None)
    product, bias = matrix_product(node, *pair(node, x, w)), node.optional(6)
    if node.optional(7) is not None:
        zero = zero_or(node, 8, left.dtype)
        shape = (right.shape[-1],)
        added = None if bias is None else constant(bias, shape)
        return product(added, scale=node.input(7), zero=zero, **limits(zero.dtype))
    return _scaled(product(), x.scale, w.scale, None if bias is None else as_float(bias), first=True)


def _scaled(sums: Tensor, x_scale: Tensor, w_scale: Tensor, bias: Tensor | None, first: bool = False) -> Tensor:
    """Sums of integers as floats; `first`: the bias is in steps of them, and added before."""
    y = as_float(sums)
    if first and bias is not None:
        y = _both("add", y, bias)
    scales = _both("mul", x_scale, w_scale) if x_scale.array is None or w_scale.array is None else Tensor.known(
        sums.graph, "scale", np.float32(x_scale.array) * np.float32(w_scale.array)
    )  # fmt: skip
    y = _both("mul", y, scales)
    return y if first or bias is None else _both("add", y, bias)


def _both(name: str, a: Tensor, b: Tensor) -> Tensor:
    values, axes = together([a, b])
    return Tensor.held(one(emit(name, values)), axes)


@importer("MatMulIntegerToFloat", domain=MICROSOFT, any_dtype=True)
def read_matmul_to_float(node: OnnxNode) -> Tensor:
    left, right = node.input(0), node.input(1)
    x = Integers(left, node.input(2), zero_or(node, 4, left.dtype), None)
    w = Integers(right, node.input(3), zero_or(node, 5, right.dtype), None)
    return _scaled(matrix_product(node, *pair(node, x, w))(), x.scale, w.scale, node.optional(6))


@importer("DynamicQuantizeMatMul", domain=MICROSOFT)
def read_dynamic_matmul(node: OnnxNode) -> Tensor:
    left, right = node.input(0), node.input(1)
    q, scale, zero = emit("dynamic_quantize_linear", [left.plain()])
    x = Integers(node.held(q), node.held(scale), node.held(zero), None)
    w = Integers(right, node.input(2), zero_or(node, 3, right.dtype), None)
    return _scaled(matrix_product(node, *pair(node, x, w))(), x.scale, w.scale, node.optional(4))
