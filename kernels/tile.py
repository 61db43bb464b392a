"""The register tile.

``tile(mr, nv, lanes)`` computes an mr × (nv·lanes) block of C in registers::

            nv·lanes columns                K runs over `nruns` runs of `length` numbers each:
           ┌──────────────┐                    A[i, k] = a[row_i + runs[r] + j·ks]
       mr  │ acc[i][j]    │ += A[i,k]·B[k,j]   B[k, :] = b[b0 + k·ldb : … + nv·lanes]
      rows └──────────────┘                    k = r·length + j

A is never materialised.  Row i of the tile is pixel (or sample, or kernel tap) number m0 + i of a grid with three axes;
`row_i` follows the grid's strides, also across the ends of its rows.  So one tile serves dense layers (one run of K
numbers), convolutions (one run of kw·ci numbers for each kernel row, in NHWC contiguous) and weight gradients (the runs
are rows of pixels, the grid is the kernel).  The accumulators stay in SSA values from the first to the last k.
"""

from __future__ import annotations

import contextlib
import functools
from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import types

from .epilogue import activate, added, columns, merged, touch
from .k_loop import reduce
from .simd import Loop, at, f32, i64, make_intrinsic, mask, store
from .target import Shape


@functools.cache
def tiles(
    shapes: tuple[Shape, ...], nv: int, lanes: int, unroll: int = 1, packed: bool = False, by_lane: bool = False,
    masks: bool = False, shared: bool = True,
) -> Any:  # fmt: skip
    """Register tiles of nv vectors of `lanes` floats and several heights: what `tile` computes in a kernel.

    A Numba intrinsic without arguments, which a kernel calls once, anywhere.  It brings the tiles along as a function
    of LLVM's; so the loops around them (`kernels.cpu.gemm`) are translated once for all the kernels of a process.

    `unroll` steps of k are written out in the loop.  With `packed`, ks is taken to be 1 and ldb to be nv·lanes.  With
    `by_lane` besides, `lanes` steps of a row of A are loaded as one vector, whose lanes are multiplied one by one:
    ``fmla v0.4s, v1.4s, v2.s[3]`` of NEON takes a lane as its scalar, so mr + lanes·nv loads feed lanes·mr·nv
    multiply-adds, instead of lanes·(mr + nv).

    Each of the `shapes` has a K loop of its own.  Tiles of evenly spaced rows come in strips, one below the other: from
    one to the next all addresses move by the same distance, and most of what has to be known of a tile is known.
    Behind the K loops of the other shapes is an epilogue for each height, or, if `shared`, one for tiles of one row and
    one for all the others, whose lower tiles have rows in it that are not stored: it is longer than the K loops and
    takes longer to compile, but where registers are scarce, sums that come from several loops are not kept in them.
    With `masks` an epilogue is there once, with masks; else twice, for whole vectors without them.

    Arguments of `tile` (offsets and strides in elements)::

        shape           which of the shapes, by its number
        place, m        where the tile's first row is in the grid, and rows that are stored: 1 <= m <= mr, or for evenly
                        spaced rows those of the whole strip, a multiple of mr
        a, a0           A, and the offset of the grid's row 0
        c, c0           C, and the offset of the grid's row 0 and the tile's first column
        res, bias, j0   added before the activation, each unless null: `res` laid out as C, `bias` from element j0
        again           not 0: C is added, as an earlier part of the K loop left it, and neither of those
        n               columns that are stored: 1 <= n <= nv·lanes
        (d1, d2)        sizes of the grid's two inner axes
        sa, sc          strides of A and of C over the three axes of the grid
        runs, r0, nruns, length, ks    the K loop as drawn above, over runs[r0 : r0 + nruns]
        b, b0, ldb      B: nv·lanes readable numbers at b[b0 + k·ldb] for each k
        ahead, pace     shapes that `fetch` bring numbers of B from b[ahead] on into L2, `pace` with each round of
                        the unrolled loop: what the next tiles need streams in while this one multiplies
        act, alpha, low, high          activation code and its parameters
    """
    width = Width(nv, lanes, unroll, packed, by_lane, masks)

    def emit(context: Any, b: Any, signature: Any, args: Any) -> Any:
        _Tiles(_function(b.module), width).write(shapes, shared)
        return context.get_dummy_value()

    return make_intrinsic(f"tiles_{nv}x{lanes}{'_packed' * packed}", types.none, (), emit)


class Width(NamedTuple):
    """What tiles of several heights have in common: see `tiles`."""

    nv: int
    lanes: int
    unroll: int
    packed: bool
    by_lane: bool
    masks: bool


class _Tiles:
    """The function that computes a tile, as it is written."""

    def __init__(self, function: Any, width: Width) -> None:
        self.b, self.width = ir.IRBuilder(function.append_basic_block()), width
        b, nr, given = self.b, width.nv * width.lanes, iter(function.args)
        words: list[Any] = [[next(given) for _ in range(n)] if n else next(given) for n in map(_count, KINDS)]
        (self.which, self.place, self.m, self.a, self.a0, self.c, self.c0, res, bias, j0, again, n, self.size, self.sa,
         self.sc, runs, r0, nruns, length, ks, panel, b0, ldb, ahead, self.pace, *activation) = words  # fmt: skip
        self.act, self.alpha, self.low, self.high = activation
        more = b.icmp_signed("!=", again, i64(0))
        self.res, bias = b.select(more, self.c, res), b.select(more, ir.Constant(bias.type, None), bias)
        self.has_res = b.icmp_unsigned("!=", b.ptrtoint(self.res, i64), i64(0))
        if width.packed:  # known steps become part of the addresses and cost no instruction
            ks, ldb = i64(1), i64(nr)
        self.k_loop = b.gep(runs, [r0]), nruns, length, ks, at(b, panel, b0, f32), ldb, *width[:3]
        self.future = at(b, panel, ahead, f32)
        self.n, self.full = n, None if width.masks else b.icmp_signed("==", n, i64(nr))
        self.zero = ir.Constant(ir.VectorType(f32, width.lanes), [0.0] * width.lanes)
        self.first = added(b, self.full, self.exist, bias, [self.zero] * width.nv, lambda i: j0, width.lanes)

    def exist(self) -> list[Any]:
        """Masks of the columns that exist, for each vector of a row."""
        b, lanes = self.b, self.width.lanes
        return [mask(b, b.sub(self.n, i64(j * lanes)), lanes) for j in range(self.width.nv)]

    def write(self, shapes: tuple[Shape, ...], shared: bool) -> None:
        """All shapes, and what tells which of them is meant."""
        b = self.b
        done = b.append_basic_block("done")
        switch = b.switch(self.which, done)
        alike: dict[int, list[tuple[Shape, Any]]] = {}
        for i, shape in enumerate(shapes):
            block = b.append_basic_block("shape")
            switch.add_case(i64(i), block)
            if shape.even:
                b.position_at_end(block)
                self.strip(shape)
                b.branch(done)
            else:
                alike.setdefault(min(shape.mr, 2) if shared else shape.mr, []).append((shape, block))
        for group in alike.values():
            self.together(group)
            b.branch(done)
        b.position_at_end(done)
        b.ret_void()

    def strip(self, shape: Shape) -> None:
        """Tiles of evenly spaced rows, one below the other."""
        b, sa = self.b, [*self.sa[:2], i64(1)] if shape.adjacent else self.sa
        from_a, from_c = at_place(b, self.a0, self.place, sa), at_place(b, self.c0, self.place, self.sc)
        rows_a, rows_c = ([b.mul(s[2], i64(i)) for i in range(shape.mr + 1)] for s in (sa, self.sc))
        below_a, below_c = rows_a.pop(), rows_c.pop()
        tiles = Loop(b, i64(0), self.m, shape.mr, [from_a, from_c, self.future])
        from_a, from_c, future = tiles.values
        c, res = (b.gep(x, [from_c]) for x in (self.c, self.res))
        acc, future = self.sums(shape, b.gep(self.a, [from_a]), rows_a, sa[2], res, rows_c, future)
        self.finish(c, b.select(self.has_res, res, self.res), acc, rows_c, all_rows=True)
        tiles.close([b.add(from_a, below_a), b.add(from_c, below_c), future])

    def together(self, shapes: list[tuple[Shape, Any]]) -> None:
        """Tiles whose rows follow the grid, of several heights, each in its block, with one epilogue."""
        b, height, sources = self.b, max(shape.mr for shape, _ in shapes), []
        end = b.append_basic_block("together")
        for shape, block in shapes:
            b.position_at_end(block)
            walks = [(self.a0, self.sa), (self.c0, self.sc)]
            rows_a, rows = row_offsets(b, shape.mr, self.m, self.place, self.size, walks)
            acc, _ = self.sums(shape, self.a, rows_a, self.sa[2], self.res, rows, self.future)
            missing = height - shape.mr
            sources.append((b.block, acc + [self.zero] * (missing * self.width.nv) + rows + rows[-1:] * missing))
            b.branch(end)
        b.position_at_end(end)
        values, of_acc = merged(b, sources), height * self.width.nv
        self.finish(self.c, self.res, values[:of_acc], values[of_acc:], all_rows=False)

    def sums(self, shape: Shape, a: Any, rows_a: list[Any], step: Any, res: Any, rows: list[Any], future: Any) -> Any:
        """Those of the K loop for rows at these places behind a, and how far B has been fetched."""
        nv, lanes, _, packed, by_lane, _ = self.width
        with self.b.if_then(self.has_res):
            touch(self.b, res, rows, nv * lanes)
        acc = self.first * shape.mr + [self.zero] * (shape.mr * nv * (shape.streams - 1))
        return reduce(self.b, acc, a, rows_a, *self.k_loop, by_lane=packed and by_lane,
                      spacing=step if shape.even and packed and not by_lane else None,
                      adjacent=shape.adjacent and not by_lane,
                      fetch=(future, self.pace) if shape.fetch else None, streams=shape.streams)  # fmt: skip

    def finish(self, c: Any, res: Any, acc: list[Any], rows: list[Any], all_rows: bool) -> None:
        """The epilogue of rows at these places behind c and res, of which perhaps only `m` are stored."""
        b, (nv, lanes, *_) = self.b, self.width
        acc = added(b, self.full, self.exist, res, acc, lambda i: rows[i], lanes)
        acc = activate(b, acc, self.act, self.alpha, self.low, self.high, lanes)
        done = b.append_basic_block("stored")

        def stored(limits: list[Any]) -> None:
            for r, row in enumerate(rows):
                exists = None if all_rows or not r else b.if_then(b.icmp_signed("<", i64(r), self.m), likely=True)
                with exists or contextlib.nullcontext():
                    for j in range(nv):
                        store(b, c, b.add(row, i64(j * lanes)), acc[r * nv + j], limits[j])

        columns(b, self.full, self.exist, stored, done)


_WORD, _FLOAT = types.int64, types.float32
_FLOATS, _WORDS = types.CPointer(_FLOAT), types.CPointer(_WORD)
_TWO, _THREE = types.UniTuple(_WORD, 2), types.UniTuple(_WORD, 3)
#: the arguments of `tile`
KINDS = (_WORD, _THREE, _WORD, _FLOATS, _WORD, _FLOATS, _WORD, _FLOATS, _FLOATS, _WORD, _WORD, _WORD, _TWO, _THREE,
         _THREE, _WORDS, _WORD, _WORD, _WORD, _WORD, _FLOATS, _WORD, _WORD, _WORD, _WORD, _WORD, _FLOAT, _FLOAT,
         _FLOAT)  # fmt: skip


def _count(kind: Any) -> int:
    """Numbers in a tuple; 0 for what is none."""
    return kind.count if isinstance(kind, types.UniTuple) else 0


def _function(module: Any) -> Any:
    """The function that computes a tile, the numbers of tuples being arguments of their own."""
    kinds = {_WORD: i64, _FLOAT: f32, _FLOATS: f32.as_pointer(), _WORDS: i64.as_pointer(), _TWO: i64, _THREE: i64}
    flat = [kinds[kind] for kind in KINDS for _ in range(_count(kind) or 1)]
    return module.globals.get("tile") or ir.Function(module, ir.FunctionType(ir.VoidType(), flat), "tile")


def _call(context: Any, b: Any, signature: Any, args: Any) -> Any:
    words: list[Any] = []
    for value, kind in zip(args, KINDS, strict=True):
        words += [b.extract_value(value, i) for i in range(_count(kind))] or [value]
    b.call(_function(b.module), words)
    return context.get_dummy_value()


#: compute one of the `tiles` that the kernel has brought along
tile = make_intrinsic("tile", types.none, KINDS, _call)


def place_of(b: Any, row: Any, size: Any) -> tuple[Any, Any, Any]:
    """Where a row of this number is in the grid, whose two inner axes have these sizes."""
    d1, d2 = size
    q = b.sdiv(row, d2)
    p0 = b.sdiv(q, d1)
    return p0, b.sub(q, b.mul(p0, d1)), b.sub(row, b.mul(q, d2))


def row_offsets(b: Any, mr: int, m: Any, place: Any, size: Any, walks: list[tuple[Any, Any]]) -> list[list[Any]]:
    """Offsets of the tile's rows, for each (start, strides) of `walks`.

    A row's offset follows a grid of three axes and carries into the next axis at each end.  Row 0 is at `place`; rows
    from `m` on repeat row m - 1.
    """
    (d1, d2), (_, p1, p2) = size, place
    last1, last2 = b.sub(d1, i64(1)), b.sub(d2, i64(1))
    rows, wraps = [], []
    for start, (s0, s1, s2) in walks:
        start = at_place(b, start, place, (s0, s1, s2))
        wrap1 = b.sub(s1, b.mul(last2, s2))
        wraps.append((b.sub(b.sub(s0, b.mul(last1, s1)), b.mul(last2, s2)), wrap1, s2))
        rows.append([start])
    for i in range(1, mr):
        end2 = b.icmp_signed("==", p2, last2)
        end1 = b.and_(end2, b.icmp_signed("==", p1, last1))
        stored = b.icmp_signed("<", i64(i), m)
        for offsets, (wrap0, wrap1, step) in zip(rows, wraps, strict=True):
            step = b.select(end1, wrap0, b.select(end2, wrap1, step))
            offsets.append(b.add(offsets[-1], b.select(stored, step, i64(0))))
        p1 = b.select(end1, i64(0), b.select(end2, b.add(p1, i64(1)), p1))
        p2 = b.select(end2, i64(0), b.add(p2, i64(1)))
    return rows


def at_place(b: Any, start: Any, place: Any, strides: Any) -> Any:
    """The offset of a place in the grid."""
    for p, s in zip(place, strides, strict=True):
        start = b.add(start, b.mul(p, s))
    return start
