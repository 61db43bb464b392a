"""Where every buffer of a program lives: lifetimes → offsets in one arena.

Two buffers may share memory if they are never alive at the same time.  Buffers are placed one after the other, each at
the lowest offset where it overlaps none of those placed before it that live at the same time (Pisarchyk and Lee,
"Efficient Memory Management for Deep Neural Net Inference", 2020, greedy by size).  In which order is tried out: the
largest first is best for inference, the longest lived first, or those that die last, for training steps, where what the
forward pass leaves lives on and gradients come and go above it.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ALIGN_BYTES = 64
#: what lies behind the last buffer and may be read with it: kernels read whole vectors, up to four of 16 numbers
BEHIND_BYTES = 256


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


#: in which order buffers are placed
ORDERS: tuple[Callable[[Buffer], int], ...] = (
    lambda b: -b.size_bytes,
    lambda b: b.first - b.last,
    lambda b: -b.last,
)


def plan(buffers: Sequence[Buffer]) -> int:
    """Set the offsets of all buffers; returns the size of the arena in bytes.

    >>> a, b, c = Buffer(256, 0, 1), Buffer(128, 1, 2), Buffer(256, 2, 3)
    >>> plan([a, b, c]), a.offset_bytes, b.offset_bytes, c.offset_bytes
    (384, 0, 256, 0)
    """
    least = most_alive(buffers)
    best: tuple[int, list[int]] | None = None
    for order in ORDERS:
        size = _place(sorted(buffers, key=order))
        if best is None or size < best[0]:
            best = size, [b.offset_bytes for b in buffers]
        if best[0] <= least:
            break
    assert best is not None  # there are orders
    for buffer, offset in zip(buffers, best[1], strict=True):
        buffer.offset_bytes = offset
    return best[0]


def most_alive(buffers: Sequence[Buffer]) -> int:
    """Bytes that are alive at once, at most: no plan needs fewer."""
    changes: dict[int, int] = {}
    for b in buffers:
        changes[b.first] = changes.get(b.first, 0) + _aligned(b.size_bytes)
        changes[b.last + 1] = changes.get(b.last + 1, 0) - _aligned(b.size_bytes)
    alive = most = 0
    for step in sorted(changes):
        alive += changes[step]
        most = max(most, alive)
    return most


def _place(buffers: Sequence[Buffer]) -> int:
    """Set the offsets, buffer after buffer; returns the size of the arena."""
    placed: list[Buffer] = []  # by offset
    size = 0
    for buffer in buffers:
        at = 0
        for other in placed:
            if other.meets(buffer):
                if at + buffer.size_bytes <= other.offset_bytes:
                    break
                at = max(at, _aligned(other.offset_bytes + other.size_bytes))
        buffer.offset_bytes = at
        insort(placed, buffer, key=lambda b: b.offset_bytes)
        size = max(size, at + _aligned(buffer.size_bytes))
    return size


def _aligned(n: int) -> int:
    return -(-n // ALIGN_BYTES) * ALIGN_BYTES
