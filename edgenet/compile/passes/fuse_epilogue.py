"""Let a layer add a residual and apply an activation while its result is still in registers.

::

    conv2d(x, w, b) → add(other) → relu                      conv2d(x, w, b, res=other, activation=("relu",))

So do dense layers, and batch normalisation with the statistics of the batch.  In training graphs too: the gradients of
these activations are computed from their outputs.
"""

from __future__ import annotations

from edgenet.graph import Graph, Node, Value

from .pattern import LAYERS, movable, producer

#: what applies each activation
APPLIES = {"relu": (*LAYERS, "batch_norm_train"), "clip": (*LAYERS, "batch_norm_train"), "leaky_relu": LAYERS}


def fuse_epilogue(graph: Graph) -> None:
    """Run the pass, in place."""
    for node in list(graph.nodes):
        if node.op == "add":
            _fuse_residual(graph, node)
        elif node.op in APPLIES:
            _fuse_activation(graph, node)


def _activation(node: Node) -> tuple[object, ...]:
    if node.op == "relu":
        return ("relu",)
    if node.op == "clip":
        return ("clip", float(node.attrs["low"]), float(node.attrs["high"]))
    return ("leaky_relu", float(node.attrs["alpha"]))


def _fuse_activation(graph: Graph, node: Node) -> None:
    source = producer(graph, node.inputs[0], APPLIES[node.op])
    if source is not None:
        source.attrs = {**source.attrs, "activation": _activation(node)}
        graph.replace(node.output, source.output)
        graph.nodes.remove(node)


def _fuse_residual(graph: Graph, node: Node) -> None:
    a, b = node.inputs
    if a is None or b is None or a.shape != b.shape or a is b:
        return
    places = {id(v): graph.nodes.index(v.node) for v in (a, b) if v.node is not None}

    def place(v: Value) -> int:
        return places.get(id(v), -1)

    for y, other in sorted(((a, b), (b, a)), key=lambda pair: -place(pair[0])):  # the later layer takes the earlier one
        norm = producer(graph, y, ("batch_norm_train",))
        if norm is not None and norm.inputs[3] is None and place(other) < place(y):  # it stays where it stands
            norm.inputs = [*norm.inputs[:3], other]
            graph.replace(node.output, norm.output)
            graph.nodes.remove(node)
            return
        source = movable(graph, y, node)
        if source is None or source.inputs[3] is not None or other.shape != y.shape:
            continue
        source.inputs = [*source.inputs[:3], other]
        graph.nodes.remove(source)  # it now runs where the addition stood, after `other` is known
        graph.nodes[graph.nodes.index(node)] = source
        graph.replace(node.output, source.output)
        return
