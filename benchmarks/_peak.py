"""The peak that kernels are held against: multiply-adds of the register tile on operands that never leave L1.

Every k reads the same mr numbers of A and the same nv vectors of B (strides 0), so that nothing but the multiply-add
units and the loop itself can limit the tile; its nr·mr accumulators are independent chains.  The best of the target's
tiles counts.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from _measure import Contestant, Pace, measure, threads

from edgenet.kernels.compiler import In, InI64, Kernel, Out, f32, i64
from edgenet.kernels.generators import tile, tiles
from edgenet.kernels.parallel import Table
from edgenet.kernels.target import Shape, current

#: multiply-adds of each accumulator in one task, and tasks of one run
LENGTH, TASKS = 4096, 32


@functools.cache
def _kernel(nv: int) -> Kernel:
    target = current()
    mr, nr = target.mr(nv), nv * target.lanes
    bring_tiles = tiles((Shape(mr),), nv, target.lanes)

    def fma_peak(a: In, b: In, c: Out, none: In, runs: InI64, length: i64, zero: f32, lo: i64, hi: i64):
        bring_tiles()
        for task in range(lo, hi):
            tile(
                0, (0, 0, 0), mr, a, 0, c, task * mr * nr, none, none, 0, 0, nr, (1, mr), (0, 0, 1), (0, 0, nr),
                runs, 0, 1, length, 0, b, 0, 0, 0, 0, 0, zero, zero, zero,
            )  # fmt: skip

    fma_peak.__qualname__ = f"fma_peak{nv}"
    return Kernel(fma_peak, tiles=True)


class Peak:
    """The measurement for panels of nv vectors."""

    def __init__(self, nv: int) -> None:
        target = current()
        size = target.mr(nv) * nv * target.lanes
        self.flops = 2 * size * LENGTH * TASKS
        self.a, self.b = np.full(target.mr(nv), 0.5, np.float32), np.full(nv * target.lanes, 0.5, np.float32)
        self.c, self.runs = np.zeros(TASKS * size, np.float32), np.zeros(1, np.int64)
        kernel = _kernel(nv)
        pointers = (x.ctypes.data for x in (self.a, self.b, self.c))
        self.block = np.array(kernel.pack((*pointers, 0, self.runs.ctypes.data, LENGTH, 0.0)), np.int64)
        self.table = Table([(kernel, self.block.ctypes.data, TASKS, self.flops / 8)])

    def run(self) -> None:
        """All tasks, on the threads that are set."""
        self.table.run()

    def check(self) -> bool:
        """Whether the sums are right."""
        return bool(np.all(self.c == np.float32(0.25 * LENGTH)))


def measure_peak(count: int, pace: Pace) -> float:
    """FLOP/s of `count` threads."""
    peaks = [Peak(nv) for nv in range(1, current().widest + 1)]
    contestants = [Contestant(f"{nv}", p.run) for nv, p in enumerate(peaks)]
    with threads(count):
        measure(contestants, pace)
    if not all(p.check() for p in peaks):
        raise AssertionError("the tile summed wrongly")
    return max(p.flops / c.best for p, c in zip(peaks, contestants, strict=True))


def tell_peaks(counts: Sequence[int], pace: Pace) -> dict[int, float]:
    """FLOP/s by number of threads, measured and printed."""
    peaks = {count: measure_peak(count, pace) for count in counts}
    told = (f"{p / 1e9:.0f} GFLOP/s on {t} thread{'s' * (t > 1)}" for t, p in peaks.items())
    print(f"multiply-add peak: {', '.join(told)}", flush=True)
    return peaks
