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


In = Arg("In", "float32", True)
Out = Arg("Out", "float32", True, reads=False, writes=True)
InOut = Arg("InOut", "float32", True, writes=True)
InI32 = Arg("InI32", "int32", True)
OutI32 = Arg("OutI32", "int32", True, reads=False, writes=True)
InI64 = Arg("InI64", "int64", True)
InOutI64 = Arg("InOutI64", "int64", True, writes=True)
i64 = Arg("i64", "int64", False)
f32 = Arg("f32", "float32", False)

_NUMBA = {"float32": types.float32, "int32": types.int32, "int64": types.int64}

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
                if value.dtype != arg.dtype or not value.flags.c_contiguous:
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


class Machine(NamedTuple):
    """A machine that code is made for, in LLVM's words: ``Machine("aarch64-unknown-linux-gnu", "cortex-a72")``."""

    triple: str
    cpu: str
    features: str = ""

    @staticmethod
    def here() -> Machine:
        """This machine, or the lesser one that `target.current` names."""
        triple, cpu = llvm.get_process_triple(), current().cpu
        if cpu:
            return Machine(triple, cpu)
        return Machine(triple, llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())


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
    llvm.initialize_native_asmparser()  # for the inline assembly of atomic.pause
    flags = compiler.Flags()
    flags.no_cpython_wrapper = flags.no_cfunc_wrapper = flags.no_compile = True
    flags.release_gil, flags.error_model, flags.fastmath = True, "numpy", FASTMATH
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
