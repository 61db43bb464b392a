"""Kernels to machine code: Numba translates Python to LLVM IR, LLVM makes an object of it.

The object is relocatable, its only symbol is ``entry``, and it needs no other: no allocation, no exceptions, no call of
the C library.  So it can be kept, mapped and called without Numba, and made for a machine other than this one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils, codegen, compiler, cpu, dispatcher, fastmathpass, registry, target_extension, types
from numba.core import optional as _optional  # noqa: F401 - registers itself, as do the modules below
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import PassManager
from numba.core.imputils import builtin_registry
from numba.core.typed_passes import NativeLowering, NoPythonBackend, NopythonTypeInference, PreLowerStripPhis
from numba.core.typing import BaseContext, mathdecl, npydecl
from numba.core.typing.templates import Registry
from numba.core.untyped_passes import FixupArgs, IRProcessing, ReconstructSSA, TranslateByteCode
from numba.cpython import builtins, mathimpl, numbers, rangeobj, tupleobj  # noqa: F401
from numba.np import npyimpl

from .atomic import with_pauses_of
from .compiler import Kernel
from .generators import FASTMATH
from .lowering import CallConv
from .lowering import registry as lowering_registry
from .optimise import Machine, optimise, target_machine, tidy
from .target import architecture, current

_NUMBA = {name: getattr(types, name) for name in ("float32", "int64", "int32", "int16", "uint8")}
#: our target among Numba's
NAME = "edgenet"

# Numba's front end -----------------------------------------------------------------------------------------------
#
# A target of our own, by Numba's interface for such: with the rules of its CPU target, as far as kernels need them, but
# without machine code for every helper that a kernel calls.  All it makes is LLVM IR, which is optimised once, as one
# function.


class _Library(codegen.AOTCodeLibrary):  # type: ignore[misc]
    """A module whose functions are all inlined into ``entry``; it is optimised when it is whole, and not before.

    Its loops stay loops: LLVM would turn some into calls of memset and memcpy, symbols from outside.
    """

    def add_ir_module(self, ir_module: Any) -> None:
        text = re.sub(r"(?m)^(define .*)$", r'\1 "no-builtins"', cgutils.normalize_ir_text(str(ir_module)))
        module = llvm.parse_assembly(text)
        tidy(module)
        self._final_module.link_in(module)

    def _optimize_final_module(self) -> None:
        pass


class _Codegen(codegen.AOTCPUCodegen):  # type: ignore[misc]
    _library_class = _Library


class _Context(cpu.CPUContext):  # type: ignore[misc]
    """Numba's CPU target, as far as kernels need it."""

    aot_mode = True

    def init(self) -> None:
        self.is32bit = False
        self._internal_codegen = _Codegen("edgenet")

    @functools.cached_property
    def call_conv(self) -> CallConv:
        return CallConv(self)

    def call_internal(self, builder: Any, fndesc: Any, sig: Any, args: Any) -> Any:
        return self.call_internal_no_propagate(builder, fndesc, sig, args)[1]

    def get_executable(self, library: Any, fndesc: Any, env: Any) -> object:
        return object()  # something to tell functions apart by

    def post_lowering(self, mod: Any, library: Any) -> None:
        if self.fastmath:
            fastmathpass.rewrite_module(mod, self.fastmath)

    def load_additional_registries(self) -> None:
        self.install_registry(mathimpl.registry)
        self.install_registry(npyimpl.registry)
        self.install_registry(builtin_registry)
        self.install_registry(lowering_registry)  # of two rules for the same, the later one holds

    @functools.cache  # noqa: B019 - there is one context; for each variable Numba would write and read a module
    def get_abi_sizeof(self, ty: Any) -> int:
        return int(super().get_abi_sizeof(ty))


class _Typing(BaseContext):  # type: ignore[misc]
    """Numba's rules of typing, as far as kernels need them: numbers, tuples, pointers, functions of numbers."""

    def init(self) -> None:
        self._answers: dict[Any, Any] = {}

    def resolve_value_type(self, val: Any) -> Any:
        return super().resolve_value_type(_ours(val) if isinstance(val, registry.CPUDispatcher) else val)

    def resolve_function_type(self, func: Any, args: Any, kws: Any) -> Any:
        """Answers are kept: the same operators meet the same types in all kernels."""
        question = self._lookup_global(func) or func, args, tuple(dict(kws).items())
        if question not in self._answers:
            self._answers[question] = super().resolve_function_type(func, args, kws)
        return self._answers[question]

    def load_additional_registries(self) -> None:
        self.install_registry(mathdecl.registry)
        self.install_registry(_numpy_functions())


@functools.cache
def _numpy_functions() -> Registry:
    """Numba's rules for NumPy's functions, without those for operators between arrays."""
    registry, all_rules = Registry(), npydecl.registry
    registry.functions, registry.attributes = all_rules.functions, all_rules.attributes
    registry.globals = [(value, rule) for value, rule in all_rules.globals if not _is_operator(value)]
    return registry


def _is_operator(value: Any) -> bool:
    return getattr(value, "__module__", "") == "_operator"


class _Target(registry.CPUTarget):  # type: ignore[misc]
    @functools.cached_property
    def target_context(self) -> Any:
        return _Context(self.typing_context, NAME)

    @functools.cached_property
    def typing_context(self) -> Any:
        return _Typing()


class _Dispatcher(dispatcher.Dispatcher):  # type: ignore[misc]
    targetdescr = target = _Target(NAME)

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """One version for all numbers: LLVM sees them where it inlines the function."""
        return super().get_call_template([types.unliteral(a) for a in args], kws)

    def add_overload(self, cres: Any) -> None:
        self.overloads[tuple(cres.signature.args)] = cres


class _Name(target_extension.CPU):  # type: ignore[misc]
    """The name of our target among Numba's."""


#: what Python would call functions by: these are called by compiled code alone
_SPARED = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}

target_extension.target_registry[NAME] = _Name
target_extension.dispatcher_registry[_Name] = _Dispatcher
target_extension.jit_registry[_Name] = lambda **options: functools.partial(_Dispatcher, targetoptions=options | _SPARED)


class _Passes(compiler.CompilerBase):  # type: ignore[misc]
    """Numba's passes that a kernel needs: not those for closures, ``with``, parallel loops and what owns memory."""

    def define_pipelines(self) -> list[Any]:
        passes = PassManager(NAME)
        for step in (
            TranslateByteCode, FixupArgs, IRProcessing, ReconstructSSA, NopythonTypeInference, PreLowerStripPhis,
            NativeLowering, NoPythonBackend,
        ):  # fmt: skip
            passes.add_pass(step, step.__name__)
        passes.finalize()
        return [passes]


def helper(function: Callable[..., Any]) -> Any:
    """A function that kernels call, as Numba wants to have it."""
    options = {"nopython": True, "error_model": "numpy", "nogil": True, "fastmath": set(FASTMATH)}
    return _Dispatcher(function, targetoptions=options | _SPARED, pipeline_class=_Passes)


@functools.cache
def _ours(jitted: Any) -> Any:
    """The same for a function that somebody compiled with ``numba.njit``."""
    return _Dispatcher(jitted.py_func, targetoptions=jitted.targetoptions | _SPARED | {"no_rewrites": True})


def typed(value: Any) -> Any:
    """Numba's type of an intrinsic or a helper."""
    context = _Dispatcher.target.typing_context
    context.refresh()
    return context.resolve_value_type(value)


# a kernel --------------------------------------------------------------------------------------------------------


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
    flags.release_gil, flags.error_model, flags.fastmath = True, "numpy", set(FASTMATH)
    flags.noalias = True  # else every loop begins with comparisons of all its addresses; see `compiler`
    kinds = tuple(types.CPointer(_NUMBA[a.dtype]) if a.pointer else _NUMBA[a.dtype] for a in kernel.args)
    typing, context = _Dispatcher.target.typing_context, _Dispatcher.target.target_context
    with global_compiler_lock, target_extension.target_override(NAME):
        result = compiler.compile_extra(
            typing, context, kernel.function, kinds, types.void, flags, {}, pipeline_class=_Passes
        )
        library = result.library
        _add_entry(library, context, result.fndesc)
        library.finalize()
        target, module = target_machine(machine), library._final_module
        module.triple, module.data_layout = machine.triple, str(target.target_data)
        optimise(module, result.fndesc.llvm_func_name, target, kernel.tiles)
        if current().foreign:
            module = llvm.parse_assembly(with_pauses_of(architecture(), str(module)))
        return getattr(target, emit)(module)


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
