"""Angles and their kin, rounding, and the remainder of a division ↔ ops of the same names."""

from __future__ import annotations

from edgenet.graph import Node, emit
from edgenet.ops.select import where

from ..node import OnnxNode
from ..registry import exporter, importer
from ..tensor import Tensor, one, together
from ..writer import Writer


def _unary(onnx_op: str, name: str, since: int) -> None:
    @importer(onnx_op, since)
    def read(node: OnnxNode) -> Tensor:
        return node.input(0).map(lambda x: emit(name, [x]))

    @exporter(name)
    def write(node: Node, out: Writer) -> None:
        out.same(node, onnx_op)


for _name in ("sin", "cos", "tan", "asin", "acos", "atan"):
    _unary(_name.capitalize(), _name, 7)
for _name in ("sinh", "cosh", "asinh", "acosh", "atanh", "sign"):
    _unary(_name.capitalize(), _name, 9)
for _name, _since in (("floor", 6), ("ceil", 6), ("round", 11)):
    _unary(_name.capitalize(), _name, _since)


@importer("Mod", since=10)
def read_mod(node: OnnxNode) -> Tensor:
    (a, b), axes = together([node.input(0), node.input(1)])
    rest = one(emit("remainder", [a, b]))
    if not node.attr("fmod", 0):  # with the sign of b
        rest = where(emit("greater", [0.0, rest * emit("sign", [b])]), rest + b, rest)
    return Tensor.held(rest, axes)


@exporter("remainder")
def write_remainder(node: Node, out: Writer) -> None:
    names, axes = out.together(node)
    out.bind(node.output, axes, out.node("Mod", names, node.name, fmod=1))
