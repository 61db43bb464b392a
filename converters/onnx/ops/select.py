"""Where, powers and casts, as they are written."""

from __future__ import annotations

import onnx

from edgenet.graph import Node

from ..registry import exporter
from ..writer import Writer


@exporter("where")
def write_where(node: Node, out: Writer) -> None:
    names, axes = out.together(node)
    truth = out.node("Cast", names[:1], node.name, to=onnx.TensorProto.BOOL)
    out.bind(node.output, axes, out.node("Where", [truth, *names[1:]], node.name))


@exporter("power")
def write_power(node: Node, out: Writer) -> None:
    names, axes = out.together(node)
    out.bind(node.output, axes, out.node("Pow", names, node.name))


@exporter("cast")
def write_cast(node: Node, out: Writer) -> None:
    kind = onnx.TensorProto.FLOAT if node.attrs["dtype"] == "float32" else onnx.TensorProto.INT32
    out.same(node, "Cast", to=kind)
