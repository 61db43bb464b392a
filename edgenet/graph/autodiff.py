"""Reverse-mode differentiation: Graph to Graph.

Every node's op knows how to pull the gradients of its outputs back to its inputs; this walk only orders them and adds
what flows together.  The gradient nodes are ordinary nodes: they are optimised, planned and run like the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .graph import Value
from .op import emit, get_op


def gradients(loss: Value, wrt: Sequence[Value]) -> list[Value | None]:
    """Gradients of a scalar with respect to values of the same graph; None for one that it does not depend on.

    Raises:
        ValueError: if `loss` is not a scalar.
        TypeError: if an op on the way has no gradient; the message says which and why.
    """
    if loss.spec.rank and loss.spec.size != 1:
        raise ValueError(f"the gradient of {loss!r} was asked for: expected a scalar, reduce it first")
    nodes = list(loss.graph.nodes)
    reached = {id(v) for v in wrt}
    for node in nodes:  # forward: what depends on `wrt`
        if any(id(v) in reached for v in node.inputs):
            reached.update(id(v) for v in node.outputs)
    seed = loss.graph.constant(np.ones(loss.spec.sizes, np.float32), "seed")
    flowing: dict[int, Value] = {id(loss): seed}
    for node in reversed(nodes):
        if not any(id(v) in flowing and id(v) in reached for v in node.outputs):
            continue
        dys = [flowing[id(v)] if id(v) in flowing else _zeros(v) for v in node.outputs]
        dxs = get_op(node.op).gradient(node, dys)
        if len(dxs) != len(node.inputs):
            raise AssertionError(f"{node.op}.gradient gave {len(dxs)} gradients for {len(node.inputs)} inputs")
        for x, dx in zip(node.inputs, dxs, strict=True):
            if x is None or dx is None or id(x) not in reached:
                continue
            if dx.shape != x.shape:
                raise AssertionError(f"{node.op}.gradient: the gradient of {x!r} has shape {dx.shape}")
            known = flowing.get(id(x))
            flowing[id(x)] = dx if known is None else emit("add", [known, dx])
    return [flowing.get(id(v)) for v in wrt]


def _zeros(value: Value) -> Value:
    return value.graph.constant(np.zeros(value.spec.sizes, np.float32), "zeros")
