"""The K loop of a register tile (`tile`): from the first k to the last, sums in registers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from .simd import FAST, LINE, Loop, at, f32, i32, i64, llvm_call, load, opaque, prefetch, splat

#: steps of k from which on several streams are worth their while
LONG = 768
#: lines that each round of the unrolled loop fetches into L2
FETCHED = 2


def reduce(b: Any, acc: list[Any], a: Any, rows: list[Any], runs: Any, nruns: Any, length: Any, ks: Any,
            panel: Any, ldb: Any, nv: int, lanes: int, unroll: int, by_lane: bool,
            spacing: Any, adjacent: bool, fetch: Any, streams: int) -> tuple[list[Any], Any]:  # fmt: skip
    """The K loop: acc[i][j] += A[i, k] * B[k, j].  Per k: nv vector loads, mr broadcasts, mr·nv multiply-adds.

    How A is addressed is fixed here, because LLVM would search long and find worse.  The unrolled loop steps a pointer
    for each row.  x86 has few pointers: evenly spaced rows share one for each four of them, `spacing` and three times
    that being added as its addresses allow.  Rows that lie side by side (`adjacent`) need no other pointer than the
    first's.  In a loop of a single k, where steps weigh more, all rows share k.
    """
    pointers = [at(b, a, row, f32) for row in rows]
    vector = ir.VectorType(f32, lanes)
    beside = spaced(b, spacing) if spacing is not None else []
    group = len(pointers) if adjacent else 4 if beside else 1

    def step(acc: list[Any], at_b: Any, scalars: Callable[[int], Any]) -> list[Any]:
        vs: list[Any] = []
        out = []
        for i in range(len(acc) // nv):
            s = scalars(i)  # the first one before B: so LLVM gets by with the registers of SSE
            vs = vs or [load(b, at_b, i64(j * lanes), lanes) for j in range(nv)]
            sums = (acc[i * nv + j] for j in range(nv))
            out += [llvm_call(b, f"llvm.fmuladd.v{lanes}f32", vector, [s, v, c]) for v, c in zip(vs, sums, strict=True)]
        return out

    def steps(count: int, acc: list[Any], where: list[Any], at_b: Any) -> tuple[list[Any], Any, list[Any]]:
        """This many steps of k, from pointers to A and B, or from k where that is shared."""
        ahead: list[Any] = []
        for t in range(count):
            if by_lane and count % lanes == 0:
                if t % lanes == 0:
                    ahead = [load(b, p, i64(0), lanes) for p in where]
                acc = step(acc, at_b, functools.partial(_lane, b, ahead, t % lanes))
            else:
                acc = step(acc, at_b, lambda i: splat(b, b.load(place(i, where)), lanes))  # noqa: B023
            where = [b.gep(p, [ks]) if isinstance(p.type, ir.PointerType) else b.add(p, ks) for p in where]
            at_b = b.gep(at_b, [ldb])
        return where, at_b, acc

    def place(i: int, where: list[Any]) -> Any:
        if not isinstance(where[0].type, ir.PointerType):
            return b.gep(pointers[i], [where[0]])
        return b.gep(where[i // group], [beside[i % 4] if beside else i64(i % group)])

    future, pace = fetch or (panel, i64(0))
    outer = Loop(b, i64(0), nruns, 1, [panel, future, *acc])
    at_b, future, *acc = outer.values
    k = b.load(b.gep(runs, [outer.index]))
    where = [b.gep(p, [k]) for p in pointers[::group]]
    if streams > 1:
        where[0], at_b, length, acc = _streams(b, streams, unroll, nv, steps, where[0], ks, at_b, ldb, length, acc)
    whole = b.and_(length, i64(-unroll))
    rest = acc[len(pointers) * nv :]
    carried = [at_b, future, *where, *acc[: len(pointers) * nv]]
    for start, stop, times in ((i64(0), whole, unroll), (whole, length, 1))[: 2 if unroll > 1 else 1]:
        if times == 1 and group == 1 and len(pointers) > 1:  # one k instead of the pointers
            k = b.add(k, b.mul(start, ks))
            carried[2 : 2 + len(where)] = where = [k]
        inner = Loop(b, start, stop, times, carried, exact=True)
        (at_b, future), where, acc = inner.values[:2], inner.values[2 : 2 + len(where)], inner.values[2 + len(where) :]
        where, at_b, acc = steps(times, acc, where, at_b)
        if fetch and times > 1:
            for line in range(FETCHED):
                prefetch(b, b.gep(future, [i64(LINE * line)]), 2)
            future = b.gep(future, [pace])
        carried = inner.close([at_b, future, *(opaque(b, p) for p in where), *acc])
    at_b, future = carried[:2]
    _, future, *acc = outer.close([at_b, future, *carried[2 + len(where) :], *rest])
    while len(acc) > len(pointers) * nv:
        half = len(acc) // 2
        acc = [b.fadd(v, w, flags=FAST) for v, w in zip(acc[:half], acc[half:], strict=True)]
    return acc, future


def spaced(b: Any, spacing: Any) -> list[Any]:
    """0, 1, 2 and 3 times a spacing, for four evenly spaced addresses that share a pointer.

    Left to itself, LLVM would step from one to the next.
    """
    once = opaque(b, spacing)
    return [i64(0), once, b.mul(once, i64(2)), opaque(b, b.mul(spacing, i64(3)))]


def _streams(b: Any, streams: int, unroll: int, nv: int, steps: Any, at_a: Any, ks: Any, at_b: Any, ldb: Any,
             length: Any, acc: list[Any]) -> tuple[Any, Any, Any, list[Any]]:  # fmt: skip
    """Walk a long run from four places at once; returns where what is left lies in A and B, its length, the sums."""
    share = b.and_(b.sdiv(length, i64(streams)), i64(-unroll))
    share = b.select(b.icmp_signed("<", length, i64(LONG)), i64(0), share)
    beside_a, beside_b = spaced(b, b.mul(share, ks)), spaced(b, b.mul(share, ldb))
    inner = Loop(b, i64(0), share, unroll, [at_a, at_b, *acc])
    at_a, at_b, *acc = inner.values
    out = []
    for s in range(streams):
        (next_a,), next_b, sums = steps(
            unroll, acc[s * nv : s * nv + nv], [b.gep(at_a, [beside_a[s]])], b.gep(at_b, [beside_b[s]])
        )
        out += sums
        if s == 0:
            following = [next_a, next_b]
    at_a, at_b, *acc = inner.close([*(opaque(b, p) for p in following), *out])
    left = b.sub(length, b.mul(share, i64(streams)))
    return b.gep(at_a, [beside_a[3]]), b.gep(at_b, [beside_b[3]]), left, acc


def _lane(b: Any, vectors: list[Any], lane: int, i: int) -> Any:
    """Vector i with one of its lanes in all places."""
    vector = vectors[i]
    count = vector.type.count
    places = ir.Constant(ir.VectorType(i32, count), [lane] * count)
    return b.shuffle_vector(vector, ir.Constant(vector.type, ir.Undefined), places)
