"""Running sums along an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Node, Op, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import cumulate as k

from .broadcast import expect_float


class CumSum(Op):
    """y[k] = sum of x[j] over j <= k along `axis`; `exclusive`: j < k; `reverse`: from the other end."""

    name = "cumsum"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        expect_float(*specs)
        if not -specs[0].rank <= attrs["axis"] < specs[0].rank:
            raise ShapeError(f"axis {attrs['axis']} is outside of shape {specs[0].shape}")
        return [specs[0]]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [emit("cumsum", dys, **{**node.attrs, "reverse": not node.attrs["reverse"]})]

    def lower(self, node: Node) -> list[Call]:
        x, axis = node.inputs[0], node.attrs["axis"] % node.output.spec.rank
        sizes = node.output.spec.sizes
        outer, d, inner = math.prod(sizes[:axis]), sizes[axis], math.prod(sizes[axis + 1 :])
        tasks = outer * -(-inner // k.WIDTH) if d else 0
        args = (x, node.output, d, inner, int(node.attrs["exclusive"]), int(node.attrs["reverse"]))
        return [Call(k.cumulate, args, tasks, 12.0 * node.output.spec.size)]


def cumsum(x: Value, axis: int, exclusive: bool = False, reverse: bool = False) -> Value:
    """Running sums: y[k] = x[0] + … + x[k] along an axis.

    Args:
        x: any shape.
        axis: along which.
        exclusive: leave x[k] out.
        reverse: begin at the other end.

    Raises:
        ShapeError: for an axis that does not exist.

    >>> from edgenet.graph import Graph
    >>> cumsum(Graph().input(("batch", 8)), axis=1)
    %cumsum: float32[batch, 8]
    """
    y: Value = emit("cumsum", [x], axis=int(axis), exclusive=bool(exclusive), reverse=bool(reverse))
    return y
