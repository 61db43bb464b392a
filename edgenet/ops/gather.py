"""Rows of a table by number: embeddings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Node, Op, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import gather as k

#: numbers that a task copies, about; tasks of a gradient
BLOCK, PARTS = 4096, 8


def _check_index(index: Spec) -> None:
    if index.dtype not in ("int32", "float32"):
        raise ShapeError(f"expected indices of int32, or whole numbers in float32, got {index}")


class Gather(Op):
    """y[i…, :] = table[index[i…], :]; NaN where an index is outside of [0, rows)."""

    name = "gather"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        table, index = specs
        _check_index(index)
        if table.rank < 1 or not table.known or table.dtype != "float32":
            raise ShapeError(f"expected a float32 table of known shape (rows, …), got {table}")
        return [Spec((*index.shape, *table.shape[1:]))]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        table, index = node.inputs
        assert table is not None
        return [emit("gather_dx", [index, dys[0]], table_shape=table.shape), None]

    def lower(self, node: Node) -> list[Call]:
        table, index = node.inputs
        assert table is not None and index is not None
        n, rows, width = index.spec.size, table.spec.sizes[0], math.prod(table.spec.sizes[1:])
        height = max(1, BLOCK // max(width, 1))
        kernel = k.gather if index.dtype == "int32" else k.gather_float
        return [Call(kernel, (table, index, node.output, n, rows, width, height), -(-n // height), 8.0 * n * width)]


class GatherDx(Op):
    """d table[v, :] = sum of dy[i…, :] over the places i… with index v: the gradient of gather."""

    name = "gather_dx"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        index, dy = specs
        _check_index(index)
        want = (*index.shape, *attrs["table_shape"][1:])
        if dy.shape != want:
            raise ShapeError(f"expected dy of shape {want}, got {dy.shape}")
        return [Spec.of(attrs["table_shape"])]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [None, emit("gather", [dys[0], node.inputs[0]])]

    def lower(self, node: Node) -> list[Call]:
        index, dy = node.inputs
        assert index is not None and dy is not None
        rows, *rest = node.output.spec.sizes
        n, width = index.spec.size, math.prod(rest)
        height = max(1, -(-rows // PARTS))
        kernel = k.gather_dx if index.dtype == "int32" else k.gather_float_dx
        work = 8.0 * n * width + 4.0 * rows * width
        return [Call(kernel, (index, dy, node.output, n, rows, width, height), -(-rows // height), work)]


def gather(table: Value, index: Any) -> Value:
    """Rows of a table by number: y[i…, :] = table[index[i…], :].

    Args:
        table: shape (rows, …).
        index: int32 of any shape, or float32 that holds whole numbers; outside of [0, rows) the result is NaN.

    Raises:
        ShapeError: if the indices have another dtype, or the table's shape is not known.

    >>> from edgenet.graph import Graph
    >>> graph = Graph()
    >>> gather(graph.input((1000, 16)), graph.input(("batch", 12), "int32"))
    %gather: float32[batch, 12, 16]
    """
    y: Value = emit("gather", [table, index])
    return y
