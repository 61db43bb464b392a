"""Let the gradient of batch normalisation take the activation behind it into its own passes.

::

    dy → relu_dx(y) → batch_norm_train_dx(x, …)              dy → batch_norm_train_dx(x, …, activation=("relu",))

where y = batch_norm_train(x, …, activation=("relu",)).  Its kernels compute y once more from x, which they read anyway;
the masked gradient, as large as x, is neither written nor read.  A residual that was added to y is not at hand there,
and its own gradient is the masked one: then relu_dx stays.
"""

from __future__ import annotations

from edgenet.graph import Graph

MASKS = ("relu_dx", "clip_dx")


def fuse_mask(graph: Graph) -> None:
    """Run the pass, in place, behind `fuse_epilogue`."""
    for node in graph.nodes:
        if node.op != "batch_norm_train_dx" or node.attrs["activation"] is not None:
            continue
        x, _, _, mean, _, dy = node.inputs
        mask = None if dy is None else dy.node
        if mask is None or mask.op not in MASKS or len(graph.users(mask.output)) != 1:
            continue
        y, dy = mask.inputs
        norm = None if y is None else y.node
        if norm is None or norm.op != "batch_norm_train" or norm.inputs[0] is not x or norm.outputs[1] is not mean:
            continue
        if norm.attrs["activation"] is not None and norm.inputs[3] is None:
            node.inputs[5] = dy
            node.attrs = {**node.attrs, "activation": norm.attrs["activation"]}
    graph.prune()
