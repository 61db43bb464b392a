"""The cells of recurrent layers: a direction of LSTM, GRU or RNN as an op or, where that does not do, step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from edgenet.graph import Value, emit
from edgenet.ops.recurrent import gru, lstm
from edgenet.ops.select import where

from ..node import OnnxNode
from ..tensor import one, reshape

Function = Callable[[Value], Value]


def _emit(name: str, *inputs: Any, **attrs: Any) -> Value:
    return one(emit(name, list(inputs), **attrs))


#: activation functions by their lower-case names: function of x, alpha and beta; and the defaults of both
ACTIVATIONS: dict[str, tuple[Callable[[Value, float, float], Value], float, float]] = {
    "sigmoid": (lambda x, a, b: _emit("sigmoid", x), 0, 0),
    "tanh": (lambda x, a, b: _emit("tanh", x), 0, 0),
    "relu": (lambda x, a, b: _emit("relu", x), 0, 0),
    "affine": (lambda x, a, b: x * a + b, 1.0, 0),
    "leakyrelu": (lambda x, a, b: _emit("leaky_relu", x, alpha=a), 0.01, 0),
    "thresholdedrelu": (lambda x, a, b: where(_emit("greater", x, a), x, 0.0), 1.0, 0),
    "scaledtanh": (lambda x, a, b: _emit("tanh", x * b) * a, 1.0, 1.0),
    "hardsigmoid": (lambda x, a, b: _emit("clip", x * a + b, low=0.0, high=1.0), 0.2, 0.5),
    "elu": (lambda x, a, b: _emit("elu", x, alpha=a), 1.0, 0),
    "softsign": (lambda x, a, b: x / (_emit("abs", x) + 1.0), 0, 0),
    "softplus": (lambda x, a, b: _emit("softplus", x), 0, 0),
}


def applied(function: Callable[[Value, float, float], Value], a: float, b: float, x: Value) -> Value:
    """One of `ACTIVATIONS`, with its parameters first."""
    return function(x, a, b)


class Cell(NamedTuple):
    """One direction of a layer."""

    x: Value
    """(steps, batch, features)"""
    w: Value
    """(features, gates·h)"""
    r: Value
    """(h, gates·h)"""
    b: Value | None
    """(2·gates·h,): of the products of x, then of those of the state"""
    h0: Value | None
    c0: Value | None
    peepholes: Value | None
    """(3·h,): of i, o and f"""
    activations: list[Function]
    plain: bool
    """whether the activations are the usual ones, there is no clip, and every sample has all steps"""
    clip: float
    masks: list[Value] | None
    """for each step 1.0 for the samples that have it, (batch, 1); None where all have all"""
    reverse: bool
    hidden: int

    def part(self, vector: Value, i: int, count: int = 1) -> Value:
        """Part i of a vector, `count` hidden sizes long."""
        return _emit("slice", vector, starts=(i * self.hidden,), stops=((i + count) * self.hidden,), steps=(1,))

    def gate(self, x: Value, i: int, count: int = 1) -> Value:
        """Gate i of (batch, gates·h)."""
        h = self.hidden
        return _emit("slice", x, starts=(None, i * h), stops=(None, (i + count) * h), steps=(1, 1))

    def clipped(self, x: Value) -> Value:
        """What an activation gets."""
        return x if self.clip == 0 else _emit("clip", x, low=-self.clip, high=self.clip)


# steps ---------------------------------------------------------------------------------------------------------------


def _projected(cell: Cell, bias: Value | None) -> list[Value]:
    """x·w + bias of each step."""
    steps, batch, features = cell.x.shape
    if isinstance(batch, str):
        parts = [_step(cell.x, t) for t in range(steps)]
        return [_dense(p, cell.w, bias) for p in parts]
    y = _dense(reshape(cell.x, (steps * batch, features)), cell.w, bias)
    y = reshape(y, (steps, batch, y.shape[1]))
    return [_step(y, t) for t in range(steps)]


def _step(x: Value, t: int) -> Value:
    if x.shape[0] == 1:
        return reshape(x, x.shape[1:])
    cut = _emit("slice", x, starts=(t, None, None), stops=(t + 1, None, None), steps=(1, 1, 1))
    return reshape(cut, x.shape[1:])


def _dense(x: Value, w: Value, b: Value | None = None, res: Value | None = None) -> Value:
    return _emit("dense", x, w, b, res, transpose_x=False, transpose_w=False, activation=None)


def _state(cell: Cell, first: Value | None) -> Value:
    """What a state begins with."""
    if first is not None:
        return first
    batch = cell.x.shape[1]
    if isinstance(batch, str):
        raise ValueError(f"its batch has the size {batch}: pass `shapes` that makes it a number")
    return cell.x.graph.constant(np.zeros((batch, cell.hidden), np.float32))


def _unrolled(
    cell: Cell, inputs: list[Value], states: list[Value], step: Callable[[Value, list[Value]], list[Value]]
) -> tuple[Value, list[Value]]:
    """The first state of all steps, and all states in the end; samples that lack a step keep their states over it."""
    steps = len(inputs)
    outputs: list[Any] = [None] * steps
    for t in range(steps - 1, -1, -1) if cell.reverse else range(steps):
        new = step(inputs[t], states)
        outputs[t] = new[0]
        if cell.masks is not None:
            mask = cell.masks[t]
            outputs[t] = where(mask, new[0], 0.0)
            new = [where(mask, a, b) for a, b in zip(new, states, strict=True)]
        states = new
    apart = [reshape(y, (1, *y.shape)) for y in outputs]
    return (apart[0] if steps == 1 else _emit("concat", *apart, axis=0)), states


def _last(y: Value, reverse: bool) -> Value:
    """The state that comes last."""
    return _step(y, 0 if reverse else y.shape[0] - 1)


def _sum(cell: Cell, gates: int) -> Value | None:
    """Both biases, where they are added anyway."""
    return None if cell.b is None else cell.part(cell.b, 0, gates) + cell.part(cell.b, gates, gates)


def run_rnn(node: OnnxNode, cell: Cell) -> tuple[Value, Value, None]:
    """RNN: h' = f(x·w + h·r + b)."""
    (f,) = cell.activations

    def step(p: Value, states: list[Value]) -> list[Value]:
        return [f(cell.clipped(_dense(states[0], cell.r, res=p)))]

    y, (h,) = _unrolled(cell, _projected(cell, _sum(cell, 1)), [_state(cell, cell.h0)], step)
    return y, h, None


def run_lstm(node: OnnxNode, cell: Cell) -> tuple[Value, Value, Value]:
    """LSTM, as one op where that knows the form."""
    coupled = bool(node.attr("input_forget", 0))
    bias = _sum(cell, 4)
    if cell.plain and not coupled:
        y, c = lstm(cell.x, cell.w, cell.r, bias, cell.h0, cell.c0, reverse=cell.reverse)
        return y, _last(y, cell.reverse), c
    f, g, h_of = cell.activations
    peep = [None if cell.peepholes is None else cell.part(cell.peepholes, i) for i in range(3)]

    def seen(gate: Value, i: int, c: Value) -> Value:
        part = peep[i]
        return f(cell.clipped(gate if part is None else gate + c * part))

    def step(p: Value, states: list[Value]) -> list[Value]:
        h, c = states
        p = _dense(h, cell.r, res=p)
        i = seen(cell.gate(p, 0), 0, c)
        forget = 1.0 - i if coupled else seen(cell.gate(p, 2), 2, c)
        c = forget * c + i * g(cell.clipped(cell.gate(p, 3)))
        return [seen(cell.gate(p, 1), 1, c) * h_of(c), c]

    states = [_state(cell, cell.h0), _state(cell, cell.c0)]
    y, (h, c) = _unrolled(cell, _projected(cell, bias), states, step)
    return y, h, c


def run_gru(node: OnnxNode, cell: Cell) -> tuple[Value, Value, None]:
    """GRU, as one op where that knows the form."""
    behind = bool(node.attr("linear_before_reset", 0))
    b, rb = (None, None) if cell.b is None else (cell.part(cell.b, 0, 3), cell.part(cell.b, 3, 3))
    if cell.plain and behind:
        y = gru(cell.x, cell.w, cell.r, b, rb, cell.h0, reverse=cell.reverse)
        return y, _last(y, cell.reverse), None
    f, g = cell.activations
    gates, last = cell.gate(cell.r, 0, 2), cell.gate(cell.r, 2)
    rb_gates, rb_last = (None, None) if rb is None else (cell.part(rb, 0, 2), cell.part(rb, 2))

    def step(p: Value, states: list[Value]) -> list[Value]:
        (h,) = states
        zr = f(cell.clipped(_dense(h, gates, rb_gates, cell.gate(p, 0, 2))))
        z, r = cell.gate(zr, 0), cell.gate(zr, 1)
        new = r * _dense(h, last, rb_last) if behind else _dense(r * h, last, rb_last)
        n = g(cell.clipped(cell.gate(p, 2) + new))
        return [(1.0 - z) * n + z * h]

    y, (h,) = _unrolled(cell, _projected(cell, b), [_state(cell, cell.h0)], step)
    return y, h, None
