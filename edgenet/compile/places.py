"""Where operands lie relative to each other, and what follows for the steps of a program."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from edgenet.graph import At, Call, Graph, Node, Scratch, Value, get_op
from edgenet.graph.layout import NO_BORDER
from edgenet.kernels.cpu.movement import copy, copy_bytes

from .in_place import Lives

Operand = Value | Scratch


class Step(NamedTuple):
    """One call of a program and the node it came from."""

    node: Node
    call: Call


class Places:
    """Which operand lies inside which other one, and where.

    A view lies in its source, and a result may take over the memory of an operand (`in_place`).  An input of `flat` (or
    of a concatenation along the first axis) lies in the result, if its memory is its own to give: it is made by a node
    (a variable or an input of the graph has its place already), it is no output of the graph, and it is the whole of
    what it lies in (not part of something that went elsewhere).
    """

    def __init__(self, graph: Graph) -> None:
        self.parent: dict[int, tuple[Operand, int]] = {}
        lives = Lives(graph)

        def put(value: Operand, place: Value, offset: int) -> None:
            self.parent[id(value)] = (place, offset)
            lives.join(value, self.root(place)[0])

        for number, node in enumerate(graph.nodes):
            op = get_op(node.op)
            if op.view and node.inputs[0] is not None:
                put(node.output, node.inputs[0], 0)
            for value in node.inputs:
                if value is not None and value.owner is not None:
                    put(value, value.owner, 0)  # its layout knows where in it
            for value, offset in op.inside(node):
                root, start = self.root(value)
                free = isinstance(root, Value) and root.node is not None and lives.end(root) < len(graph.nodes)
                if free and start == 0 and root.spec.size == value.spec.size and root is not self.root(node.output)[0]:
                    put(root, node.output, offset)
            taken = lives.over(node, number, self.root)
            if taken is not None:
                put(node.output, taken, 0)

    def root(self, operand: Operand) -> tuple[Operand, int]:
        """The operand that owns the memory, and the offset in it in elements."""
        offset = 0
        while id(operand) in self.parent:
            operand, more = self.parent[id(operand)]
            offset += more
        return operand, offset


def operands(call: Call, written: bool) -> list[tuple[Operand, int]]:
    """The operands that a call writes (or reads), with the offsets that the call adds."""
    out = []
    for kind, arg in zip(call.kernel.args[:-2], call.args, strict=True):
        if kind.pointer and (kind.writes if written else kind.reads):
            if isinstance(arg, At):
                out.append((arg.operand, arg.offset))
            elif isinstance(arg, Value | Scratch):
                out.append((arg, 0))
    return out


def onto_itself(call: Call, places: Places) -> bool:
    """Whether a copy's source already lies where it should go."""
    if call.kernel not in (copy, copy_bytes):
        return False
    (source, a), (target, b) = operands(call, False)[0], operands(call, True)[0]
    (root_a, at_a), (root_b, at_b) = places.root(source), places.root(target)
    return root_a is root_b and at_a + a == at_b + b


def size_bytes(operand: Operand) -> int:
    """Bytes of its memory, with what lies around its numbers."""
    if isinstance(operand, Scratch):
        return operand.spec.size_bytes
    return operand.layout.size * np.dtype(operand.dtype).itemsize


def has_border(value: Value) -> bool:
    """Whether there are zeros around its images, in memory of its own."""
    return not value.dense and value.owner is None and value.layout.border != NO_BORDER
