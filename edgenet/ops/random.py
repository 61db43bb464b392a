"""Dropout, from a random generator without a state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Node, Op, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import random as k

from .broadcast import blocks, expect_float


class Dropout(Op):
    """y = x·mask / (1 - rate); the mask follows from attribute `seed`, the counter and the place of each number.

    The gradient makes the mask again from the same counter, so a training step increments it at its end.
    """

    name = "dropout"
    random = True

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        x, counter = specs
        expect_float(x)
        if counter.shape != (1,) or counter.dtype != "int64":
            raise ShapeError(f"expected a counter int64[1], got {counter}")
        if not 0 <= attrs["rate"] < 1:
            raise ShapeError(f"expected 0 <= rate < 1, got rate={attrs['rate']}")
        return [Spec(x.shape)]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        return [emit("dropout", [dys[0], node.inputs[1]], **node.attrs), None]

    def lower(self, node: Node) -> list[Call]:
        n, rate, seed = node.output.spec.size, node.attrs["rate"], int(node.attrs["seed"])
        threshold = round(rate * 2**32)
        signed = (seed + 2**63) % 2**64 - 2**63
        args = (*node.inputs, node.output, n, signed, threshold, 1 / (1 - rate))
        return [Call(k.dropout, args, blocks(n), 30.0 * n)]


def dropout(x: Value, counter: Any, rate: float, seed: int) -> Value:
    """Set a random share `rate` of the numbers to zero and divide the others by 1 - rate.

    Args:
        x: any shape.
        counter: int64[1]; the same counter and seed give the same mask.
        rate: from 0 up to, but not including, 1.
        seed: 64 bits, another for each layer.

    Raises:
        ShapeError: if the counter or the rate is not as described.

    >>> import numpy as np
    >>> from edgenet.graph import Graph, Variable
    >>> graph = Graph()
    >>> step = graph.variable(Variable(np.zeros(1, np.int64), "step", trainable=False))
    >>> dropout(graph.input(("batch", 128)), step, rate=0.5, seed=1)
    %dropout: float32[batch, 128]
    """
    y: Value = emit("dropout", [x, counter], rate=float(rate), seed=int(seed))
    return y
