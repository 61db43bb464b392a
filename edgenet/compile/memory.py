"""Where every buffer of a program lives: lifetimes → offsets in one arena.

Two buffers may share memory if they are never alive at the same time.  Buffers are placed one after the other, each at
the lowest offset where it overlaps none of those placed before it that live at the same time: the largest first (greedy
by size: Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020), and if that takes more
than the buffers of the fullest step, in other orders too, of which the best counts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

ALIGN_BYTES = 64


@dataclass
class Buffer:
    """A piece of the arena, alive from step `first` to step `last`, both included."""

    size_bytes: int
    first: int
    last: int
    offset_bytes: int = -1

    def meets(self, other: Buffer) -> bool:
        """Whether both are alive at some step."""
        return self.first <= other.last and other.first <= self.last


def plan(buffers: Sequence[Buffer]) -> int:
    """Set the offsets of all buffers; returns the size of the arena in bytes.

    >>> a, b, c = Buffer(256, 0, 1), Buffer(128, 1, 2), Buffer(256, 2, 3)
    >>> plan([a, b, c]), a.offset_bytes, b.offset_bytes, c.offset_bytes
    (384, 0, 256, 0)
    """
    least, best = _fullest(buffers), None
    for order in ORDERS:
        offsets, size = _placed(sorted(buffers, key=order))
        if best is None or size < best[1]:
            best = offsets, size
        if size <= least:
            break
    assert best is not None
    for buffer in buffers:
        buffer.offset_bytes = best[0][id(buffer)]
    return best[1]


#: in which order buffers are placed: by size, by size times life, by life
ORDERS: tuple[Callable[[Buffer], Any], ...] = (
    lambda x: -x.size_bytes,
    lambda x: -x.size_bytes * (x.last - x.first + 1),
    lambda x: (x.first - x.last, -x.size_bytes),
)


def _placed(buffers: Sequence[Buffer]) -> tuple[dict[int, int], int]:
    """Offsets of the buffers, placed in this order, by id; and the size of the arena."""
    placed: list[Buffer] = []
    offsets: dict[int, int] = {}
    for buffer in buffers:
        at = 0
        for other in sorted((o for o in placed if o.meets(buffer)), key=lambda o: offsets[id(o)]):
            if at + buffer.size_bytes <= offsets[id(other)]:
                break
            at = max(at, _aligned(offsets[id(other)] + other.size_bytes))
        offsets[id(buffer)] = at
        placed.append(buffer)
    return offsets, max((offsets[id(b)] + _aligned(b.size_bytes) for b in placed), default=0)


def _fullest(buffers: Sequence[Buffer]) -> int:
    """Bytes that live together at one step, at most: no arena is smaller."""
    changes: dict[int, int] = {}
    for b in buffers:
        changes[b.first] = changes.get(b.first, 0) + _aligned(b.size_bytes)
        changes[b.last + 1] = changes.get(b.last + 1, 0) - _aligned(b.size_bytes)
    return max(itertools.accumulate(changes[step] for step in sorted(changes)), default=0)


def _aligned(n: int) -> int:
    return -(-n // ALIGN_BYTES) * ALIGN_BYTES
