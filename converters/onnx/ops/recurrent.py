"""Recurrent layers: LSTM ↔ lstm, GRU ↔ gru; RNN, and the forms that these ops do not know, step by step (`cells`).

ONNX speaks of x (steps, batch, features) or, with layout 1, (batch, steps, features); of weights (directions,
gates·h, …); and of results (steps, directions, batch, h).  Every direction is read on its own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from onnx import helper

from edgenet.graph import Node, Value, emit

from ..integers import as_float
from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor, one, reshape, transpose
from ..writer import Writer
from .cells import ACTIVATIONS, Cell, Function, applied, run_gru, run_lstm, run_rnn


def _emit(name: str, *inputs: Any, **attrs: Any) -> Value:
    return one(emit(name, list(inputs), **attrs))


class Layer(NamedTuple):
    """What LSTM, GRU and RNN differ in."""

    gates: int
    activations: tuple[str, ...]
    run: Callable[[OnnxNode, Cell], tuple[Value, Value, Value | None]]
    """the states of all steps, and what state and memory are in the end"""


def _transposed(tensor: Tensor, i: int) -> Value:
    """Matrix i of weights (directions, rows, columns), transposed."""
    _, rows, columns = tensor.shape
    if tensor.shape[0] == 1:
        return tensor.parameter((1, 0), (rows, columns))
    cut = _emit("slice", tensor.parameter(), starts=(i, None, None), stops=(i + 1, None, None), steps=(1, 1, 1))
    return transpose(reshape(cut, (rows, columns)), (1, 0))


def _of_direction(value: Value | None, i: int) -> Value | None:
    """Entry i along the first axis."""
    if value is None:
        return None
    if value.shape[0] == 1:
        return reshape(value, value.shape[1:])
    rest = value.spec.rank - 1
    cut = _emit("slice", value, starts=(i, *[None] * rest), stops=(i + 1, *[None] * rest), steps=(1,) * (rest + 1))
    return reshape(cut, value.shape[1:])


def _functions(node: OnnxNode, layer: Layer, directions: int) -> tuple[list[list[Function]], bool]:
    """The activations of each direction, and whether they are the usual ones."""
    usual = list(layer.activations) * directions
    names = [n.decode() if isinstance(n, bytes) else str(n) for n in node.attr("activations", usual)]
    alphas, betas = iter(node.attr("activation_alpha", ())), iter(node.attr("activation_beta", ()))
    if len(names) != len(usual) or any(n.lower() not in ACTIVATIONS for n in names):
        node.refuse(f"expected {len(usual)} activations out of {', '.join(sorted(ACTIVATIONS))}, got {names}")
    made: list[Function] = []
    for name in names:
        function, alpha, beta = ACTIVATIONS[name.lower()]
        a = float(next(alphas, alpha)) if alpha else 0.0
        b = float(next(betas, beta)) if beta or name.lower() in ("affine", "hardsigmoid", "scaledtanh") else 0.0
        made.append(functools.partial(applied, function, a, b))
    each = len(layer.activations)
    usually = [n.lower() for n in names] == [n.lower() for n in usual]
    return [made[i : i + each] for i in range(0, len(made), each)], usually


def _masks(node: OnnxNode, steps: int, batch: Any) -> list[Value] | None:
    """Which samples have each step, from their lengths; None where all have all."""
    given = node.optional(4)
    if given is None or (given.array is not None and (given.array >= steps).all()):
        return None
    if given.shape != (batch,):
        node.refuse(f"sequence_lens has shape {list(given.shape)}, expected [{batch}]")
    if given.array is not None:
        rows = [(given.array > t).astype(np.float32).reshape(-1, 1) for t in range(steps)]
        return [node.graph.constant(row) for row in rows]
    lengths = reshape(as_float(given).plain(), (batch, 1))
    return [_emit("greater", lengths, float(t)) for t in range(steps)]


def _read(node: OnnxNode, layer: Layer) -> list[Tensor]:
    x, w, r = node.input(0), node.input(1), node.input(2)
    batch_first, hidden = bool(node.attr("layout", 0)), node.attr("hidden_size", r.shape[-1])
    directions = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}.get(
        node.attr("direction", "forward")
    )
    count, rows = len(directions or ()), layer.gates * hidden
    if not directions or x.rank != 3 or w.shape[:2] != (count, rows) or r.shape != (count, rows, hidden):
        node.refuse(
            f"expected x of rank 3, W of shape ({count}, {rows}, features) and R of shape ({count}, {rows}, {hidden}), "
            f"got {list(x.shape)}, {list(w.shape)} and {list(r.shape)}, direction {node.attr('direction', 'forward')!r}"
        )
    value = x.arranged((1, 0, 2) if batch_first else (0, 1, 2))
    steps, batch, _ = value.shape
    if isinstance(steps, str):
        node.refuse(f"the number of steps is {steps}: pass `shapes` that makes it a number")
    functions, usual = _functions(node, layer, count)
    masks, clip = _masks(node, steps, batch), float(node.attr("clip", 0.0))
    bias = node.optional(3)
    b = None if bias is None else bias.parameter()
    states = [node.optional(i) for i in (5, 6)]
    order = (1, 0, 2) if batch_first else (0, 1, 2)
    first = [None if s is None else s.arranged(order) if s.array is None else s.form(None, order) for s in states]
    extra = node.optional(7)
    peepholes = None if extra is None else extra.parameter()
    results = []
    for i, reverse in enumerate(directions):
        cell = Cell(
            value, _transposed(w, i), _transposed(r, i), _of_direction(b, i), _of_direction(first[0], i),
            _of_direction(first[1], i), _of_direction(peepholes, i), functions[i],
            usual and clip == 0 and masks is None and extra is None, clip,
            masks, reverse, hidden,
        )  # fmt: skip
        results.append(layer.run(node, cell))
    return _results(node, results, batch_first)


def _results(node: OnnxNode, results: list[tuple[Value, Value, Value | None]], batch_first: bool) -> list[Tensor]:
    """Y (steps, directions, batch, h), Y_h and Y_c (directions, batch, h) of ONNX; with layout 1 the batch leads."""
    outputs = []
    for k, new in ((0, 1), (1, 0), (2, 0)):
        values = [r[k] for r in results]
        if any(v is None for v in values):
            continue
        apart = [reshape(v, (*v.shape[:new], 1, *v.shape[new:])) for v in values if v is not None]
        y = apart[0] if len(apart) == 1 else _emit("concat", *apart, axis=new)
        axes = tuple(range(y.spec.rank))
        if batch_first:  # held (steps, directions, batch, h), spoken of as (batch, steps, directions, h)
            axes = (1, 2, 0, 3) if new else (1, 0, 2)
        outputs.append(node.held(y, axes))
    return outputs


LAYERS = {
    "RNN": Layer(1, ("Tanh",), run_rnn),
    "LSTM": Layer(4, ("Sigmoid", "Tanh", "Tanh"), run_lstm),
    "GRU": Layer(3, ("Sigmoid", "Tanh"), run_gru),
}


def _register(op: str, layer: Layer) -> None:
    @importer(op, since=7, any_dtype=True)
    def read(node: OnnxNode) -> list[Tensor]:
        if any(t and t.array is None and t.dtype != "float32" for i, t in enumerate(node.inputs) if i != 4):
            node.refuse("it computes with other numbers than float32")
        return _read(node, layer)


for _op, _layer in LAYERS.items():
    _register(_op, _layer)


# writing -------------------------------------------------------------------------------------------------------------


def _weights(node: Node, out: Writer, gates: int) -> tuple[list[str], dict[str, Any]]:
    """The inputs X, W, R of ONNX, and the attributes."""
    x, w, r = node.inputs[:3]
    assert x is not None and w is not None and r is not None
    names = [out.name(x)]
    for matrix in (w, r):
        shape = matrix.shape[::-1]
        names.append(out.reshaped(out.name(matrix, (1, 0)), shape, (1, *shape), matrix.name))
    attrs = {"hidden_size": int(r.shape[0]), "direction": "reverse" if node.attrs["reverse"] else "forward"}
    return names, attrs


def _bias(node: Node, out: Writer, b: Value | None, rb: Value | None, size: int) -> str:
    if b is None and rb is None:
        return ""
    zeros = out.constant(np.zeros(size, np.float32), "zeros") if b is None or rb is None else ""
    parts = [zeros if v is None else out.name(v) for v in (b, rb)]
    return out.reshaped(out.node("Concat", parts, f"{node.name}_bias", axis=0), (2 * size,), (1, 2 * size), node.name)


def _begin(out: Writer, state: Value | None) -> str:
    return "" if state is None else out.reshaped(out.name(state), state.shape, (1, *state.shape), state.name)


def _shorn(names: list[str]) -> list[str]:
    while names and not names[-1]:
        names.pop()
    return names


def _check_unused(node: Node, out: Writer, outputs: list[Value]) -> None:
    if any(out.graph.users(v) or any(v is o for o in out.graph.outputs) for v in outputs):
        out.refuse("what only its gradient needs is used")


def _write(node: Node, out: Writer, op: str, inputs: list[str], attrs: dict[str, Any], results: list[Value]) -> None:
    names = [out.unique(node.name + suffix) for suffix in (("", "_h", "_c") if results[1:] else ("",))]
    out.nodes.append(helper.make_node(op, inputs, names, name=names[0], **attrs))
    steps, n, h = results[0].shape
    out.bind(results[0], None, out.reshaped(names[0], (steps, 1, n, h), (steps, n, h), node.name))
    if results[1:]:
        out.bind(results[1], None, out.reshaped(names[2], (1, n, h), (n, h), node.name))


@exporter("lstm")
def write_lstm(node: Node, out: Writer) -> None:
    names, attrs = _weights(node, out, 4)
    _, _, _, b, h0, c0 = node.inputs
    _check_unused(node, out, node.outputs[2:])
    rest = [_bias(node, out, b, None, 4 * attrs["hidden_size"]), "", _begin(out, h0), _begin(out, c0)]
    _write(node, out, "LSTM", _shorn([*names, *rest]), attrs, node.outputs[:2])


@exporter("gru")
def write_gru(node: Node, out: Writer) -> None:
    names, attrs = _weights(node, out, 3)
    _, _, _, b, rb, h0 = node.inputs
    _check_unused(node, out, node.outputs[1:])
    rest = [_bias(node, out, b, rb, 3 * attrs["hidden_size"]), "", _begin(out, h0)]
    _write(node, out, "GRU", _shorn([*names, *rest]), {**attrs, "linear_before_reset": 1}, node.outputs[:1])
