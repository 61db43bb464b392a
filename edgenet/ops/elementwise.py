"""Arithmetic of two values that broadcast, comparisons, and functions of one value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from edgenet.graph import Call, Node, Op, ShapeError, Spec, Value, emit
from edgenet.kernels.compiler import Kernel
from edgenet.kernels.cpu import elementwise as k

from .broadcast import binary_calls, blocks, broadcast_shapes, expect_float, sum_to


class Binary(Op):
    """y = f(a, b), number by number, of two values that broadcast."""

    kernel: ClassVar[Kernel]

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        a, b = specs
        expect_float(a, b)
        return [Spec(broadcast_shapes(a.shape, b.shape))]

    def lower(self, node: Node) -> list[Call]:
        return binary_calls(self.kernel, node)

    def over(self, node: Node) -> list[Value]:
        return [v for v in node.inputs if v is not None and v.shape == node.output.shape]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        a, b = node.inputs
        assert a is not None
        assert b is not None
        da, db = self.pull(a, b, node.output, dys[0])
        return [sum_to(da, a.shape), sum_to(db, b.shape)]

    def pull(self, a: Value, b: Value, y: Value, dy: Value) -> tuple[Value, Value]:
        """The gradients of both operands before their broadcast is undone."""
        raise TypeError(f"{self.name} has no gradient: {self.no_gradient}")


class Add(Binary):
    """y = a + b."""

    name, kernel = "add", k.add

    def pull(self, a: Value, b: Value, y: Value, dy: Value) -> tuple[Value, Value]:
        return dy, dy


class Sub(Binary):
    """y = a - b."""

    name, kernel = "sub", k.sub

    def pull(self, a: Value, b: Value, y: Value, dy: Value) -> tuple[Value, Value]:
        return dy, -dy


class Mul(Binary):
    """y = a·b."""

    name, kernel = "mul", k.mul

    def pull(self, a: Value, b: Value, y: Value, dy: Value) -> tuple[Value, Value]:
        return dy * b, dy * a


class Div(Binary):
    """y = a / b; ∂y/∂b = -y / b."""

    name, kernel = "div", k.div

    def pull(self, a: Value, b: Value, y: Value, dy: Value) -> tuple[Value, Value]:
        da = dy / b
        return da, -(da * y)


class Maximum(Binary):
    """y = max(a, b), NaN where either is; the gradient of equal operands goes to the first."""

    name, kernel = "maximum", k.maximum_of

    def pull(self, a: Value, b: Value, y: Value, dy: Value) -> tuple[Value, Value]:
        da = dy * greater_equal(a, b)
        return da, dy - da


class Minimum(Binary):
    """y = min(a, b), NaN where either is; the gradient of equal operands goes to the first."""

    name, kernel = "minimum", k.minimum_of

    def pull(self, a: Value, b: Value, y: Value, dy: Value) -> tuple[Value, Value]:
        da = dy * greater_equal(b, a)
        return da, dy - da


class _Comparison(Binary):
    """The gradient is 0: a comparison is constant almost everywhere."""

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [None, None]


class Equal(_Comparison):
    """y = 1 where a = b, else 0; for two float32 or two int32 values."""

    name, kernel = "equal", k.equal

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        a, b = specs
        if a.dtype != b.dtype or a.dtype not in ("float32", "int32"):
            raise ShapeError(f"expected two float32 or two int32 values, got {a} and {b}")
        return [Spec(broadcast_shapes(a.shape, b.shape))]

    def lower(self, node: Node) -> list[Call]:
        a = node.inputs[0]
        assert a is not None
        return binary_calls(k.equal if a.dtype == "float32" else k.equal_i32, node)


class Greater(_Comparison):
    """y = 1 where a > b, else 0."""

    name, kernel = "greater", k.greater


class GreaterEqual(_Comparison):
    """y = 1 where a >= b, else 0."""

    name, kernel = "greater_equal", k.greater_equal


class Unary(Op):
    """y = f(x), number by number; `flops` stands for the time of one number in operations."""

    kernel: ClassVar[Kernel]
    flops: ClassVar[float] = 8.0
    #: attributes that the kernel takes behind n
    params: ClassVar[tuple[str, ...]] = ()

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        expect_float(*specs)
        if any(s.shape != specs[0].shape for s in specs):
            raise ShapeError(f"expected equal shapes, got {' and '.join(str(s.shape) for s in specs)}")
        return [Spec(specs[0].shape)]

    def lower(self, node: Node) -> list[Call]:
        n = node.output.spec.size
        args = (*node.inputs, node.output, n, *(float(node.attrs[p]) for p in self.params))
        return [Call(self.kernel, args, blocks(n), self.flops * n)]

    def over(self, node: Node) -> list[Value]:
        return [v for v in node.inputs[::-1] if v is not None]  # dy, rather than what it belongs to


class Exp(Unary):
    """y = e^x."""

    name, kernel, flops = "exp", k.exp, 25.0

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [dys[0] * node.output]


class Log(Unary):
    """y = log x: -inf at 0, NaN below."""

    name, kernel, flops = "log", k.log, 25.0

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [dys[0] / node.inputs[0]]


class Sqrt(Unary):
    """y = √x: NaN below 0; infinite slope at 0."""

    name, kernel, flops = "sqrt", k.sqrt, 12.0

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [dys[0] * 0.5 / node.output]


class Square(Unary):
    """y = x²."""

    name, kernel = "square", k.square

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [dys[0] * 2.0 * node.inputs[0]]


class Abs(Unary):
    """y = |x|; slope 0 at 0."""

    name, kernel = "abs", k.abs_of

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [emit("abs_dx", [node.inputs[0], dys[0]])]


class AbsDx(Unary):
    """dx = dy·sign(x)."""

    name, kernel, flops = "abs_dx", k.abs_dx, 12.0
    no_gradient = "second derivatives are not provided"


def add(x1: Any, x2: Any) -> Value:
    """x1 + x2, broadcast like NumPy.  Raises ShapeError where the shapes do not fit.

    >>> from edgenet.graph import Graph
    >>> add(Graph().input(("batch", 8, 8, 3)), [1.0, 2.0, 3.0])
    %add: float32[batch, 8, 8, 3]
    """
    y: Value = emit("add", [x1, x2])
    return y


def sub(x1: Any, x2: Any) -> Value:
    """x1 - x2, broadcast like NumPy.  Raises ShapeError where the shapes do not fit."""
    y: Value = emit("sub", [x1, x2])
    return y


def mul(x1: Any, x2: Any) -> Value:
    """x1·x2, broadcast like NumPy.  Raises ShapeError where the shapes do not fit."""
    y: Value = emit("mul", [x1, x2])
    return y


def div(x1: Any, x2: Any) -> Value:
    """x1 / x2, broadcast like NumPy.  Raises ShapeError where the shapes do not fit."""
    y: Value = emit("div", [x1, x2])
    return y


def maximum(x1: Any, x2: Any) -> Value:
    """The larger of x1 and x2, NaN where either is; broadcast like NumPy."""
    y: Value = emit("maximum", [x1, x2])
    return y


def minimum(x1: Any, x2: Any) -> Value:
    """The smaller of x1 and x2, NaN where either is; broadcast like NumPy."""
    y: Value = emit("minimum", [x1, x2])
    return y


def equal(x1: Any, x2: Any) -> Value:
    """1.0 where x1 = x2, else 0.0, for two float32 or two int32 values; broadcast like NumPy."""
    y: Value = emit("equal", [x1, x2])
    return y


def greater(x1: Any, x2: Any) -> Value:
    """1.0 where x1 > x2, else 0.0; broadcast like NumPy."""
    y: Value = emit("greater", [x1, x2])
    return y


def greater_equal(x1: Any, x2: Any) -> Value:
    """1.0 where x1 >= x2, else 0.0; broadcast like NumPy."""
    y: Value = emit("greater_equal", [x1, x2])
    return y


def exp(x: Value) -> Value:
    """e^x."""
    y: Value = emit("exp", [x])
    return y


def log(x: Value) -> Value:
    """Natural logarithm: -inf at 0, NaN below."""
    y: Value = emit("log", [x])
    return y


def sqrt(x: Value) -> Value:
    """√x: NaN below 0."""
    y: Value = emit("sqrt", [x])
    return y


def square(x: Value) -> Value:
    """x²."""
    y: Value = emit("square", [x])
    return y


def abs(x: Value) -> Value:
    """|x|."""
    y: Value = emit("abs", [x])
    return y
