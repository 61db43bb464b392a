"""Quantised convolutions and matrix products: eight bits in, sums of 32 bits or eight bits out.

::

    acc[…, n] = sum_k (x[…, k] - x_zero) · (w[k, n] - w_zero[n])                                           int32
    y[…, n]   = clamp(round((acc[…, n] + b[n]) · x_scale·w_scale[n] / y_scale) + y_zero, low, high)        8 bits

conv_integer and matmul_integer are the first line, qlinear_conv and qlinear_matmul both.  round is half to even.
Activations are NHWC and kernels HWIO, int8 or uint8 each; the scale and zero point of w are one number or one for each
output channel, the others are one number.  Everything but the zero points of x and y may also be computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Cost, Node, Op, ShapeError, Spec, Value, emit

from .geometry import Geometry, output_shape
from .integer_calls import Epilogue, Layer, conv_calls, matrix_calls
from .quantize import BYTES, LIMITS, NO_GRADIENT, expect, expect_bytes

GEOMETRY = ("strides", "padding", "dilation", "groups")


def _check_operands(x: Spec, w: Spec, x_zero: Spec, w_zero: Spec, n: Any) -> None:
    expect_bytes(x=x, w=w)
    expect(x_zero, "the zero point of x", x.dtype, 1)
    expect(w_zero, "the zero point of w", w.dtype, 1, n)


def _check_scales(specs: Sequence[Any], attrs: dict[str, Any], n: Any) -> str:
    """The dtype of y."""
    b, x_scale, w_scale, y_scale, y_zero = specs
    if b is not None and (b.shape != (n,) or b.dtype != "int32"):
        raise ShapeError(f"expected a bias int32[{n}], got {b}")
    expect(x_scale, "the scale of x", "float32", 1)
    expect(w_scale, "the scale of w", "float32", 1, n)
    expect(y_scale, "the scale of y", "float32", 1)
    expect_bytes(y_zero=y_zero)
    expect(y_zero, "the zero point of y", y_zero.dtype, 1)
    least, most = LIMITS[y_zero.dtype]
    if not least <= attrs["low"] <= attrs["high"] <= most:
        raise ShapeError(f"expected {least} <= low <= high <= {most}, got {attrs['low']} and {attrs['high']}")
    return str(y_zero.dtype)


def _matrix_shape(x: Spec, w: Spec) -> tuple[Any, ...]:
    if x.rank < 2 or w.rank < 2 or (w.rank > 2 and x.shape[:-2] != w.shape[:-2]):
        raise ShapeError(f"expected x[…, m, k] and w[k, n] or w[…, k, n], got shapes {x.shape} and {w.shape}")
    if x.shape[-1] != w.shape[-2]:
        raise ShapeError(f"x has {x.shape[-1]} features (shape {x.shape}) but w takes {w.shape[-2]} (shape {w.shape})")
    return (*x.shape[:-1], w.shape[-1])


def _epilogue(node: Node) -> Epilogue:
    b, x_scale, w_scale, y_scale, y_zero = node.inputs[4:]
    assert x_scale is not None and w_scale is not None and y_scale is not None and y_zero is not None
    return Epilogue(b, x_scale, w_scale, y_scale, y_zero, float(node.attrs["low"]), float(node.attrs["high"]))


def _layer(node: Node, epilogue: Epilogue | None) -> Layer:
    x, w, x_zero, w_zero = node.inputs[:4]
    assert x is not None and w is not None and x_zero is not None and w_zero is not None
    return Layer(x, w, x_zero, w_zero, node.output, epilogue)


class Integers(Op):
    """Base: sums of integers, which nothing can be trained through."""

    no_gradient = NO_GRADIENT

    def cost(self, node: Node) -> Cost:
        w = node.inputs[1]
        assert w is not None
        per_output = w.spec.size // max(w.shape[-1], 1) if "groups" in node.attrs else w.spec.sizes[-2]
        return Cost(2 * per_output * node.output.spec.size, super().cost(node).bytes)


class ConvInteger(Integers):
    """y[n, ho, wo, co] = sum (x[n, ho·sh + kh·dh - top, wo·sw + kw·dw - left, ci] - x_zero) · (w[…] - w_zero)."""

    name = "conv_integer"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        x, w, x_zero, w_zero = specs
        y = output_shape(x, w, attrs)
        _check_operands(x, w, x_zero, w_zero, w.shape[3])
        return [Spec(y, "int32")]

    def lower(self, node: Node) -> list[Call]:
        return _lower_conv(node, None)


class QLinearConv(Integers):
    """y = clamp(round((conv_integer(x, w) + b) · x_scale·w_scale / y_scale) + y_zero, low, high)."""

    name = "qlinear_conv"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        x, w, x_zero, w_zero, *rest = specs
        y = output_shape(x, w, attrs)
        _check_operands(x, w, x_zero, w_zero, w.shape[3])
        return [Spec(y, _check_scales(rest, attrs, w.shape[3]))]

    def lower(self, node: Node) -> list[Call]:
        return _lower_conv(node, _epilogue(node))


def _lower_conv(node: Node, epilogue: Epilogue | None) -> list[Call]:
    layer = _layer(node, epilogue)
    return conv_calls(layer, Geometry.of(layer.x.spec.sizes, layer.w.spec.sizes, node.attrs))


class MatMulInteger(Integers):
    """y[…, m, n] = sum_k (x[…, m, k] - x_zero) · (w[…, k, n] - w_zero[n]), int32."""

    name = "matmul_integer"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        x, w, x_zero, w_zero = specs
        y = _matrix_shape(x, w)
        _check_operands(x, w, x_zero, w_zero, y[-1])
        return [Spec(y, "int32")]

    def lower(self, node: Node) -> list[Call]:
        return matrix_calls(_layer(node, None))


class QLinearMatMul(Integers):
    """y = clamp(round((matmul_integer(x, w) + b) · x_scale·w_scale / y_scale) + y_zero, low, high)."""

    name = "qlinear_matmul"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        x, w, x_zero, w_zero, *rest = specs
        y = _matrix_shape(x, w)
        _check_operands(x, w, x_zero, w_zero, y[-1])
        return [Spec(y, _check_scales(rest, attrs, y[-1]))]

    def lower(self, node: Node) -> list[Call]:
        return matrix_calls(_layer(node, _epilogue(node)))


def _emit(name: str, *inputs: Any, **attrs: Any) -> Value:
    value = emit(name, list(inputs), **attrs)
    assert isinstance(value, Value)
    return value


def _bounds(y_zero: Value, low: int | None, high: int | None) -> dict[str, int]:
    least, most = LIMITS.get(y_zero.dtype, BYTES)
    return {"low": least if low is None else int(low), "high": most if high is None else int(high)}


def conv_integer(
    x: Value, w: Value, x_zero: Value, w_zero: Value, *, strides: tuple[int, int] = (1, 1),
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0)), dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> Value:  # fmt: skip
    """Convolution of integers over NHWC: the exact sums, int32.  Padding stands for x_zero.

    Args:
        x: int8 or uint8, shape (n, h, w, ci).
        w: int8 or uint8, shape (kh, kw, ci / groups, co).
        x_zero: the zero point of x, one number of its dtype.
        w_zero: of w, one number or co of them.
        strides: steps of the window along h and w.
        padding: rows (top, bottom) and columns (left, right).
        dilation: distance between taps along h and w.
        groups: the channels are split into this many groups that do not see each other.

    Raises:
        ShapeError: if shapes or dtypes do not fit together.

    Source: the ONNX operator ConvInteger, there on NCHW.

    Example:
        >>> import numpy as np
        >>> from edgenet.graph import Graph
        >>> g = Graph()
        >>> zero = g.constant(np.int8(0))
        >>> conv_integer(g.input((1, 8, 8, 3), "int8"), g.constant(np.ones((3, 3, 3, 16), np.int8)), zero, zero)
        %conv_integer: int32[1, 6, 6, 16]
    """
    return _emit("conv_integer", x, w, x_zero, w_zero, strides=tuple(strides), dilation=tuple(dilation), groups=groups,
                 padding=tuple(tuple(p) for p in padding))  # fmt: skip


def matmul_integer(x: Value, w: Value, x_zero: Value, w_zero: Value) -> Value:
    """Matrix product of integers: the exact sums, int32.

    Args:
        x: int8 or uint8, shape (…, m, k).
        w: int8 or uint8, shape (k, n), or (…, k, n) with the leading sizes of x.
        x_zero: the zero point of x, one number of its dtype.
        w_zero: of w, one number or n of them.

    Raises:
        ShapeError: if shapes or dtypes do not fit together.

    Source: the ONNX operator MatMulInteger.

    Example:
        >>> import numpy as np
        >>> from edgenet.graph import Graph
        >>> g = Graph()
        >>> zero = g.constant(np.int8(0))
        >>> matmul_integer(g.input((2, 8), "int8"), g.constant(np.ones((8, 4), np.int8)), zero, zero)
        %matmul_integer: int32[2, 4]
    """
    return _emit("matmul_integer", x, w, x_zero, w_zero)


def qlinear_conv(
    x: Value, w: Value, b: Value | None, scales: tuple[Value, Value, Value], zeros: tuple[Value, Value, Value], *,
    strides: tuple[int, int] = (1, 1), padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0)),
    dilation: tuple[int, int] = (1, 1), groups: int = 1, low: int | None = None, high: int | None = None,
) -> Value:  # fmt: skip
    """Quantised convolution: ``conv_integer`` plus bias, rounded to eight bits.

    Args:
        x: see `conv_integer`, as are w and the geometry.
        w: the kernel.
        b: int32, shape (co,), in steps of x_scale·w_scale.
        scales: of x, w and y, float32: one number each, w also one for each output channel.
        zeros: zero points of x, w and y; that of y says whether y is int8 or uint8.
        strides: as in `conv_integer`.
        padding: as in `conv_integer`.
        dilation: as in `conv_integer`.
        groups: as in `conv_integer`.
        low: y is at least this number of steps (default: the least of the dtype); a relu is low = y_zero.
        high: y is at most this.

    Raises:
        ShapeError: if shapes or dtypes do not fit together.

    Source: the ONNX operator QLinearConv, there on NCHW.

    Example:
        >>> import numpy as np
        >>> from edgenet.graph import Graph
        >>> g = Graph()
        >>> one, zero = g.constant(np.float32(1)), g.constant(np.int8(0))
        >>> w = g.constant(np.ones((3, 3, 3, 16), np.int8))
        >>> qlinear_conv(g.input((1, 8, 8, 3), "int8"), w, None, (one, one, one), (zero, zero, zero))
        %qlinear_conv: int8[1, 6, 6, 16]
    """
    return _emit("qlinear_conv", x, w, *zeros[:2], b, *scales, zeros[2], strides=tuple(strides),
                 dilation=tuple(dilation), groups=groups, padding=tuple(tuple(p) for p in padding),
                 **_bounds(zeros[2], low, high))  # fmt: skip


def qlinear_matmul(
    x: Value, w: Value, b: Value | None, scales: tuple[Value, Value, Value], zeros: tuple[Value, Value, Value], *,
    low: int | None = None, high: int | None = None,
) -> Value:  # fmt: skip
    """Quantised matrix product: ``matmul_integer`` plus bias, rounded to eight bits.

    Args:
        x: see `matmul_integer`, as is w.
        w: the right matrix.
        b: int32, shape (n,), in steps of x_scale·w_scale.
        scales: of x, w and y, float32: one number each, w also one for each column.
        zeros: zero points of x, w and y; that of y says whether y is int8 or uint8.
        low: y is at least this number of steps (default: the least of the dtype).
        high: y is at most this.

    Raises:
        ShapeError: if shapes or dtypes do not fit together.

    Source: the ONNX operator QLinearMatMul.

    Example:
        >>> import numpy as np
        >>> from edgenet.graph import Graph
        >>> g = Graph()
        >>> one, zero = g.constant(np.float32(1)), g.constant(np.int8(0))
        >>> w = g.constant(np.ones((8, 4), np.int8))
        >>> qlinear_matmul(g.input((2, 8), "int8"), w, None, (one, one, one), (zero, zero, zero))
        %qlinear_matmul: int8[2, 4]
    """
    return _emit("qlinear_matmul", x, w, *zeros[:2], b, *scales, zeros[2], **_bounds(zeros[2], low, high))
