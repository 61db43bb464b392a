"""Results that take the place of an operand which nobody reads any more.

::

    dy → relu_dx(y, dy) → dx                    dx lies where dy lay, if nothing behind relu_dx reads dy
    res → conv2d(x, w, b, res) → y              y lies where the residual lay

To write to memory that is in no cache a processor reads it first, line by line, and writes it back later; what has just
been read is at hand.  A pass over large values in place takes about half the time, and the arena shrinks.
"""

from __future__ import annotations

from collections.abc import Callable

from edgenet.graph import Graph, Node, Value, get_op


class Lives:
    """How long the memory of each value is read, while the places of nodes are settled one after the other."""

    def __init__(self, graph: Graph) -> None:
        self.last = {id(v): i for i, node in enumerate(graph.nodes) for v in node.inputs if v is not None}
        self.last.update((id(v), len(graph.nodes)) for v in graph.outputs)

    def join(self, value: object, root: object) -> None:
        """`value` lies in the memory of `root`, which is read as long as `value` is."""
        self.last[id(root)] = max(self.end(root), self.end(value))

    def end(self, root: object) -> int:
        """Number of the last node that reads the memory of a root; -1 if none does."""
        return self.last.get(id(root), -1)

    def over(self, node: Node, number: int, root: Callable[[Value], tuple[object, int]]) -> Value | None:
        """The owner of the memory that the first result of node `number` can take over; `root` finds owners."""
        candidates = get_op(node.op).over(node)
        others = [id(root(v)[0]) for v in node.inputs if v is not None]
        for value in candidates:
            others.remove(id(root(value)[0]))  # what is left is read in other ways, perhaps the same memory
        for value in candidates:
            place, start = root(value)
            if not isinstance(place, Value) or place.node is None or place.derived or self.end(place) != number:
                continue  # it has its memory from elsewhere, or is still needed
            if start or id(place) in others or not _alike(place, value, node.output):
                continue
            return place
        return None


def _alike(place: Value, value: Value, result: Value) -> bool:
    """Whether three values fill the same memory: all dense, or inside the same border."""
    if not place.spec.size_bytes == value.spec.size_bytes == result.spec.size_bytes or result.owner is not None:
        return False
    return (place.dense and value.dense and result.dense) or place.layout == value.layout == result.layout
