"""What happens to the accumulators of a tile besides the sums: bias and residual are added, an activation is applied.

Each of them may be absent at run time.  The code branches once for the whole block of accumulators, never for each
vector, so what is absent costs a jump.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir

from .generators import ACT_CLAMP, ACT_LEAKY, ACT_RELU
from .simd import FAST, LINE, f32, i64, load, prefetch, splat


def activate(b: Any, acc: list[Any], code: Any, alpha: Any, low: Any, high: Any, lanes: int) -> list[Any]:
    """The epilogue's activation: none, relu, clamp to [low, high], or leaky relu; NaN stays NaN."""
    zero = ir.Constant(acc[0].type, [0.0] * lanes)

    def relu(v: Any) -> Any:
        return b.select(b.fcmp_ordered("<", v, zero), zero, v)

    def clamp(v: Any) -> Any:
        v = b.select(b.fcmp_ordered("<", v, lows), lows, v)
        return b.select(b.fcmp_ordered(">", v, highs), highs, v)

    def leaky(v: Any) -> Any:
        return b.select(b.fcmp_ordered("<", v, zero), b.fmul(v, alphas), v)

    lows, highs, alphas = (splat(b, s, lanes) for s in (low, high, alpha))
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


def touch(b: Any, x: Any, rows: list[Any], columns: int) -> None:
    """Have these rows of x brought into the cache."""
    for row in rows:
        for j in range(0, columns, LINE):
            prefetch(b, b.gep(x, [b.add(row, i64(j))]), 3)


def added(b: Any, full: Any, counts: list[Any], pointer: Any, current: list[Any], index: Callable[[int], Any],
          lanes: int) -> list[Any]:  # fmt: skip
    """current + pointer[index(i)] where the pointer is not null: whole vectors, or in the last panel what exists."""
    nv, vector = len(counts), ir.VectorType(f32, lanes)
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
                loads[where] = load(b, pointer, b.add(where[0], i64(where[1] * lanes)), lanes, limit[e % nv])
        sources.append((b.block, [b.fadd(v, loads[index(e // nv), e % nv], flags=FAST) for e, v in enumerate(current)]))
        b.branch(done)
    b.position_at_end(done)
    out = []
    for e in range(len(current)):
        phi = b.phi(vector)
        for block, values in sources:
            phi.add_incoming(values[e], block)
        out.append(phi)
    return out


def initial(b: Any, full: Any, counts: list[Any], bias: Any, j0: Any, res: Any, rows: list[Any],
             lanes: int) -> list[Any]:  # fmt: skip
    """The accumulators before the first k: bias + res, each of them only where its pointer is not null."""
    zero = ir.Constant(ir.VectorType(f32, lanes), [0.0] * lanes)
    acc = added(b, full, counts, bias, [zero] * (len(counts) * len(rows)), lambda i: j0, lanes)
    return acc if res is None else added(b, full, counts, res, acc, lambda i: rows[i], lanes)
