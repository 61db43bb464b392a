"""Put together what exporters have taken apart: activations, normalisation of rows, padding before a convolution.

::

    mul(mul(x, 0.5), add(erf(mul(x, √½)), 1))                gelu(x)
    mul(x, sigmoid(x))                                       silu(x)
    add(relu(x), mul(minimum(x, 0), slope))                  prelu(x, slope)
    add(x · r·gamma, beta - mean · r·gamma)                  layer_norm(x, gamma, beta)
    conv2d(pad(x))                                           conv2d(x), padded itself

An activation is recognised by what it computes, not by how it is written: a formula in x and one function T of x, such
as x·(1 + T) / 2, is multiplied out to a polynomial in x and T, and compared with the polynomials of `CURVES`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from edgenet.graph import Graph, Node, Value, emit

from .recognise_norm import fuse_norm

#: coefficients by the powers of x and of T
Polynomial = dict[tuple[int, int], float]
ARITHMETIC = ("add", "sub", "mul", "div", "square")
#: how deep a formula is looked into, and how far coefficients may be off
DEPTH, RTOL = 8, 1e-4
ROOT = (2 / np.pi) ** 0.5


class Curve(NamedTuple):
    """The op that `whole` means, a polynomial in x and T, where T is a function of the polynomial `inner` in x."""

    inner: Polynomial
    whole: Polynomial
    op: str


GATED: Polynomial = {(1, 1): 1.0}
HALF: Polynomial = {(1, 0): 0.5, (1, 1): 0.5}
CUBIC: Polynomial = {(1, 0): ROOT, (3, 0): 0.044715 * ROOT}
SAME: Polynomial = {(1, 0): 1.0}
#: by the function T, and the bounds of a clip
CURVES: dict[Any, list[Curve]] = {
    "erf": [Curve({(1, 0): 0.5**0.5}, HALF, "gelu")],
    "tanh": [Curve(CUBIC, HALF, "gelu_tanh")],
    "sigmoid": [Curve(SAME, GATED, "silu"), Curve({k: 2 * v for k, v in CUBIC.items()}, GATED, "gelu_tanh")],
    "tanh of softplus": [Curve(SAME, GATED, "mish")],
    (0.0, 6.0): [Curve({(1, 0): 1.0, (0, 0): 3.0}, {(1, 1): 1 / 6}, "hard_silu")],
    (0.0, 1.0): [Curve({(1, 0): 1 / 6, (0, 0): 0.5}, GATED, "hard_silu")],
}


def recognise(graph: Graph) -> None:
    """Run the pass, in place, on a graph without gradients."""
    _merge_pads(graph)
    for node in list(graph.nodes):
        found = None
        if node.op in ("mul", "add", "div"):
            found = _curve(graph, node) or _prelu(graph, node)
        found = found or fuse_norm(graph, node)
        if found is not None:
            graph.replace(node.output, found)
    graph.prune()


# activations ---------------------------------------------------------------------------------------------------------


def number(value: Value | None) -> float | None:
    """The number that a constant holds."""
    if value is None or value.array is None or value.array.size != 1 or value.array.dtype.kind != "f":
        return None
    return float(value.array.reshape(()))


def _walk(value: Value, depth: int = DEPTH) -> Iterator[Value]:
    """The value, and what it is computed from by arithmetic."""
    yield value
    if depth and value.node is not None and value.node.op in ARITHMETIC:
        for v in value.node.inputs:
            if v is not None and number(v) is None:
                yield from _walk(v, depth - 1)


def _polynomial(value: Value, x: Value, t: Value | None, depth: int = DEPTH) -> Polynomial | None:
    """The value as a polynomial in x and t; None if it is none."""
    if value is x:
        return {(1, 0): 1.0}
    if value is t:
        return {(0, 1): 1.0}
    known = number(value)
    if known is not None:
        return {(0, 0): known}
    node = value.node
    if node is None or not depth or node.op not in ARITHMETIC:
        return None
    parts = [_polynomial(v, x, t, depth - 1) for v in node.inputs if v is not None]
    if any(p is None for p in parts):
        return None
    p, q = parts[0], parts[-1]
    assert p is not None and q is not None
    if node.op == "div":
        divisor = q.get((0, 0), 0.0)
        return {k: v / divisor for k, v in p.items()} if set(q) == {(0, 0)} and divisor else None
    out: Polynomial = {} if node.op in ("mul", "square") else dict(p)
    for (i, j), b in q.items():
        if node.op in ("add", "sub"):
            out[i, j] = out.get((i, j), 0.0) + (b if node.op == "add" else -b)
            continue
        for (k, m), a in p.items():
            out[i + k, j + m] = out.get((i + k, j + m), 0.0) + a * b
    return out


def _same(p: Polynomial | None, q: Polynomial) -> bool:
    if p is None:
        return False
    kept = {k for k, v in p.items() if abs(v) > 1e-7}
    return kept == set(q) and all(abs(p[k] - q[k]) <= RTOL * abs(q[k]) for k in q)


def _function(value: Value) -> tuple[Any, Value] | None:
    """Which T of `CURVES` a value is, and of what."""
    node = value.node
    inner = None if node is None else node.inputs[0]
    if node is None or inner is None:
        return None
    if node.op == "tanh" and inner.node is not None and inner.node.op == "softplus":
        return "tanh of softplus", inner.node.inputs[0]  # type: ignore[return-value]
    if node.op == "clip":
        return (float(node.attrs["low"]), float(node.attrs["high"])), inner
    if node.op == "minimum" and inner.node is not None and inner.node.op == "relu":
        high = number(node.inputs[1])
        return None if high is None else ((0.0, high), inner.node.inputs[0])  # type: ignore[return-value]
    return (node.op, inner) if node.op in CURVES else None


def _curve(graph: Graph, node: Node) -> Value | None:
    """The activation that ends in `node`."""
    for t in _walk(node.output):
        found = _function(t)
        for curve in CURVES.get(found[0], ()) if found else ():
            assert found is not None
            for x in _walk(found[1]):
                fits = x.shape == node.output.shape and _same(_polynomial(found[1], x, None), curve.inner)
                if fits and _same(_polynomial(node.output, x, t), curve.whole):
                    with graph.at(node):
                        y: Value = emit(curve.op, [x])
                    return y
    return None


def _below(value: Value, x: Value) -> float | None:
    """The factor f for which a value is f·min(x, 0)."""
    node = value.node
    if node is None or node.inputs[0] is None:
        return None
    inner = node.inputs[0]
    if node.op == "minimum" and inner is x and number(node.inputs[1]) == 0:
        return 1.0
    if node.op == "relu" and _same(_polynomial(inner, x, None), {(1, 0): -1.0}):
        return -1.0
    if node.op == "sub" and inner is x and node.inputs[1] is not None:
        size = node.inputs[1].node
        return 2.0 if size is not None and size.op == "abs" and size.inputs[0] is x else None
    return None


def _factors(value: Value, depth: int = DEPTH) -> list[Value]:
    node = value.node
    if node is None or node.op != "mul" or not depth:
        return [value]
    return [f for v in node.inputs if v is not None for f in _factors(v, depth - 1)]


def _prelu(graph: Graph, node: Node) -> Value | None:
    """relu(x) + slope·min(x, 0), where the second term may be any product."""
    for a, b in (node.inputs, node.inputs[::-1]) if node.op == "add" else ():
        if a is None or b is None or a.node is None or a.node.op != "relu":
            continue
        x, factors = a.node.inputs[0], _factors(b)
        assert x is not None
        slopes = [v for v in factors if v.fixed]
        below = [_below(v, x) for v in factors if not v.fixed]
        if len(below) != 1 or below[0] is None or not slopes or x.shape != node.output.shape:
            continue
        with graph.at(node):
            slope = slopes[0]
            for other in slopes[1:]:
                slope = slope * other
            y: Value = emit("prelu", [x, slope if below[0] == 1 else slope * np.float32(below[0])])
        return y
    return None


# padding -------------------------------------------------------------------------------------------------------------


def _merge_pads(graph: Graph) -> None:
    """Zeros around an image become the padding of the only convolution that reads it."""
    for node in graph.nodes:
        x = node.inputs[0] if node.op == "conv2d" else None
        pad = None if x is None else x.node
        if pad is None or pad.op != "pad" or pad.attrs["value"] != 0 or len(graph.users(pad.output)) != 1:
            continue
        (n, rows, columns, c), around = pad.attrs["padding"], node.attrs["padding"]
        if any(n + c) or any(pad.output is v for v in graph.outputs):
            continue
        sums = tuple(
            tuple(p + q for p, q in zip(a, b, strict=True)) for a, b in zip((rows, columns), around, strict=True)
        )
        node.inputs[0] = pad.inputs[0]
        node.attrs = {**node.attrs, "padding": sums}
