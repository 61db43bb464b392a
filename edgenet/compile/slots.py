"""What only one chain touches lies in slots: memory for one group of images, for each of a few groups at a time.

::

    a value of the batch      │ group 0 │ group 1 │ group 2 │ group 3 │ …      as large as all images
    local to a chain          │ slot 0  │ slot 1  │                            a group in the slot of its thread

A thread has a slot while it works on a group, the first that is free: one thread alone always has slot 0, which stays
in its cache.  Kernels compute addresses from the numbers of their tasks, which count the images of the whole batch.  So
for group g an operand is said to begin g groups before its slot (`_moves`), and each slot has argument blocks of its
own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from edgenet.graph import At, Call, Graph, Scratch, Value
from edgenet.kernels.walk import LINE

from .chain import Chain, Item, roots, steps_of
from .layout import zeros_around
from .memory import Buffer, plan
from .places import Operand, Places, Step, has_border, operands, size_bytes

#: groups that are worked on at once, at most
SLOTS = 8


def local(items: Sequence[Item], places: Places, kept: set[int]) -> set[int]:
    """Ids of the operands that one chain alone touches, first by writing them; `kept` are needed outside of steps."""
    home: dict[int, int] = {}
    no = set(kept)
    for number, item in enumerate(items):
        for step in steps_of(item):
            for written in (False, True):
                for operand, _ in operands(step.call, written):
                    root = places.root(operand)[0]
                    first = home.setdefault(id(root), number if written else -1)
                    if first != number or not isinstance(item, Chain) or not _in_groups(root, item.groups):
                        no.add(id(root))
    return set(home) - no


def _in_groups(root: Operand, groups: int) -> bool:
    """Whether memory can be taken apart group by group."""
    if isinstance(root, Scratch):
        return root.spec.size % groups == 0
    return root.data is None and root.spec.rank > 1 and root.spec.sizes[0] % groups == 0


def with_borders(graph: Graph, items: Sequence[Item], places: Places, within: set[int]) -> list[Item]:
    """The steps, with those that write zeros around an image before the first that touches it.

    Around images that are local (`within`) these are part of the chain, and run once for each slot.
    """
    out: list[Item] = []
    values = (v for n in graph.nodes for v in (*n.inputs, *n.outputs) if v is not None)
    bare = {id(v): v for v in values if has_border(v)}
    for item in items:
        steps = list[Step]()
        for step in steps_of(item):
            for root in roots(step, places):
                image = bare.pop(id(root), None)
                if image is None:
                    continue
                if id(image) in within and isinstance(item, Chain):
                    steps.append(Step(step.node, zeros_around(image, image.spec.sizes[0] // item.groups)))
                else:
                    out.append(Step(step.node, zeros_around(image, image.spec.sizes[0])))
            steps.append(step)
        out.append(item._replace(steps=tuple(steps)) if isinstance(item, Chain) else steps[-1])
    return out


class Slots:
    """The memory of a chain's local operands, and the tables that `kernels.walk.chain` runs."""

    def __init__(self, chain: Chain, places: Places, within: set[int]) -> None:
        self._chain, self._places = chain, places
        lives: dict[int, Buffer] = {}
        self._less: dict[int, int] = {}
        for i, step in enumerate(chain.steps):
            for root in roots(step, places):
                if id(root) in lives:
                    lives[id(root)].last = max(lives[id(root)].last, i)
                elif id(root) in within:
                    size, self._less[id(root)] = _group_bytes(root, chain.groups)
                    lives[id(root)] = Buffer(size, i, i)
                    if isinstance(root, Value) and has_border(root):  # the zeros stay from group to group
                        lives[id(root)] = Buffer(size, 0, len(chain.steps))
        self._size = plan(list(lives.values())) if lives else 0
        self._offsets = {key: buffer.offset_bytes for key, buffer in lives.items()}
        self.count = min(SLOTS, chain.groups)
        self.size_bytes = self.count * self._size
        self._keep: list[np.ndarray] = []

    def block(self, address: dict[int, int], block_of: Callable[[Call], np.ndarray]) -> np.ndarray:
        """The argument block of `kernels.walk.chain`.

        Args:
            address: by the id of an operand where it lies, of this object where the slots lie; those of local operands
                are set for each slot in turn.
            block_of: gives the argument block of a call.
        """
        base, rows, moves = address[id(self)], [], []
        for slot in range(self.count):
            address.update((key, base + slot * self._size + at) for key, at in self._offsets.items())
            for step in self._chain.steps:
                block = block_of(step.call)
                rows.append((step.call.kernel.address, block.ctypes.data, step.call.tasks, int(step.call.pieces > 1)))
                moves += self._moves(step.call, block)
        tables = [np.array(rows, np.int64), np.array(moves, np.int64), np.zeros(LINE * self.count, np.int64)]
        self._keep = tables
        counts = len(self._chain.steps), len(moves) // self.count
        at = [t.ctypes.data for t in tables]
        return np.array([at[0], counts[0], at[1], counts[1], self._chain.groups, self.count, at[2]], np.int64)

    def _moves(self, call: Call, block: np.ndarray) -> list[tuple[int, int, int]]:
        """(address, value for group 0, what each group takes off) of the words that say where local operands lie."""
        out = []
        for i, arg in enumerate(call.args if call.pieces > 1 else ()):
            operand = arg.operand if isinstance(arg, At) else arg
            if isinstance(operand, Value | Scratch):
                less = self._less.get(id(self._places.root(operand)[0]))
                if less is not None:
                    out.append((block.ctypes.data + 8 * i, int(block[i]), less))
        return out


def _group_bytes(root: Operand, groups: int) -> tuple[int, int]:
    """Bytes of the memory for one group of an operand, and from one group to the next."""
    if isinstance(root, Scratch):
        return size_bytes(root) // groups, size_bytes(root) // groups
    itemsize, n = np.dtype(root.dtype).itemsize, root.spec.sizes[0]
    step = itemsize * n // groups * root.layout.strides[0]
    return size_bytes(root) - (groups - 1) * step, step
