"""Vector instructions for kernels: the register tile, raw calls and atomics, as Numba intrinsics over LLVM IR.

ISA is data here, not code: everything is written over ``<lanes x float>`` and LLVM picks the instructions.

**The register tile** ``tile(mr, nv, lanes)`` computes an mr × (nv·lanes) block of C in registers::

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

import functools
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

i1, i32, i64, f32, i8p = ir.IntType(1), ir.IntType(32), ir.IntType(64), ir.FloatType(), ir.IntType(8).as_pointer()
FAST = ("contract", "reassoc", "nsz", "arcp", "afn")

#: activation codes of the tile's epilogue
ACT_NONE, ACT_RELU, ACT_CLAMP, ACT_LEAKY = 0, 1, 2, 3


def _at(b: Any, base: Any, index: Any, kind: Any) -> Any:
    """Pointer to `kind` at element `index` of the float32 pointer `base`."""
    return b.bitcast(b.gep(b.bitcast(base, f32.as_pointer()), [index]), kind.as_pointer())


def _splat(b: Any, scalar: Any, lanes: int) -> Any:
    vector = ir.VectorType(scalar.type, lanes)
    first = b.insert_element(ir.Constant(vector, ir.Undefined), scalar, i32(0))
    return b.shuffle_vector(
        first, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(i32, lanes), [0] * lanes)
    )


def _call(b: Any, name: str, result: Any, args: list[Any]) -> Any:
    """Call an LLVM intrinsic by its full name."""
    kind = ir.FunctionType(result, [a.type for a in args])
    function = b.module.globals.get(name) or ir.Function(b.module, kind, name)
    return b.call(function, args, fastmath=FAST if name.startswith("llvm.fma") else ())


def _mask(b: Any, count: Any, lanes: int) -> Any:
    """<lanes x i1> whose first `count` lanes are set."""
    iota = ir.Constant(ir.VectorType(i32, lanes), list(range(lanes)))
    return b.icmp_signed("<", iota, _splat(b, b.trunc(count, i32), lanes))


def _load(b: Any, base: Any, index: Any, lanes: int, count: Any = None) -> Any:
    """`lanes` floats at `index`; only the first `count` of them, and zeros, where `count` is given."""
    vector = ir.VectorType(f32, lanes)
    where = _at(b, base, index, vector)
    if count is None:
        return b.load(where, align=4)
    zeros = ir.Constant(vector, [0.0] * lanes)
    return _call(b, f"llvm.masked.load.v{lanes}f32.p0", vector, [where, i32(4), _mask(b, count, lanes), zeros])


def _store(b: Any, base: Any, index: Any, value: Any, count: Any = None) -> None:
    lanes = value.type.count
    where = _at(b, base, index, value.type)
    if count is None:
        b.store(value, where, align=4)
    else:
        name = f"llvm.masked.store.v{lanes}f32.p0"
        _call(b, name, ir.VoidType(), [value, where, i32(4), _mask(b, count, lanes)])


class _Loop:
    """``for i in range(start, stop)`` with values carried in phi nodes; the body may be empty at run time."""

    def __init__(self, b: Any, start: Any, stop: Any, step: int, carried: list[Any]) -> None:
        self.b, self.stop, self.step = b, stop, step
        self.before = b.block
        self.head = b.append_basic_block("loop")
        self.body = b.append_basic_block("body")
        self.end = b.append_basic_block("end")
        b.branch(self.head)
        b.position_at_end(self.head)
        self.index = b.phi(i64)
        self.index.add_incoming(start, self.before)
        self.values = [b.phi(v.type) for v in carried]
        for phi, v in zip(self.values, carried, strict=True):
            phi.add_incoming(v, self.before)
        b.cbranch(b.icmp_signed("<", self.index, stop), self.body, self.end)
        b.position_at_end(self.body)

    def close(self, carried: list[Any]) -> list[Any]:
        """End the body; returns the values after the loop."""
        b = self.b
        self.index.add_incoming(b.add(self.index, i64(self.step)), b.block)
        for phi, v in zip(self.values, carried, strict=True):
            phi.add_incoming(v, b.block)
        b.branch(self.head)
        b.position_at_end(self.end)
        return self.values


def _rows(b: Any, mr: int, m: Any, first: Any, start: Any, size: Any, stride: Any) -> list[Any]:
    """Offsets of the tile's rows: a walk over a grid of three axes that carries into the next axis at each end.

    Row 0 is number `first` of the grid; rows from `m` on repeat row m - 1.
    """
    (d1, d2), (s0, s1, s2) = size, stride
    q, p2 = b.sdiv(first, d2), b.srem(first, d2)
    p0, p1 = b.sdiv(q, d1), b.srem(q, d1)
    for p, s in ((p0, s0), (p1, s1), (p2, s2)):
        start = b.add(start, b.mul(p, s))
    last1, last2 = b.sub(d1, i64(1)), b.sub(d2, i64(1))
    wrap1 = b.sub(s1, b.mul(last2, s2))
    wrap0 = b.sub(b.sub(s0, b.mul(last1, s1)), b.mul(last2, s2))
    rows = [start]
    for i in range(1, mr):
        end2 = b.icmp_signed("==", p2, last2)
        end1 = b.and_(end2, b.icmp_signed("==", p1, last1))
        step = b.select(end1, wrap0, b.select(end2, wrap1, s2))
        step = b.select(b.icmp_signed("<", i64(i), m), step, i64(0))
        p1 = b.select(end1, i64(0), b.select(end2, b.add(p1, i64(1)), p1))
        p2 = b.select(end2, i64(0), b.add(p2, i64(1)))
        rows.append(b.add(rows[-1], step))
    return rows


def _reduce(b: Any, acc: list[Any], a: Any, rows: list[Any], runs: Any, nruns: Any, length: Any, ks: Any,
            panel: Any, ldb: Any, nv: int, lanes: int, unroll: int) -> list[Any]:  # fmt: skip
    """The K loop: acc[i][j] += A[i, k] * B[k, j].  Per k: nv vector loads, mr broadcasts, mr·nv multiply-adds."""
    pointers = [_at(b, a, row, f32) for row in rows]
    vector = ir.VectorType(f32, lanes)

    def step(acc: list[Any], k: Any, b0: Any) -> list[Any]:
        vs = [_load(b, panel, b.add(b0, i64(j * lanes)), lanes) for j in range(nv)]
        out = []
        for i, p in enumerate(pointers):
            s = _splat(b, b.load(b.gep(p, [k])), lanes)
            out += [_call(b, f"llvm.fma.v{lanes}f32", vector, [s, v, acc[i * nv + j]]) for j, v in enumerate(vs)]
        return out

    outer = _Loop(b, i64(0), nruns, 1, [i64(0), *acc])
    b0, *acc = outer.values
    k = b.load(b.gep(runs, [outer.index]))
    whole = b.and_(length, i64(-unroll))
    carried = [k, b0, *acc]
    for start, stop, times in ((i64(0), whole, unroll), (whole, length, 1))[: 2 if unroll > 1 else 1]:
        inner = _Loop(b, start, stop, times, carried)
        k, b0, *acc = inner.values
        for _ in range(times):
            acc = step(acc, k, b0)
            k, b0 = b.add(k, ks), b.add(b0, ldb)
        carried = inner.close([k, b0, *acc])
    _, b0, *acc = carried
    return outer.close([b0, *acc])[1:]


def _activate(b: Any, acc: list[Any], code: Any, alpha: Any, low: Any, high: Any, lanes: int) -> list[Any]:
    """The epilogue's activation: none, relu, clamp to [low, high], or leaky relu; NaN stays NaN."""
    zero = ir.Constant(acc[0].type, [0.0] * lanes)

    def relu(v: Any) -> Any:
        return b.select(b.fcmp_ordered("<", v, zero), zero, v)

    def clamp(v: Any) -> Any:
        v = b.select(b.fcmp_ordered("<", v, lows), lows, v)
        return b.select(b.fcmp_ordered(">", v, highs), highs, v)

    def leaky(v: Any) -> Any:
        return b.select(b.fcmp_ordered("<", v, zero), b.fmul(v, alphas), v)

    lows, highs, alphas = (_splat(b, s, lanes) for s in (low, high, alpha))
    done = b.append_basic_block("activated")
    sources = [(b.block, acc)]
    switch = b.switch(code, done)
    for number, function in ((ACT_RELU, relu), (ACT_CLAMP, clamp), (ACT_LEAKY, leaky)):
        block = b.append_basic_block(function.__name__)
        switch.add_case(i64(number), block)
        b.position_at_end(block)
        sources.append((block, [function(v) for v in acc]))
        b.branch(done)
    b.position_at_end(done)
    out = []
    for j in range(len(acc)):
        phi = b.phi(acc[j].type)
        for block, values in sources:
            phi.add_incoming(values[j], block)
        out.append(phi)
    return out


@functools.cache
def tile(mr: int, nv: int, lanes: int, unroll: int = 1) -> Any:
    """The register tile of mr rows and nv vectors of `lanes` floats, as a Numba intrinsic.

    Arguments of the intrinsic (offsets and strides in elements)::

        i, m            number of the tile's first row in the grid, and rows that are stored: 1 <= m <= mr
        a, a0           A, and the offset of the grid's row 0
        c, c0           C, and the offset of the grid's row 0 and the tile's first column
        res, bias, j0   added before the activation: `res` laid out as C (null: none), `bias` from element j0 (null: none)
        n               columns that are stored: 1 <= n <= nv·lanes
        (d1, d2)        sizes of the grid's two inner axes
        sa, sc          strides of A and of C over the three axes of the grid
        runs, r0, nruns, length, ks    the K loop as drawn above, over runs[r0 : r0 + nruns]
        b, b0, ldb      B: nv·lanes readable numbers at b[b0 + k·ldb] for each k
        act, alpha, low, high          activation code and its parameters
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        b = builder
        words = [
            [b.extract_value(v, i) for i in range(t.count)] if isinstance(t, types.UniTuple) else v
            for v, t in zip(args, signature.args, strict=True)
        ]
        (i, m, a, a0, c, c0, res, bias, j0, n, size, sa, sc, runs, r0, nruns, length, ks,
         panel, b0, ldb, act, alpha, low, high) = words  # fmt: skip
        rows_a = _rows(b, mr, m, i, a0, size, sa)
        rows_c = _rows(b, mr, m, i, c0, size, sc)
        runs = b.gep(runs, [r0])
        panel = _at(b, panel, b0, f32)
        full = b.icmp_signed("==", n, i64(nv * lanes))
        counts = [b.sub(n, i64(j * lanes)) for j in range(nv)]
        acc = _initial(b, full, counts, bias, j0, res, rows_c, lanes)
        acc = _reduce(b, acc, a, rows_a, runs, nruns, length, ks, panel, ldb, nv, lanes, unroll)
        acc = _activate(b, acc, act, alpha, low, high, lanes)
        with b.if_else(full) as (whole, partial):
            for branch, limit in ((whole, [None] * nv), (partial, counts)):
                with branch:
                    for i, row in enumerate(rows_c):
                        with b.if_then(b.icmp_signed("<", i64(i), m), likely=True):
                            for j in range(nv):
                                _store(b, c, b.add(row, i64(j * lanes)), acc[i * nv + j], limit[j])
        return context.get_dummy_value()

    p, word, real = types.CPointer(types.float32), types.int64, types.float32
    two, three = types.UniTuple(word, 2), types.UniTuple(word, 3)
    kinds = (word, word, p, word, p, word, p, p, word, word, two, three, three, types.CPointer(word), word, word, word,
             word, p, word, word, word, real, real, real)  # fmt: skip
    return _intrinsic(f"tile_{mr}x{nv}x{lanes}", types.none, kinds, emit)


@functools.cache
def taps_tile(px: int, lanes: int, partial: bool) -> Any:
    """The depthwise tile: px pixels of one vector of channels, as a Numba intrinsic.

    ::

        y[p, :] = act( bias + res[p, :] + sum over t of x[x0 + p·sx + xt[t], :] · w[wt[t] + j0, :] )     p < m

    With `partial` only the first `n` channels exist.  Per tap: one load of w, px loads of x, px multiply-adds, and px
    accumulators that stay in registers over all taps.  Arguments of the intrinsic::

        x, x0, sx    y, y0, sy    w, j0    xt, wt, taps    bias, res    m, n    act, alpha, low, high
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        b = builder
        (x, x0, sx, y, y0, sy, w, j0, xt, wt, taps, bias, res, m, n, act, alpha, low, high) = args
        count = n if partial else None
        vector = ir.VectorType(f32, lanes)
        rows = [(x0, y0)]
        for p in range(1, px):
            more = b.icmp_signed("<", i64(p), m)  # rows from m on repeat the last
            rows.append(tuple(b.add(r, b.select(more, s, i64(0))) for r, s in zip(rows[-1], (sx, sy), strict=True)))
        xs, ys = [r[0] for r in rows], [r[1] for r in rows]
        full = ir.Constant(i1, 0 if partial else 1)
        acc = _initial(b, full, [n], bias, j0, res, ys, lanes)
        loop = _Loop(b, i64(0), taps, 1, acc)
        weights = _load(b, w, b.add(j0, b.load(b.gep(wt, [loop.index]))), lanes, count)
        offset = b.load(b.gep(xt, [loop.index]))
        pixels = [_load(b, x, b.add(row, offset), lanes, count) for row in xs]
        fma = f"llvm.fma.v{lanes}f32"
        sums = [_call(b, fma, vector, [v, weights, a]) for v, a in zip(pixels, loop.values, strict=True)]
        acc = _activate(b, loop.close(sums), act, alpha, low, high, lanes)
        for p, row in enumerate(ys):
            with b.if_then(b.icmp_signed("<", i64(p), m), likely=True):
                _store(b, y, row, acc[p], count)
        return context.get_dummy_value()

    p, table, word, real = types.CPointer(types.float32), types.CPointer(types.int64), types.int64, types.float32
    kinds = (p, word, word, p, word, word, p, word, table, table, word, p, p, word, word, word, real, real, real)
    return _intrinsic(f"taps_{px}x{lanes}{'_partial' * partial}", types.none, kinds, emit)


@functools.cache
def taps_gradient(taps: int, lanes: int, partial: bool) -> Any:
    """The depthwise weight-gradient tile: `taps` taps of one vector of channels along one row of pixels.

    ::

        dw[t, :] += sum over p < m of x[x0 + xt[t] + p·sx, :] · dy[y0 + p·sy, :]        t < count

    dw lies at dw0 + t·sw; taps from `count` on are computed but not stored.  Arguments of the intrinsic::

        x, x0, sx    dy, y0, sy    dw, dw0, sw    xt, t0, count    m, n
    """

    def emit(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        b = builder
        (x, x0, sx, dy, y0, sy, dw, dw0, sw, xt, t0, count, m, n) = args
        limit = n if partial else None
        last = b.sub(count, i64(1))
        numbers = [b.select(b.icmp_signed("<", i64(t), count), i64(t), last) for t in range(taps)]
        starts = [b.add(x0, b.load(b.gep(xt, [b.add(t0, t)]))) for t in numbers]
        places = [b.add(dw0, b.mul(t, sw)) for t in numbers]
        loop = _Loop(b, i64(0), m, 1, [i64(0), y0, *(_load(b, dw, at, lanes, limit) for at in places)])
        shift, y, *acc = loop.values
        pixel = _load(b, dy, y, lanes, limit)
        fma, vector = f"llvm.fma.v{lanes}f32", ir.VectorType(f32, lanes)
        sums = [
            _call(b, fma, vector, [_load(b, x, b.add(start, shift), lanes, limit), pixel, a])
            for start, a in zip(starts, acc, strict=True)
        ]
        _, _, *acc = loop.close([b.add(shift, sx), b.add(y, sy), *sums])
        for t, at in enumerate(places):
            with b.if_then(b.icmp_signed("<", i64(t), count), likely=True):
                _store(b, dw, at, acc[t], limit)
        return context.get_dummy_value()

    p, word = types.CPointer(types.float32), types.int64
    kinds = (p, word, word, p, word, word, p, word, word, types.CPointer(word), word, word, word, word)
    return _intrinsic(f"taps_gradient_{taps}x{lanes}{'_partial' * partial}", types.none, kinds, emit)


@functools.cache
def move(lanes: int) -> Any:
    """Intrinsic move(x, i, y, j, n): y[j : j + lanes] = x[i : i + n] and zeros behind, for 0 <= n <= lanes."""

    def emit(context: Any, b: Any, signature: Any, args: Any) -> Any:
        x, i, y, j, n = args
        with b.if_else(b.icmp_signed("==", n, i64(lanes))) as (whole, partial):
            for branch, count in ((whole, None), (partial, n)):
                with branch:
                    _store(b, y, j, _load(b, x, i, lanes, count))
        return context.get_dummy_value()

    p, word = types.CPointer(types.float32), types.int64
    return _intrinsic(f"move_{lanes}", types.none, (p, word, p, word, word), emit)


def _initial(b: Any, full: Any, counts: list[Any], bias: Any, j0: Any, res: Any, rows: list[Any],
             lanes: int) -> list[Any]:  # fmt: skip
    """The accumulators before the first k: bias + res, each of them only where its pointer is not null."""
    nv = len(counts)
    vector = ir.VectorType(f32, lanes)
    zero = ir.Constant(vector, [0.0] * lanes)

    def guarded(pointer: Any, current: list[Any], index: Any) -> list[Any]:
        """current + pointer[index(i)], by whole vectors or, in the last panel, by the columns that exist."""
        start, done = b.block, b.append_basic_block("added")
        some, whole, partial = (b.append_basic_block(name) for name in ("some", "whole", "partial"))
        b.cbranch(b.icmp_unsigned("==", b.ptrtoint(pointer, i64), i64(0)), done, some)
        b.position_at_end(some)
        b.cbranch(full, whole, partial)
        sources = [(start, current)]
        for block, limit in ((whole, [None] * nv), (partial, counts)):
            b.position_at_end(block)
            loads: dict[Any, Any] = {}
            for e in range(len(current)):
                where = (index(e // nv), e % nv)
                if where not in loads:
                    loads[where] = _load(b, pointer, b.add(where[0], i64(where[1] * lanes)), lanes, limit[e % nv])
            sources.append(
                (b.block, [b.fadd(v, loads[index(e // nv), e % nv], flags=FAST) for e, v in enumerate(current)])
            )
            b.branch(done)
        b.position_at_end(done)
        out = []
        for e in range(len(current)):
            phi = b.phi(vector)
            for block, values in sources:
                phi.add_incoming(values[e], block)
            out.append(phi)
        return out

    acc = [zero] * (nv * len(rows))
    acc = guarded(bias, acc, lambda i: j0)
    return guarded(res, acc, lambda i: rows[i])


def _intrinsic(name: str, result: Any, kinds: tuple[Any, ...], emit: Any) -> Any:
    """A Numba intrinsic of fixed argument types."""
    names = ", ".join(f"x{i}" for i in range(len(kinds)))
    space: dict[str, Any] = {"signature": result(*kinds), "emit": emit}
    exec(f"def {name}(typingctx, {names}):\n    return signature, emit", space)
    return intrinsic(space[name])


@functools.cache
def _word_intrinsic(name: str, arguments: int) -> Any:
    """Intrinsics over 64-bit words that kernels and the walk use; see the functions of the same names below."""

    def emit(context: Any, b: Any, signature: Any, args: Any) -> Any:
        def pointer(address: Any, index: Any) -> Any:
            return b.gep(b.inttoptr(address, i64.as_pointer()), [index])

        if name == "call":
            kind = ir.FunctionType(ir.VoidType(), [i64] * 3).as_pointer()
            b.call(b.inttoptr(args[0], kind), args[1:])
        elif name == "atomic_add":
            return b.atomic_rmw("add", pointer(args[0], args[1]), args[2], "seq_cst")
        elif name == "atomic_load":
            return b.load_atomic(pointer(args[0], args[1]), "seq_cst", 8)
        elif name == "atomic_store":
            b.store_atomic(args[2], pointer(args[0], args[1]), "seq_cst", 8)
        else:
            text = {"x86": "pause", "aarch64": "yield", "arm64": "yield"}
            triple = b.module.triple
            code = next((c for k, c in text.items() if triple.startswith(k)), "")
            b.asm(ir.FunctionType(ir.VoidType(), []), code, "", (), side_effect=True)
        return context.get_dummy_value()

    result = types.int64 if name in ("atomic_add", "atomic_load") else types.none
    return _intrinsic(name, result, (types.int64,) * arguments, emit)


#: call(address, block, lo, hi): run a compiled kernel
call = _word_intrinsic("call", 4)
#: atomic_add(address, i, n): add n to word i, return what it was before
atomic_add = _word_intrinsic("atomic_add", 3)
#: atomic_load(address, i), atomic_store(address, i, n): word i, in one order for all threads
atomic_load = _word_intrinsic("atomic_load", 2)
atomic_store = _word_intrinsic("atomic_store", 3)
#: pause(): tell the core that this thread only waits
pause = _word_intrinsic("pause", 0)


@functools.cache
def _scalar(name: str) -> Any:
    """Float32 arithmetic by the letter; see the list below.

    Numba gives its fast-math flags to every instruction that has none, and with `reassoc` LLVM may undo what a range
    reduction is made of.  One harmless flag keeps the others away; what LLVM's own intrinsics compute is fixed anyway.
    """
    instruction = {"plus": "fadd", "minus": "fsub", "times": "fmul", "divide": "fdiv"}.get(name)
    count = 3 if name == "muladd" else 2 if instruction or name in ("maximum", "minimum") else 1

    def emit(context: Any, b: Any, signature: Any, args: Any) -> Any:
        if instruction:
            return getattr(b, instruction)(*args, flags=("nsz",))
        if name in ("bits", "number"):
            return b.bitcast(args[0], i32 if name == "bits" else f32)
        intrinsic_name = {"muladd": "fmuladd", "root": "sqrt", "absolute": "fabs"}.get(name, name)
        return _call(b, f"llvm.{intrinsic_name}.f32", f32, list(args))

    source = types.int32 if name == "number" else types.float32
    return _intrinsic(name, types.int32 if name == "bits" else types.float32, (source,) * count, emit)


#: plus(a, b), minus(a, b), times(a, b), divide(a, b): one operation, rounded once, never merged with another
plus, minus, times, divide = _scalar("plus"), _scalar("minus"), _scalar("times"), _scalar("divide")
#: muladd(a, b, c) = a·b + c, rounded once where the CPU can, else twice
muladd = _scalar("muladd")
#: maximum(a, b), minimum(a, b): NaN if either is NaN; absolute(x) = |x|; root(x) = √x
maximum, minimum, absolute, root = _scalar("maximum"), _scalar("minimum"), _scalar("absolute"), _scalar("root")
#: bits(x): the 32 bits of a float32 as an int32; number(i): the other way
bits, number = _scalar("bits"), _scalar("number")
