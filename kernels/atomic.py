"""Calls through addresses and atomic words, as Numba intrinsics: what walking a step table needs."""

from __future__ import annotations

import functools
from typing import Any

from llvmlite import ir
from numba.core import types

from .simd import i32, i64, llvm_call, make_intrinsic
from .target import machine_architecture

#: what tells a core to wait a moment, by architecture; 1 is the hint ``yield``
PAUSES = {"x86_64": ("llvm.x86.sse2.pause", ""), "aarch64": ("llvm.aarch64.hint", "i32 1")}


def with_pauses_of(wanted: str, text: str) -> str:
    """LLVM IR with another architecture's pause: Numba compiles helpers for this machine first."""
    other, argument = PAUSES[wanted]
    for name, old in PAUSES.values():
        text = text.replace(f"call void @{name}({old})", f"call void @{other}({argument})")
        text = text.replace(f"declare void @{name}({old[:3]})", f"declare void @{other}({argument[:3]})")
    return text


@functools.cache
def _word_intrinsic(name: str, arguments: int) -> Any:
    """Intrinsics over 64-bit words that kernels and the walk use; see the functions of the same names below."""

    def emit(context: Any, b: Any, signature: Any, args: Any) -> Any:
        def pointer(address: Any, index: Any) -> Any:
            return b.gep(b.inttoptr(address, i64.as_pointer()), [index])

        if name == "call":
            kind = ir.FunctionType(ir.VoidType(), [i64] * 3).as_pointer()
            b.call(b.inttoptr(args[0], kind), args[1:])
        elif name == "ask":
            kind = ir.FunctionType(i32, [i64] * 3).as_pointer()
            return b.sext(b.call(b.inttoptr(args[0], kind), args[1:]), i64)
        elif name == "atomic_add":
            return b.atomic_rmw("add", pointer(args[0], args[1]), args[2], "seq_cst")
        elif name == "atomic_load":
            return b.load_atomic(pointer(args[0], args[1]), "seq_cst", 8)
        elif name == "atomic_store":
            b.store_atomic(args[2], pointer(args[0], args[1]), "seq_cst", 8)
        else:
            own, argument = PAUSES.get(machine_architecture(), ("llvm.donothing", ""))
            llvm_call(b, own, ir.VoidType(), [i32(1)] if argument else [])
        return context.get_dummy_value()

    result = types.int64 if name in ("ask", "atomic_add", "atomic_load") else types.none
    return make_intrinsic(name, result, (types.int64,) * arguments, emit)


#: call(address, block, lo, hi): run a compiled kernel
call = _word_intrinsic("call", 4)
#: ask(address, a, b, c): call a C function that returns an int
ask = _word_intrinsic("ask", 4)
#: atomic_add(address, i, n): add n to word i, return what it was before
atomic_add = _word_intrinsic("atomic_add", 3)
#: atomic_load(address, i), atomic_store(address, i, n): word i, in one order for all threads
atomic_load = _word_intrinsic("atomic_load", 2)
atomic_store = _word_intrinsic("atomic_store", 3)
#: pause(): tell the core that this thread only waits
pause = _word_intrinsic("pause", 0)
