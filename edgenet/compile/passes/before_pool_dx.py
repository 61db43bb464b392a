"""Do to the gradient of a maximum, before it is spread, what may be done as well there as afterwards.

::

    dy → max_pool_dx(x, y) → relu_dx(x) → …                  dy → relu_dx(y) → max_pool_dx(x, y) → …
                                        └→ sum                              └→ sum

A number of dy goes to one pixel, at which x is y: so the mask of an activation is the same on either side, and so is
the sum over all pixels, the gradient of a bias.  But before it is spread, the gradient is smaller by the size of the
window, and where it is spread, most numbers are zeros.
"""

from __future__ import annotations

from edgenet.graph import Graph, Node, emit
from edgenet.ops.reduce import reduced_axes

from .fuse_mask import MASKS


def before_pool_dx(graph: Graph) -> None:
    """Run the pass, in place, behind `fuse_mask`."""
    for pool in [n for n in graph.nodes if n.op == "max_pool_dx"]:
        x, y, dy = pool.inputs
        users = graph.users(pool.output)
        if len(users) == 1 and users[0].op in MASKS and users[0].inputs[0] is x and not _shown(graph, pool):
            mask = users[0]
            with graph.at(pool):
                pool.inputs = [x, y, emit(mask.op, [y, dy], **mask.attrs)]
            graph.replace(mask.output, pool.output)
        for total in graph.users(pool.output):
            if total.op == "sum" and {1, 2} <= set(reduced_axes(total.attrs["axes"], 4)):
                total.inputs = [pool.inputs[2]]
    graph.prune()


def _shown(graph: Graph, node: Node) -> bool:
    return any(v is node.output for v in graph.outputs)
