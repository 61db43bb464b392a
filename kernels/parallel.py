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
from collections.abc import Iterator
from typing import Any

import numpy as np

from .atomic import ask, atomic_add, atomic_load, atomic_store, call, pause
from .compiler import ENTRY, Kernel, device, i64

#: words of a step in the table
STEP = 5
#: words from one counter to the next: a cache line each, so that threads do not fight for it
LINE = 8
#: claims that a share is cut into
CLAIMS = 3
#: words of the pool: address of the job (0: none), helpers inside it, number of runs so far, addresses of sem_wait,
#: sem_post, sched_getcpu and sched_setaffinity (0: none), a bit for each CPU of the process, room for another such set
JOB, ACTIVE, RUN, WAIT, POST, GETCPU, AFFINITY, CPUS, OTHERS = 0, 1, 2, 3, 4, 5, 6, 8, 24
#: words of a set of CPUs: 1024 bits, the size of the C library's cpu_set_t
CPU_SET = 16
#: words of the pool for each helper: whether it is asleep, address of its semaphore, thread id, the CPU it is kept off
HELPERS, HELPER = 40, 4
#: words of a job: its step table, number of steps, threads, counters (a line for each share and one for what is done,
#: for each step), address of sched_yield
TABLE, STEPS, THREADS, COUNTERS, YIELD = 0, 1, 2, 3, 4
#: pauses that a helper waits for the next run before it sleeps: some 50 to 100 microseconds
SPIN = 2000
#: pauses of a thread that waits for others before it gives up its time slice
PATIENCE = 1000


@device
def word(address, i):  # type: ignore[no-untyped-def]
    """Word i of a table that no other thread writes."""
    return atomic_load(address, i)


@device
def run_share(table, at, counters, share):  # type: ignore[no-untyped-def]
    """Claim and run tasks of one share until none is left; returns how many."""
    tasks, shares, grain = word(table, at + 2), word(table, at + 3), word(table, at + 4)
    start, end = tasks * share // shares, tasks * (share + 1) // shares
    ran = 0
    while True:
        lo = start + atomic_add(counters, LINE * share, grain)
        if lo >= end:
            return ran
        hi = min(lo + grain, end)
        call(word(table, at), word(table, at + 1), lo, hi)
        ran += hi - lo


@device
def walk_together(job, seat):  # type: ignore[no-untyped-def]
    """Take part in a job, as its thread number `seat`, until all of its steps are done."""
    table, threads, sleep = word(job, TABLE), word(job, THREADS), word(job, YIELD)
    for s in range(word(job, STEPS)):
        at, counters = STEP * s, word(job, COUNTERS) + 8 * LINE * (threads + 1) * s
        tasks, shares = word(table, at + 2), word(table, at + 3)
        ran = 0
        for i in range(shares):
            ran += run_share(table, at, counters, (seat + i) % shares)
        if ran > 0:
            atomic_add(counters, LINE * threads, ran)
        waited = 0
        while atomic_load(counters, LINE * threads) < tasks:
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


@device
def keep_off_this_cpu(pool, helper):  # type: ignore[no-untyped-def]
    """Forbid a helper the CPU that the leader runs on.

    Schedulers like to wake a thread where its waker runs, and some (virtual machines with two CPUs, for one) leave it
    queued there while the other CPU idles.
    """
    if word(pool, AFFINITY) == 0 or word(helper, 2) == 0:
        return
    here = ask(word(pool, GETCPU), 0, 0, 0)
    if here < 0 or here >= 64 * CPU_SET or here == word(helper, 3):
        return
    left = 0
    for i in range(CPU_SET):
        cpus = word(pool, CPUS + i)
        if i == here // 64:
            cpus &= ~(1 << (here % 64))
        atomic_store(pool, OTHERS + i, cpus)
        left |= cpus
    if left != 0:
        ask(word(pool, AFFINITY), word(helper, 2), 8 * CPU_SET, pool + 8 * OTHERS)
        atomic_store(helper, 3, here)


@Kernel
def lead(pool: i64, job: i64, lo: i64, hi: i64):
    """Run a job, together with the helpers that come."""
    threads = word(job, THREADS)
    for i in range(word(job, STEPS) * (threads + 1)):
        atomic_store(word(job, COUNTERS), LINE * i, 0)
    atomic_store(pool, JOB, job)
    atomic_add(pool, RUN, 1)
    for seat in range(threads - 1):
        helper = pool + 8 * (HELPERS + HELPER * seat)
        keep_off_this_cpu(pool, helper)
        if word(pool, POST) != 0 and atomic_load(helper, 0) != 0:
            atomic_store(helper, 0, 0)
            call(word(pool, POST), word(helper, 1), 0, 0)
    walk_together(job, 0)
    atomic_store(pool, JOB, 0)
    while atomic_load(pool, ACTIVE) != 0:  # helpers may still look at the job
        pause()


@Kernel
def follow(pool: i64, seat: i64, lo: i64, hi: i64):
    """A helper's life: join every run; when none has come for `hi` pauses, sleep (without semaphores: return)."""
    helper = pool + 8 * (HELPERS + HELPER * seat)
    waited, seen = 0, -1
    while True:
        run = atomic_load(pool, RUN)
        if run != seen and atomic_load(pool, JOB) != 0:
            atomic_add(pool, ACTIVE, 1)
            job = atomic_load(pool, JOB)
            if job != 0:  # the leader can't leave while ACTIVE counts this thread
                if seat + 1 < word(job, THREADS):
                    walk_together(job, seat + 1)
                waited = 0
            atomic_add(pool, ACTIVE, -1)
            seen = run
        pause()
        waited += 1
        if waited > hi:  # a run that starts just now goes without this helper, which costs only its help
            atomic_store(helper, 0, 1)
            if word(pool, WAIT) == 0:
                return
            call(word(pool, WAIT), word(helper, 1), 0, 0)
            waited = 0


class _Pool:
    """The helper threads of this process."""

    def __init__(self) -> None:
        self.words = np.zeros(HELPERS + HELPER * 256, np.int64)
        self.busy = threading.Lock()
        self.locks: list[threading.Lock] = []
        self._semaphores = np.zeros((256, 16), np.int64)  # 128 bytes each; a sem_t has 32 at most
        wait, post = _c_function("sem_wait"), _c_function("sem_post")
        if wait and post and _has_semaphores(self._semaphores):
            self.words[WAIT], self.words[POST] = wait, post
        table = self.words[HELPERS:].reshape(256, HELPER)
        table[:, 1] = [row.ctypes.data for row in self._semaphores]
        table[:, 3] = -1
        here, bind = _c_function("sched_getcpu"), _c_function("sched_setaffinity")
        if here and bind and hasattr(os, "sched_getaffinity"):
            self.words[GETCPU], self.words[AFFINITY] = here, bind
            bits = self.words[CPUS : CPUS + CPU_SET].view(np.uint64)
            for cpu in os.sched_getaffinity(0):
                if cpu < 64 * CPU_SET:
                    bits[cpu // 64] |= np.uint64(1 << (cpu % 64))

    def grow(self, helpers: int) -> None:
        """Have at least this many helpers."""
        if len(self.locks) >= helpers:
            return
        entry = ENTRY(follow.address)  # compiled before the first helper needs it
        while len(self.locks) < helpers:
            seat = len(self.locks)
            self.locks.append(threading.Lock())
            threading.Thread(target=self._helper, args=(seat, entry), name=f"edgenet-{seat + 1}", daemon=True).start()

    def _helper(self, seat: int, entry: Any) -> None:
        block = np.array([self.words.ctypes.data, seat], np.int64)
        address, lock = block.ctypes.data, self.locks[seat]
        self.words[HELPERS + HELPER * seat + 2] = threading.get_native_id()
        while True:
            entry(address, 0, SPIN)  # returns only where there are no semaphores
            lock.acquire()

    def wake(self, helpers: int) -> None:
        """Wake the helpers that sleep on Python locks; `lead` wakes those that sleep on semaphores."""
        if self.words[WAIT] == 0:
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


class Table:
    """A program's steps, ready to run: ``Table([(kernel, block, tasks, serial), …])``.

    `block` is the address of the kernel's argument block.  A step with `serial` is not shared out: its work is not
    worth a second thread.
    """

    def __init__(self, steps: list[tuple[Kernel, int, int, bool]]) -> None:
        self.steps = steps
        rows = [(k.address, block, tasks, 1, max(tasks, 1)) for k, block, tasks, _ in steps]
        self.words = np.array(rows, np.int64).reshape(-1, STEP)
        self.parallel = any(not serial and tasks > 1 for _, _, tasks, serial in steps)
        self.job = np.zeros(5, np.int64)
        self._alone = np.array([self.words.ctypes.data], np.int64)
        self._together = np.zeros(2, np.int64)
        self._walk, self._lead = ENTRY(walk.address), ENTRY(lead.address)
        self._alone_address, self._together_address = self._alone.ctypes.data, self._together.ctypes.data

    def _share(self, threads: int) -> None:
        """Cut every step into shares for this many threads."""
        for row, (_, _, tasks, serial) in zip(self.words, self.steps, strict=True):
            row[3] = 1 if serial else min(threads, max(tasks, 1))
            row[4] = max(1, tasks if serial else -(-tasks // (CLAIMS * int(row[3]))))
        self.counters = np.zeros(LINE * (threads + 1) * len(self.steps), np.int64)
        self.job[:] = (
            self.words.ctypes.data, len(self.steps), threads, self.counters.ctypes.data, _c_function("sched_yield"),
        )  # fmt: skip

    def run(self) -> None:
        """Run all steps, with `get_num_threads()` threads."""
        pool, threads = _pool, _threads
        if threads > 1 and self.parallel and pool.busy.acquire(blocking=False):
            try:
                if threads != self.job[2]:
                    self._share(threads)
                pool.grow(threads - 1)
                self._together[:] = pool.words.ctypes.data, self.job.ctypes.data
                pool.wake(threads - 1)
                self._lead(self._together_address, 0, 0)
            finally:
                pool.busy.release()
        else:
            self._walk(self._alone_address, 0, len(self.steps))
