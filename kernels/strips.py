"""Strips: a few vectors side by side that are walked down the rows, for kernels that do little with each number.

::

              strip 0   strip 1
            ┌─────────┬─────────┬───┐     What varies with the column alone (a table of means, of scales) and what is
    row 0   │ v v v v │ v v v v │ v │     summed for each column stays in registers while a strip is walked down: a
    row 1   │ v v v v │ v v v v │ v │     number costs its own load and store.  The columns behind the last strip are
    …       │    ↓    │    ↓    │ ↓ │     narrow strips: one vector v, of which only some lanes exist.  So are numbers
    rest    │ v v v                       behind the last row.
            └── ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ┘

If a row has several strips, they take turns every few rows: then numbers come from memory in one stream, and the pages
in use are few.  Meanwhile other numbers are fetched, in each row as many as the strip is wide: those some way ahead,
or, if there are several strips, those of the next rows, which are shared out among the strips of these.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types

from .simd import LINE, Loop, f32, i64, llvm_call, load, make_intrinsic, mask, prefetch, splat, store

#: sums stay in their order, and NaN and infinities what they are
PLAIN = ("contract", "nsz")
#: numbers after which it is the next strip's turn, about, and rows at least
PAGE, LEAST = 1024, 4
#: how far ahead of their use numbers are fetched, and memory that is going to be written: 2 KiB
AHEAD = 512


class Strip:
    """Some vectors side by side; of those of a narrow strip only `n` numbers exist."""

    def __init__(self, b: Any, vectors: int, lanes: int, n: Any) -> None:
        self.b, self.vectors, self.lanes = b, vectors, lanes
        self.kind = ir.VectorType(f32, lanes)
        self.width = i64(vectors * lanes)
        self.only = None if n is None else mask(b, n, lanes)

    def load(self, base: Any, at: Any, k: int = 0) -> Any:
        """Vector k of a row."""
        return load(self.b, base, self.b.add(at, i64(k * self.lanes)), self.lanes, self.only)

    def store(self, base: Any, at: Any, value: Any, k: int = 0) -> None:
        """Store vector k of a row."""
        store(self.b, base, self.b.add(at, i64(k * self.lanes)), value, self.only)

    def tables(self, base: Any, at: Any, step: Any, count: int) -> list[list[Any]]:
        """The rows of `count` tables that lie `step` apart."""
        rows = [self.b.add(at, self.b.mul(step, i64(i))) for i in range(count)]
        return [[self.load(base, row, k) for k in range(self.vectors)] for row in rows]

    def fetch(self, base: Any, at: Any, write: bool = False) -> None:
        """Have as many numbers as a row of the strip has on their way; nothing for a narrow strip."""
        for j in range(0, self.vectors * self.lanes if self.only is None else 0, LINE):
            prefetch(self.b, self.b.gep(base, [self.b.add(at, i64(j))]), 3, write)

    def splat(self, scalar: Any) -> Any:
        """A vector of one number."""
        return splat(self.b, scalar, self.lanes)

    def zeros(self) -> list[Any]:
        """A row of them."""
        return [ir.Constant(self.kind, [0.0] * self.lanes)] * self.vectors

    def muladd(self, x: Any, y: Any, z: Any) -> Any:
        """x · y + z."""
        return llvm_call(self.b, f"llvm.fmuladd.v{self.lanes}f32", self.kind, [x, y, z])

    def clamped(self, x: Any, low: Any, high: Any) -> Any:
        """x between two bounds; NaN, and with NaN for a bound every x, stays what it is."""
        b = self.b
        raised = b.select(b.fcmp_ordered("<", x, low), low, x)
        return b.select(b.fcmp_ordered(">", raised, high), high, raised)

    def passed(self, dy: Any, y: Any, low: Any, high: Any) -> Any:
        """What goes back through `clamped`: dy where y is between the bounds, or not a number, else 0."""
        b, zero = self.b, self.zeros()[0]
        above = b.select(b.fcmp_unordered(">", y, low), dy, zero)
        return b.select(b.fcmp_unordered("<", y, high), above, zero)


def plus(b: Any, x: Any, y: Any) -> Any:
    """x + y."""
    return b.fadd(x, y, flags=PLAIN)


def minus(b: Any, x: Any, y: Any) -> Any:
    """x - y."""
    return b.fsub(x, y, flags=PLAIN)


def times(b: Any, x: Any, y: Any) -> Any:
    """x · y."""
    return b.fmul(x, y, flags=PLAIN)


def over(b: Any, x: Any, y: Any) -> Any:
    """x / y."""
    return b.fdiv(x, y, flags=PLAIN)


def walk(b: Any, vectors: int, lanes: int, lines: Any, run: Any, period: Any, emit: Callable[..., None],
         few: Any = None) -> None:  # fmt: skip
    """Have `emit` walk down all strips of some lines, each of `run` numbers: rows of `period` numbers and a rest.

    It is called with a strip and its column, the first line and the first row, how many of both, and how far behind the
    beginning of that row is what it should fetch.  After `few` rows it is the next strip's turn; where there is but
    one, all lines are walked at once.
    """
    width = i64(vectors * lanes)
    rows, rest = b.sdiv(run, period), b.srem(run, period)
    alone = b.icmp_signed("==", period, width)
    if few is None:
        few = b.select(alone, larger(b, rows, i64(1)), larger(b, b.sdiv(i64(PAGE), period), i64(LEAST)))
    height = b.select(alone, lines, i64(1))
    line = Loop(b, i64(0), lines, height, [])
    row = Loop(b, i64(0), rows, few, [])
    left = b.sub(rows, row.index)
    some = b.select(b.icmp_signed("<", few, left), few, left)
    ahead = b.select(alone, i64(AHEAD), b.mul(some, period))
    strip = Loop(b, i64(0), b.sub(period, i64(vectors * lanes - 1)), width, [])
    j = strip.index
    emit(Strip(b, vectors, lanes, None), j, line.index, row.index, height, some, b.add(ahead, b.mul(some, j)))
    strip.close([])
    row.close([])
    line.close([])
    part = Loop(b, i64(0), i64(2), 1, [])  # columns behind the last strip, then numbers behind the last row
    columns = b.icmp_signed("==", part.index, i64(0))
    first = b.select(columns, b.sub(period, b.srem(period, width)), i64(0))
    end = b.select(columns, b.select(b.icmp_signed(">", rows, i64(0)), period, i64(0)), rest)
    start, some = b.select(columns, i64(0), rows), b.select(columns, rows, i64(1))
    narrow = Loop(b, first, end, lanes, [])
    emit(Strip(b, 1, lanes, b.sub(end, narrow.index)), narrow.index, i64(0), start, lines, some, i64(0))
    narrow.close([])
    part.close([])


def larger(b: Any, x: Any, y: Any) -> Any:
    """The larger of two integers."""
    return b.select(b.icmp_signed(">", x, y), x, y)


def family(name: str, kinds: str, emit: Callable[..., None]) -> Callable[[int, int], Any]:
    """A family of intrinsics for strips of `vectors` vectors of `lanes` numbers, that `emit` writes.

    kinds: of the arguments, p a pointer, i an integer, f a number.
    """
    types_of = {"p": types.CPointer(types.float32), "i": types.int64, "f": types.float32}

    @functools.cache
    def member(vectors: int, lanes: int) -> Any:
        def write(context: Any, b: Any, signature: Any, args: Any) -> Any:
            emit(b, vectors, lanes, *args)
            return context.get_dummy_value()

        return make_intrinsic(f"{name}_{vectors}x{lanes}", types.none, tuple(types_of[k] for k in kinds), write)

    return member
