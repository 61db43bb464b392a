"""Compiling several kernels at once, each in a process of its own.

Numba compiles one kernel at a time in a process, a few tenths of a second each (several seconds on a board).  Where a
program needs several kernels that are not in the cache, helper processes share them out and put them there; whatever
goes wrong with a helper, the kernel is compiled in this process when its address is asked for.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from importlib import import_module
from queue import SimpleQueue

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
    count = len(wanted)
    tell(0, count)
    wanted.sort(key=lambda k: len(k.function.__code__.co_code))  # long ones are taken first, short ones fill the rest
    running = [helper for helper in (_start() for _ in range(helpers)) if helper]
    told: SimpleQueue[Kernel | None] = SimpleQueue()
    for helper in running:
        threading.Thread(target=_feed, args=(helper, wanted, told), daemon=True).start()
    done, working = 0, len(running)
    try:
        while working:
            if told.get() is None:
                working -= 1
            else:
                done += 1
                tell(done, count)
    finally:
        for helper in running:
            helper.kill()
            helper.wait()


def _feed(helper: subprocess.Popen[str], wanted: list[Kernel], told: SimpleQueue[Kernel | None]) -> None:
    """Give a helper one kernel after the other, as long as there are any and it answers; then tell None."""
    assert helper.stdin is not None
    assert helper.stdout is not None
    with contextlib.suppress(IndexError, OSError), helper.stdin, helper.stdout:
        while True:
            kernel = wanted.pop()
            helper.stdin.write(f"{kernel.function.__module__} {kernel.name}\n")
            helper.stdin.flush()
            if not helper.stdout.readline():
                break
            told.put(kernel)
    told.put(None)


def _is_python() -> bool:
    """Whether `sys.executable` is a Python that runs code given on the command line: a frozen program is not."""
    return not getattr(sys, "frozen", False) and "python" in os.path.basename(sys.executable or "").lower()


def _start() -> subprocess.Popen[str] | None:
    """A process that compiles what it is given on standard input; None where none can be had."""
    code = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve; serve()"
    try:
        return subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
    except OSError:
        return None


def serve() -> None:
    """Compile the kernels that standard input names, MODULE NAME in each line; answer each with a line."""
    for line in sys.stdin:
        module, name = line.split()
        import_module(module)
        by_name[module, name].store()
        print(name, flush=True)
