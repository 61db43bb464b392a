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
from collections.abc import Iterable, Iterator
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
    THREADS,
    follow,
    lead,
    walk,
)
from .workers import compile_all


class _Pool:
    """The helper threads of this process."""

    def __init__(self) -> None:
        self.words = np.zeros(HELPERS + HELPER * 256, np.int64)
        self.busy = threading.Lock()
        self.locks: list[threading.Lock] = []
        self.preferred: frozenset[int] = frozenset()
        self._semaphores = np.zeros((256, 16), np.int64)  # 128 bytes each; a sem_t has 32 at most
        wait, post = _c_function("sem_wait"), _c_function("sem_post")
        if wait and post and _has_semaphores(self._semaphores):
            self.words[SEM_WAIT], self.words[SEM_POST] = wait, post
        table = self.words[HELPERS:].reshape(256, HELPER)
        table[:, SEMAPHORE] = [row.ctypes.data for row in self._semaphores]
        table[:, OFF] = -1
        cpu_functions = [_c_function(name) for name in ("sched_getcpu", "sched_getaffinity", "sched_setaffinity")]
        if all(cpu_functions):
            self.words[[GET_CPU, GET_AFFINITY, SET_AFFINITY]] = cpu_functions

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
        if self.words[SEM_WAIT] == 0:
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


_threads = default_threads()
#: for each Python thread the number that `num_threads` gave to the body that it runs
_here = threading.local()


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
    if getattr(_here, "threads", None) is None:
        _threads = int(n)
    else:
        _here.threads = int(n)


def get_num_threads() -> int:
    """The number of threads that programs run on."""
    return getattr(_here, "threads", None) or _threads


@contextlib.contextmanager
def num_threads(n: int) -> Iterator[None]:
    """Run the body of a ``with`` statement with `n` threads; other Python threads keep their number."""
    before = getattr(_here, "threads", None)
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
    """Compile these kernels, and those that run them, as far as the cache lacks them: all at once, in processes."""
    compile_all([*kernels, walk, lead, follow], _told)


class Table:
    """A program's steps, ready to run: ``Table([(kernel, block, tasks, serial), …])``.

    `block` is the address of the kernel's argument block.  A step with `serial` is not shared out: its work is not
    worth a second thread.
    """

    def __init__(self, steps: list[tuple[Kernel, int, int, bool]]) -> None:
        self.steps = steps
        prepare(k for k, *_ in steps)
        rows = [(k.address, block, tasks, 1, max(tasks, 1)) for k, block, tasks, _ in steps]
        self.words = np.array(rows, np.int64).reshape(-1, STEP)
        self.parallel = any(not serial and tasks > 1 for _, _, tasks, serial in steps)
        self.job = np.zeros(5, np.int64)
        self._foreign = current().foreign
        self._alone = np.array([self.words.ctypes.data], np.int64)
        self._together = np.zeros(2, np.int64)
        self._walk, self._lead = ENTRY(walk.address), ENTRY(lead.address)
        self._alone_address, self._together_address = self._alone.ctypes.data, self._together.ctypes.data

    def _share(self, threads: int) -> None:
        """Cut every step into shares for this many threads."""
        self.job[THREADS] = 0  # should this be interrupted, it is done again
        for row, (_, _, tasks, serial) in zip(self.words, self.steps, strict=True):
            row[SHARES] = 1 if serial else min(threads, max(tasks, 1))
            row[GRAIN] = max(1, tasks if serial else -(-tasks // (CLAIMS * int(row[SHARES]))))
        self.counters = np.zeros(LINE * (threads + 1) * len(self.steps), np.int64)
        self.job[:] = (
            self.words.ctypes.data, len(self.steps), threads, self.counters.ctypes.data, _c_function("sched_yield"),
        )  # fmt: skip

    def run(self) -> None:
        """Run all steps, with `get_num_threads()` threads."""
        if self._foreign:
            check_machine()
        pool, threads = _pool, get_num_threads()
        if threads > 1 and self.parallel and pool.busy.acquire(blocking=False):
            try:
                if threads != self.job[THREADS]:
                    self._share(threads)
                pool.grow(threads - 1)
                pool.prefer(_big_cpus if threads <= len(_big_cpus) else frozenset())
                self._together[:] = pool.words.ctypes.data, self.job.ctypes.data
                pool.wake(threads - 1)
                self._lead(self._together_address, 0, 0)
            finally:
                pool.busy.release()
        else:
            self._walk(self._alone_address, 0, len(self.steps))
