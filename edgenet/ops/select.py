"""The choice between two values, powers, and whole numbers as float32 and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet.graph import Call, Node, Op, ShapeError, Spec, Value, Variable, emit
from edgenet.kernels.cpu import select as k

from .broadcast import blocks, broadcast_shapes, expect_float, sum_to
from .elementwise import Binary, equal
from .movement import broadcast_to


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


class Power(Binary):
    """y = a^b; ∂y/∂a = b·a^(b-1), ∂y/∂b = y·log a, which is 0 where a is not positive."""

    name, kernel = "power", k.power

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        a, b = node.inputs
        assert a is not None
        assert b is not None
        da = sum_to(dys[0] * b * emit("power", [a, b - 1.0]), a.shape)
        if b.array is not None:
            return [da, None]
        positive = a > 0.0
        safe = a * positive + (1.0 - positive)
        return [da, sum_to(dys[0] * node.output * emit("log", [safe]), b.shape)]


class Cast(Op):
    """y = the numbers of x as attribute `dtype`: int32 to float32, or float32 to int32, towards 0."""

    name = "cast"
    no_gradient = "whole numbers do not change smoothly"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        kinds = ("float32", "int32")
        if specs[0].dtype not in kinds or attrs["dtype"] not in kinds:
            raise ShapeError(f"expected a cast between float32 and int32, got {specs[0]} and dtype {attrs['dtype']!r}")
        return [Spec(specs[0].shape, attrs["dtype"])]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [None]

    def lower(self, node: Node) -> list[Call]:
        n = node.output.spec.size
        kernel = k.to_float if node.attrs["dtype"] == "float32" else k.to_int
        return [Call(kernel, (*node.inputs, node.output, n), blocks(n), 8.0 * n)]


def where(condition: Any, x1: Any, x2: Any) -> Value:
    """The numbers of x1 where `condition` is not 0, else those of x2; broadcast like NumPy.

    What is not chosen has no influence, be it NaN, and gets no gradient.  At least one of the three
    is a symbolic value.

    Raises:
        ShapeError: where the shapes do not fit.

    >>> from edgenet.graph import Graph
    >>> x = Graph().input(("batch", 10))
    >>> where(x > 0, x, 0.0)
    %where: float32[batch, 10]
    """
    graph = next((v.graph for v in (condition, x1, x2) if isinstance(v, Value)), None)
    if graph is None:
        raise TypeError("where: at least one of condition, x1 and x2 must be a symbolic value")
    parts: list[Value] = []
    for v in (condition, x1, x2):
        v = graph.variable(v) if isinstance(v, Variable) else v
        parts.append(v if isinstance(v, Value) else graph.constant(np.asarray(v, np.float32)))
    shape: tuple[Any, ...] = ()
    for v in parts:
        shape = broadcast_shapes(shape, v.shape)
    y: Value = emit("where", [v if v.shape == shape else broadcast_to(v, shape) for v in parts])
    return y


def cast(x: Value, dtype: Any) -> Value:
    """The numbers of x as ``"float32"``, ``"int32"`` (towards 0) or ``"bool"`` (1.0 where x is not 0, else 0.0).

    Raises:
        ShapeError: for another dtype.

    >>> from edgenet.graph import Graph
    >>> cast(Graph().input(("batch",), "int32"), "float32")
    %cast: float32[batch]
    """
    kind = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", str(dtype))
    if kind == "bool":
        return 1.0 - equal(cast(x, "float32"), 0.0)
    if kind == x.dtype:
        return x
    y: Value = emit("cast", [x], dtype=kind)
    return y
