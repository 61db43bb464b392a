"""Between floats and integers of eight bits: quantize_linear, dequantize_linear, dynamic_quantize_linear."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Node, Op, Scratch, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import quantize as k

NO_GRADIENT = "integers do not change by small steps: train the float model, and quantise it afterwards"

#: what eight bits can hold
LIMITS = {"int8": (-128, 127), "uint8": (0, 255)}
BYTES = LIMITS["uint8"]


def expect_bytes(**specs: Spec) -> None:
    """Raise ShapeError unless all are int8 or uint8."""
    for name, spec in specs.items():
        if spec.dtype not in LIMITS:
            raise ShapeError(f"expected {name} to be int8 or uint8, got {spec}")


def expect(spec: Spec, what: str, dtype: str, *sizes: Any) -> None:
    """Raise ShapeError unless it is one number, or a vector, of a dtype, with one of the sizes."""
    size = math.prod(spec.shape) if spec.known else spec.shape
    if spec.dtype != dtype or size not in sizes or (spec.rank > 1 and size != 1):
        wanted = " or ".join(map(str, dict.fromkeys(sizes)))
        raise ShapeError(f"expected {what} to be {wanted} numbers of {dtype}, got {spec}")


def sign_of(value: Value) -> int:
    """What turns the bits of a number into those of an unsigned one that is as many steps from its zero point."""
    return 128 if value.dtype == "int8" else 0


def _channels(x: Spec, scale: Spec, attrs: dict[str, Any]) -> tuple[Any, ...]:
    """The sizes that scale and zero point may have: 1, and that of the axis."""
    axis = attrs["axis"]
    if scale.shape in ((), (1,)):
        return (1,)
    if not -x.rank <= axis < x.rank:
        raise ShapeError(f"axis {axis} is out of range for x of shape {x.shape}")
    return (x.shape[axis],)


def _convert(whole: Any, channels: Any, node: Node, sign: int) -> list[Call]:
    """The call of the kernel for one scale, or of the one for a scale a channel."""
    x, scale, zero = node.inputs
    y = node.output
    assert x is not None and scale is not None
    n, work = y.spec.size, 8.0 * y.spec.size
    if scale.spec.size == 1:
        return [Call(whole, (x, scale, zero, sign, y, n), -(-n // k.BLOCK), work)]
    sizes, axis = x.spec.sizes, node.attrs["axis"] % x.spec.rank
    inner = math.prod(sizes[axis + 1 :])
    return [Call(channels, (x, scale, zero, sign, y, sizes[axis], inner), math.prod(sizes[:axis]), work)]


class QuantizeLinear(Op):
    """y = saturate(round(x / scale) + zero), half to even."""

    name = "quantize_linear"
    no_gradient = NO_GRADIENT

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        x, scale, zero = specs
        expect_bytes(zero=zero)
        if x.dtype != "float32":
            raise ShapeError(f"expected x to be float32, got {x}")
        sizes = _channels(x, scale, attrs)
        expect(scale, "the scale", "float32", *sizes)
        expect(zero, "the zero point", zero.dtype, *sizes)
        return [Spec(x.shape, zero.dtype)]

    def lower(self, node: Node) -> list[Call]:
        return _convert(k.quantize, k.quantize_channels, node, sign_of(node.output))


class DequantizeLinear(Op):
    """y = (x - zero) · scale."""

    name = "dequantize_linear"
    no_gradient = NO_GRADIENT

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        x, scale, zero = specs
        if x.dtype not in k.dequantizers:
            raise ShapeError(f"expected x to be {', '.join(k.dequantizers)}, got {x}")
        sizes = _channels(x, scale, attrs)
        expect(scale, "the scale", "float32", *sizes)
        expect(zero, "the zero point", x.dtype, *sizes)
        return [Spec(x.shape)]

    def lower(self, node: Node) -> list[Call]:
        x = node.inputs[0]
        assert x is not None
        return _convert(*k.dequantizers[x.dtype], node, sign_of(x))


class DynamicQuantizeLinear(Op):
    """y, scale, zero: quantize_linear to uint8 with the scale and zero point that fit the range of x, and 0."""

    name = "dynamic_quantize_linear"
    no_gradient = NO_GRADIENT

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        if specs[0].dtype != "float32":
            raise ShapeError(f"expected x to be float32, got {specs[0]}")
        return [Spec(specs[0].shape, "uint8"), Spec(()), Spec((), "uint8")]

    def lower(self, node: Node) -> list[Call]:
        x, (y, scale, zero) = node.inputs[0], node.outputs
        assert x is not None
        n = x.spec.size
        blocks = max(1, -(-n // k.BLOCK))
        parts = Scratch(2 * blocks, "int32")
        return [
            Call(k.extremes, (x, parts, n), blocks, 4.0 * n),
            Call(k.dynamic_range, (parts, blocks, scale, zero), 1, 8.0 * blocks),
            Call(k.quantize, (x, scale, zero, 0, y, n), -(-n // k.BLOCK), 8.0 * n),
        ]


def quantize_linear(x: Value, scale: Value, zero: Value, axis: int = -1) -> Value:
    """Floats as integers of eight bits: y = saturate(round(x / scale) + zero), half to even.

    Args:
        x: float32.
        scale: one number, or one for each place along `axis`.
        zero: the zero point, as many; its dtype, int8 or uint8, is that of y.
        axis: which axis has scales of its own.

    Raises:
        ShapeError: if shapes or dtypes do not fit together.

    Source: the ONNX operator QuantizeLinear.

    Example:
        >>> import numpy as np
        >>> from edgenet.graph import Graph
        >>> g = Graph()
        >>> quantize_linear(g.input((2, 3)), g.constant(np.float32(0.1)), g.constant(np.uint8(128)))
        %quantize_linear: uint8[2, 3]
    """
    y: Value = emit("quantize_linear", [x, scale, zero], axis=axis)
    return y


def dequantize_linear(x: Value, scale: Value, zero: Value, axis: int = -1) -> Value:
    """The floats that integers stand for: y = (x - zero) · scale.

    Args:
        x: int8, uint8 or int32.
        scale: one number, or one for each place along `axis`.
        zero: the zero point, as many, of the dtype of x.
        axis: which axis has scales of its own.

    Raises:
        ShapeError: if shapes or dtypes do not fit together.

    Source: the ONNX operator DequantizeLinear.

    Example:
        >>> import numpy as np
        >>> from edgenet.graph import Graph
        >>> g = Graph()
        >>> dequantize_linear(g.input((2, 3), "int8"), g.constant(np.float32(0.1)), g.constant(np.int8(0)))
        %dequantize_linear: float32[2, 3]
    """
    y: Value = emit("dequantize_linear", [x, scale, zero], axis=axis)
    return y


def dynamic_quantize_linear(x: Value) -> tuple[Value, Value, Value]:
    """x as uint8 with a scale and a zero point of its own.

    scale = (max(x, 0) - min(x, 0)) / 255, or 1 where x is 0 all over; zero = saturate(round(-min(x, 0) / scale)).

    Returns:
        y (uint8, as x), scale (float32, one number) and zero (uint8, one number).

    Raises:
        ShapeError: if x is not float32.

    Source: the ONNX operator DynamicQuantizeLinear.

    Example:
        >>> from edgenet.graph import Graph
        >>> dynamic_quantize_linear(Graph().input((2, 3)))[0]
        %dynamic_quantize_linear: uint8[2, 3]
    """
    y, scale, zero = emit("dynamic_quantize_linear", [x])
    return y, scale, zero
