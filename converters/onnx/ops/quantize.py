"""Quantised operators ↔ the ops of their names.

QuantizeLinear, DequantizeLinear, DynamicQuantizeLinear, ConvInteger, MatMulInteger, QLinearConv, QLinearMatMul.  What
models in QDQ form mean by floats is found by `integers`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx

from edgenet.graph import Node, Value, emit
from edgenet.ops.quantize import LIMITS

from .. import arrange
from ..integers import (
    Integers,
    constant,
    convolution,
    dequantised,
    in_integers,
    limits,
    matrix_product,
    quantised,
    zero_or,
)
from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor
from ..window import write_window
from ..writer import Writer

IMAGE = arrange.channels_first(4)


def expect_bytes(node: OnnxNode, *tensors: Tensor) -> None:
    """Refuse all but int8 and uint8."""
    for t in tensors:
        if t.dtype not in LIMITS:
            node.refuse(f"the integers {t.name!r} are {t.dtype}: only int8 and uint8 are supported")


def _axis(node: OnnxNode, x: Tensor, scale: Tensor) -> int | None:
    """The axis that has scales of its own."""
    if scale.rank > 1 or node.attr("block_size", 0):
        node.refuse(f"scales of shape {list(scale.shape)} for blocks are not supported on computed tensors")
    axis = node.attr("axis", 1)
    return None if scale.shape in ((), (1,)) else x.axis(axis)


@importer("QuantizeLinear", since=10, any_dtype=True)
@importer("QuantizeLinear", since=1, any_dtype=True, domain="com.microsoft")
def read_quantize(node: OnnxNode) -> Tensor:
    x, scale = node.input(0), node.input(1)
    node.ignore("saturate", "precision")
    asked = node.attr("output_dtype", 0)
    dtype = "uint8" if not asked else onnx.TensorProto.DataType.Name(asked).lower()
    zero = zero_or(node, 2, dtype, scale)
    expect_bytes(node, zero)
    if x.dtype != "float32":
        node.refuse(f"it quantises {x.dtype} ({x.name!r}): only float32 is supported")
    axis = _axis(node, x, scale)
    return in_integers(x, scale, zero, axis) or quantised(x, scale, zero, axis)


@importer("DequantizeLinear", since=10, any_dtype=True)
@importer("DequantizeLinear", since=1, any_dtype=True, domain="com.microsoft")
def read_dequantize(node: OnnxNode) -> Tensor:
    q, scale = node.input(0), node.input(1)
    node.only("output_dtype", 0, onnx.TensorProto.FLOAT)
    if q.dtype not in (*LIMITS, "int32"):
        node.refuse(f"it dequantises {q.dtype} ({q.name!r}): only int8, uint8 and int32 are supported")
    return dequantised(q, scale, zero_or(node, 2, q.dtype, scale), _axis(node, q, scale))


@importer("DynamicQuantizeLinear", since=11)
def read_dynamic(node: OnnxNode) -> list[Tensor]:
    x = node.input(0)
    y, scale, zero = emit("dynamic_quantize_linear", [x.raw])
    return [node.held(y, x.axes), node.held(scale), node.held(zero)]


def pair(node: OnnxNode, x: Integers, w: Integers) -> tuple[Integers, Integers]:
    """The two sides of a product, refused where they are not what can be multiplied."""
    expect_bytes(node, x.q, w.q)
    for what, t in (("scale", x.scale), ("zero point", x.zero)):
        if arrange.product(t.shape) != 1 or any(isinstance(s, str) for s in t.shape):
            node.refuse(f"a {what} of shape {list(t.shape)} for the left side is not supported, only one number")
    return x, w


def _sides(node: OnnxNode, x: int, w: int, x_zero: int, w_zero: int, *scales: int) -> tuple[Integers, Integers]:
    """The two sides of a product, by the numbers of the inputs."""
    one = node.constant(np.float32(1))
    x_scale, w_scale = (node.input(i) for i in scales) if scales else (one, one)
    left, right = node.input(x), node.input(w)
    return pair(
        node,
        Integers(left, x_scale, zero_or(node, x_zero, left.dtype), None),
        Integers(right, w_scale, zero_or(node, w_zero, right.dtype), None),
    )


@importer("ConvInteger", since=10, any_dtype=True)
def read_conv_integer(node: OnnxNode) -> Tensor:
    return convolution(node, *_sides(node, 0, 1, 2, 3))()


@importer("MatMulInteger", since=10, any_dtype=True)
def read_matmul_integer(node: OnnxNode) -> Tensor:
    return matrix_product(node, *_sides(node, 0, 1, 2, 3))()


def _result(node: OnnxNode, scale: int, zero: int) -> tuple[dict[str, Any], dict[str, int]]:
    y_zero = zero_or(node, zero, "uint8")
    expect_bytes(node, y_zero)
    return {"scale": node.input(scale), "zero": y_zero}, limits(y_zero.dtype)


@importer("QLinearConv", since=10, any_dtype=True)
def read_qlinear_conv(node: OnnxNode) -> Tensor:
    result, bounds = _result(node, 6, 7)
    b = node.optional(8)
    bias = None if b is None else constant(b)
    return convolution(node, *_sides(node, 0, 3, 2, 5, 1, 4))(bias, **result, **bounds)


@importer("QLinearMatMul", since=10, any_dtype=True)
def read_qlinear_matmul(node: OnnxNode) -> Tensor:
    result, bounds = _result(node, 6, 7)
    return matrix_product(node, *_sides(node, 0, 3, 2, 5, 1, 4))(None, **result, **bounds)


# exporters -----------------------------------------------------------------------------------------------------------


def _names(out: Writer, *values: Value | None) -> list[str]:
    return ["" if v is None else out.name(v) for v in values]


def _write_linear(node: Node, out: Writer, onnx_op: str) -> None:
    x, scale, zero = node.inputs
    assert x is not None and scale is not None
    axes = out.held(x)
    names = [out.name(x, axes), *_names(out, scale, zero)]
    attrs = {} if scale.spec.size == 1 else {"axis": axes.index(node.attrs["axis"] % x.spec.rank)}
    out.bind(node.output, axes, out.node(onnx_op, names, node.name, **attrs))


@exporter("quantize_linear")
def write_quantize(node: Node, out: Writer) -> None:
    _write_linear(node, out, "QuantizeLinear")


@exporter("dequantize_linear")
def write_dequantize(node: Node, out: Writer) -> None:
    """Sums that only become floats are cast: onnxruntime trips over a DequantizeLinear of int32 behind a Transpose."""
    x, scale, zero = (v for v in node.inputs if v is not None)
    units = scale.array is not None and bool((scale.array == 1).all())
    if x.dtype == "int32" and units and zero.array is not None and not zero.array.any():
        out.same(node, "Cast", to=onnx.TensorProto.FLOAT)
    else:
        _write_linear(node, out, "DequantizeLinear")


@exporter("dynamic_quantize_linear")
def write_dynamic(node: Node, out: Writer) -> None:
    x = node.inputs[0]
    assert x is not None
    axes = out.held(x)
    names = [out.unique(v.name) for v in node.outputs]
    out.nodes.append(onnx.helper.make_node("DynamicQuantizeLinear", [out.name(x, axes)], names, name=names[0]))
    for value, name, held in zip(node.outputs, names, (axes, (), ()), strict=True):
        out.bind(value, held, name)


def _clipped(node: Node, out: Writer, name: str) -> str:
    """The name of the result within its bounds, if they are narrower than eight bits."""
    dtype = node.output.dtype
    bounds = node.attrs["low"], node.attrs["high"]
    if bounds == LIMITS[dtype]:
        return name
    return out.node("Clip", [name, *(out.constant(np.array(v, dtype), "bound") for v in bounds)], node.name)


@exporter("conv_integer")
def write_conv_integer(node: Node, out: Writer) -> None:
    x, w, *zeros = node.inputs
    assert x is not None and w is not None
    names = [out.name(x, IMAGE), out.name(w, (3, 2, 0, 1)), *_names(out, *zeros)]
    out.bind(node.output, IMAGE, out.node("ConvInteger", names, node.name, **write_window(w.shape[:2], _window(node))))


@exporter("qlinear_conv")
def write_qlinear_conv(node: Node, out: Writer) -> None:
    x, w, x_zero, w_zero, b, x_scale, w_scale, y_scale, y_zero = node.inputs
    assert x is not None and w is not None
    names = [out.name(x, IMAGE), *_names(out, x_scale, x_zero), out.name(w, (3, 2, 0, 1)),
             *_names(out, w_scale, w_zero, y_scale, y_zero), *([] if b is None else [out.name(b)])]  # fmt: skip
    name = out.node("QLinearConv", names, node.name, **write_window(w.shape[:2], _window(node)))
    out.bind(node.output, IMAGE, _clipped(node, out, name))


def _window(node: Node) -> dict[str, Any]:
    return {key: node.attrs[key] for key in ("strides", "padding", "dilation", "groups")}


@exporter("matmul_integer")
def write_matmul_integer(node: Node, out: Writer) -> None:
    out.bind(node.output, None, out.node("MatMulInteger", _names(out, *node.inputs), node.name))


@exporter("qlinear_matmul")
def write_qlinear_matmul(node: Node, out: Writer) -> None:
    """With a bias, which QLinearMatMul does not have, in QDQ form."""
    x, w, x_zero, w_zero, b, x_scale, w_scale, y_scale, y_zero = node.inputs
    assert x is not None and w is not None and w_scale is not None
    if b is None:
        names = _names(out, x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero)
        name = out.node("QLinearMatMul", names, node.name)
    else:
        each = {} if w_scale.spec.size == 1 else {"axis": w.spec.rank - 1}
        step = out.node("Mul", _names(out, x_scale, w_scale), f"{node.name}_scale")
        left = out.node("DequantizeLinear", _names(out, x, x_scale, x_zero), f"{node.name}_x")
        right = out.node("DequantizeLinear", _names(out, w, w_scale, w_zero), f"{node.name}_w", **each)
        added = out.node("DequantizeLinear", [out.name(b), step], f"{node.name}_b", **({"axis": 0} if each else {}))
        if x.spec.rank == w.spec.rank == 2:
            name = out.node("Gemm", [left, right, added], f"{node.name}_product")
        else:
            name = out.node("MatMul", [left, right], f"{node.name}_product")
            name = out.node("Add", [name, added], f"{node.name}_sum")
        name = out.node("QuantizeLinear", [name, *_names(out, y_scale, y_zero)], node.name)
    out.bind(node.output, None, _clipped(node, out, name))
