"""``@kernel``: one Python function, one signature, one C-callable machine code function.

A kernel is a serial function over a range of tasks.  Its annotations are its whole contract::

    @kernel
    def scale(x: In, y: Out, factor: f32, lo: i64, hi: i64):
        for i in range(lo, hi):
            y[i] = x[i] * factor

Pointers are raw (``In`` is read, ``Out`` is written, ``InOut`` both); the last two arguments are always the task range.
Nothing is allocated, nothing is raised, nothing is checked: whoever lowers an op to a kernel has validated every size.

All kernels have the same machine-level signature ``void entry(int64* block, int64 lo, int64 hi)``: the argument block
holds one 64-bit word an argument, a pointer, an integer or the bits of a float.  So a program is a list of (address,
block) pairs which a compiled loop can walk.

Numba only translates Python to LLVM; the object code is ours to keep.  It is stored under a key of the kernel's name, a
digest of all kernel sources, the target, and the versions of Numba and Python, so an edit in any kernel file recompiles
(Numba's own cache looks at one file only).  Loading a stored object needs llvmlite but not Numba.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import inspect
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import llvmlite.binding as llvm
import numba
import numpy as np
from llvmlite import ir
from numba.core import codegen, compiler, registry, types
from numba.core.compiler_lock import global_compiler_lock

from . import cache
from .lock import Lock
from .target import current

#: never plain True: NaN and infinities must stay what they are
FASTMATH = {"contract", "reassoc", "nsz", "arcp", "afn"}


class Arg(NamedTuple):
    """The kind of one kernel argument: what the annotation of a kernel names."""

    name: str
    dtype: str
    pointer: bool
    reads: bool = True
    writes: bool = False
    any_kind: bool = False
    """whether it may hold any dtype of that size: the kernel moves the numbers, or is told their sign"""

    def takes(self, dtype: str) -> bool:
        """Whether a pointer to numbers of that dtype may stand here."""
        same_size = self.any_kind and np.dtype(dtype).itemsize == np.dtype(self.dtype).itemsize
        return dtype == self.dtype or same_size


In = Arg("In", "float32", True)
Out = Arg("Out", "float32", True, reads=False, writes=True)
InOut = Arg("InOut", "float32", True, writes=True)
InI32 = Arg("InI32", "int32", True)
OutI32 = Arg("OutI32", "int32", True, reads=False, writes=True)
InI64 = Arg("InI64", "int64", True)
InOutI64 = Arg("InOutI64", "int64", True, writes=True)
InI16 = Arg("InI16", "int16", True)
OutI16 = Arg("OutI16", "int16", True, reads=False, writes=True)
#: eight bits, signed or not; numbers of 32 bits, whatever they are
InByte = Arg("InByte", "uint8", True, any_kind=True)
OutByte = Arg("OutByte", "uint8", True, reads=False, writes=True, any_kind=True)
InWord = Arg("InWord", "float32", True, any_kind=True)
OutWord = Arg("OutWord", "float32", True, reads=False, writes=True, any_kind=True)
i64 = Arg("i64", "int64", False)
f32 = Arg("f32", "float32", False)

_NUMBA = {name: getattr(types, name) for name in ("float32", "int64", "int32", "int16", "uint8")}

#: a helper that kernels call and that is inlined into them
device = numba.njit(error_model="numpy", fastmath=FASTMATH, nogil=True, no_cpython_wrapper=True, forceinline=True)


class Kernel:
    """``@kernel``: compiled at its first use, called through its address."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = f"{function.__module__.rsplit('.', 1)[-1]}.{function.__qualname__}".replace("<locals>.", "")
        parameters = list(inspect.signature(function).parameters.values())
        self.parameters = [p.name for p in parameters]
        annotations = inspect.get_annotations(function, eval_str=True)
        self.args: tuple[Arg, ...] = tuple(annotations[p.name] for p in parameters)
        if self.parameters[-2:] != ["lo", "hi"]:
            raise TypeError(f"kernel {self.name}: the last two arguments must be lo and hi, got {self.parameters[-2:]}")

    def __repr__(self) -> str:
        return f"<kernel {self.name}>"

    @functools.cached_property
    def address(self) -> int:
        """Address of the machine code; compiles or loads it at the first use."""
        return _address(self)

    def pack(self, values: tuple[Any, ...]) -> list[int]:
        """The argument block: one 64-bit word for each of `values` (addresses, integers, floats)."""
        return [_word(a, v) for a, v in zip(self.args[:-2], values, strict=True)]

    def __call__(self, *values: Any, tasks: int) -> None:
        """Run serially on NumPy arrays and numbers: for tests and benchmarks of single kernels."""
        words = []
        for name, arg, value in zip(self.parameters[:-2], self.args[:-2], values, strict=True):
            if arg.pointer:
                if not arg.takes(str(value.dtype)) or not value.flags.c_contiguous:
                    raise TypeError(
                        f"{self.name}: {name} must be a C-contiguous {arg.dtype} array, got {value.dtype} "
                        f"with strides {value.strides}"
                    )
                value = value.ctypes.data
            words.append(_word(arg, value))
        block = np.array(words, np.int64)
        ENTRY(self.address)(block.ctypes.data, 0, tasks)


kernel = Kernel

#: the machine-level signature of every kernel
ENTRY = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)


def _word(arg: Arg, value: Any) -> int:
    """One argument as the 64 bits that stand in the block."""
    if arg.dtype == "float32" and not arg.pointer:
        with np.errstate(over="ignore"):  # a number beyond float32 is infinite
            return int(np.float32(value).view(np.int32))
    return int(value)


_lock = Lock(threading.RLock)


class _Library(codegen.AOTCodeLibrary):  # type: ignore[misc]
    """A module whose loops stay loops: LLVM would turn some into calls of memset and memcpy, symbols from outside."""

    def add_llvm_module(self, ll_module: Any) -> None:
        text = re.sub(r"(?m)^(define [^\n]*?)( \{)$", r'\1 "no-builtins"\2', str(ll_module))
        super().add_llvm_module(llvm.parse_assembly(text))


class _Codegen(codegen.AOTCPUCodegen):  # type: ignore[misc]
    """Numba's ahead-of-time code generator, for the CPU that `target.current` names."""

    _library_class = _Library

    def _customize_tm_options(self, options: dict[str, Any]) -> None:
        options.update(cpu=current().cpu or llvm.get_host_cpu_name(), reloc="pic", codemodel="default")
        options["features"] = self._tm_features

    def _customize_tm_features(self) -> str:
        return "" if current().cpu else str(llvm.get_host_cpu_features().flatten())


@functools.cache
def _context() -> Any:
    """Numba's CPU target with our code generator in place of its own."""
    own = registry.cpu_target.target_context
    return own.subtarget(_internal_codegen=_Codegen("edgenet"), aot_mode=True)


def compile_object(kernel: Kernel) -> bytes:
    """Translate a kernel to relocatable object code (ELF, Mach-O or COFF) whose only export is ``entry``."""
    llvm.initialize_native_asmparser()  # for the inline assembly of atomic.pause
    flags = compiler.Flags()
    flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.no_compile = True
    flags.release_gil, flags.error_model, flags.fastmath = True, "numpy", FASTMATH
    kinds = tuple(types.CPointer(_NUMBA[a.dtype]) if a.pointer else _NUMBA[a.dtype] for a in kernel.args)
    typing, context = registry.cpu_target.typing_context, _context()
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
        return bytes(library.codegen._tm.emit_object(module))


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


_engines: list[Any] = []  # machine code lives as long as the engine that holds it


def load_object(code: bytes) -> int:
    """Map object code into this process and return the address of its ``entry``."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    return int(engine.get_function_address("entry"))


_listeners: list[Callable[[], None]] = []


@contextlib.contextmanager
def announcing(tell: Callable[[], None]) -> Iterator[None]:
    """Inside a ``with`` statement: `tell` is called before each kernel that has to be compiled, not just loaded."""
    _listeners.append(tell)
    try:
        yield
    finally:
        _listeners.remove(tell)


def _address(kernel: Kernel) -> int:
    with _lock:
        key = cache.key(kernel.name, kernel.function)
        code = cache.read(key) if key else None
        if code is None:
            for tell in list(_listeners):
                tell()
            code = compile_object(kernel)
            if key:
                cache.write(key, code)
        return load_object(code)
