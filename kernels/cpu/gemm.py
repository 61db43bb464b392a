"""Matrix product with an implicit A: dense layers, convolutions and their gradients.

::

    C[m, n] = act( sum_k A[m, k] · B[k, n] + bias[n] + res[m, n] )

Nothing but addresses tells a dense layer from a convolution (`tile` draws them): m walks a grid with three axes,
k walks runs of equally spaced numbers.

======================  =====================  ==========================  =====================
computes                m (grid)               k (runs × length)           B
======================  =====================  ==========================  =====================
dense                   sample                 1 × ci                      w
conv2d                  n, ho, wo              kh × (kw·ci)                w
conv2d, input gradient  n, rows, cols          taps × co                   w, taps and ci, co turned
conv2d, weight gradient kh, kw, ci             (n·ho) × wo                 dy
======================  =====================  ==========================  =====================

B comes in panels of nr = nv·lanes columns.  A packed panel is contiguous, k after k, its last columns filled with zeros
(`pack`); where n is a multiple of nr and C has few rows, the panel is read from the matrix itself (ldb = n).

Loops, and the slice that each touches::

    1.  for g in groups                                  # A, B, C of one group
    2.    for part in K partitions                       # A[:, part], B[part, :]; C of its own
    3.      for block in rows of C, step mb              # A[block, :] stays in L2        3 and 4 change places
    4.        for strip in columns of C, span panels     # B[:, strip] streams from L2    with `panels_first`
    5.          for chunk of k                           # B[chunk, strip], and the next one, stay in L2
    6.            for panel in the strip, nr columns     # B[chunk, panel]; packed panels are strips of their own
    7.              for tile in rows of the block        # accumulators in registers
    8.                for k of the chunk                 # tile

A strip whose k is long is taken in chunks, so that all tiles but the first find it in L2: each chunk adds to what the
one before left in C, the first one the bias and `res`, the last one applies the activation.  Meanwhile the tiles fetch
the next chunk of a packed panel, each its share, so that weights which come from memory (7×7 images: 9 MB for 49 rows)
stream in while others are multiplied; behind the last chunk of a panel lies the first of the next.  A matrix that is
read where it lies comes in chunks of a few whole rows, which the prefetchers of the hardware follow from one panel to
the next.  In weight gradients all tiles read the same pixels of A and B, so there a chunk stays in L1.

Loop 7 takes tiles of evenly spaced rows (`even` in `tile`; for narrow panels taller ones; where B is not packed, as in
weight gradients, only of rows that lie side by side) while they fit into what is left of a row of the grid, in one call
for all of them, and tiles that follow the grid round its end where they do not: a row of 28 is 14 + 14, one of 32 is
14 + 14 and half of a tile of 8, whose other half begins the next row.  For panels of one vector there are further
heights, for short rows that one of them divides: 24 = 12 + 12.  A plain product has one row of the grid
(`_with_long_rows`), whose rest is avoided by a few tiles that are shorter by one: 49 = 4·6 + 5·5.

Loops 1 to 4 are the task range.  K is split in partitions only where C is small and K is long (weight gradients); their
number depends on sizes alone and they are summed in order, so results do not depend on the number of threads.
"""

from functools import partial

import numpy as np

from ..compiler import In, InI64, Kernel, Out, device, f32, i64, vector_kernel
from ..generators import move, tile, tiles, turn_tile
from ..target import Shape, current

TARGET = current()
ZERO = np.float32(0)
LANES = TARGET.lanes
#: steps of k in the body of the innermost loop, for packed panels: a quarter more speed than one
UNROLL = 4
#: places from which a tile of one row reads a packed panel: weights of a dense layer at batch 1 come from far
STREAMS = 4
move_vector, turn_square = move(LANES), turn_tile(LANES)
#: numbers of the tile's shapes
ROW, LOW, HIGH, TALL, EVEN = range(5)


@device
def cut(rows: int, mr: int) -> int:
    """How many tiles of height mr - 1 make the others of height mr fill `rows` exactly; 0 where it can't be done."""
    short = -rows % mr
    return short if short * (mr - 1) <= rows else 0


@device
def tall_rows(room: int, ends: bool, tall: int, mr: int) -> int:
    """Rows that tall tiles are right for, of a row of the grid of which `room` is left, perhaps the last that there is.

    For the last of these tiles others may be better: those that divide exactly what is left then.
    """
    count = room // tall
    left = room - count * tall + tall
    if tall > mr and left != tall and (left % mr == 0 or (ends and cut(left, mr) > 0)):
        count -= 1
    return max(count, 0) * tall


@device
def exact_height(room: int, tall: int, second: int, third: int) -> int:
    """Number of the further height that divides a short row of the grid exactly, as `tall` does not; 0 for none."""
    if second == 0 or room >= 4 * tall or room % tall == 0:
        return 0
    if room % second == 0:
        return 1
    return 2 if third > 0 and room % third == 0 else 0


@device
def advance(place, rows, d1, d2):
    """The place in the grid that lies this many rows behind another."""
    p0, p1, p2 = place[0], place[1], place[2] + rows
    while p2 >= d2:
        p2 -= d2
        p1 += 1
        if p1 == d1:
            p0, p1 = p0 + 1, 0
    return p0, p1, p2


@device
def multiply(
    a, b, bias, res, c, runs, m, n, mb, span, panels_first, d1, d2, sa0, sa1, sa2, sc0, sc1, sc2, nruns, chunk, fetched,
    pace, length, ks, ldb, panel_step, parts, part_step, ga, gb, gc, act, alpha, low, high, lo, hi,
    nr, mr, tall, second, third, level, even, packed,
):  # fmt: skip
    """Loops 1 to 7, for panels of `nr` columns and tiles of `mr` rows, or `tall` ones where rows are evenly spaced.

    From `level` rows on, tall tiles come before those that divide what is left exactly.
    """
    blocks, panels = (m + mb - 1) // mb, (n + nr - 1) // nr
    width = 1 if packed != 0 else span  # panels of a strip
    strips = (panels + width - 1) // width
    spaced = even != 0 and (packed != 0 or sa2 == 1)  # whether there are tiles for rows that are evenly spaced
    for task in range(lo, hi):
        cell, rest = task % (blocks * strips), task // (blocks * strips)
        if panels_first != 0:
            block, strip = cell % blocks, cell // blocks
        else:
            strip, block = cell % strips, cell // strips
        part, g = rest % parts, rest // parts
        start, end = block * mb, min(m, block * mb + mb)
        first, last = nruns * part // parts, nruns * (part + 1) // parts  # runs of this partition
        top = (start // d2 // d1, start // d2 % d1, start % d2)
        r0, unfinished = first, True
        while unfinished:
            count = min(chunk, last - r0)
            unfinished = r0 + count < last
            last_act = (0 if unfinished else act, alpha, low, high)
            for panel in range(strip * width, strip + 1 if packed != 0 else min(panels, strip * width + width)):
                j, b0 = panel * nr, g * gb + panel * panel_step
                shared = (
                    min(nr, n - j), (d1, d2), (sa0, sa1, sa2), (sc0, sc1, sc2), runs, r0, count, length, ks,
                    b, b0 + r0 * length * ldb, ldb,
                )  # fmt: skip
                ahead = b0 + (r0 + count) * length * ldb
                terms = (a, g * ga, c, g * gc + part * part_step + j, res, bias, g * n + j, r0 - first)
                i, place = start, top
                while i < end:
                    left = end - i
                    room = min(left, d2 - place[2])  # rows of C up to the end of this row of the grid
                    short = cut(left, mr)
                    exact = room == left and short > 0 and left < level and left != tall
                    strip_rows = tall_rows(room, room == left, tall, mr) if spaced and not exact else 0
                    further = exact_height(room, tall, second, third) if spaced and not exact else 0
                    if left == 1:
                        rows, shape = 1, ROW
                    elif further > 0:
                        rows, shape = room, EVEN + further
                    elif strip_rows > 0:
                        rows, shape = strip_rows, TALL
                    elif spaced and tall > mr and room >= mr and not exact:
                        rows, shape = mr, EVEN
                    elif short > 0:
                        rows, shape = mr - 1, LOW
                    else:
                        rows, shape = min(mr, left), HIGH
                    tile(shape, place, rows, *terms, *shared, ahead, pace, *last_act)
                    i += rows
                    ahead += fetched * rows
                    place = advance(place, rows, d1, d2)
            r0 += count


def _gemm(nv: int, packed: bool) -> Kernel:
    """The kernel for panels of nv vectors; with `packed`, for ks = 1 and packed panels only."""
    mr, unroll = TARGET.mr(nv), UNROLL if packed else 1
    tall = (TARGET.tall if packed else TARGET.beside)[nv - 1]
    # without an instruction that multiplies and adds, no register is left for the step from row to row
    even = TARGET.fused if packed else not TARGET.by_lane
    fetch = packed and mr < 8 and not TARGET.by_lane  # taller tiles have no register left for it
    shapes = (
        Shape(1, streams=STREAMS if packed else 1),
        Shape(mr - 1, fetch=fetch),
        Shape(mr, fetch=fetch),
        Shape(tall, even, even and not packed, fetch=fetch),
        Shape(mr, even, even and not packed, fetch=fetch),
    )
    if tall == mr:  # the last two are the same
        shapes = shapes[:-1]
    further = (TARGET.exact if packed else TARGET.exact_beside) if nv == 1 else ()
    shapes += tuple(Shape(height, even, even and not packed, fetch=fetch) for height in further)
    SECOND, THIRD = (np.int64(height) for height in (*further, 0, 0)[:2])
    bring_tiles = tiles(shapes, nv, LANES, unroll, packed, TARGET.by_lane, TARGET.masks, TARGET.registers > 16)
    # as numbers of a type, of which the loops know nothing more: so they are translated once
    NR, MR, TALL_MR = np.int64(nv * LANES), np.int64(mr), np.int64(tall)
    LEVEL, SPACED, PACKED = np.int64(2 * tall if tall > mr else 1 << 40), np.int64(even), np.int64(packed)

    def gemm(
        a: In, b: In, bias: In, res: In, c: Out, runs: InI64,
        m: i64, n: i64, mb: i64, span: i64, panels_first: i64,
        d1: i64, d2: i64, sa0: i64, sa1: i64, sa2: i64, sc0: i64, sc1: i64, sc2: i64,
        nruns: i64, chunk: i64, fetched: i64, pace: i64, length: i64, ks: i64, ldb: i64, panel_step: i64,
        parts: i64, part_step: i64, ga: i64, gb: i64, gc: i64,
        act: i64, alpha: f32, low: f32, high: f32,
        lo: i64, hi: i64,
    ):  # fmt: skip
        bring_tiles()
        multiply(
            a, b, bias, res, c, runs, m, n, mb, span, panels_first, d1, d2, sa0, sa1, sa2, sc0, sc1, sc2, nruns, chunk,
            fetched, pace, length, ks, ldb, panel_step, parts, part_step, ga, gb, gc, act, alpha, low, high, lo, hi,
            NR, MR, TALL_MR, SECOND, THIRD, LEVEL, SPACED, PACKED,
        )  # fmt: skip

    gemm.__qualname__ = f"gemm{nv}{'_packed' * packed}"
    return vector_kernel(gemm)


#: ``gemm[nv, packed]``: compiled when first used
gemm = {(nv, packed): _gemm(nv, packed) for nv in range(1, TARGET.widest + 1) for packed in (False, True)}


@partial(Kernel, tiles=True)
def pack(
    w: In, panels: Out, runs: InI64, nruns: i64, length: i64, n: i64, nr: i64, sk: i64, sn: i64, group: i64,
    lo: i64, hi: i64,
):  # fmt: skip
    """Pack B[k, j] = w[g·group + runs[r] + i·sk + j·sn], k = r·length + i, into panels of nr columns.

    Columns from n on are zeros.  One task writes one run of one panel; tasks count (group, panel, run), run fastest::

        group 0: panel 0: k = 0: j = 0 … nr-1 | k = 1: j = 0 … nr-1 | …    panel 1: …    group 1: …

    Where k is what lies side by side in w, squares are turned in registers.
    """
    count = (n + nr - 1) // nr
    for task in range(lo, hi):
        r, p = task % nruns, task // nruns
        j0 = p % count * nr
        source, target = p // count * group + runs[r] + j0 * sn, task * length * nr
        columns = min(nr, n - j0)
        if sn == 1:
            for i in range(length):
                for j in range(0, nr, LANES):
                    n_j = max(0, min(LANES, columns - j))
                    move_vector(w, source + i * sk + j, panels, target + i * nr + j, n_j)
            continue
        for j in range(0, nr, LANES):
            n_j = max(0, min(LANES, columns - j))
            turned = length - length % LANES if sk == 1 and n_j == LANES else 0
            for i in range(0, turned, LANES):
                turn_square(w, source + i + j * sn, sn, panels, target + i * nr + j, nr)
            for i in range(turned, length):
                for e in range(n_j):
                    panels[target + i * nr + j + e] = w[source + i * sk + (j + e) * sn]
                for e in range(n_j, LANES):
                    panels[target + i * nr + j + e] = ZERO


#: numbers that a task of `sum_parts` adds up
SUM_BLOCK = 1024


@Kernel
def sum_parts(x: In, y: Out, parts: i64, size: i64, lo: i64, hi: i64):
    """y[i] = sum over p of x[p·size + i], in the order of p; one task sums SUM_BLOCK numbers."""
    for task in range(lo, hi):
        first, end = task * SUM_BLOCK, min(size, task * SUM_BLOCK + SUM_BLOCK)
        for i in range(first, end):
            y[i] = x[i]
        for p in range(1, parts):
            for i in range(first, end):
                y[i] += x[p * size + i]
