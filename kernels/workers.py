"""Compiling several kernels at once, each in a process of its own.

Numba compiles one kernel at a time in a process, a few tenths of a second each (several seconds on a board).  Where a
program needs several kernels that are not in the cache, helper processes share them out and put them there; whatever
goes wrong with a helper, the kernel is compiled in this process when its address is asked for.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from . import cache, machine, memory
from .compiler import Kernel, by_name

#: fewer missing kernels than this are not worth a second process, which imports Numba first
WORTH = 3
#: memory that such a process takes, most of it for Numba
HELPER_BYTES = 250 << 20


def missing(kernels: Sequence[Kernel]) -> list[Kernel]:
    """The kernels whose code is neither in this process nor in the cache yet."""
    keys = {k: cache.key(k.name, k.function) for k in dict.fromkeys(kernels) if not k.loaded}
    return [k for k, key in keys.items() if key and cache.path(key) is None]


def compile_all(kernels: Sequence[Kernel], tell: Callable[[int, int], None] = lambda done, count: None) -> None:
    """Put the code of the library's own kernels into the cache, as far as it is not there.

    `tell` is called with the number of kernels done and that of all, at the start and after each.
    """
    wanted = [k for k in missing(kernels) if k.function.__module__.startswith(f"{__package__}.")]
    affordable = (memory.free_bytes() or 0) // HELPER_BYTES if len(wanted) >= WORTH else 0
    helpers = min(len(wanted) // 2, len(machine.usable_cpus()), affordable)
    if len(wanted) < WORTH or helpers < 2 or cache.folder() is None or not _is_python():
        return
    tell(0, len(wanted))
    running = [_start(wanted[i::helpers]) for i in range(helpers)]
    done = 0
    try:
        for helper in filter(None, running):
            assert helper.stdout is not None
            for _ in helper.stdout:
                done += 1
                tell(done, len(wanted))
    finally:
        for helper in filter(None, running):
            helper.kill()
            helper.communicate()


def _is_python() -> bool:
    """Whether `sys.executable` is a Python that runs code given on the command line: a frozen program is not."""
    return not getattr(sys, "frozen", False) and "python" in os.path.basename(sys.executable or "").lower()


def _start(kernels: Sequence[Kernel]) -> subprocess.Popen[bytes] | None:
    """A process that compiles these kernels; None where none can be had."""
    names = [(k.function.__module__, k.name) for k in kernels]
    code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve({names!r})"
    try:
        return subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        return None


def serve(names: Sequence[tuple[str, str]]) -> None:
    """Compile kernels given by module and name; a line on standard output for each."""
    for module, name in names:
        import_module(module)
        by_name[module, name].store()
        print(name, flush=True)
