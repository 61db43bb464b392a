"""Steps that are run one group of images after the other, so that what one makes is in the cache when the next reads it.

Step by step, the results of a batch go to memory and come back.  A *chain* goes the other way round::

    step by step                                 a chain of three steps
    normalize: image 0 1 2 3 4 5 …               image 0 1: normalize, conv2d, moments
    conv2d:    image 0 1 2 3 4 5 …               image 2 3: normalize, conv2d, moments
    moments:   image 0 1 2 3 4 5 …               …

A thread takes a group and runs the whole chain on it, so threads do not wait for each other between its steps.  What
only the chain touches is *local*: it has memory for one group in each of a few *slots*, of which a thread that works on
a group has one, the same again where it can; so a forward and a backward pass read and write little more than what the
gradients need and what batch normalisation, which must see all images first, normalises later.

A step can be part of a chain if its tasks can be cut into pieces that touch a piece of the images each (`Call.pieces`).
A chain grows as long as there are such steps: steps between them that have nothing to do with it (packing of weights)
are run before, steps that need all of it (adding up what the groups have summed) behind, and what needs these waits for
the next chain.

Source: the idea is that of depth-first or fused-layer execution, Alwani, Chen, Ferdman, Milder, "Fused-layer CNN
accelerators", MICRO 2016; here with whole images, which need nothing of their neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import gcd
from typing import NamedTuple

import numpy as np

from edgenet.graph import Graph, Scratch, Value
from edgenet.kernels.target import l2_bytes

from .layout import zeros_around
from .memory import Buffer, plan
from .places import Operand, Places, Step, has_border, operands

#: steps behind a chain that are searched for more that can join it
WINDOW = 40
#: groups of a chain at least: threads share them out
GROUPS = 4
#: groups that are worked on at once, at most
SLOTS = 8
#: of L2, what a group touches
ROOM = 0.75


class Chain(NamedTuple):
    """Steps that are run together for each of `groups` groups of the images."""

    steps: tuple[Step, ...]
    groups: int


Item = Step | Chain


class _Touched:
    """What steps read and write."""

    def __init__(self, places: Places) -> None:
        self._of: dict[int, tuple[set[int], set[int]]] = {}
        self.places = places

    def of(self, step: Step) -> tuple[set[int], set[int]]:
        """Ids of the operands in whose memory a step reads, and writes."""
        found = self._of.get(id(step.call))
        if found is None:
            read, written = ({id(self.places.root(o)[0]) for o, _ in operands(step.call, w)} for w in (False, True))
            found = self._of[id(step.call)] = read, written
        return found


class _Group:
    """Steps, with what all of them read and write."""

    def __init__(self, touched: _Touched) -> None:
        self.touched, self.steps = touched, list[Step]()
        self.read, self.written = set[int](), set[int]()

    def add(self, step: Step) -> None:
        read, written = self.touched.of(step)
        self.steps.append(step)
        self.read |= read
        self.written |= written

    def meets(self, step: Step) -> bool:
        """Whether the step must keep its place behind these."""
        read, written = self.touched.of(step)
        return bool(written & (self.read | self.written) or read & self.written)

    def shares(self, step: Step) -> bool:
        """Whether the step touches what these touch."""
        read, written = self.touched.of(step)
        return not (read | written).isdisjoint(self.read | self.written)


def chained(steps: Sequence[Step], places: Places) -> list[Item]:
    """The steps, in chains where that keeps images in the cache; the order changes where nobody can tell."""
    touched, pending, out = _Touched(places), list(steps), list[Item]()
    while pending:
        first = pending[0]
        if first.call.pieces >= GROUPS:
            before, chain, later, pieces = _grow(pending, touched)
            groups = _count(chain.steps, pieces, places)
            if groups > 1:
                out += [*before, Chain(tuple(chain.steps), groups)]
                pending = later
                continue
        out.append(first)
        del pending[0]
    return out


def _grow(pending: Sequence[Step], touched: _Touched) -> tuple[list[Step], _Group, list[Step], int]:
    """The chain that begins with the first of some steps: what goes before it, itself, what follows, and its pieces."""
    before, chain, late = _Group(touched), _Group(touched), _Group(touched)
    chain.add(pending[0])
    pieces = pending[0].call.pieces
    for i, step in enumerate(pending[1:], 1):
        if len(late.steps) > WINDOW:
            return before.steps, chain, [*late.steps, *pending[i:]], pieces
        common = gcd(pieces, step.call.pieces)
        if not late.meets(step) and common >= GROUPS and chain.shares(step):
            chain.add(step)
            pieces = common
        elif step.call.pieces == 1 and not chain.meets(step) and not late.meets(step):
            before.add(step)
        else:
            late.add(step)
    return before.steps, chain, late.steps, pieces


def _count(steps: Sequence[Step], pieces: int, places: Places) -> int:
    """Number of groups of a chain: one if it is not worth it."""
    sizes = {id(root): _bytes(root) for step in steps for root in _roots(step, places) if _has_images(root)}
    total, room = sum(sizes.values()), ROOM * l2_bytes()
    if len(steps) < 2 or total <= room:
        return 1
    counts = [c for c in range(GROUPS, pieces + 1) if pieces % c == 0]
    return next((c for c in counts if total <= c * room), counts[-1])


def _roots(step: Step, places: Places) -> Iterable[Operand]:
    for written in (False, True):
        for operand, _ in operands(step.call, written):
            yield places.root(operand)[0]


def _has_images(root: Operand) -> bool:
    return not (isinstance(root, Value) and root.data is not None)


def _bytes(root: Operand) -> int:
    if isinstance(root, Scratch):
        return root.spec.size_bytes
    return root.layout.size * np.dtype(root.dtype).itemsize


def steps_of(item: Item) -> tuple[Step, ...]:
    """The steps of an item."""
    return item.steps if isinstance(item, Chain) else (item,)


def local(items: Sequence[Item], places: Places, kept: set[int]) -> dict[int, int]:
    """For the ids of operands that one chain alone touches, first by writing them, the number of its item.

    `kept` are those that somebody outside of the steps reads or writes.
    """
    home: dict[int, int] = {}
    for number, item in enumerate(items):
        for step in steps_of(item):
            for operand, _ in operands(step.call, False):
                root = places.root(operand)[0]
                if id(root) not in home:
                    home[id(root)] = -1  # read before it is written
                elif home[id(root)] != number:
                    home[id(root)] = -1
            for operand, _ in operands(step.call, True):
                root = places.root(operand)[0]
                if home.setdefault(id(root), number) != number or not isinstance(item, Chain):
                    home[id(root)] = -1
                elif not _dividable(root, item.groups):
                    home[id(root)] = -1
    return {key: number for key, number in home.items() if number >= 0 and key not in kept}


def _dividable(root: Operand, groups: int) -> bool:
    if isinstance(root, Scratch):
        return root.spec.size % groups == 0
    return root.data is None and root.spec.rank > 1 and root.spec.sizes[0] % groups == 0


def with_borders(graph: Graph, items: Sequence[Item], places: Places, homes: dict[int, int]) -> list[Item]:
    """The steps, with those that write zeros around an image before the first that touches it.

    Around images that are local they are written for each group.
    """
    out: list[Item] = []
    values = (v for n in graph.nodes for v in (*n.inputs, *n.outputs) if v is not None)
    bare = {id(v): v for v in values if has_border(v)}
    for item in items:
        steps = list[Step]()
        for step in steps_of(item):
            for operand, _ in operands(step.call, True) + operands(step.call, False):
                image = bare.pop(id(places.root(operand)[0]), None)
                if image is None:
                    continue
                if isinstance(item, Chain) and id(image) in homes:
                    steps.append(Step(step.node, zeros_around(image, image.spec.sizes[0] // item.groups)))
                else:
                    out.append(Step(step.node, zeros_around(image, image.spec.sizes[0])))
            steps.append(step)
        out.append(item._replace(steps=tuple(steps)) if isinstance(item, Chain) else steps[-1])
    return out


class Slots:
    """Where the local operands of a chain lie: memory for one group in each of `count` slots of `slot_bytes`."""

    def __init__(self, item: Chain, places: Places, homes: dict[int, int]) -> None:
        lives: dict[int, Buffer] = {}
        self.less: dict[int, int] = {}
        """bytes between the groups of an operand"""
        for i, step in enumerate(item.steps):
            for root in _roots(step, places):
                if id(root) in lives:
                    lives[id(root)].last = i
                elif id(root) in homes:
                    size, self.less[id(root)] = _of_group(root, item.groups)
                    lives[id(root)] = Buffer(size, i, i)
        self.slot_bytes = plan(list(lives.values())) if lives else 0
        self.offsets = {key: buffer.offset_bytes for key, buffer in lives.items()}
        self.count = min(SLOTS, item.groups)
        self.size_bytes = self.count * self.slot_bytes


def _of_group(root: Operand, groups: int) -> tuple[int, int]:
    """Bytes of the memory for one group of an operand, and from one group to the next."""
    size = np.dtype(root.spec.dtype).itemsize
    if isinstance(root, Scratch):
        return root.spec.size_bytes // groups, root.spec.size_bytes // groups
    count, layout = root.spec.sizes[0] // groups, root.layout
    step = count * layout.strides[0]
    return size * (layout.size - (root.spec.sizes[0] - count) * layout.strides[0]), size * step
