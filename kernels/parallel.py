"""Running a program: one compiled walk over its steps, by one thread or by several.

A program's steps lie in a table of 64-bit words, one row a step::

    address of the kernel │ address of its argument block │ number of tasks │ shares │ tasks claimed at a time

One thread simply walks the table.  Several threads all walk the same table.  The tasks of a step are cut into one share
for each thread; a thread *claims* tasks of its own share with an atomic addition, then helps with the other shares, and
goes on to the next step when all tasks of this one are *done*.  Shares keep neighbouring steps of one image, or one
band of rows, on one core, whose cache holds them.  Nobody waits for a thread that has not claimed anything, so a
thread that wakes late, or never, costs speed but neither correctness nor progress.  A step with one share and one
claim runs serially, on whichever thread comes first.

Which thread runs which task changes nothing: a task writes what no other task of its step writes, so results are bit
for bit the same for any number of threads.

Helper threads are Python threads that sit inside compiled code.  They join a run through the shared words of the pool
(`JOB`, `ACTIVE`, `RUN`), stay awake for `SPIN` pauses after it, in case the next one follows at once, and then sleep
on a semaphore of the C library, so that waking up needs no Python; where there is none (Windows, macOS), on a Python
lock.  A forked child starts its own helpers; a run that finds the pool taken by another thread goes alone.

Why not Numba's ``prange``: one wake-up for a whole program instead of one a kernel (0.8 µs each with OpenMP, 35 to 50
µs with workqueue), no OpenMP runtime that aborts a forked child, no aborts from two Python threads at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from . import machine
from .compiler import ENTRY, Kernel, announce, check_machine
from .target import current
from .walk import (
    BIG,
    CLAIMS,
    CPU_SET,
    GET_AFFINITY,
    GET_CPU,
    GRAIN,
    HELPER,
    HELPERS,
    LINE,
    OFF,
    SEM_POST,
    SEM_WAIT,
    SEMAPHORE,
    SET_AFFINITY,
    SHARES,
    SPIN,
    STEP,
    THREAD,
    follow,
    lead,
    walk,
)
from .workers import compile_all, underway


class _Pool:
    """The helper threads of this process."""

    def __init__(self) -> None:
        self.words = np.zeros(HELPERS + HELPER * 256, np.int64)
        self.busy = threading.Lock()
        self.locks: list[threading.Lock] = []
        self.preferred: frozenset[int] = frozenset()
        self.ready_for = 0
        """number of threads that the helpers were last made ready for"""
        self._semaphores = np.zeros((256, 16), np.int64)  # 128 bytes each; a sem_t has 32 at most
        wait, post = _c_function("sem_wait"), _c_function("sem_post")
        if wait and post and _has_semaphores(self._semaphores):
            self.words[SEM_WAIT], self.words[SEM_POST] = wait, post
        self.sleeps_on_locks = not self.words[SEM_WAIT]
        table = self.words[HELPERS:].reshape(256, HELPER)
        table[:, SEMAPHORE] = [row.ctypes.data for row in self._semaphores]
        table[:, OFF] = -1
        cpu_functions = [_c_function(name) for name in ("sched_getcpu", "sched_getaffinity", "sched_setaffinity")]
        if all(cpu_functions):
            self.words[[GET_CPU, GET_AFFINITY, SET_AFFINITY]] = cpu_functions

    def make_ready(self, threads: int) -> None:
        """Have helpers for runs on this many threads, kept on the fast CPUs if there are enough of these."""
        self.grow(threads - 1)
        self.prefer(_big_cpus if threads <= len(_big_cpus) else frozenset())
        self.ready_for = threads

    def prefer(self, cpus: frozenset[int]) -> None:
        """Keep the helpers on these CPUs from the next run on, where the process may use one of them."""
        if cpus != self.preferred:
            self.preferred = cpus
            bits = self.words[BIG : BIG + CPU_SET].view(np.uint8)
            bits[:] = np.packbits(np.isin(np.arange(64 * CPU_SET), list(cpus)), bitorder="little")
            self.words[HELPERS:].reshape(256, HELPER)[:, OFF] = -1

    def grow(self, helpers: int) -> None:
        """Have at least this many helpers."""
        if len(self.locks) >= helpers:
            return
        entry = ENTRY(follow.address)  # compiled before the first helper needs it
        while len(self.locks) < helpers:
            seat = len(self.locks)
            self.locks.append(threading.Lock())
            thread = threading.Thread(target=self._helper, args=(seat, entry), name=f"edgenet-{seat + 1}", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # no more threads to be had: go with those there are
                self.locks.pop()
                return

    def _helper(self, seat: int, entry: Any) -> None:
        block = np.array([self.words.ctypes.data, seat], np.int64)
        address, lock = block.ctypes.data, self.locks[seat]
        self.words[HELPERS + HELPER * seat + THREAD] = threading.get_native_id()
        while True:
            entry(address, 0, SPIN)  # returns only where there are no semaphores
            lock.acquire()

    def wake(self, helpers: int) -> None:
        """Wake the helpers that sleep on Python locks; `lead` wakes those that sleep on semaphores."""
        for seat, lock in enumerate(self.locks[:helpers]):
            if self.words[HELPERS + HELPER * seat] and lock.locked():
                self.words[HELPERS + HELPER * seat] = 0
                lock.release()


def _c_function(name: str) -> int:
    """Address of a function of the C library, 0 where it has none of that name."""
    try:
        return ctypes.cast(getattr(ctypes.CDLL(None), name), ctypes.c_void_p).value or 0
    except (OSError, AttributeError, TypeError):
        return 0


def _has_semaphores(memory: np.ndarray) -> bool:
    """Make a semaphore in each row of `memory`, all closed; False where the system has none (macOS only pretends)."""
    try:
        make = ctypes.CDLL(None).sem_init
    except (OSError, AttributeError):
        return False
    return all(make(ctypes.c_void_p(row.ctypes.data), 0, 0) == 0 for row in memory)


_pool = _Pool()


def _after_fork() -> None:
    global _pool
    _pool = _Pool()
    underway.clear()  # which nobody here waits for


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def default_threads() -> int:
    """``EDGENET_NUM_THREADS``, else the big cores that this process may use, within the limits of its container."""
    asked = os.environ.get("EDGENET_NUM_THREADS", "")
    if asked:
        if not asked.isdigit() or not 1 <= int(asked) <= 256:
            raise ValueError(f"EDGENET_NUM_THREADS={asked!r}: expected a number from 1 to 256")
        return int(asked)
    return machine.default_threads()


class _Here(threading.local):
    """For each Python thread the number that `num_threads` gave to the body that it runs."""

    threads: int | None = None


_threads = default_threads()
_here = _Here()

#: where helpers stay, unless more threads are asked for than there are big cores
_big_cpus = frozenset(machine.big_cpus(machine.usable_cpus()))


def set_num_threads(n: int) -> None:
    """Set the number of threads that programs run on from now on; inside of `num_threads` in its body alone.

    Raises:
        ValueError: if `n` is not between 1 and 256.
    """
    global _threads
    given: Any = n
    if not isinstance(given, int | np.integer) or not 1 <= n <= 256:
        raise ValueError(f"set_num_threads: n must be a number between 1 and 256, got {n!r}")
    if _here.threads is None:
        _threads = int(n)
    else:
        _here.threads = int(n)


def get_num_threads() -> int:
    """The number of threads that programs run on."""
    return _here.threads or _threads


@contextlib.contextmanager
def num_threads(n: int) -> Iterator[None]:
    """Run the body of a ``with`` statement with `n` threads; other Python threads keep their number."""
    before = _here.threads
    _here.threads = get_num_threads()
    try:
        set_num_threads(n)
        yield
    finally:
        _here.threads = before


def _told(done: int, count: int) -> None:
    if done == 0:
        announce()


def prepare(kernels: Iterable[Kernel]) -> None:
    """Compile these kernels, and those that run them, as far as the cache lacks them: all at once, in processes.

    What only runs on several threads need is not waited for: until it is there, programs run on one.
    """
    compile_all([*kernels, walk], _told, later=(lead, follow))


#: a step with less work, in bytes moved or eighths of operations (`edgenet.graph.Call`), is not shared out
SERIAL_BELOW = 30_000
#: neither is a program whose shared steps have less work together, by the number of lanes that a vector has: waking
#: another thread, and what it finds in the other core's cache, cost some 8 µs (AVX-512: LeNet-5, 0.3 million, 30 µs
#: alone and 38 on two threads; the autoencoder of `benchmarks`, 1.1 million, 30 and 26)
ALONE_BELOW = 30_000

#: as `compiler.ENTRY`, for arguments that are made once: to convert three Python numbers takes longer than to call
_PREPARED = ctypes.CFUNCTYPE(None)


def _prepared(kernel: Kernel, *words: int) -> Callable[[], None]:
    """A call of a kernel, ready to be made often."""
    return partial(_PREPARED(kernel.address), *map(ctypes.c_int64, words))


class Table:
    """A program's steps, ready to run: ``Table([(kernel, block, tasks, work), …])``.

    `block` is the address of the kernel's argument block, `work` decides whether other threads are worth their while.
    """

    def __init__(self, steps: list[tuple[Kernel, int, int, float]]) -> None:
        self.steps = steps
        self._shared = [tasks > 1 and work >= SERIAL_BELOW for _, _, tasks, work in steps]
        prepare(k for k, *_ in steps)
        rows = [(k.address, block, tasks, 1, max(tasks, 1)) for k, block, tasks, _ in steps]
        self.words = np.array(rows, np.int64).reshape(-1, STEP)
        together = sum(work for (*_, work), shared in zip(steps, self._shared, strict=True) if shared)
        self.parallel = any(self._shared) and together >= ALONE_BELOW * current().lanes
        self.job = np.zeros(5, np.int64)
        self._foreign = current().foreign
        self._alone = np.array([self.words.ctypes.data], np.int64)
        self._together = np.zeros(2, np.int64)
        self._walk = _prepared(walk, self._alone.ctypes.data, 0, len(steps))
        self._lead: Callable[[], None] | None = None
        self._shared_out: tuple[_Pool, int] | None = None
        """the pool and the number of threads that the steps were shared out for"""

    def _share(self, pool: _Pool, threads: int) -> None:
        """Cut every step into shares for this many threads."""
        self._shared_out = None  # should this be interrupted, it is done again
        for row, (_, _, tasks, _), shared in zip(self.words, self.steps, self._shared, strict=True):
            row[SHARES] = min(threads, tasks) if shared else 1
            row[GRAIN] = max(1, -(-tasks // (CLAIMS * int(row[SHARES]))) if shared else tasks)
        self.counters = np.zeros(LINE * (threads + 1) * len(self.steps), np.int64)
        self.job[:] = (
            self.words.ctypes.data, len(self.steps), threads, self.counters.ctypes.data, _c_function("sched_yield"),
        )  # fmt: skip
        self._together[:] = pool.words.ctypes.data, self.job.ctypes.data
        self._lead = _prepared(lead, self._together.ctypes.data, 0, 0)
        self._shared_out = pool, threads

    def run(self, threads: int | None = None) -> None:
        """Run all steps, with `threads` threads, by default `get_num_threads()`."""
        if self._foreign:
            check_machine()
        if self.parallel:
            threads = threads or get_num_threads()
            if threads > 1 and self._run_together(_pool, threads):
                return
        self._walk()

    def _run_together(self, pool: _Pool, threads: int) -> bool:
        """Run all steps together with the helpers; False if another thread has these, or they are still compiled."""
        if underway or not pool.busy.acquire(blocking=False):
            return False
        try:
            if self._shared_out != (pool, threads):
                self._share(pool, threads)
            if threads != pool.ready_for:
                pool.make_ready(threads)
            if pool.sleeps_on_locks:
                pool.wake(threads - 1)
            assert self._lead is not None
            self._lead()
        finally:
            pool.busy.release()
        return True
