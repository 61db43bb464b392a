"""Pixels repeated along one axis after the other are repeated along both at once.

::

    x → reshape → broadcast_to → reshape → broadcast_to → reshape            x → reshape → broadcast_to → reshape

Where such a chain takes its numbers from is found by sending their places through it.
"""

from __future__ import annotations

import numpy as np

from edgenet.graph import Graph, Node, Value, emit

MOVES = ("reshape", "broadcast_to")
#: numbers of a result whose places are looked at
LARGEST = 1 << 22


def merge_repeats(graph: Graph) -> None:
    """Run the pass, in place."""
    for node in list(graph.nodes):
        chain = _chain(graph, node)
        if sum(n.op == "broadcast_to" for n in chain) < 2:
            continue
        x = chain[0].inputs[0]
        assert x is not None
        factors = _factors(x, chain)
        if factors is None:
            continue
        with graph.at(node):
            apart = [d for size in x.spec.sizes for d in (size, 1)]
            wide = [d for pair in zip(x.spec.sizes, factors, strict=True) for d in pair]
            y = emit("broadcast_to", [emit("reshape", [x], shape=tuple(apart))], shape=tuple(wide))
            graph.replace(node.output, emit("reshape", [y], shape=node.output.shape))
    graph.prune()


def _chain(graph: Graph, last: Node) -> list[Node]:
    """The moves that end in a node, none of which anything else reads; empty if they go on behind it."""
    if last.op not in MOVES or not last.output.spec.known or last.output.spec.size > LARGEST:
        return []
    if any(n.op in MOVES for n in graph.users(last.output)):
        return []
    chain = [last]
    while True:
        x = chain[0].inputs[0]
        node = None if x is None else x.node
        if node is None or node.op not in MOVES or len(graph.users(node.output)) != 1:
            return chain
        if any(node.output is v for v in graph.outputs):
            return chain
        chain.insert(0, node)


def _factors(x: Value, chain: list[Node]) -> list[int] | None:
    """How often each axis of x is repeated, number by number; None if the chain does something else."""
    shape, wanted = x.spec.sizes, chain[-1].output.spec.sizes
    if len(shape) != len(wanted) or any(not d or w % d for d, w in zip(shape, wanted, strict=True)):
        return None
    places = np.arange(x.spec.size).reshape(shape)
    moved = places
    for node in chain:
        sizes = node.output.spec.sizes
        moved = moved.reshape(sizes) if node.op == "reshape" else np.broadcast_to(moved, sizes)
    factors = [w // d for d, w in zip(shape, wanted, strict=True)]
    for axis, times in enumerate(factors):
        places = np.repeat(places, times, axis)
    return factors if np.array_equal(moved, places) else None
