"""The choice between two values, and powers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Node, Op, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import select as k

from .broadcast import blocks, broadcast_shapes, expect_float, sum_to
from .elementwise import _Binary


class Where(Op):
    """y = a where c is not 0, else b, for three values of one shape."""

    name = "where"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        expect_float(*specs)
        if any(s.shape != specs[0].shape for s in specs):
            raise ShapeError(f"expected equal shapes, got {', '.join(str(s.shape) for s in specs)}")
        return [specs[0]]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        condition = node.inputs[0]
        return [None, where(condition, dys[0], 0.0), where(condition, 0.0, dys[0])]

    def lower(self, node: Node) -> list[Call]:
        n = node.output.spec.size
        return [Call(k.where, (*node.inputs, node.output, n), blocks(n), 16.0 * n)]


class Power(_Binary):
    """y = a^b; ∂y/∂a = b·a^(b-1), ∂y/∂b = y·log a, which is 0 where a is not positive."""

    name, kernel = "power", k.power

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        a, b = node.inputs
        assert a is not None and b is not None
        da = sum_to(dys[0] * b * emit("power", [a, b - 1.0]), a.shape)
        if b.array is not None:
            return [da, None]
        positive = emit("greater", [a, 0.0])
        safe = a * positive + (1.0 - positive)
        return [da, sum_to(dys[0] * node.output * emit("log", [safe]), b.shape)]


def where(condition: Any, x1: Any, x2: Any) -> Value:
    """The numbers of x1 where `condition` is not 0, else those of x2; broadcast like NumPy.

    What is not chosen has no influence, be it NaN, and gets no gradient.  At least one of the three is a symbolic
    value.

    Raises:
        ShapeError: where the shapes do not fit.

    >>> from edgenet.graph import Graph
    >>> x = Graph().input(("batch", 10))
    >>> where(emit("greater", [x, 0.0]), x, 0.0)
    %where: float32[batch, 10]
    """
    graph = next(v.graph for v in (condition, x1, x2) if isinstance(v, Value))
    values = [v if isinstance(v, Value) else graph.constant(v) for v in (condition, x1, x2)]
    shape: tuple[Any, ...] = ()
    for value in values:
        shape = broadcast_shapes(shape, value.shape)
    y: Value = emit("where", [v if v.shape == shape else emit("broadcast_to", [v], shape=shape) for v in values])
    return y


def power(x1: Any, x2: Any) -> Value:
    """x1^x2, broadcast like NumPy: NaN for a negative x1 unless x2 is whole.

    >>> from edgenet.graph import Graph
    >>> power(Graph().input(("batch", 3)), 1.5)
    %power: float32[batch, 3]
    """
    y: Value = emit("power", [x1, x2])
    return y
