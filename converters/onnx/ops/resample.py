"""An axis mapped by a sparse matrix: resample → Gather or MatMul; CumSum ↔ cumsum."""

from __future__ import annotations

import numpy as np

from edgenet.graph import Node, emit

from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor
from ..writer import Writer


@exporter("resample")
def write_resample(node: Node, out: Writer) -> None:
    x, taps = node.inputs[0], node.attrs["taps"]
    assert x is not None
    held = out.held(x)
    place = held.index(node.attrs["axis"] % x.spec.rank)
    if taps.places is not None:
        places = out.constant(np.array(taps.places, np.int64), "places")
        out.bind(node.output, held, out.node("Gather", [out.name(x, held), places], node.name, axis=place))
        return
    held = (*(a for a in held if a != held[place]), held[place])  # the axis last: x · matrixᵀ
    matrix = out.constant(taps.dense().T, "taps")
    out.bind(node.output, held, out.node("MatMul", [out.name(x, held), matrix], node.name))


@importer("CumSum", since=11)
def read_cumsum(node: OnnxNode) -> Tensor:
    x = node.input(0)
    place = x.place(int(node.scalar(1, 0)))
    attrs = {"exclusive": bool(node.attr("exclusive", 0)), "reverse": bool(node.attr("reverse", 0))}
    return x.map(lambda v: emit("cumsum", [v], axis=place, **attrs))


@exporter("cumsum")
def write_cumsum(node: Node, out: Writer) -> None:
    x = node.inputs[0]
    assert x is not None
    held = out.held(x)
    axis = out.constant(np.array(held.index(node.attrs["axis"] % x.spec.rank), np.int64), "axis")
    flags = {key: int(node.attrs[key]) for key in ("exclusive", "reverse")}
    out.bind(node.output, held, out.node("CumSum", [out.name(x, held), axis], node.name, **flags))
