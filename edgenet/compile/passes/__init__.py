"""Graph → Graph rewrites; each keeps the graph's outputs.  One file a pass.

`optimize` runs them in their order: what exporters have taken apart is put together, then constants fold into weights,
so that what is left behind a convolution is an addition or an activation that its epilogue can take.
"""

from __future__ import annotations

from edgenet.graph import Graph

from .before_pool_dx import before_pool_dx
from .fold_affine import fold_affine
from .fold_pad import fold_pad
from .fuse_epilogue import fuse_epilogue
from .fuse_mask import fuse_mask
from .fuse_sum import fuse_sum
from .merge_repeats import merge_repeats
from .recognise import recognise
from .recompute import recompute

__all__ = [
    "before_pool_dx",
    "fold_affine",
    "fold_pad",
    "fuse_epilogue",
    "fuse_mask",
    "fuse_sum",
    "merge_repeats",
    "optimize",
    "recognise",
    "recompute",
]


def optimize(graph: Graph) -> Graph:
    """Run all passes on a graph, in place, and return it."""
    if not graph.training:
        recognise(graph)
        merge_repeats(graph)
        fold_affine(graph)
        fold_pad(graph)
    fuse_epilogue(graph)
    fuse_sum(graph)
    if graph.training:
        fuse_mask(graph)
        before_pool_dx(graph)
        recompute(graph)
    graph.prune()
    return graph
