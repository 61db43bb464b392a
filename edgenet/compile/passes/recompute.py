"""Compute the results of batch normalisation again for the gradients instead of keeping them.

::

    z ─▶ batch_norm_train ─▶ y ─▶ conv2d …                   z ─▶ batch_norm_train ─▶ y ─▶ conv2d …
                             └──────▶ conv2d_dw              z, dy ─▶ batch_norm_train_dx ─▶ dz …
    z, dy ─▶ batch_norm_train_dx ─▶ dz …                     z ─▶ batch_norm_again ─▶ y ─▶ conv2d_dw

The gradients need both z and y, so both would lie in memory from the forward pass to the backward pass.  But y is
quickly made of z, and the gradient of the normalisation reads z anyway.  So y is computed once more behind that, and
the convolution's weight gradient waits for it: the arena of a training step is about half as large, and both times y is
read while it is in the cache (`compile.chain`).  Where a residual was added to y, y stays.

Source: Chen, Xu, Zhang, Guestrin, "Training Deep Nets with Sublinear Memory Cost", 2016, arXiv:1604.06174, section 3.
"""

from __future__ import annotations

from edgenet.graph import Graph, Node, emit, get_op


def recompute(graph: Graph) -> None:
    """Run the pass, in place, behind `fuse_epilogue` and `fuse_mask`."""
    for norm in [n for n in graph.nodes if n.op == "batch_norm_train" and n.inputs[3] is None]:
        y, mean, _ = norm.outputs
        late = [n for n in graph.users(y) if n.op == "conv2d_dw" and n.inputs[0] is y]
        gradient = next((n for n in graph.users(mean) if n.op == "batch_norm_train_dx" and n.inputs[3] is mean), None)
        if late and gradient is not None and gradient.attrs["activation"] == norm.attrs["activation"]:
            _move(graph, norm, late, gradient)


def _move(graph: Graph, norm: Node, late: list[Node], gradient: Node) -> None:
    """Put weight gradients behind the gradient of the normalisation, and let them read a y made there."""
    place, moving, made = graph.nodes.index(gradient), list[Node](), set[int]()
    for n in graph.nodes[:place]:
        if n in late or any(id(v) in made for v in n.inputs):
            moving.append(n)
            made.update(id(v) for v in n.outputs)
    if any(id(v) in made for v in gradient.inputs) or any(get_op(n.op).effect for n in moving):
        return
    with graph.at(gradient):
        y = emit("batch_norm_again", [*norm.inputs[:3], *norm.outputs[1:]], **norm.attrs)
    moving.insert(0, y.node)
    for n in late:
        n.inputs = [y, *n.inputs[1:]]
    for n in moving:
        graph.nodes.remove(n)
    place = graph.nodes.index(gradient)
    graph.nodes[place + 1 : place + 1] = moving
