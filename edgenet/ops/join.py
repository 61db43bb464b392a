"""Ops that lay values one behind the other; where possible these are computed right there.  The gradients cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgenet.graph import Call, Layouts, Node, ShapeError, Spec, Value
from edgenet.graph.spec import Dim

from .cut import slice_
from .grid import Grid, Move, calls, one
from .movement import reshape


class Concat(Move):
    """The inputs one behind the other along `axis`."""

    name = "concat"

    def shape(self, specs: Sequence[Spec], attrs: dict[str, Any]) -> Sequence[Dim]:
        first, axis = specs[0], attrs["axis"]
        if not -first.rank <= axis < first.rank:
            raise ShapeError(f"axis {axis} is out of range for inputs of shape {first.shape}")
        axis %= first.rank
        total = 0
        for spec in specs:
            others = [(*s.shape[:axis], *s.shape[axis + 1 :]) for s in (spec, first)]
            size = spec.shape[axis] if spec.rank == first.rank else "?"
            if spec.rank != first.rank or others[0] != others[1] or isinstance(size, str):
                shapes = ", ".join(str(s.shape) for s in specs)
                raise ShapeError(
                    f"expected shapes that differ at most in axis {axis}, where sizes are known, got {shapes}"
                )
            total += size
        return (*first.shape[:axis], total, *first.shape[axis + 1 :])

    def gradient(self, node: Node, dys: list[Value]) -> list[Value]:
        axis, at, out = node.attrs["axis"] % dys[0].spec.rank, 0, []
        for x in node.inputs:
            assert x is not None
            end = at + x.spec.sizes[axis]
            edges = [(at, end) if a == axis else (0, None) for a in range(x.spec.rank)]
            out.append(slice_(dys[0], [e[0] for e in edges], [e[1] for e in edges]))
            at = end
        return out

    def inside(self, node: Node) -> list[tuple[Value, int]]:
        outer = node.output.shape[: node.attrs["axis"] % node.output.spec.rank]
        return _strips(node) if all(d == 1 for d in outer) else []

    def lower(self, node: Node) -> list[Call]:
        y, axis = node.output, node.attrs["axis"] % node.output.spec.rank
        out, at = [], y.layout.start
        for x in node.inputs:
            assert x is not None
            if x.owner is not y:
                out += calls(x, y, Grid(x.spec.sizes, x.layout.strides, y.layout.strides, x.layout.start, at))
            at += x.spec.sizes[axis] * y.layout.strides[axis]
        return out

    def layouts(self, node: Node) -> Layouts:
        y, first, inside = node.output, 0, []
        values = [v for v in node.inputs if v is not None]
        if node.attrs["axis"] % y.spec.rank == 3:
            for x in values:
                if sum(v is x for v in values) == 1:
                    inside.append((x, y, first))
                first += x.spec.sizes[3]
        return Layouts((*values, y), inside=tuple(inside))


def _strips(node: Node) -> list[tuple[Value, int]]:
    """The inputs and where they start in the output, if they lie one behind the other."""
    out, at = [], 0
    for x in node.inputs:
        assert x is not None
        if not x.spec.known:
            return []
        out.append((x, at))
        at += x.spec.size
    return out


class Flat(Move):
    """All inputs, flattened, one behind the other: where possible they are computed right there."""

    name = "flat"

    def shape(self, specs: Sequence[Spec], attrs: dict[str, Any]) -> Sequence[Dim]:
        return (sum(spec.size for spec in specs),)

    def gradient(self, node: Node, dys: list[Value]) -> list[Value]:
        return [reshape(slice_(dys[0], [at], [at + x.spec.size]), x.shape) for x, at in _strips(node)]

    def inside(self, node: Node) -> list[tuple[Value, int]]:
        return _strips(node)

    def lower(self, node: Node) -> list[Call]:
        out = []
        for x, at in _strips(node):
            out += calls(x, node.output, Grid((x.spec.size,), (1,), (1,), y0=at))
        return out


def concat(xs: Sequence[Value], axis: int = -1) -> Value:
    """Join values one behind the other along an axis.

    Raises:
        ShapeError: if the shapes differ in another axis.

    Example:
        >>> from edgenet.graph import Graph
        >>> g = Graph()
        >>> concat([g.input((1, 8, 8, 3)), g.input((1, 8, 8, 5))])
        %concat: float32[1, 8, 8, 8]
    """
    return one("concat", list(xs), axis=axis)


def flat(*xs: Value) -> Value:
    """All values, flattened, one behind the other; where possible they are computed right there.

    Raises:
        ShapeError: if a size is not known.

    Example:
        >>> from edgenet.graph import Graph
        >>> g = Graph()
        >>> flat(g.input((2, 3)), g.input((4,)))
        %flat: float32[10]
    """
    return one("flat", xs)
