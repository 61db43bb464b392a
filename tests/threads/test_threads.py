"""Several Python threads, thread pools, a user's own parallel loops, interrupts, and what threads do afterwards."""

from __future__ import annotations

import os
import signal

import pytest

linux = pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="reads the files of Linux about threads")


def test_python_threads_at_once(program):
    """Each with a model of its own, and all with one."""
    program("""
failures = []
def work(model):
    failures.extend(1 for _ in range(100) if not right(model))
threads = [threading.Thread(target=work, args=(m,)) for m in (make(), make(), model, model, model)]
for t in threads: t.start()
for t in threads: t.join()
sys.exit(len(failures))
""")


def test_in_an_executor_with_other_numbers_of_threads(program):
    program("""
from concurrent.futures import ThreadPoolExecutor
def work(n):
    with edgenet.num_threads(1 + n % 4):
        return right()
with ThreadPoolExecutor(4) as pool:
    assert all(pool.map(work, range(200)))
""")


def test_training_in_one_thread_and_inference_in_another(program):
    program("""
other = make()
other.compile(optimizer="sgd", loss="mse")
t = threading.Thread(target=lambda: [other.train_on_batch(x, want) for _ in range(100)])
t.start()
count = 0
while t.is_alive() or count < 20:
    assert right()
    count += 1
""")


@pytest.mark.parametrize("layer", ["omp", "workqueue"])
def test_inside_a_parallel_loop_of_the_users_own(program, layer):
    """Numba's threads and ours: the loop runs before, after, and at the same time; a model runs in its object mode."""
    program(f"""
import numba
numba.config.THREADING_LAYER = "{layer}"
""" + """
@numba.njit(parallel=True)
def total(n):
    sums = np.zeros(n)
    for i in numba.prange(n):
        sums[i] = i % 7
    return sums.sum()
@numba.njit(parallel=True)
def nested(n):
    good = np.zeros(n)
    for i in numba.prange(n):
        with numba.objmode(ok="float64"):
            ok = float(right())
        good[i] = ok
    return good.sum()
expected = total(10000)
assert right()
assert nested(8) == 8
failures = []
def loop():
    for _ in range(50):
        if not right(): failures.append(1)
t = threading.Thread(target=loop)
t.start()
for _ in range(50):
    assert total(10000) == expected
t.join()
assert not failures
""", timeout=240)  # fmt: skip


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="this system sends no signals to threads")
def test_an_interrupt_leaves_everything_usable(program):
    """Ctrl-C again and again, at any moment of a run."""
    program("""
import random, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
main, stop = threading.main_thread().ident, threading.Event()
def disturb():
    while not stop.wait(random.uniform(0.0005, 0.005)):
        signal.pthread_kill(main, signal.SIGINT)
interrupted = 0
t = threading.Thread(target=disturb)
end = time.monotonic() + 4
started = False
while time.monotonic() < end:
    try:
        if not started:
            started = True
            t.start()
        while time.monotonic() < end:
            model.predict(x, verbose=0)
    except KeyboardInterrupt:
        interrupted += 1
while True:  # the last one may still be on its way
    try:
        stop.set()
        t.join()
        time.sleep(0.05)
        break
    except KeyboardInterrupt:
        pass
assert interrupted > 5, interrupted
assert all(right() for _ in range(20))
result = []
other = threading.Thread(target=lambda: result.append(right()))
other.start()
other.join(30)
assert result == [True]
""")


def test_an_interrupt_ends_a_program(program):
    """The default reaction to Ctrl-C during a run: the error arrives soon after the run, and the process ends."""
    program("""
import signal
threading.Timer(1.0, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)).start()
started = time.monotonic()
try:
    while True:
        model.predict(x, verbose=0)
except KeyboardInterrupt:
    sys.exit(0 if time.monotonic() - started < 20 else 1)
""")


@linux
def test_idle_threads_do_not_spin(program):
    """From 0.2 s after a run, no thread of the process uses the CPU."""
    told = program("""
for _ in range(50):
    assert right()
time.sleep(0.2)
before = time.process_time()
time.sleep(1.0)
print(time.process_time() - before, threading.active_count())
""")
    spent, threads = told.split()
    assert int(threads) == 3, "the helpers are there"
    assert float(spent) < 0.01


@linux
def test_no_more_threads_than_asked_for(program):
    """Three threads at work, whatever ran before; a model that is thrown away leaves none behind."""
    program("""
import gc
for _ in range(10):
    assert right(make())
    gc.collect()
assert threading.active_count() == 3, threading.enumerate()
""")


def test_a_program_may_end_while_its_threads_are_at_work(program):
    """Python frees what modules hold when it ends; machine code must stay, for helpers are not waited for."""
    program("""
from edgenet.kernels import parallel
parallel.SPIN = 10**12  # helpers that never sleep
assert right()
def work():
    while True:
        right()
for _ in range(2): threading.Thread(target=work, daemon=True).start()
time.sleep(0.2)
""")
