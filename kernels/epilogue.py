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

Masks = Callable[[], list[Any]]


def activate(b: Any, acc: list[Any], code: Any, alpha: Any, low: Any, high: Any, lanes: int) -> list[Any]:
    """The epilogue's activation: none, relu, clamp to [low, high], or leaky relu; NaN stays NaN."""
    zero = ir.Constant(acc[0].type, [0.0] * lanes)

    def relu() -> list[Any]:
        return [b.select(b.fcmp_ordered("<", v, zero), zero, v) for v in acc]

    def clamp() -> list[Any]:
        lows, highs = splat(b, low, lanes), splat(b, high, lanes)
        raised = [b.select(b.fcmp_ordered("<", v, lows), lows, v) for v in acc]
        return [b.select(b.fcmp_ordered(">", v, highs), highs, v) for v in raised]

    def leaky() -> list[Any]:
        alphas = splat(b, alpha, lanes)
        return [b.select(b.fcmp_ordered("<", v, zero), b.fmul(v, alphas), v) for v in acc]

    done = b.append_basic_block("activated")
    sources = [(b.block, acc)]
    switch = b.switch(code, done)
    for number, function in ((ACT_RELU, relu), (ACT_CLAMP, clamp), (ACT_LEAKY, leaky)):
        block = b.append_basic_block(function.__name__)
        switch.add_case(i64(number), block)
        b.position_at_end(block)
        sources.append((block, function()))
        b.branch(done)
    b.position_at_end(done)
    return merged(b, sources)


def touch(b: Any, x: Any, rows: list[Any], columns: int) -> None:
    """Have these rows of x brought into the cache."""
    for row in rows:
        for j in range(0, columns, LINE):
            prefetch(b, b.gep(x, [b.add(row, i64(j))]), 3)


def added(b: Any, full: Any, masks: Masks, pointer: Any, current: list[Any], index: Callable[[int], Any],
          lanes: int) -> list[Any]:  # fmt: skip
    """current + pointer[index(i)] where the pointer is not null; `columns` tells what `full` and `masks` are."""
    start, some, done = b.block, b.append_basic_block("some"), b.append_basic_block("added")
    b.cbranch(b.icmp_unsigned("==", b.ptrtoint(pointer, i64), i64(0)), done, some)
    b.position_at_end(some)
    sources = [(start, current)]

    def add(masks: list[Any]) -> None:
        nv = len(masks)
        loads: dict[Any, Any] = {}
        out = []
        for e, v in enumerate(current):
            where = (index(e // nv), e % nv)
            if where not in loads:
                loads[where] = load(b, pointer, b.add(where[0], i64(where[1] * lanes)), lanes, masks[e % nv])
            out.append(b.fadd(v, loads[where], flags=FAST))
        sources.append((b.block, out))

    columns(b, full, masks, add, done)
    return merged(b, sources)


def columns(b: Any, full: Any, masks: Masks, emit: Callable[[list[Any]], None], done: Any) -> None:
    """Emit what is done to the vectors of a row, of which the last may exist in part only; go on at `done`.

    `masks` makes what tells which lanes of each vector exist, or None for all of them: where it is used, so that it
    takes no registers meanwhile.  Where masks cost time, `full` tells at run time that all vectors are whole, and the
    code is there twice; else `full` is None.
    """
    if full is not None:
        whole, partial = b.append_basic_block("whole"), b.append_basic_block("partial")
        b.cbranch(full, whole, partial)
        b.position_at_end(partial)
        limits = masks()
        emit(limits)
        b.branch(done)
        b.position_at_end(whole)
        emit([None] * len(limits))
    else:
        emit(masks())
    b.branch(done)
    b.position_at_end(done)


def merged(b: Any, sources: list[tuple[Any, list[Any]]]) -> list[Any]:
    """Values that come from several blocks, each with its own: phi nodes at the start of this block."""
    out = []
    for e, v in enumerate(sources[0][1]):
        phi = b.phi(v.type)
        for block, values in sources:
            phi.add_incoming(values[e], block)
        out.append(phi)
    return out


def initial(b: Any, masks: Masks, bias: Any, j0: Any, res: Any, rows: list[Any], lanes: int) -> list[Any]:
    """The accumulators of one vector a row before the first k: bias + res, each only where its pointer is not null."""
    zero = ir.Constant(ir.VectorType(f32, lanes), [0.0] * lanes)
    acc = added(b, None, masks, bias, [zero] * len(rows), lambda i: j0, lanes)
    return acc if res is None else added(b, None, masks, res, acc, lambda i: rows[i], lanes)
