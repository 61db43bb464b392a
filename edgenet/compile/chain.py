"""Training steps run one group of images after the other: what one makes is in the cache when the next reads it.

Step by step, the results of a batch go to memory and come back.  A *chain* goes the other way round::

    step by step                                 a chain of three steps
    normalize: image 0 1 2 3 4 5 …               image 0 1: normalize, conv2d, moments
    conv2d:    image 0 1 2 3 4 5 …               image 2 3: normalize, conv2d, moments
    moments:   image 0 1 2 3 4 5 …               …

A thread takes a group and runs the whole chain on it, so threads do not wait for each other between its steps.  Batch
normalisation must see all images before it normalises the first; so a chain reaches from there to the next, forward::

    normalize ─▶ conv2d ─▶ moments │ normalize ─▶ conv2d ─▶ moments │ …

and backward, where z is what a convolution gave and y what its normalisation made of that (`passes.recompute`)::

    dz from z, dy ─▶ dy of the layer before ─▶ its products with z; its y from z ─▶ dw from that y and dz │ …

What only one chain touches (here y, and dz with zeros around it) has memory for a few groups only (`slots`).

A step can be part of a chain if its tasks can be cut into pieces that touch a piece of the images each (`Call.pieces`).
A chain grows as long as there are such steps.  Steps between them that have nothing to do with it (packing of weights)
are run before; steps that need all of it (adding up what the groups have summed) behind it, and what needs these waits
for the next chain.  Steps that could be part of it but touch other memory (copying images between zeros) wait *aside*
until one of its steps needs what they make.

Source: depth-first or fused-layer execution, Alwani, Chen, Ferdman, Milder, "Fused-layer CNN accelerators", MICRO 2016;
here with whole images, which need nothing of their neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import gcd
from typing import NamedTuple

from edgenet.graph import Value
from edgenet.kernels.target import l2_bytes
from edgenet.ops.pieces import UNITS

from .places import Operand, Places, Step, operands, size_bytes

#: steps that a chain passes over, at most, while it looks for more
WINDOW = 8
#: of L2, what a group may touch
ROOM = 0.5


class Chain(NamedTuple):
    """Steps that are run together, for each of `groups` groups of images."""

    steps: tuple[Step, ...]
    groups: int


Item = Step | Chain


def steps_of(item: Item) -> tuple[Step, ...]:
    """The steps of an item, in their order."""
    return item.steps if isinstance(item, Chain) else (item,)


def roots(step: Step, places: Places) -> Iterator[Operand]:
    """The owners of the memory that a step reads or writes."""
    for written in (False, True):
        for operand, _ in operands(step.call, written):
            yield places.root(operand)[0]


def chained(steps: Sequence[Step], places: Places) -> list[Item]:
    """The steps, in chains where that keeps images in the cache; the order changes where nobody can tell."""
    pending, out = list(steps), list[Item]()
    while pending:
        first = pending.pop(0)
        if first.call.pieces > 1:
            before, chain, behind, pieces = _grow(first, pending, places)
            groups = _count(chain, pieces, places)
            if groups > 1:
                out += [*before, Chain(tuple(chain), groups)]
                pending = behind
                continue
        out.append(first)
    return out


class _Set:
    """Steps, with what all of them read and write."""

    def __init__(self, places: Places) -> None:
        self.places, self.steps = places, list[Step]()
        self.read, self.written = set[int](), set[int]()

    def _touched(self, step: Step) -> tuple[set[int], set[int]]:
        read, written = ({id(self.places.root(o)[0]) for o, _ in operands(step.call, w)} for w in (False, True))
        return read, written

    def add(self, *steps: Step) -> None:
        for step in steps:
            read, written = self._touched(step)
            self.steps.append(step)
            self.read |= read
            self.written |= written

    def meets(self, step: Step) -> bool:
        """Whether the step must stay behind these."""
        read, written = self._touched(step)
        return bool(written & (self.read | self.written) or read & self.written)

    def shares(self, step: Step) -> bool:
        """Whether the step touches what these touch."""
        read, written = self._touched(step)
        return not (read | written).isdisjoint(self.read | self.written)


def _grow(first: Step, pending: Sequence[Step], places: Places) -> tuple[list[Step], list[Step], list[Step], int]:
    """The chain that begins with a step: what is to run before it, the chain, all that follows, and its pieces."""
    before, chain, aside, behind = list[Step](), _Set(places), _Set(places), _Set(places)
    chain.add(first)
    pieces = first.call.pieces
    for i, step in enumerate(pending):
        if len(aside.steps) + len(behind.steps) > WINDOW:
            return before, chain.steps, [*aside.steps, *behind.steps, *pending[i:]], pieces
        joined = [*(aside.steps if aside.meets(step) else ()), step]
        common = gcd(pieces, *(s.call.pieces for s in joined))
        if behind.meets(step):
            behind.add(step)
        elif common > 1 and chain.shares(step):
            chain.add(*joined)
            aside = _Set(places) if len(joined) > 1 else aside
            pieces = common
        elif step.call.pieces > 1:
            aside.add(step)
        elif len(joined) == 1 and not chain.meets(step):
            before.append(step)
        else:
            behind.add(step)
    return before, chain.steps, [*aside.steps, *behind.steps], pieces


def _count(steps: Sequence[Step], pieces: int, places: Places) -> int:
    """Number of groups of a chain; one if it is none, or if most of it stays in the cache anyway."""
    touched = {id(r): r for step in steps for r in roots(step, places) if not isinstance(r, Value) or r.data is None}
    total, l2 = sum(map(size_bytes, touched.values())), l2_bytes()
    if len(steps) < 2 or total <= l2:
        return 1
    counts = [c for c in range(2, pieces + 1) if pieces % c == 0]
    wide = [c for c in counts if c >= UNITS] or counts
    return next((c for c in wide if total <= c * ROOM * l2), wide[-1])
