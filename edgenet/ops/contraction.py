"""Lowering of everything that is a matrix product to `kernels.cpu.gemm`: panels, blocks, tasks.

`Contraction` says what is multiplied, in the terms of the kernel (a grid of rows, runs of k); `calls` decides how:
the width of the panels, whether B is packed, how rows and k are split into tasks.  Every decision depends on sizes and
on the target alone, never on the number of threads.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from edgenet.graph import At, Call, Scratch, Value
from edgenet.kernels import generators
from edgenet.kernels.cpu import gemm as k
from edgenet.kernels.target import current, l2_bytes

from .pieces import even, in_cache, partitions, pieces, units

Operand = Value | Scratch | At
Activation = tuple[Any, ...] | None

#: how near to the peak a panel of nv vectors comes, for choosing among widths
EFFICIENCY = {1: 0.75, 2: 0.95, 3: 1.0, 4: 1.0}
#: tasks that a large product is split into at least, so that several threads end together
TASKS = 16
#: floating point operations of such a task at least
TASK = 120_000
#: steps of k beside which the start of a tile counts for little
LONG = 48
#: rows up to which B, which is packed in every run, is rather read where it lies
IN_PLACE = 128
#: columns of a task that reads B where it lies, at most, and such tasks at least, where there are so many panels
STRIP, STRIPS = 256, 4
#: numbers of a page of memory, and pages that a prefetcher of the hardware follows at once
PAGE, PAGES = 1024, 32
_L1, _L2 = 32 * 1024, l2_bytes()


@functools.lru_cache(maxsize=4096)
def table(values: tuple[int, ...]) -> np.ndarray:
    """Offsets as an array that kernels can read; the same array for the same offsets."""
    return np.array(values, np.int64)


def epilogue(activation: Activation) -> tuple[int, float, float, float]:
    """Activation code, alpha, low and high of the tile."""
    if activation is None:
        return generators.ACT_NONE, 0.0, 0.0, 0.0
    kind, *values = activation
    if kind == "relu":
        return generators.ACT_RELU, 0.0, 0.0, 0.0
    if kind == "clip":
        return generators.ACT_CLAMP, 0.0, values[0], values[1]
    if kind == "leaky_relu":
        return generators.ACT_LEAKY, values[0], 0.0, 0.0
    raise ValueError(f"activation {activation!r} cannot be fused: expected relu, clip or leaky_relu")


@dataclass
class Matrix:
    """B[k, j] = operand[g·group + runs[r] + i·sk + j·sn], k = r·length + i: how B lies in memory."""

    operand: Operand
    sk: int
    sn: int = 1
    runs: tuple[int, ...] = (0,)
    length: int = 0
    group: int = 0
    beyond: bool = False
    """whether whole vectors may be read of its rows: not where the last one ends where somebody else's array does"""


@dataclass
class Contraction:
    """C[m, n] = act(sum_k A[m, k] · B[k, n] + bias[n] + res[m, n]), in `groups` independent groups."""

    a: Operand
    b: Matrix
    c: Operand
    m: int
    n: int
    sizes: tuple[int, int]
    """the inner two axes of the grid of rows"""
    sa: tuple[int, int, int]
    sc: tuple[int, int, int]
    runs: tuple[int, ...]
    length: int
    ks: int = 1
    bias: Operand | None = None
    res: Operand | None = None
    activation: Activation = None
    groups: int = 1
    ga: int = 0
    gc: int = 0
    sum_size: int = 0
    """numbers of C if k may be split into partitions that are summed afterwards, else 0"""
    keep: bool = False
    """whether B is the same in every run, so that packing it costs nothing"""
    images: int = 1
    """images that the rows of C, or the steps of a sum that may be split, go through, if tasks are to end with them"""

    @property
    def k(self) -> int:
        """Length of the sum."""
        return len(self.runs) * self.length


def whole_vectors(n: int) -> int:
    """n rounded up to whole vectors."""
    return -(-n // current().lanes) * current().lanes


def panel_width(m: int, n: int) -> int:
    """Vectors of a panel: the width that wastes least on the columns behind the last."""
    target = current()
    vectors = -(-n // target.lanes)
    if m < 4:  # streaming B once: the wider the better
        return min(vectors, target.widest)
    widths = range(1, target.widest + 1)
    return min(widths, key=lambda nv: (-(-vectors // nv) * nv / EFFICIENCY[nv], -nv))


class Chunks(NamedTuple):
    """How a task walks through k: so many runs at a time, while the next rows of B are fetched."""

    runs: int
    """runs of a chunk, whose rows of a panel stay, twice, in half of L2"""
    fetched: int
    """numbers of B that are fetched for each row of C"""
    pace: int
    """the same for each round of the unrolled loop"""


def _steps(x: Contraction, nr: int, ldb: int) -> int:
    """Steps of k that a task takes at a time, about.

    Their rows of a panel stay, twice, in half of L2.  In a weight gradient all rows of C read the same pixels: there
    those of A and of B stay in half of L1, unless these are so few that starting a tile would take longer than its
    products.  And where panels lie side by side, the rows of B lie in no more pages than a prefetcher follows.
    """
    in_l1, in_l2 = _L1 // 2 // (4 * (nr + min(x.m, abs(x.ks)))), _L2 // 4 // (4 * nr)
    steps = in_l1 if x.sum_size and in_l1 >= LONG else in_l2
    return max(1, steps if ldb == nr else min(steps, PAGES * max(1, PAGE // ldb)))


def _chunks(x: Contraction, steps: int, nr: int, mr: int, rows: int) -> Chunks:
    runs = max(1, min(len(x.runs), steps // max(x.length, 1)))
    fetched = runs * x.length * nr // min(rows, x.m)
    return Chunks(runs, fetched, fetched * mr * k.UNROLL // max(runs * x.length, 1))


def _with_long_rows(x: Contraction) -> Contraction:
    """The same with the axes of the grid merged where one continues the other, in A and in C."""
    (d1, d2), strides = x.sizes, (x.sa, x.sc)
    if all(s[1] == d2 * s[2] for s in strides):
        d1, d2 = 1, d1 * d2
        if all(s[0] == d2 * s[2] for s in strides):
            d2 = x.m
    return replace(x, sizes=(d1, d2))


def _with_short_runs(x: Contraction, most: int) -> Contraction:
    """The same with runs cut in equal pieces where one has more steps of k than a chunk."""
    pieces = next((d for d in range(max(-(-x.length // most), 1), x.length) if x.length % d == 0), 1)
    if pieces == 1 or x.length // pieces < most // 4:
        return x
    length = x.length // pieces
    return replace(x, runs=tuple(r + i * length * x.ks for r in x.runs for i in range(pieces)), length=length)


def _rows_of_task(x: Contraction, mr: int, count: int, parts: int, k_at_once: int) -> int:
    """Rows of C in one task, for `count` panels in all groups.

    What it reads of A stays in half of L2, and there are tasks enough for several threads.  The rows of a large C that
    the tasks of a few panels write side by side lie in half of the pages that a prefetcher follows.
    """
    tasks = TASKS if x.k * x.n < _L2 // 4 else TASKS // 2  # each of them reads its panels of B
    tasks = max(1, min(tasks, 2 * x.groups * x.m * x.n * x.k // TASK))
    blocks = max(-(-4 * x.m * _own(x, k_at_once) // (_L2 // 2)), -(-tasks // (count * parts)))
    rows = -(-x.m // blocks)
    if count > x.groups and 4 * x.m * x.n > _L2 // 2 > 8 * x.k * x.n:
        rows = min(rows, max(PAGES // 2 * PAGE // x.n, 1))
    return max(-(-rows // mr) * mr, mr)


def _partitions(x: Contraction) -> int:
    """How often k is split: so often that a part of A and B stays in the cache, if summing is cheap then."""
    if not x.sum_size or len(x.runs) < 2:
        return 1
    row_bytes = 4 * x.length * (x.n * x.groups + max(abs(x.ks), 1))
    fitting = in_cache(len(x.runs) * row_bytes)
    for_tasks = -(-TASKS * 14 * 64 // max(x.m * x.n * x.groups, 1))
    affordable = max(1, len(x.runs) * row_bytes // (8 * x.sum_size))
    wanted = max(1, min(max(fitting, for_tasks), affordable, len(x.runs), 64))
    return partitions(x.images, wanted) if 1 < units(x.images) <= affordable else wanted


def _pieces(x: Contraction, parts: int, mb: int, panels_first: bool) -> int:
    """Into how many pieces of the images the tasks can be cut."""
    if units(x.images) == 1 or x.groups > 1:
        return 1
    if x.sum_size:
        return parts if parts % units(x.images) == 0 else 1
    return 1 if panels_first else pieces(x.images, x.m, mb)


class Panels(NamedTuple):
    """B as the kernel reads it: operand, vectors of a panel, row stride, panel stride, group stride."""

    operand: Operand
    nv: int
    ldb: int
    step: int
    group: int


def calls(x: Contraction) -> list[Call]:
    """The kernel calls of a contraction."""
    if x.m == 0 or x.n == 0:
        return []
    out, b = panels(x)
    return [*out, *product(x, b)]


def product(x: Contraction, b: Panels) -> list[Call]:
    """The calls of a contraction whose B is in panels already, which were perhaps made for more rows, or for more k."""
    target, nv = current(), b.nv
    nr, mr = nv * target.lanes, target.mr(nv)
    count, parts, images = -(-x.n // nr), _partitions(x), x.images
    steps = _steps(x, nr, b.ldb)
    x = _with_short_runs(_with_long_rows(x), steps)
    c, part_step = x.c, 0
    if parts > 1:
        c, part_step = Scratch(parts * x.sum_size), x.sum_size
    panels_first = x.k * x.n > x.m * _own(x, x.k)  # the larger of A and B is read once
    mb, span = _rows_of_task(x, mr, count * x.groups, parts, min(steps, x.k) if panels_first else x.k // parts), 1
    if x.ks == 1 and b.ldb != nr and x.m <= IN_PLACE:
        strips = STRIPS if x.k * x.n <= _L2 else STRIPS // 2  # what comes from memory is best read by whole rows
        mb, span = x.m, max(1, min(count // strips, STRIP // nr))  # B is read once: each chunk of it by all rows
    elif images > 1 and not x.sum_size and not panels_first:
        mb = even(images, x.m // images, min(mb, x.m // in_cache(4 * x.m * (_own(x, x.k) + x.n))))
    args = (
        x.a, b.operand, x.bias, x.res, c, table(x.runs), x.m, x.n, mb, span, int(panels_first), *x.sizes,
        *x.sa, *x.sc, len(x.runs), *_chunks(x, steps, nr, mr, mb), x.length, x.ks, b.ldb, b.step,
        parts, part_step, x.ga, b.group, x.gc, *epilogue(x.activation),
    )  # fmt: skip
    tasks = x.groups * parts * -(-x.m // mb) * -(-count // span)
    moved = 4.0 * x.groups * (x.k * x.n + x.m * x.n + x.m * _own(x, x.k))
    work = max(0.25 * x.groups * x.m * x.k * count * nr, moved)
    cuts = _pieces(x, parts, mb, bool(panels_first))
    call = Call(k.gemm[nv, x.ks == 1 and b.ldb == nr], args, tasks, work, cuts)
    return [call] if parts == 1 else [call, sum_parts(c, x.c, parts, x.sum_size)]


def panels(x: Contraction) -> tuple[list[Call], Panels]:
    """The calls that pack B into panels, if it must be, and where B is then."""
    nv = panel_width(x.m, x.n)
    nr = nv * current().lanes
    count = -(-x.n // nr)
    whole = (x.n % nr == 0 or (count == 1 and x.b.beyond)) and x.b.sn == 1 and x.b.runs == (0,)
    if whole and not x.keep and (x.b.sk == nr or not _worth_packing(x)):
        return [], Panels(x.b.operand, nv, x.b.sk, nr, x.b.group)
    packed = Scratch(x.groups * count * x.k * nr)
    runs = len(x.b.runs)
    args = (x.b.operand, packed, table(x.b.runs), runs, x.b.length or x.k, x.n, nr, x.b.sk, x.b.sn, x.b.group)
    call = Call(k.pack, args, x.groups * count * runs, 8.0 * packed.spec.size)
    return [call], Panels(packed, nv, nr, x.k * nr, count * x.k * nr)


def _worth_packing(x: Contraction) -> bool:
    """Whether B, which is packed in every run and lies row by row, is read so often that packing it pays.

    Rows of B that lie powers of two apart fall into few sets of L1 and drive each other out.  In L2 there is room for a
    chunk of them, so a product of a few rows reads B as fast from there as it would read it to pack it.
    """
    return x.m > IN_PLACE if x.ks == 1 else x.m >= 16 and x.k <= 512


def _own(x: Contraction, k: int) -> int:
    """Numbers of A that a row of C reads of k and that the row before it does not.

    Neighbours in a convolution overlap; in a weight gradient their numbers lie among one another.
    """
    return min(k, max(abs(x.sa[2]), 1)) if x.ks == 1 else -(-k * min(x.m, abs(x.ks)) // x.m)


def sum_parts(parts: Operand, total: Operand, count: int, size: int) -> Call:
    """Add up `count` partial results of `size` numbers each, in fixed order."""
    tasks = -(-size // k.SUM_BLOCK)
    return Call(k.sum_parts, (parts, total, count, size), tasks, 4.0 * count * size)


def dense_calls(
    x: Operand, w: Matrix, y: Operand, m: int, n: int, length: int, *, lda: int, ks: int = 1, **more: Any
) -> list[Call]:
    """C[m, n] = A[m, k] · B[k, n] for a plain matrix A with row stride `lda` and element stride `ks`."""
    return calls(
        Contraction(x, w, y, m, n, (1, max(m, 1)), (0, 0, lda), (0, 0, n), runs=(0,), length=length, ks=ks, **more)
    )
