"""Running a program: one compiled walk over its steps, by one thread or by several.

A program's steps lie in a table of 64-bit words, four a step::

    address of the kernel │ address of its argument block │ number of tasks │ tasks claimed at a time

One thread simply walks the table.  Several threads all walk the same table: each *claims* tasks of the current step with
an atomic addition, and goes on to the next step when all tasks of this one are *done*.  Nobody waits for a thread that
has not claimed anything, so a thread that wakes late, or never, costs speed but neither correctness nor progress.  A
step with one claim runs serially, on whichever thread comes first.

Which thread runs which task changes nothing: a task writes what no other task of its step writes, so results are bit for
bit the same for any number of threads.

Helper threads are Python threads that sit inside compiled code.  They join a run through the shared words of the pool
(`JOB`, `ACTIVE`, `RUN`), stay awake for `SPIN` pauses after it, in case the next one follows at once, and then sleep on a
Python lock.  A forked child starts its own; a run that finds the pool taken by another thread goes alone.

Why not Numba's ``prange``: one wake-up for a whole program instead of one a kernel (0.8 µs each with OpenMP, 35 to 50 µs
with workqueue), no OpenMP runtime that aborts a forked child, no aborts from two Python threads at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from .compiler import ENTRY, Kernel, device, i64
from .simd import atomic_add, atomic_load, atomic_store, call, pause

#: words of a step in the table
STEP = 4
#: words of the pool: address of the job (0: none), helpers inside it, number of runs so far, helpers asleep (one each)
JOB, ACTIVE, RUN, ASLEEP = 0, 1, 2, 3
#: words of a job: its step table, number of steps, threads, counters (two words a step: claimed, done), sched_yield
TABLE, STEPS, COUNTERS, YIELD = 0, 1, 2, 3
#: pauses that a helper waits for the next run before it sleeps: some 50 to 100 microseconds
SPIN = 2000
#: pauses of a thread that waits for others before it gives up its time slice
PATIENCE = 1000


@device
def word(address, i):  # type: ignore[no-untyped-def]
    """Word i of a table that no other thread writes."""
    return atomic_load(address, i)


@device
def walk_together(job):  # type: ignore[no-untyped-def]
    """Take part in a job until all of its steps are done."""
    table, counters, sleep = word(job, TABLE), word(job, COUNTERS), word(job, YIELD)
    for s in range(word(job, STEPS)):
        at = STEP * s
        tasks, grain = word(table, at + 2), word(table, at + 3)
        while True:
            lo = atomic_add(counters, 2 * s, grain)
            if lo >= tasks:
                break
            hi = min(lo + grain, tasks)
            call(word(table, at), word(table, at + 1), lo, hi)
            atomic_add(counters, 2 * s + 1, hi - lo)
        waited = 0
        while atomic_load(counters, 2 * s + 1) < tasks:
            pause()
            waited += 1
            if waited > PATIENCE and sleep != 0:
                call(sleep, 0, 0, 0)


@Kernel
def walk(table: i64, lo: i64, hi: i64):
    """Run steps [lo, hi) of a table, alone."""
    for s in range(lo, hi):
        at = table + 8 * STEP * s
        call(word(at, 0), word(at, 1), 0, word(at, 2))


@Kernel
def lead(pool: i64, job: i64, lo: i64, hi: i64):
    """Run a job, together with the helpers that come."""
    counters = word(job, COUNTERS)
    for i in range(2 * word(job, STEPS)):
        atomic_store(counters, i, 0)
    atomic_store(pool, JOB, job)
    atomic_add(pool, RUN, 1)
    walk_together(job)
    atomic_store(pool, JOB, 0)
    while atomic_load(pool, ACTIVE) != 0:  # helpers may still look at the job
        pause()


@Kernel
def follow(pool: i64, seat: i64, lo: i64, hi: i64):
    """A helper's life between two sleeps: join every run, return when none has come for a while."""
    waited, seen = 0, -1
    while waited < hi:
        run = atomic_load(pool, RUN)
        if run != seen and atomic_load(pool, JOB) != 0:
            atomic_add(pool, ACTIVE, 1)
            job = atomic_load(pool, JOB)
            if job != 0:  # the leader can't leave while ACTIVE counts this thread
                walk_together(job)
                waited = 0
            atomic_add(pool, ACTIVE, -1)
            seen = run
        pause()
        waited += 1
    atomic_store(pool, ASLEEP + seat, 1)


class _Pool:
    """The helper threads of this process."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.words = np.zeros(ASLEEP + 256, np.int64)
        self.busy = threading.Lock()
        self.bells: list[threading.Semaphore] = []

    def grow(self, helpers: int) -> None:
        while len(self.bells) < helpers:
            seat = len(self.bells)
            self.bells.append(threading.Semaphore(0))
            self.words[ASLEEP + seat] = 1
            threading.Thread(target=self._helper, args=(seat,), name=f"edgenet-{seat + 1}", daemon=True).start()

    def _helper(self, seat: int) -> None:
        block = np.array([self.words.ctypes.data, seat], np.int64)
        entry, address, bell = ENTRY(follow.address), block.ctypes.data, self.bells[seat]
        while True:
            bell.acquire()
            entry(address, 0, SPIN)

    def wake(self, helpers: int) -> None:
        """Wake the helpers that sleep; one that is just falling asleep may miss this run, which costs only its help."""
        for seat in range(helpers):
            if self.words[ASLEEP + seat]:
                self.words[ASLEEP + seat] = 0
                self.bells[seat].release()


_pool = _Pool()


def _after_fork() -> None:
    global _pool
    _pool = _Pool()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def default_threads() -> int:
    """``EDGENET_NUM_THREADS``, else the cores that this process may use."""
    asked = os.environ.get("EDGENET_NUM_THREADS", "")
    if asked:
        if not asked.isdigit() or not 1 <= int(asked) <= 256:
            raise ValueError(f"EDGENET_NUM_THREADS={asked!r}: expected a number from 1 to 256")
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), 256)
    return min(os.cpu_count() or 1, 256)


_threads = default_threads()


def set_num_threads(n: int) -> None:
    """Set the number of threads that programs run on from now on.

    Raises:
        ValueError: if `n` is not between 1 and 256.
    """
    global _threads
    if not 1 <= n <= 256:
        raise ValueError(f"set_num_threads: n must be between 1 and 256, got {n}")
    _threads = n


def get_num_threads() -> int:
    """The number of threads that programs run on."""
    return _threads


@contextlib.contextmanager
def num_threads(n: int) -> Iterator[None]:
    """Run the body of a ``with`` statement with `n` threads."""
    before = get_num_threads()
    set_num_threads(n)
    try:
        yield
    finally:
        set_num_threads(before)


def _sched_yield() -> int:
    """Address of the C library's sched_yield, 0 where there is none."""
    try:
        return ctypes.cast(ctypes.CDLL(None).sched_yield, ctypes.c_void_p).value or 0
    except (OSError, AttributeError, TypeError):
        return 0


class Table:
    """A program's steps, ready to run: ``Table([(kernel, block, tasks, serial), …])``.

    `block` is the address of the kernel's argument block.  A step with `serial` is not shared out: its work is not worth
    a second thread.
    """

    def __init__(self, steps: list[tuple[Kernel, int, int, bool]]) -> None:
        self.steps = steps
        self.words = np.array([self._step(k, a, n, n) for k, a, n, _ in steps], np.int64).reshape(-1, STEP)
        self.counters = np.zeros(2 * len(steps), np.int64)
        self.job = np.array([self.words.ctypes.data, len(steps), self.counters.ctypes.data, _sched_yield()], np.int64)
        self._alone = np.array([self.words.ctypes.data], np.int64)
        self._together = np.zeros(2, np.int64)
        self._walk, self._lead = ENTRY(walk.address), ENTRY(lead.address)
        self._alone_address, self._together_address = self._alone.ctypes.data, self._together.ctypes.data
        self._threads = 1
        self.parallel = any(not serial and tasks > 1 for _, _, tasks, serial in steps)

    @staticmethod
    def _step(kernel: Kernel, block: int, tasks: int, grain: int) -> list[Any]:
        return [kernel.address, block, tasks, max(grain, 1)]

    def _share(self, threads: int) -> None:
        """Choose how many tasks are claimed at a time: about four claims a thread, so that an idle one finds work."""
        for row, (_, _, tasks, serial) in zip(self.words, self.steps, strict=True):
            row[3] = max(tasks, 1) if serial else max(1, tasks // (4 * threads))
        self._threads = threads

    def run(self) -> None:
        """Run all steps, with `get_num_threads()` threads."""
        pool, threads = _pool, _threads
        if threads > 1 and self.parallel and pool.busy.acquire(blocking=False):
            try:
                if threads != self._threads:
                    self._share(threads)
                pool.grow(threads - 1)
                self._together[:] = pool.words.ctypes.data, self.job.ctypes.data
                pool.wake(threads - 1)
                self._lead(self._together_address, 0, 0)
            finally:
                pool.busy.release()
        else:
            self._walk(self._alone_address, 0, len(self.steps))
