"""Recurrent layers, all their steps in one node: the input's product once, then a product and a cell for each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from edgenet.graph import At, Call, Cost, Node, Op, Scratch, ShapeError, Spec, Value, emit
from edgenet.kernels.cpu import recurrent as k

from .broadcast import expect_float
from .contraction import Matrix, Operand, calls, panels, product
from .sequence import copied, is_fixed, matrices, order, pulled, states_before, weight_gradient, zeroed


class _Layer(Op):
    """x[t, n, i] with w[i, parts·h] and b, then r[h, parts·h]; `reverse`: the last step comes first."""

    parts: ClassVar[int]

    def _check(self, specs: Sequence[Any]) -> tuple[Any, Any, int]:
        """Steps, samples and hidden size.  Raises ShapeError, naming what does not fit."""
        x, w, r = specs[:3]
        expect_float(*(s for s in specs if s is not None))
        if x.rank != 3 or isinstance(x.shape[0], str) or x.shape[0] < 1:
            raise ShapeError(f"expected x of shape (steps, batch, features), at least one known step, got {x.shape}")
        h = r.shape[0] if r.rank == 2 else 0
        if r.shape != (h, self.parts * h) or w.shape != (x.shape[2], self.parts * h):
            raise ShapeError(
                f"expected w of shape ({x.shape[2]}, {self.parts}·h) and r of shape (h, {self.parts}·h), got {w.shape} "
                f"and {r.shape}"
            )
        return x.shape[0], x.shape[1], int(h)

    def _vectors(self, h: int, **vectors: Any) -> None:
        for name, spec in vectors.items():
            if spec is not None and spec.shape != (self.parts * h,):
                raise ShapeError(f"expected {name} of shape ({self.parts * h},), got {spec.shape}")

    def _states(self, n: Any, h: int, **states: Any) -> None:
        for name, spec in states.items():
            if spec is not None and spec.shape != (n, h):
                raise ShapeError(f"expected {name} of shape ({n}, {h}), got {spec.shape}")

    def cost(self, node: Node) -> Cost:
        w, r, y = node.inputs[1], node.inputs[2], node.output
        assert w is not None and r is not None
        each = w.spec.size + r.spec.size
        return Cost(2 * each * y.spec.sizes[0] * y.spec.sizes[1], super().cost(node).bytes)


class Lstm(_Layer):
    """c' = f·c + i·g, h' = o·tanh c' with i, o, f, g = s, s, s, tanh of the parts of x·w + b + h·r; all h, last c.

    Outputs: y[t, n, h], the last c[n, h]; and for the gradient all c[t, n, h] and all gates[t, n, 4·h].
    """

    name, parts = "lstm", 4

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        steps, n, h = self._check(specs)
        self._vectors(h, b=specs[3])
        self._states(n, h, h0=specs[4], c0=specs[5])
        return [Spec((steps, n, h)), Spec((n, h)), Spec((steps, n, h)), Spec((steps, n, 4 * h))]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        r, h0, c0 = node.inputs[2], node.inputs[4], node.inputs[5]
        y, _, cells, gates = node.outputs
        reverse = node.attrs["reverse"]
        dp, dh0, dc0 = emit("lstm_dx", [r, c0, cells, gates, dys[0], dys[1]], reverse=reverse)
        dx, dw, db = pulled(node, dp)
        return [dx, dw, weight_gradient(states_before(y, h0, reverse), dp), db, dh0, dc0]

    def lower(self, node: Node) -> list[Call]:
        x, w, r, b, h0, c0 = node.inputs
        y, last, cells, gates = node.outputs
        assert x is not None and w is not None and r is not None
        (steps, n, i), h = x.spec.sizes, r.spec.sizes[0]
        out = calls(matrices(x, Matrix(w, sk=4 * h), gates, steps * n, 4 * h, i, bias=b, keep=is_fixed(w)))
        size, packed, first = n * h, None, Scratch(n * h)
        if h0 is None or c0 is None:
            out.append(zeroed(first, size))
        at = None
        for at, before in order(steps, node.attrs["reverse"]):
            p = At(gates, 4 * at * size)
            state: Operand = (h0 or first) if before is None else At(y, before * size)
            cell: Operand = (c0 or first) if before is None else At(cells, before * size)
            if before is not None or h0 is not None:
                step = matrices(state, Matrix(r, sk=4 * h), p, n, 4 * h, h, res=p, keep=is_fixed(r))
                if packed is None:
                    more, packed = panels(step)
                    out += more
                out += product(step, packed)
            out.append(Call(k.lstm_step, (p, cell, At(cells, at * size), At(y, at * size), h), n, 120.0 * size))
        return [*out, copied(At(cells, (at or 0) * size), last, size)] if size else []


class LstmDx(_Layer):
    """Gradients of the LSTM's products x·w + b + h·r, of h0 and of c0."""

    name, parts = "lstm_dx", 4
    no_gradient = "second derivatives are not supported"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        _, _, cells, gates, dy, dlast = specs
        if dy.shape != cells.shape or dlast.shape != cells.shape[1:]:
            raise ShapeError(
                f"expected gradients of {cells.shape} and {cells.shape[1:]}, got {dy.shape}, {dlast.shape}"
            )
        return [gates, dlast, dlast]

    def lower(self, node: Node) -> list[Call]:
        r, c0, cells, gates, dy, dlast = node.inputs
        dp, dh, dc = node.outputs
        assert r is not None and cells is not None and gates is not None and dy is not None and dlast is not None
        steps, n, h = cells.spec.sizes
        size = n * h
        zeros, packed = Scratch(size), None
        out = [zeroed(dh, size), copied(dlast, dc, size)]
        if c0 is None:
            out.append(zeroed(zeros, size))
        for at, before in reversed(list(order(steps, node.attrs["reverse"]))):
            gate = At(gates, 4 * at * size)
            cell: Operand = (c0 or zeros) if before is None else At(cells, before * size)
            slope = At(dp, 4 * at * size)
            args = (gate, cell, At(cells, at * size), At(dy, at * size), dh, dc, slope, h)
            out.append(Call(k.lstm_step_dx, args, n, 80.0 * size))
            step = matrices(slope, Matrix(r, sk=1, sn=4 * h), dh, n, h, 4 * h)
            if packed is None:
                more, packed = panels(step)
                out += more
            out += product(step, packed)
        return out if size else []


class Gru(_Layer):
    """h' = (1 - z)·n + z·h with z, r = s of x·w + b + h·r + rb, n = tanh(x·w + b + r·(h·r + rb)); all h.

    Outputs: y[t, n, h]; and for the gradient what each step keeps, (t, n, 4·h).
    """

    name, parts = "gru", 3

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        steps, n, h = self._check(specs)
        self._vectors(h, b=specs[3], rb=specs[4])
        self._states(n, h, h0=specs[5])
        return [Spec((steps, n, h)), Spec((steps, n, 4 * h))]

    def gradient(self, node: Node, dys: list[Value]) -> list[Value | None]:
        r, rb, h0 = node.inputs[2], node.inputs[4], node.inputs[5]
        y, kept = node.outputs
        reverse = node.attrs["reverse"]
        before = states_before(y, h0, reverse)
        dp, dq, dh0 = emit("gru_dx", [r, before, kept, dys[0]], reverse=reverse)
        dx, dw, db = pulled(node, dp)
        drb = None if rb is None else emit("sum", [dq], axes=(0, 1), keepdims=False)
        return [dx, dw, weight_gradient(before, dq), db, drb, dh0]

    def lower(self, node: Node) -> list[Call]:
        x, w, r, b, rb, h0 = node.inputs
        y, kept = node.outputs
        assert x is not None and w is not None and r is not None
        (steps, n, i), h = x.spec.sizes, r.spec.sizes[0]
        size, packed, first = n * h, None, Scratch(n * h)
        inputs, q = Scratch(3 * steps * size), Scratch(3 * size)
        out = calls(matrices(x, Matrix(w, sk=3 * h), inputs, steps * n, 3 * h, i, bias=b, keep=is_fixed(w)))
        if h0 is None:
            out.append(zeroed(first, size))
        for at, before in order(steps, node.attrs["reverse"]):
            state: Operand = (h0 or first) if before is None else At(y, before * size)
            step = matrices(state, Matrix(r, sk=3 * h), q, n, 3 * h, h, bias=rb, keep=is_fixed(r))
            if packed is None:
                more, packed = panels(step)
                out += more
            out += product(step, packed)
            args = (At(inputs, 3 * at * size), q, state, At(y, at * size), At(kept, 4 * at * size), h)
            out.append(Call(k.gru_step, args, n, 90.0 * size))
        return out if size else []


class GruDx(_Layer):
    """Gradients of the GRU's products x·w + b and h·r + rb, and of h0."""

    name, parts = "gru_dx", 3
    no_gradient = "second derivatives are not supported"

    def infer(self, specs: Sequence[Any], attrs: dict[str, Any]) -> list[Spec]:
        _, before, _, dy = specs
        if dy.shape != before.shape:
            raise ShapeError(f"expected a gradient of shape {before.shape}, got {dy.shape}")
        steps, n, h = dy.shape
        return [Spec((steps, n, 3 * h)), Spec((steps, n, 3 * h)), Spec((n, h))]

    def lower(self, node: Node) -> list[Call]:
        r, before, kept, dy = node.inputs
        dp, dq, dh = node.outputs
        assert r is not None and before is not None and kept is not None and dy is not None
        steps, n, h = dy.spec.sizes
        size, packed = n * h, None
        out = [zeroed(dh, size)]
        for at, _ in reversed(list(order(steps, node.attrs["reverse"]))):
            slopes = At(dp, 3 * at * size), At(dq, 3 * at * size)
            args = (At(kept, 4 * at * size), At(before, at * size), At(dy, at * size), dh, *slopes, h)
            out.append(Call(k.gru_step_dx, args, n, 60.0 * size))
            step = matrices(slopes[1], Matrix(r, sk=1, sn=3 * h), dh, n, h, 3 * h, res=dh)
            if packed is None:
                more, packed = panels(step)
                out += more
            out += product(step, packed)
        return out if size else []


def lstm(
    x: Value, w: Any, r: Any, b: Any = None, h0: Any = None, c0: Any = None, *, reverse: bool = False
) -> tuple[Value, Value]:
    """A long short-term memory over all steps: c' = f·c + i·g, h' = o·tanh c'.

    i, o, f and g are the parts, in this order, of x·w + b + h·r, through sigmoid, sigmoid, sigmoid and tanh.

    Args:
        x: shape (steps, batch, features).
        w: shape (features, 4·h).
        r: shape (h, 4·h).
        b: shape (4·h,).
        h0: the state at the beginning, (batch, h); zeros if None.
        c0: the memory at the beginning, (batch, h); zeros if None.
        reverse: go from the last step to the first.

    Returns:
        h' of all steps (steps, batch, h), in the order of x, and c' of the one that comes last (batch, h).

    Raises:
        ShapeError: if the shapes do not fit together.

    Source: Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000.

    >>> from edgenet.graph import Graph
    >>> g = Graph()
    >>> lstm(g.input((20, "batch", 8)), g.input((8, 64)), g.input((16, 64)))[0]
    %lstm: float32[20, batch, 16]
    """
    y, c, _, _ = emit("lstm", [x, w, r, b, h0, c0], reverse=bool(reverse))
    return y, c


def gru(x: Value, w: Any, r: Any, b: Any = None, rb: Any = None, h0: Any = None, *, reverse: bool = False) -> Value:
    """Gated recurrent units over all steps: h' = (1 - z)·n + z·h.

    z and s are the first two parts of x·w + b + h·r + rb through sigmoid; n = tanh(p + s·q) with the third parts p of
    x·w + b and q of h·r + rb.

    Args:
        x: shape (steps, batch, features).
        w: shape (features, 3·h).
        r: shape (h, 3·h).
        b: shape (3·h,).
        rb: shape (3·h,).
        h0: the state at the beginning, (batch, h); zeros if None.
        reverse: go from the last step to the first.

    Returns:
        h' of all steps, (steps, batch, h), in the order of x.

    Raises:
        ShapeError: if the shapes do not fit together.

    Source: Cho et al. 2014, arXiv:1406.1078, with the reset gate behind the product as in cuDNN.

    >>> from edgenet.graph import Graph
    >>> g = Graph()
    >>> gru(g.input((20, "batch", 8)), g.input((8, 48)), g.input((16, 48)))
    %gru: float32[20, batch, 16]
    """
    y: Value
    y, _ = emit("gru", [x, w, r, b, rb, h0], reverse=bool(reverse))
    return y
