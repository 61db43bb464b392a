"""How long the steps of a table take, one by one; those of a chain by themselves too."""

from __future__ import annotations

import ctypes
import time

from edgenet.kernels.compiler import ENTRY, Kernel
from edgenet.kernels.walk import KERNEL, MOVE, ROW, chain


def seconds_of(row: tuple[Kernel, int, int, float]) -> list[float]:
    """Seconds of a step of a `Table`, run alone; of a chain, those of each of its steps."""
    kernel, block, tasks, _ = row
    if kernel is chain:
        return _seconds_of_chain(block)
    entry, start = ENTRY(kernel.address), time.perf_counter()
    entry(block, 0, tasks)
    return [time.perf_counter() - start]


def _seconds_of_chain(block: int) -> list[float]:
    """Seconds that each step of a chain takes for all groups, in the first slot; `block` is what `Slots.block` gave."""
    rows, count, moves, moved, groups, *_ = (ctypes.c_int64 * 7).from_address(block)
    steps = [(ctypes.c_int64 * ROW).from_address(rows + 8 * ROW * s) for s in range(count)]
    words = [(ctypes.c_int64 * MOVE).from_address(moves + 8 * MOVE * i) for i in range(moved)]
    entries = [ENTRY(step[KERNEL]) for step in steps]
    seconds = [0.0] * count
    for g in range(groups):
        for word, first, less in words:
            ctypes.c_int64.from_address(word).value = first - g * less
        for i, (_, arguments, tasks, pieces) in enumerate(steps):
            lo, hi = (tasks * g // groups, tasks * (g + 1) // groups) if pieces else (0, 0 if g else tasks)
            if lo == hi:  # to call it would take longer than it does
                continue
            start = time.perf_counter()
            entries[i](arguments, lo, hi)
            seconds[i] += time.perf_counter() - start
    return seconds
