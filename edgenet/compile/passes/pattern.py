"""What passes look for."""

from __future__ import annotations

from edgenet.graph import Graph, Node, Value, get_op

LAYERS = ("conv2d", "dense")


def producer(graph: Graph, value: Value | None, ops: tuple[str, ...] = LAYERS) -> Node | None:
    """The node of one of these ops, without activation, that computes `value` for a single reader."""
    node = None if value is None else value.node
    if node is None or node.op not in ops or node.output is not value or node.attrs["activation"] is not None:
        return None
    if any(value is v for v in graph.outputs) or sum(v is value for n in graph.nodes for v in n.inputs) != 1:
        return None
    return node


def movable(graph: Graph, value: Value | None, place: Node) -> Node | None:
    """`producer`, if it may be computed as late as at `place`: nothing on the way writes variables, its own perhaps."""
    source = producer(graph, value)
    if source is None:
        return None
    between = graph.nodes[graph.nodes.index(source) : graph.nodes.index(place)]
    return None if any(get_op(n.op).effect for n in between) else source
