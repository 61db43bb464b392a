"""``@kernel``: one Python function, one signature, one C-callable machine code function.

A kernel is a serial function over a range of tasks.  Its annotations are its whole contract::

    @kernel
    def scale(x: In, y: Out, factor: f32, lo: i64, hi: i64):
        for i in range(lo, hi):
            y[i] = x[i] * factor

Pointers are raw (``In`` is read, ``Out`` is written, ``InOut`` both); the last two arguments are always the task range.
Nothing is allocated, nothing is raised, nothing is checked: whoever lowers an op to a kernel has validated every size.
What one pointer writes no other reads or writes during the call, with one exception: y[i] may lie where x[i] lies, if
x[i] is read for y[i] alone.

All kernels have the same machine-level signature ``void entry(int64* block, int64 lo, int64 hi)``: the argument block
holds one 64-bit word an argument, a pointer, an integer or the bits of a float.  So a program is a list of (address,
block) pairs which a compiled loop can walk.

`translate` makes machine code of a kernel, `image` maps it into the process, `cache` keeps it in between; where it is
kept already, neither Numba nor llvmlite is imported.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import inspect
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import cache, image
from .generators import Device
from .lock import Lock
from .target import current


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

#: every kernel by its module and name
by_name: dict[tuple[str, str], Kernel] = {}

#: a helper that kernels call and that is inlined into them
device = Device


class Kernel:
    """``@kernel``: compiled at its first use, called through its address."""

    def __init__(self, function: Callable[..., Any], tiles: bool = False) -> None:
        self.function = function
        self.tiles = tiles
        """whether its loops that matter are tiles, strips or windows, vectors which `translate` has not to look for"""
        self._address: int | None = None
        self.name = f"{function.__module__.rsplit('.', 1)[-1]}.{function.__qualname__}".replace("<locals>.", "")
        code = function.__code__  # inspect.signature takes 40 µs a kernel
        self.parameters = list(code.co_varnames[: code.co_argcount])
        annotations = inspect.get_annotations(function, eval_str=True)
        self.args: tuple[Arg, ...] = tuple(annotations[p] for p in self.parameters)
        by_name[self.function.__module__, self.name] = self
        if self.parameters[-2:] != ["lo", "hi"]:
            raise TypeError(f"kernel {self.name}: the last two arguments must be lo and hi, got {self.parameters[-2:]}")

    def __repr__(self) -> str:
        return f"<kernel {self.name}>"

    @property
    def address(self) -> int:
        """Address of the machine code; compiles or loads it at the first use.  0 where it is another machine's."""
        # no cached_property: before Python 3.12 it has a lock, for which a child forked meanwhile would wait for ever
        return _load(self) if self._address is None else self._address

    @property
    def loaded(self) -> bool:
        """Whether the machine code is in this process."""
        return self._address is not None

    def store(self) -> None:
        """Have the machine code in the cache; nothing is mapped."""
        with _lock:
            _code(self)

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
        check_machine()
        block = np.array(words, np.int64)
        ENTRY(self.address)(block.ctypes.data, 0, tasks)


kernel = Kernel
#: the same for a kernel whose loops that matter are vectors already
vector_kernel = functools.partial(Kernel, tiles=True)

#: the machine-level signature of every kernel
ENTRY = ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)


def _word(arg: Arg, value: Any) -> int:
    """One argument as the 64 bits that stand in the block."""
    if arg.dtype == "float32" and not arg.pointer:
        with np.errstate(over="ignore"):  # a number beyond float32 is infinite
            return int(np.float32(value).view(np.int32))
    return int(value)


def check_machine() -> None:
    """Raises RuntimeError where kernels are compiled for another kind of machine."""
    if current().foreign:
        raise RuntimeError(
            f"EDGENET_TARGET={os.environ.get('EDGENET_TARGET')} names another kind of machine than this one: "
            "kernels can be compiled (edgenet warmup) but not run; unset it to run on this machine"
        )


_lock = Lock(threading.RLock)
_listeners: list[Callable[[], None]] = []


@contextlib.contextmanager
def announcing(tell: Callable[[], None]) -> Iterator[None]:
    """Inside a ``with`` statement: `tell` is called before each kernel that has to be compiled, not just loaded."""
    _listeners.append(tell)
    try:
        yield
    finally:
        _listeners.remove(tell)


def announce() -> None:
    """Tell those who listen that something is compiled now."""
    for tell in list(_listeners):
        tell()


def _load(kernel: Kernel) -> int:
    with _lock:
        if kernel._address is None:
            file, path = _code(kernel)
            kernel._address = 0 if current().foreign else image.load(file, path)
        return kernel._address


def _code(kernel: Kernel) -> tuple[bytes, Path | None]:
    """A kernel's machine code, from the cache or made now, and where the cache keeps it."""
    key = cache.key(kernel.name, kernel.function)
    file = cache.read(key) if key else None
    if file is None:
        announce()
        from .translate import compile_object  # brings Numba

        file = image.link(compile_object(kernel))
        if key:
            cache.write(key, file)
    return file, cache.path(key) if key else None
