"""Vectors of floats for kernels: how LLVM IR is written, and small Numba intrinsics made of it.

ISA is data here, not code: everything is written over ``<lanes x float>`` and LLVM picks the instructions.  The
register tiles (`tile`, `taps`, `window`, `shuffle`) and the walks over `strips` are generated with the functions of
this module; in all of them `b` is the IR builder.
"""

from __future__ import annotations

import functools
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

i1, i8, i32, i64, f32 = ir.IntType(1), ir.IntType(8), ir.IntType(32), ir.IntType(64), ir.FloatType()
#: numbers of a cache line
LINE = 16
FAST = ("contract", "reassoc", "nsz", "arcp", "afn")


def at(b: Any, base: Any, index: Any, kind: Any) -> Any:
    """Pointer to `kind` at element `index` of the float32 pointer `base`."""
    return b.bitcast(b.gep(b.bitcast(base, f32.as_pointer()), [index]), kind.as_pointer())


def splat(b: Any, scalar: Any, lanes: int) -> Any:
    """A vector of `lanes` copies of a scalar."""
    vector = ir.VectorType(scalar.type, lanes)
    first = b.insert_element(ir.Constant(vector, ir.Undefined), scalar, i32(0))
    return b.shuffle_vector(
        first, ir.Constant(vector, ir.Undefined), ir.Constant(ir.VectorType(i32, lanes), [0] * lanes)
    )


def llvm_call(b: Any, name: str, result: Any, args: list[Any]) -> Any:
    """Call an LLVM intrinsic by its full name."""
    kind = ir.FunctionType(result, [a.type for a in args])
    function = b.module.globals.get(name) or ir.Function(b.module, kind, name)
    # Multiply-adds stay in order: without an instruction for them, reassociated sums would need more registers.
    return b.call(function, args, fastmath=("contract", "nsz") if name.startswith("llvm.fmuladd") else ())


def opaque(b: Any, value: Any) -> Any:
    """The same integer, of which LLVM no longer knows how it came about: an empty instruction, which costs nothing."""
    return b.asm(ir.FunctionType(value.type, [value.type]), "", "=r,0", [value], side_effect=False)


def mask(b: Any, count: Any, lanes: int) -> Any:
    """<lanes x i1> whose first `count` lanes are set."""
    iota = ir.Constant(ir.VectorType(i32, lanes), list(range(lanes)))
    return b.icmp_signed("<", iota, splat(b, b.trunc(count, i32), lanes))


def load(b: Any, base: Any, index: Any, lanes: int, only: Any = None) -> Any:
    """`lanes` floats at `index`; with a `mask`, only those lanes are read and the others are zeros."""
    vector = ir.VectorType(f32, lanes)
    where = at(b, base, index, vector)
    if only is None:
        return b.load(where, align=4)
    zeros = ir.Constant(vector, [0.0] * lanes)
    return llvm_call(b, f"llvm.masked.load.v{lanes}f32.p0", vector, [where, i32(4), only, zeros])


def store(b: Any, base: Any, index: Any, value: Any, only: Any = None) -> None:
    """Store a vector at `index`, or only the lanes of a `mask`."""
    lanes = value.type.count
    where = at(b, base, index, value.type)
    if only is None:
        b.store(value, where, align=4)
    else:
        llvm_call(b, f"llvm.masked.store.v{lanes}f32.p0", ir.VoidType(), [value, where, i32(4), only])


def prefetch(b: Any, where: Any, level: int, write: bool = False) -> None:
    """Have the line at an address brought into the caches, perhaps to be written: 3 all of them, 2 all but L1."""
    args = [b.bitcast(where, i8.as_pointer()), i32(int(write)), i32(level), i32(1)]
    llvm_call(b, "llvm.prefetch.p0", ir.VoidType(), args)


class Loop:
    """``for i in range(start, stop, step)`` with values carried in phi nodes; the body may be empty at run time.

    `exact`: stop is not below start, and whole steps away; LLVM then counts down to zero, an instruction less a round.
    """

    def __init__(self, b: Any, start: Any, stop: Any, step: Any, carried: list[Any], exact: bool = False) -> None:
        self.b, self.stop, self.step = b, stop, i64(step) if isinstance(step, int) else step
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
        b.cbranch(b.icmp_signed("!=" if exact else "<", self.index, stop), self.body, self.end)
        b.position_at_end(self.body)

    def close(self, carried: list[Any]) -> list[Any]:
        """End the body; returns the values after the loop."""
        b = self.b
        self.index.add_incoming(b.add(self.index, self.step), b.block)
        for phi, v in zip(self.values, carried, strict=True):
            phi.add_incoming(v, b.block)
        b.branch(self.head)
        b.position_at_end(self.end)
        return self.values


def make_intrinsic(name: str, result: Any, kinds: tuple[Any, ...], emit: Any) -> Any:
    """A Numba intrinsic of fixed argument types."""
    names = ", ".join(f"x{i}" for i in range(len(kinds)))
    space: dict[str, Any] = {"signature": result(*kinds), "emit": emit}
    exec(f"def {name}(typingctx, {names}):\n    return signature, emit", space)
    return intrinsic(space[name])


@functools.cache
def _up_to_a_vector(name: str, lanes: int, add: bool) -> Any:
    """An intrinsic (x, i, y, j, n) for 0 <= n <= lanes; see the two below."""

    def emit(context: Any, b: Any, signature: Any, args: Any) -> Any:
        x, i, y, j, n = args
        with b.if_else(b.icmp_signed("==", n, i64(lanes))) as (whole, partial):
            for branch, count in ((whole, None), (partial, n)):
                with branch:
                    only = None if count is None else mask(b, count, lanes)
                    value = load(b, x, i, lanes, only)
                    if add:
                        store(b, y, j, b.fadd(load(b, y, j, lanes, only), value, flags=FAST), only)
                    else:
                        store(b, y, j, value)
        return context.get_dummy_value()

    p, word = types.CPointer(types.float32), types.int64
    return make_intrinsic(f"{name}_{lanes}", types.none, (p, word, p, word, word), emit)


def move(lanes: int) -> Any:
    """y[j : j + lanes] = x[i : i + n] and zeros behind."""
    return _up_to_a_vector("move", lanes, add=False)


def accumulate(lanes: int) -> Any:
    """y[j : j + n] += x[i : i + n]."""
    return _up_to_a_vector("accumulate", lanes, add=True)


def clear(lanes: int) -> Any:
    """y[j : j + n] = 0."""

    def emit(context: Any, b: Any, signature: Any, args: Any) -> Any:
        y, j, n = args
        zeros, end = ir.Constant(ir.VectorType(f32, lanes), [0.0] * lanes), b.add(j, b.and_(n, i64(-lanes)))
        loop = Loop(b, j, end, lanes, [])
        store(b, y, loop.index, zeros)
        loop.close([])
        store(b, y, end, zeros, mask(b, b.and_(n, i64(lanes - 1)), lanes))
        return context.get_dummy_value()

    word = types.int64
    return make_intrinsic(f"clear_{lanes}", types.none, (types.CPointer(types.float32), word, word), emit)


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
        if name == "wide_root":
            return llvm_call(b, "llvm.sqrt.f64", ir.DoubleType(), list(args))
        intrinsic_name = {"muladd": "fmuladd", "root": "sqrt", "absolute": "fabs"}.get(name, name)
        return llvm_call(b, f"llvm.{intrinsic_name}.f32", f32, list(args))

    source = {"number": types.int32, "wide_root": types.float64}.get(name, types.float32)
    result = {"bits": types.int32, "wide_root": types.float64}.get(name, types.float32)
    return make_intrinsic(name, result, (source,) * count, emit)


#: plus(a, b), minus(a, b), times(a, b), divide(a, b): one operation, rounded once, never merged with another
plus, minus, times, divide = _scalar("plus"), _scalar("minus"), _scalar("times"), _scalar("divide")
#: muladd(a, b, c) = a·b + c, rounded once where the CPU can, else twice
muladd = _scalar("muladd")
#: maximum(a, b), minimum(a, b): NaN if either is NaN; absolute(x) = |x|; root(x) = √x, and wide_root(x)
#: that of a float64 (`math.sqrt` may call the C library, for the error number of a negative argument)
maximum, minimum, absolute, root = _scalar("maximum"), _scalar("minimum"), _scalar("absolute"), _scalar("root")
wide_root = _scalar("wide_root")
#: bits(x): the 32 bits of a float32 as an int32; number(i): the other way
bits, number = _scalar("bits"), _scalar("number")


def _reinterpreted(name: str, source: Any, result: Any, kind: Any) -> Any:
    def emit(context: Any, b: Any, signature: Any, args: Any) -> Any:
        return b.bitcast(args[0], kind)

    return make_intrinsic(name, result, (source,), emit)


#: bits_wide(x): the 64 bits of a float64 as an int64; number_wide(i): the other way
bits_wide = _reinterpreted("bits_wide", types.float64, types.int64, i64)
number_wide = _reinterpreted("number_wide", types.int64, types.float64, ir.DoubleType())
