"""Kernels to machine code: Numba translates Python to LLVM IR, LLVM makes an object of it.

The object is relocatable, its only symbol is ``entry``, and it needs no other: no allocation, no exceptions, no call of
the C library.  So it can be kept, mapped and called without Numba, and made for a machine other than this one.
"""

from __future__ import annotations

import functools
import re
from typing import Any, NamedTuple

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import codegen, compiler, registry, types
from numba.core.compiler_lock import global_compiler_lock

from .atomic import with_pauses_of
from .compiler import Kernel
from .generators import FASTMATH
from .target import architecture, current

_NUMBA = {name: getattr(types, name) for name in ("float32", "int64", "int32", "int16", "uint8")}


class _Library(codegen.AOTCodeLibrary):  # type: ignore[misc]
    """A module whose loops stay loops: LLVM would turn some into calls of memset and memcpy, symbols from outside.

    When it is whole it is optimised once.  Numba does so twice, for the sake of reference counts, of which kernels have
    none.
    """

    def add_llvm_module(self, ll_module: Any) -> None:
        text = re.sub(r"(?m)^(define [^\n]*?)( \{)$", r'\1 "no-builtins"\2', str(ll_module))
        super().add_llvm_module(llvm.parse_assembly(text))

    def _optimize_final_module(self) -> None:
        passes, builder = self._codegen._module_pass_manager()
        passes.run(self._final_module, builder)


class Machine(NamedTuple):
    """A machine that code is made for, in LLVM's words: ``Machine("aarch64-unknown-linux-gnu", "cortex-a72")``."""

    triple: str
    cpu: str
    features: str = ""

    @staticmethod
    def here() -> Machine:
        """The machine that `target.current` names, else this one."""
        triple, target = llvm.get_process_triple(), current()
        if target.foreign:
            triple = f"{architecture()}-unknown-linux-gnu"
        # where tiles take 512 bits, the loops that LLVM turns into vectors may take them as well
        wide = "-prefer-256-bit" if target.lanes == 16 else ""
        if target.cpu:
            return Machine(triple, target.cpu, wide)
        return Machine(triple, llvm.get_host_cpu_name(), f"{llvm.get_host_cpu_features().flatten()},{wide}".strip(","))


class _Codegen(codegen.AOTCPUCodegen):  # type: ignore[misc]
    """Numba's ahead-of-time code generator, for a given machine."""

    _library_class = _Library

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        super().__init__("edgenet")

    def _init(self, module: Any) -> None:
        super()._init(module)
        if self._machine.triple != llvm.get_process_triple():  # another instruction set
            llvm.initialize_all_targets()
            llvm.initialize_all_asmprinters()
        options = {"opt": 3, "cpu": self._machine.cpu, "features": self._machine.features, "reloc": "pic"}
        self._tm = llvm.Target.from_triple(self._machine.triple).create_target_machine(**options, codemodel="default")
        self._target_data = self._tm.target_data
        self._data_layout = str(self._target_data)

    def _create_empty_module(self, name: str) -> Any:
        module = super()._create_empty_module(name)
        module.triple = self._machine.triple
        return module


@functools.cache
def _context(machine: Machine) -> Any:
    """Numba's CPU target with our code generator in place of its own."""
    own = registry.cpu_target.target_context
    return own.subtarget(_internal_codegen=_Codegen(machine), aot_mode=True)


def compile_object(kernel: Kernel, machine: Machine | None = None) -> bytes:
    """Translate a kernel to relocatable object code (ELF, Mach-O or COFF) whose only export is ``entry``.

    For another `machine` than this one, `EDGENET_TARGET` should name its row of the tile table.
    """
    return bytes(_compile(kernel, machine or Machine.here(), "emit_object"))


def compile_assembly(kernel: Kernel, machine: Machine | None = None) -> str:
    """Translate a kernel to the text of its machine code; see `compile_object`."""
    return str(_compile(kernel, machine or Machine.here(), "emit_assembly"))


def _compile(kernel: Kernel, machine: Machine, emit: str) -> Any:
    flags = compiler.Flags()
    flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.no_compile = True
    flags.no_rewrites = True  # of arrays and exceptions: to look for them takes a tenth of the time
    flags.release_gil, flags.error_model, flags.fastmath = True, "numpy", set(FASTMATH)
    flags.noalias = True  # else every loop begins with comparisons of all its addresses; see `compiler`
    kinds = tuple(types.CPointer(_NUMBA[a.dtype]) if a.pointer else _NUMBA[a.dtype] for a in kernel.args)
    typing, context = registry.cpu_target.typing_context, _context(machine)
    with global_compiler_lock:
        result = compiler.compile_extra(typing, context, kernel.function, kinds, types.void, flags, {})
        library = result.library
        _add_entry(library, context, result.fndesc)
        library._final_module.get_function(result.fndesc.llvm_func_name).linkage = "internal"
        library.finalize()
        module = library._final_module
        for variable in list(module.global_variables):
            if variable.name.startswith("_ZN08NumbaEnv"):
                variable.linkage = "internal"
        if current().foreign:
            module = llvm.parse_assembly(with_pauses_of(architecture(), str(module)))
        return getattr(library.codegen._tm, emit)(module)


def _add_entry(library: Any, context: Any, fndesc: Any) -> None:
    """``void entry(block, lo, hi)``: unpack the block, call the function by Numba's convention, drop its status."""
    module = library.create_ir_module("entry")
    word = ir.IntType(64)
    entry = ir.Function(module, ir.FunctionType(ir.VoidType(), [word] * 3), "entry")
    b = ir.IRBuilder(entry.append_basic_block())
    block = b.inttoptr(entry.args[0], word.as_pointer())
    args = []
    for i, kind in enumerate(fndesc.argtypes[:-2]):
        bits = b.load(b.gep(block, [word(i)]))
        if isinstance(kind, types.CPointer):
            bits = b.inttoptr(bits, context.get_value_type(kind))
        elif kind == types.float32:
            bits = b.bitcast(b.trunc(bits, ir.IntType(32)), ir.FloatType())
        args.append(bits)
    callee = context.declare_function(module, fndesc)
    context.call_conv.call_function(b, callee, types.void, fndesc.argtypes, [*args, *entry.args[1:]])
    b.ret_void()
    library.add_ir_module(module)
