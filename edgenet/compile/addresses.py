"""The memory of a program: one block for what constants need, one arena for what a run needs, and who lies where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from edgenet.graph import Graph, Value, headroom

from .chain import Chain, Item, steps_of
from .hand_over import hand_over
from .memory import ALIGN_BYTES, BEHIND_BYTES, Buffer, plan
from .places import Operand, Places, Step, operands, size_bytes
from .slots import Slots

#: what to do about a program that does not fit into the memory
SMALLER = "give it a smaller batch_size, smaller images, fewer filters, or strides and pooling early on"


class Addresses:
    """Where every operand of a program lies.

    Attributes:
        of: addresses by the ids of the operands that own memory here; constants and variables have their own.
        buffers: the pieces of the arena, by the ids of their owners; some owners share one.
        slots_of: the memory of chains, by the numbers of the items.
        keep: whatever must live as long as the program.
    """

    def __init__(self, name: str, places: Places) -> None:
        self._name, self._places = name, places
        self.of: dict[int, int] = {}
        self.buffers: dict[int, Buffer] = {}
        self.slots_of: dict[int, Slots] = {}
        self.keep: list[Any] = []

    def _memory(self, size_bytes: int) -> int:
        """Address of new zeroed memory."""
        headroom.require(size_bytes, f"{self._name}: one block, for all values of a run", SMALLER)
        memory = np.zeros(size_bytes + ALIGN_BYTES + BEHIND_BYTES, np.uint8)
        self.keep.append(memory)
        address = memory.ctypes.data
        return address + -address % ALIGN_BYTES

    def place_constants(self, graph: Graph, steps: Sequence[Step], of_runs: Sequence[Step]) -> int:
        """Memory for what constant steps write; returns its size.

        What runs read has its own; what only leads to it (weights times the scale of a batch norm, before they are
        packed) shares a workspace.
        """
        lasting = {id(self._places.root(o)[0]) for s in of_runs for o, _ in operands(s.call, False)}
        lasting |= {id(self._places.root(v)[0]) for v in graph.outputs}
        total, passing = 0, dict[int, Buffer]()
        for i, step in enumerate(steps):
            for operand, _ in operands(step.call, True) + operands(step.call, False):
                root, _ = self._places.root(operand)
                if id(root) in self.of or (isinstance(root, Value) and root.data is not None):
                    continue
                if id(root) in passing:
                    passing[id(root)].last = i
                    continue
                self.keep.append(root)
                if id(root) in lasting:
                    total += size_bytes(root)
                    self.of[id(root)] = self._memory(size_bytes(root))
                else:
                    passing[id(root)] = Buffer(size_bytes(root), i, i)
        size = plan(list(passing.values()))
        workspace = self._memory(size)
        self.of.update((key, workspace + b.offset_bytes) for key, b in passing.items())
        return total + size

    def place_arena(self, graph: Graph, items: Sequence[Item], within: set[int]) -> int:
        """Memory for what the steps of runs write, but for what lies `within` chains; returns its size."""
        buffers = self.buffers

        def use(operand: Operand, step: int) -> None:
            root, _ = self._places.root(operand)
            elsewhere = id(root) in within or id(root) in self.of
            if elsewhere or (isinstance(root, Value) and root.data is not None):
                return
            buffer = buffers.get(id(root))
            if buffer is None:
                self.keep.append(root)
                buffers[id(root)] = Buffer(size_bytes(root), step, step)
            else:
                buffer.last = step

        for value in graph.inputs:
            use(value, -1)
        for i, item in enumerate(items):
            for step in steps_of(item):
                for operand, _ in operands(step.call, False) + operands(step.call, True):
                    use(operand, i)
            if isinstance(item, Chain):
                slots = self.slots_of[i] = Slots(item, self._places, within)
                buffers[id(slots)] = Buffer(slots.size_bytes, i, i)
        for value in graph.outputs:
            use(value, len(items))
        hand_over(items, buffers, self._places)
        size = plan(list({id(b): b for b in buffers.values()}.values()))  # some are shared
        arena = self._memory(size)
        self.of.update((key, arena + b.offset_bytes) for key, b in buffers.items())
        return size

    def find(self, operand: Operand, offset: int = 0) -> int:
        """Address of element `offset` of an operand."""
        root, start = self._places.root(operand)
        base = self.of.get(id(root))
        if base is None:
            base = self._fixed(root)
        if base is None:
            raise AssertionError(f"{operand!r} is read but nothing writes it")
        return base + (start + offset) * np.dtype(root.spec.dtype).itemsize

    def _fixed(self, operand: Operand) -> int | None:
        """Address of a constant or a variable."""
        data = operand.data if isinstance(operand, Value) else None
        if data is None:
            return None
        self.keep.append(data)
        return int(data.ctypes.data)
