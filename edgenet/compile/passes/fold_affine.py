"""Fold ``y · scale + shift`` with constant scale and shift into the convolution or dense layer that computes y.

::

    conv2d(x, w, b) → batch_norm(gamma, beta, mean, var)     conv2d(x, w · s, (b - mean) · s + beta)
                                                             with s = gamma / sqrt(var + eps)
    conv2d(x, w, b) → mul(s) → add(t)                        conv2d(x, w · s, b · s + t)
    dense(x, w) → add(b)                                     dense(x, w, b)

The new weights are computed by nodes that depend on weights alone: the compiler runs them once.
"""

from __future__ import annotations

import numpy as np

from edgenet.graph import Graph, Node, Value, emit

from .pattern import movable


def fold_affine(graph: Graph) -> None:
    """Run the pass, in place."""
    for node in list(graph.nodes):
        scaled = _scale_and_shift(graph, node)
        if scaled is None:
            continue
        source, scale, shift = scaled
        with graph.at(node):
            _absorb(source, scale, shift)
        graph.nodes.remove(source)  # it now stands where `node` stood, behind everything that its new weights need
        graph.nodes[graph.nodes.index(node)] = source
        graph.replace(node.output, source.output)


def _scale_and_shift(graph: Graph, node: Node) -> tuple[Node, Value | None, Value | None] | None:
    """The layer in front of `node`, and what `node` multiplies and adds per channel; None if it does otherwise."""
    if node.op == "batch_norm":
        source = _layer_before(graph, node.inputs[0], node)
        if source is None or not all(v is not None and v.fixed for v in node.inputs[1:]):
            return None
        gamma, beta, mean, var = node.inputs[1:]
        assert gamma is not None and beta is not None and mean is not None
        with graph.at(node):
            scale = gamma / emit("sqrt", [var + np.float32(node.attrs["epsilon"])])  # type: ignore[operator]
            return source, scale, beta - mean * scale
    if node.op not in ("mul", "add", "sub", "div"):
        return None
    commutes = node.op in ("mul", "add")
    for y, other in (node.inputs, node.inputs[::-1]) if commutes else (node.inputs,):
        source = _layer_before(graph, y, node)
        if source is None or other is None or not other.fixed:
            continue
        if node.op == "div" and (other.array is None or not np.all(other.array)):
            continue  # x / 0 is infinite, x · (1 / 0) may be NaN
        channels = source.output.shape[-1]
        if other.shape not in ((), *((1,) * i + (channels,) for i in range(source.output.spec.rank)), (1,)):
            continue
        with graph.at(node):
            vector = emit("broadcast_to", [emit("reshape", [other], shape=(-1,))], shape=(channels,))
            if node.op in ("mul", "div"):
                return source, vector if node.op == "mul" else np.float32(1) / vector, None
            return source, None, vector if node.op == "add" else -vector
    return None


def _layer_before(graph: Graph, value: Value | None, node: Node) -> Node | None:
    """The layer that computes `value`, if it can take up what `node` does."""
    source = movable(graph, value, node)
    return None if source is None or source.inputs[3] is not None else source


def _absorb(source: Node, scale: Value | None, shift: Value | None) -> None:
    x, w, b, res = source.inputs
    assert w is not None
    if scale is not None:
        if source.op == "dense" and source.attrs["transpose_w"]:
            w = w * emit("reshape", [scale], shape=(-1, 1))
        else:
            w = w * scale
        b = None if b is None else b * scale
    if shift is not None:
        b = shift if b is None else b + shift
    source.inputs = [x, w, b, res]
