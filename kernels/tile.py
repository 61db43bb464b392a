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
from typing import Any

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

    Each of the `shapes` has a K loop of its own.  Behind them is an epilogue for each height, or, if `shared`, one for
    tiles of one row and one for all the others, whose lower tiles have rows in it that are not stored: it is longer
    than the K loops and takes longer to compile, but where registers are scarce, sums that come from several loops are
    not kept in them.  With `masks` it is there once, with masks; else twice, for whole vectors without them.

    Arguments of `tile` (offsets and strides in elements)::

        shape           which of the shapes, by its number
        place, m        where the tile's first row is in the grid, and rows that are stored: 1 <= m <= mr
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

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        function = _function(builder.module)
        b, given = ir.IRBuilder(function.append_basic_block()), iter(function.args)
        words: list[Any] = [[next(given) for _ in range(n)] if n else next(given) for n in map(_count, KINDS)]
        (which, place, m, a, a0, c, c0, res, bias, j0, again, n, size, sa, sc, runs, r0, nruns, length, ks,
         panel, b0, ldb, ahead, pace, act, alpha, low, high) = words  # fmt: skip
        more = b.icmp_signed("!=", again, i64(0))
        res, bias = b.select(more, c, res), b.select(more, ir.Constant(bias.type, None), bias)
        has_res = b.icmp_unsigned("!=", b.ptrtoint(res, i64), i64(0))
        runs, future, panel = b.gep(runs, [r0]), at(b, panel, ahead, f32), at(b, panel, b0, f32)
        if packed:  # known steps become part of the addresses and cost no instruction
            ks, ldb = i64(1), i64(nv * lanes)
        full = None if masks else b.icmp_signed("==", n, i64(nv * lanes))
        zero = ir.Constant(ir.VectorType(f32, lanes), [0.0] * lanes)

        def exist() -> list[Any]:
            return [mask(b, b.sub(n, i64(j * lanes)), lanes) for j in range(nv)]

        first = added(b, full, exist, bias, [zero] * nv, lambda i: j0, lanes)

        def sums(shape: Shape, acc: list[Any], base: Any, rows: list[Any], step: Any, future: Any) -> Any:
            """Those of the K loop for rows at these places behind a base, and how far B has been fetched."""
            acc = acc * shape.mr + [zero] * (shape.mr * nv * (shape.streams - 1))
            k_loop = (runs, nruns, length, ks, panel, ldb, nv, lanes, unroll)
            return reduce(b, acc, base, rows, *k_loop, by_lane=packed and by_lane,
                          spacing=step if shape.even and packed and not by_lane else None,
                          adjacent=shape.adjacent and not by_lane,
                          fetch=(future, pace) if shape.fetch else None, streams=shape.streams)  # fmt: skip

        def finish(base: Any, more: Any, acc: list[Any], rows: list[Any], some: bool) -> None:
            """The epilogue of rows at these places behind a base in C and in res, of which perhaps only some exist."""
            acc = added(b, full, exist, more, acc, lambda i: rows[i], lanes)
            acc = activate(b, acc, act, alpha, low, high, lanes)
            done = b.append_basic_block("stored")

            def stored(limits: list[Any]) -> None:
                for r, row in enumerate(rows):
                    here = b.if_then(b.icmp_signed("<", i64(r), m), likely=True) if r and some else contextlib.nullcontext()
                    with here:
                        for j in range(nv):
                            store(b, base, b.add(row, i64(j * lanes)), acc[r * nv + j], limits[j])

            columns(b, full, exist, stored, done)

        def strip(shape: Shape) -> None:
            """Tiles of evenly spaced rows, one below the other."""
            steps = [*sa[:2], i64(1)] if shape.adjacent else sa
            from_a, from_c = (at_place(b, start, place, s) for start, s in ((a0, steps), (c0, sc)))
            below_a, below_c = (b.mul(s[2], i64(shape.mr)) for s in (steps, sc))
            rows_a, rows_c = ([b.mul(s[2], i64(i)) for i in range(shape.mr)] for s in (steps, sc))
            tiles = Loop(b, i64(0), m, shape.mr, [from_a, from_c, future])
            from_a, from_c, fetched = tiles.values
            base, more = (b.gep(x, [from_c]) for x in (c, res))
            with b.if_then(has_res):
                touch(b, more, rows_c, nv * lanes)
            acc, fetched = sums(shape, first, b.gep(a, [from_a]), rows_a, steps[2], fetched)
            finish(base, b.select(has_res, more, res), acc, rows_c, some=False)
            tiles.close([b.add(from_a, below_a), b.add(from_c, below_c), fetched])

        def lone(shape: Shape) -> tuple[list[Any], list[Any]]:
            """The sums of a tile whose rows follow the grid, and the offsets of its rows in C."""
            rows_a, rows_c = row_offsets(b, shape.mr, m, place, size, [(a0, sa), (c0, sc)])
            with b.if_then(has_res):
                touch(b, res, rows_c, nv * lanes)
            return sums(shape, first, a, rows_a, sa[2], future)[0], rows_c

        done = b.append_basic_block("done")
        switch = b.switch(which, done)
        alike: dict[int, list[int]] = {}
        for i, shape in enumerate(shapes):
            if not shape.even:
                alike.setdefault(min(shape.mr, 2) if shared else shape.mr, []).append(i)
                continue
            b.position_at_end(b.append_basic_block("strip"))
            switch.add_case(i64(i), b.block)
            strip(shape)
            b.branch(done)
        for numbers in alike.values():
            height = max(shapes[i].mr for i in numbers)
            together, sources = b.append_basic_block("together"), []
            for i in numbers:
                b.position_at_end(b.append_basic_block("shape"))
                switch.add_case(i64(i), b.block)
                acc, rows = lone(shapes[i])
                missing = height - len(rows)
                sources.append((b.block, acc + [zero] * (missing * nv) + rows + rows[-1:] * missing))
                b.branch(together)
            b.position_at_end(together)
            values = merged(b, sources)
            finish(c, res, values[: height * nv], values[height * nv :], some=True)
            b.branch(done)
        b.position_at_end(done)
        b.ret_void()
        return context.get_dummy_value()

    return make_intrinsic(f"tiles_{nv}x{lanes}{'_packed' * packed}", types.none, (), emit)


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
    (d1, d2), (p0, p1, p2) = size, place
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
