"""`compile_graph`: passes, groups, Program."""

from __future__ import annotations

from edgenet.graph import Graph, ShapeError

from .grouped import Grouped
from .groups import take_group
from .passes import optimize
from .program import Program


def compile_graph(graph: Graph, *, training: bool = False, passes: bool = True) -> Program:
    """Optimise a graph whose shapes are all known, in place, and compile it.

    In inference (`training` False) variables count as constants: what depends on them alone is computed once, and again
    after a variable has changed.  A large batch is taken apart into groups of images.  Without `passes` every node is
    computed as it stands.

    Raises:
        ShapeError: if the size of an input is not known.
    """
    unknown = [v for v in graph.inputs if not v.spec.known]
    if unknown:
        raise ShapeError(f"cannot compile {graph.name}: the shape of {unknown[0]!r} is not known; bind it first")
    graph.training = graph.training or training
    graph.prune()
    if passes:
        optimize(graph)
        groups = 1 if graph.training else take_group(graph)
        if groups > 1:
            return Grouped(graph, groups)
    return Program(graph, variables_fixed=not training)
