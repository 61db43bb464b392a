"""What passes look for."""

from __future__ import annotations

from edgenet.graph import Graph, Node, Value


def producer(graph: Graph, value: Value | None) -> Node | None:
    """The conv2d or dense node, without activation, that computes `value` for a single reader."""
    node = None if value is None else value.node
    if node is None or node.op not in ("conv2d", "dense") or node.attrs["activation"] is not None:
        return None
    if any(value is v for v in graph.outputs) or sum(v is value for n in graph.nodes for v in n.inputs) != 1:
        return None
    return node
