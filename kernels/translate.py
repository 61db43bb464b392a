"""Kernels to machine code: Numba translates Python to LLVM IR, LLVM makes an object of it.

The object is relocatable, its only symbol is ``entry``, and it needs no other: no allocation, no exceptions, no call of
the C library.  So it can be kept, mapped and called without Numba, and made for a machine other than this one.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any, NamedTuple

import llvmlite.binding as llvm
import numba
from llvmlite import ir
from numba.core import cgutils, codegen, compiler, cpu, dispatcher, fastmathpass, registry, target_extension, types
from numba.core import optional as _optional  # noqa: F401 - registers itself, as do the modules below
from numba.core.compiler_lock import global_compiler_lock
from numba.core.typing import BaseContext, mathdecl, npydecl
from numba.core.typing.templates import Registry
from numba.cpython import builtins, mathimpl, numbers, rangeobj, tupleobj  # noqa: F401
from numba.np import npyimpl

from .atomic import with_pauses_of
from .compiler import Kernel
from .generators import FASTMATH
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
        self._final_module.link_in(llvm.parse_assembly(text))

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

    def get_executable(self, library: Any, fndesc: Any, env: Any) -> object:
        return object()  # something to tell functions apart by

    def post_lowering(self, mod: Any, library: Any) -> None:
        if self.fastmath:
            fastmathpass.rewrite_module(mod, self.fastmath)

    def load_additional_registries(self) -> None:
        self.install_registry(mathimpl.registry)
        self.install_registry(npyimpl.registry)

    @functools.cache  # noqa: B019 - there is one context; for each variable Numba would write and read a module
    def get_abi_sizeof(self, ty: Any) -> int:
        return int(super().get_abi_sizeof(ty))


class _Typing(BaseContext):  # type: ignore[misc]
    """Numba's rules of typing, as far as kernels need them: numbers, tuples, pointers, functions of numbers."""

    def resolve_value_type(self, val: Any) -> Any:
        return super().resolve_value_type(_ours(val) if isinstance(val, registry.CPUDispatcher) else val)

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

    def add_overload(self, cres: Any) -> None:
        self.overloads[tuple(cres.signature.args)] = cres


class _Name(target_extension.CPU):  # type: ignore[misc]
    """The name of our target among Numba's."""


target_extension.target_registry[NAME] = _Name
target_extension.dispatcher_registry[_Name] = _Dispatcher
target_extension.jit_registry[_Name] = functools.partial(numba.jit, _target=NAME)


#: helpers are called by compiled code alone; to look for rewrites of arrays and exceptions takes a tenth of the time
_SPARED = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "no_rewrites": True}


def helper(function: Callable[..., Any]) -> Any:
    """A function that kernels call, as Numba wants to have it."""
    options = {"nopython": True, "error_model": "numpy", "nogil": True, "fastmath": set(FASTMATH)}
    return _Dispatcher(function, targetoptions=options | _SPARED)


@functools.cache
def _ours(jitted: Any) -> Any:
    """The same for a function that somebody compiled with ``numba.njit``."""
    return _Dispatcher(jitted.py_func, targetoptions=jitted.targetoptions | _SPARED)


def typed(value: Any) -> Any:
    """Numba's type of an intrinsic or a helper."""
    context = _Dispatcher.target.typing_context
    context.refresh()
    return context.resolve_value_type(value)


# LLVM ------------------------------------------------------------------------------------------------------------


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


@functools.cache
def _target_machine(machine: Machine) -> Any:
    if machine.triple != llvm.get_process_triple():  # another instruction set
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
    options = {"opt": 3, "cpu": machine.cpu, "features": machine.features, "reloc": "pic"}
    return llvm.Target.from_triple(machine.triple).create_target_machine(**options, codemodel="default")


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
    typing, context = _Dispatcher.target.typing_context, _Dispatcher.target.target_context
    with global_compiler_lock, target_extension.target_override(NAME):
        result = compiler.compile_extra(typing, context, kernel.function, kinds, types.void, flags, {})
        library = result.library
        _add_entry(library, context, result.fndesc)
        library.finalize()
        target, module = _target_machine(machine), library._final_module
        module.triple, module.data_layout = machine.triple, str(target.target_data)
        _optimize(module, result.fndesc.llvm_func_name, target, kernel.tiles)
        if current().foreign:
            module = llvm.parse_assembly(with_pauses_of(architecture(), str(module)))
        return getattr(target, emit)(module)


def _optimize(module: Any, kernel: str, target: Any, tiles: bool) -> None:
    """Have everything inlined into ``entry`` and simplified; where it is no tile, loops become vectors.

    Tiles are vectors already, unrolled and addressed as they should be: all that LLVM finds out about loops is a matter
    of the loops around them, and takes half of the time.
    """
    simplify = _pass_builder(target, 1)
    inline = llvm.create_new_module_pass_manager()
    inline.add_always_inliner_pass()
    inline.add_global_dead_code_eliminate_pass()
    for variable in module.global_variables:
        variable.linkage = "internal"
    for function in module.functions:
        if not function.is_declaration and function.name != "entry":
            function.linkage = "internal"
            if function.name != kernel:
                function.add_function_attribute("alwaysinline")
    inline.run(module, simplify)
    function = module.get_function(kernel)
    simplify.getFunctionPassManager().run(function, simplify)
    function.add_function_attribute("alwaysinline")  # now that each access tells which argument it belongs to
    inline.run(module, simplify)
    if not tiles:
        vectorize = _pass_builder(target, 3)
        vectorize.getModulePassManager().run(module, vectorize)


def _pass_builder(target: Any, level: int) -> Any:
    options = llvm.create_pipeline_tuning_options(level)
    options.loop_vectorization = options.slp_vectorization = True
    return llvm.create_pass_builder(target, options)


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
