"""Let the input gradient of a convolution add itself to what else flows back into the same value.

::

    add(conv2d_dx(dy, w), other)                             conv2d_dx(dy, w, other)

The sum lies where `other` lay, which is not read and written once more; where the convolution has a stride and a small
kernel, as in the shortcut of a residual block, most pixels are not even touched.  Where both are such gradients, the
first one waits for the second, unless what it waits with is larger than itself: memory is needed for dy, not for dx.
"""

from __future__ import annotations

from edgenet.graph import Graph, Node, Value, get_op
from edgenet.ops.conv import can_add


def fuse_sum(graph: Graph) -> None:
    """Run the pass, in place."""
    for node in [n for n in graph.nodes if n.op == "add"]:
        a, b = node.inputs
        if a is None or b is None or a is b or a.shape != b.shape:
            continue
        found = [(v, other) for v, other in ((a, b), (b, a)) if _fits(graph, v, node)]
        if found:
            _fuse(graph, node, *min(found, key=lambda pair: _waiting(graph, pair[0])))


def _fits(graph: Graph, value: Value, place: Node) -> bool:
    """Whether a value is an input gradient that nobody else reads and that may be computed as late as at `place`."""
    source = value.node
    if source is None or source.op != "conv2d_dx" or len(source.inputs) > 2 or not can_add(source):
        return False
    if graph.users(value) != [place]:
        return False
    between = graph.nodes[graph.nodes.index(source) : graph.nodes.index(place)]
    return not any(value is v for v in graph.outputs) and not any(get_op(n.op).effect for n in between)


def _waiting(graph: Graph, value: Value) -> tuple[bool, int]:
    """What is best first: small dy, then the earliest."""
    assert value.node is not None and value.node.inputs[0] is not None
    return value.node.inputs[0].spec.size > value.spec.size, graph.nodes.index(value.node)


def _fuse(graph: Graph, place: Node, value: Value, other: Value) -> None:
    source = value.node
    assert source is not None
    source.inputs.append(other)
    graph.nodes.remove(source)
    graph.nodes[graph.nodes.index(place)] = source
    graph.replace(place.output, value)
