"""The compiled half of `parallel`: walking a step table, alone or together, and a helper thread's life."""

from .compiler import Kernel, device, i64
from .generators import ask, atomic_add, atomic_load, atomic_store, call, pause

#: words of a step in the table
KERNEL, BLOCK, TASKS, SHARES, GRAIN, STEP = 0, 1, 2, 3, 4, 5
#: words of a step of a chain: also whether each group takes its piece of the tasks, or the first one all of them
PIECES, ROW = 3, 4
#: words of an argument that moves from group to group
WORD, FIRST, LESS, MOVE = 0, 1, 2, 3
#: words from one counter to the next: a cache line each, so that threads do not fight for it
LINE = 8
#: claims that a share is cut into
CLAIMS = 3
#: words of the pool: address of the job (0: none), helpers inside it, number of runs so far; addresses of C functions
#: (0: none); a set of CPUs, for scratch; the set of the fast ones; then the helpers
JOB, ACTIVE, RUN = 0, 1, 2
SEM_WAIT, SEM_POST, GET_CPU, GET_AFFINITY, SET_AFFINITY = 3, 4, 5, 6, 7
CPUS, BIG, HELPERS = 8, 24, 40
#: words of a set of CPUs: 1024 bits, the size of the C library's cpu_set_t
CPU_SET = 16
#: words of a helper: whether it is asleep, address of its semaphore, its thread id, the CPU it is kept off (-1: none)
ASLEEP, SEMAPHORE, THREAD, OFF, HELPER = 0, 1, 2, 3, 4
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
def wait(waited, sleep):  # type: ignore[no-untyped-def]
    """Wait a moment; the time slice is given up (`sleep` is sched_yield) once that has happened often."""
    pause()
    if waited > PATIENCE and sleep != 0:
        call(sleep, 0, 0, 0)
    return waited + 1


@device
def run_share(table, at, counters, share):  # type: ignore[no-untyped-def]
    """Claim and run tasks of one share until none is left; returns how many."""
    tasks, shares, grain = word(table, at + TASKS), word(table, at + SHARES), word(table, at + GRAIN)
    start, end = tasks * share // shares, tasks * (share + 1) // shares
    ran = 0
    while True:
        lo = start + atomic_add(counters, LINE * share, grain)
        if lo >= end:
            return ran
        hi = min(lo + grain, end)
        call(word(table, at + KERNEL), word(table, at + BLOCK), lo, hi)
        ran += hi - lo


@device
def walk_together(job, seat):  # type: ignore[no-untyped-def]
    """Take part in a job, as its thread number `seat`, until all of its steps are done."""
    table, threads, sleep = word(job, TABLE), word(job, THREADS), word(job, YIELD)
    for s in range(word(job, STEPS)):
        at, counters = STEP * s, word(job, COUNTERS) + 8 * LINE * (threads + 1) * s
        tasks, shares = word(table, at + TASKS), word(table, at + SHARES)
        ran = 0
        for i in range(shares):
            ran += run_share(table, at, counters, (seat + i) % shares)
        if ran > 0:
            atomic_add(counters, LINE * threads, ran)
        waited = 0
        while atomic_load(counters, LINE * threads) < tasks:
            waited = wait(waited, sleep)


@Kernel
def walk(table: i64, lo: i64, hi: i64):
    """Run steps [lo, hi) of a table, alone."""
    for s in range(lo, hi):
        at = table + 8 * STEP * s
        call(word(at, KERNEL), word(at, BLOCK), 0, word(at, TASKS))


@device
def take(locks, slots):  # type: ignore[no-untyped-def]
    """The number of the first slot that nobody has; it is this thread's until its lock is taken back."""
    slot = 0
    while atomic_add(locks, LINE * slot, 1) != 0:
        atomic_add(locks, LINE * slot, -1)
        slot = slot + 1 if slot + 1 < slots else 0
    return slot


@Kernel
def chain(rows: i64, count: i64, moves: i64, moved: i64, groups: i64, slots: i64, locks: i64, lo: i64, hi: i64):
    """Run `count` steps for one group of images after the other; one task is one group.

    A slot has steps of its own, in the table `rows`, and `moved` words of their arguments that are not the same for all
    groups: (address of the word, its value for group 0, what each group takes off).  Steps without pieces write zeros
    that stay: they are run once, when a thread has taken its slot.
    """
    slot = take(locks, slots)
    for g in range(lo, hi):
        for i in range(moved):
            at = moves + 8 * MOVE * (slot * moved + i)
            atomic_store(word(at, WORD), 0, word(at, FIRST) - g * word(at, LESS))
        for s in range(count):
            at = rows + 8 * ROW * (slot * count + s)
            tasks = word(at, TASKS)
            if word(at, PIECES) != 0:
                call(word(at, KERNEL), word(at, BLOCK), tasks * g // groups, tasks * (g + 1) // groups)
            elif g == lo:
                call(word(at, KERNEL), word(at, BLOCK), 0, tasks)
    atomic_add(locks, LINE * slot, -1)


@device
def keep_off_this_cpu(pool, helper):  # type: ignore[no-untyped-def]
    """Forbid a helper the CPU that the leader runs on and the slow ones, if the leader may run on others.

    Schedulers like to wake a thread where its waker runs, and some (virtual machines with two CPUs, for one) leave it
    queued there while the other CPU idles.  A slow core would hold up every step.
    """
    if word(pool, GET_AFFINITY) == 0 or word(helper, THREAD) == 0:
        return
    here = ask(word(pool, GET_CPU), 0, 0, 0)
    if here < 0 or here >= 64 * CPU_SET or here == word(helper, OFF):
        return
    atomic_store(helper, OFF, here)
    if ask(word(pool, GET_AFFINITY), 0, 8 * CPU_SET, pool + 8 * CPUS) != 0:
        return
    atomic_store(pool, CPUS + here // 64, word(pool, CPUS + here // 64) & ~(1 << (here % 64)))
    left, fast = 0, 0
    for i in range(CPU_SET):
        left |= word(pool, CPUS + i)
        fast |= word(pool, CPUS + i) & word(pool, BIG + i)
    if fast != 0:
        left = fast
        for i in range(CPU_SET):
            atomic_store(pool, CPUS + i, word(pool, CPUS + i) & word(pool, BIG + i))
    if left != 0:
        ask(word(pool, SET_AFFINITY), word(helper, THREAD), 8 * CPU_SET, pool + 8 * CPUS)


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
        if word(pool, SEM_POST) != 0 and atomic_load(helper, ASLEEP) != 0:
            atomic_store(helper, ASLEEP, 0)
            call(word(pool, SEM_POST), word(helper, SEMAPHORE), 0, 0)
    walk_together(job, 0)
    atomic_store(pool, JOB, 0)
    waited = 0
    while atomic_load(pool, ACTIVE) != 0:  # helpers may still look at the job
        waited = wait(waited, word(job, YIELD))


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
            if job != 0 and seat + 1 < word(job, THREADS):  # the leader can't leave while ACTIVE counts this thread
                walk_together(job, seat + 1)
                waited = 0
            atomic_add(pool, ACTIVE, -1)
            seen = run
        pause()
        waited += 1
        if waited > hi:  # a run that starts just now goes without this helper, which costs only its help
            atomic_store(helper, ASLEEP, 1)
            if word(pool, SEM_WAIT) == 0:
                return
            call(word(pool, SEM_WAIT), word(helper, SEMAPHORE), 0, 0)
            waited = 0
