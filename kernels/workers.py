"""Compiling several kernels at once, each in a process of its own.

Numba compiles one kernel at a time in a process, a few tenths of a second each (several seconds on a board).  Where a
program needs several kernels that are not in the cache, helper processes share them out and put them there; whatever
goes wrong with a helper, the kernel is compiled in this process when its address is asked for.
"""

from __future__ import annotations

import contextlib
import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from queue import SimpleQueue
from typing import Any

from . import cache, machine, memory
from .compiler import Kernel, by_name
from .generators import Device

#: fewer missing kernels than this are not worth a second process, which imports Numba first
WORTH = 3
#: memory that such a process takes, most of it for Numba
HELPER_BYTES = 250 << 20


def missing(kernels: Sequence[Kernel]) -> list[Kernel]:
    """The kernels whose code is neither in this process nor in the cache yet."""
    keys = {k: cache.key(k.name, k.function) for k in dict.fromkeys(kernels) if not k.loaded}
    return [k for k, key in keys.items() if key and cache.path(key) is None]


#: kernels that nobody waits for and that are being compiled now
underway: set[Kernel] = set()


def compile_all(
    kernels: Sequence[Kernel], tell: Callable[[int, int], None] = lambda done, count: None, later: Sequence[Kernel] = ()
) -> None:
    """Put the code of the library's own kernels into the cache, as far as it is not there.

    `tell` is called with the number of kernels done and that of all, at the start and after each.  Those of `later`
    come last, and are not waited for: meanwhile they are `underway`.
    """
    needed = [k for k in missing([*kernels, *later]) if k not in underway]
    wanted = [k for k in needed if k.function.__module__.startswith(f"{__package__}.")]
    affordable = (memory.free_bytes() or 0) // HELPER_BYTES if len(wanted) >= WORTH else 0
    helpers = min(len(wanted) // 2, len(machine.usable_cpus()), affordable)
    if len(wanted) < WORTH or helpers < 2 or cache.folder() is None or not _is_python():
        return
    count = sum(k not in later for k in wanted)
    tell(0, count)
    running = [helper for helper in (_start() for _ in range(helpers)) if helper]
    if running:
        underway.update(k for k in wanted if k in later)
    waiting, told = _Queue(wanted), SimpleQueue[Kernel | None]()
    for helper in running:  # no daemons: a process that ends earlier leaves a complete cache as well
        threading.Thread(target=_feed, args=(helper, waiting, told)).start()
    done, working = 0, len(running)
    try:
        while working and done < count:
            kernel = told.get()
            if kernel is None:
                working -= 1
            elif kernel not in later:
                done += 1
                tell(done, count)
    except BaseException:
        for helper in running:
            helper.kill()
        raise


def _effort(function: Callable[..., Any]) -> int:
    """What tells roughly how long a kernel takes to compile: the size of its code and that of its helpers."""
    code, names = function.__code__, function.__globals__
    helpers = [names[n].py_func for n in code.co_names if isinstance(names.get(n), Device)]
    return len(code.co_code) + sum(map(_effort, helpers))


class _Queue:
    """Kernels that wait, long ones first, those `underway` last; a helper is given those of one module after the other.

    What kernels of a module have in common, such as the loops of all matrix products, is translated once in a process.
    """

    def __init__(self, kernels: Iterable[Kernel]) -> None:
        self._kernels = sorted(kernels, key=lambda k: -_effort(k.function))
        self._modules: dict[object, str] = {}
        self._lock = threading.Lock()

    def take(self, helper: object) -> Kernel | None:
        """The next one: of the helper's module, else of one that is nobody's, else any."""
        with self._lock:
            own, others = self._modules.pop(helper, None), self._modules.values()
            kernel = min(
                self._kernels,
                key=lambda k: (k in underway, k.function.__module__ != own, k.function.__module__ in others),
                default=None,
            )
            if kernel:
                self._kernels.remove(kernel)
                self._modules[helper] = kernel.function.__module__
            return kernel


def _feed(helper: subprocess.Popen[str], waiting: _Queue, told: SimpleQueue[Kernel | None]) -> None:
    """Give a helper one kernel after the other, as long as there are any and it answers; then tell None."""
    assert helper.stdin is not None
    assert helper.stdout is not None
    kernel = None
    with contextlib.suppress(OSError), helper.stdin, helper.stdout:
        while kernel := waiting.take(helper):
            helper.stdin.write(f"{kernel.function.__module__} {kernel.name}\n")
            helper.stdin.flush()
            if not helper.stdout.readline():
                break
            underway.discard(kernel)
            told.put(kernel)
    helper.kill()
    helper.wait()
    if kernel:  # this helper failed: whoever needs what is missing compiles it
        underway.clear()
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
            env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # NumPy's threads take a tenth of a second to start
        )
    except OSError:
        return None


def serve() -> None:
    """Compile the kernels that standard input names, MODULE NAME in each line; answer each with a line."""
    from . import translate  # noqa: F401 - what it imports stays: the garbage collector need not look at it each time

    gc.freeze()
    gc.set_threshold(20_000)  # nor often at what is made meanwhile
    for line in sys.stdin:
        module, name = line.split()
        import_module(module)
        by_name[module, name].store()
        print(name, flush=True)
