"""Where every buffer of a program lives: lifetimes → offsets in one arena.

Two buffers may share memory if they are never alive at the same time.  Buffers are placed one after the other, the
largest first, each at the lowest offset where it overlaps none of those placed before it that live at the same time
(greedy by size: Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
    placed: list[Buffer] = []
    for buffer in sorted(buffers, key=lambda x: -x.size_bytes):
        at = 0
        for other in sorted((o for o in placed if o.meets(buffer)), key=lambda o: o.offset_bytes):
            if at + buffer.size_bytes <= other.offset_bytes:
                break
            at = max(at, _aligned(other.offset_bytes + other.size_bytes))
        buffer.offset_bytes = at
        placed.append(buffer)
    return max((b.offset_bytes + _aligned(b.size_bytes) for b in placed), default=0)


def _aligned(n: int) -> int:
    return -(-n // ALIGN_BYTES) * ALIGN_BYTES
