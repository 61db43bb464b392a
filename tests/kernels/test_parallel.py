"""Running step tables: right answers from any number of threads, in threads, in forked children."""

import itertools
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from edgenet.kernels import parallel
from edgenet.kernels.compiler import In, Out, i64, kernel
from edgenet.kernels.parallel import Table, num_threads
from edgenet.kernels.target import current


@kernel
def add_one(x: In, y: Out, n: i64, lo: i64, hi: i64):
    for i in range(lo, hi):
        y[i] = x[i] + np.float32(1)


def chain(n, steps, work=1e9):
    """A table of `steps` steps, each of which adds one; returns it, its first and its last array."""
    arrays = [np.zeros(n, np.float32) for _ in range(steps + 1)]
    blocks = [
        np.array(add_one.pack((a.ctypes.data, b.ctypes.data, n)), np.int64) for a, b in itertools.pairwise(arrays)
    ]
    table = Table([(add_one, b.ctypes.data, n, work) for b in blocks])
    table.keep = (arrays, blocks)
    return table, arrays[0], arrays[-1]


@pytest.mark.parametrize("threads", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("n", [1, 2, 5, 1000])
def test_steps_see_what_the_steps_before_wrote(threads, n):
    table, first, last = chain(n, 30)
    with num_threads(threads):
        for run in range(50):
            first[:] = run
            table.run()
            assert_array_equal(last, run + 30)


@pytest.mark.parametrize(
    ("work", "steps", "together"), [(49, 1000, False), (50, 15, False), (50, 16, True), (799, 1, False), (800, 1, True)]
)
def test_little_work_is_done_alone(work, steps, together, monkeypatch):
    monkeypatch.setattr(parallel, "SERIAL_BELOW", 50)
    monkeypatch.setattr(parallel, "ALONE_BELOW", 800 / current().lanes)
    assert chain(64, steps, work)[0].parallel == together
    assert not chain(1, steps, work)[0].parallel, "one task cannot be shared"


def test_many_threads_at_once():
    failures = []

    def work():
        table, first, last = chain(64, 20)
        for run in range(200):
            first[:] = run
            table.run()
            if not (last == run + 20).all():
                failures.append(run)

    with num_threads(4):
        threads = [threading.Thread(target=work) for _ in range(6)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(60)
    assert not any(t.is_alive() for t in threads)
    assert not failures


FORKED = """
import os, sys
sys.path[:0] = {paths!r}
import numpy as np
from test_parallel import chain
from edgenet.kernels.parallel import set_num_threads
set_num_threads(2)
table, first, last = chain(64, 20)
table.run()
children = []
for i in range(3):
    pid = os.fork()
    if pid == 0:
        for run in range(100):
            first[:] = run
            table.run()
            if not (last == run + 20).all():
                os._exit(1)
        os._exit(0)
    children.append(pid)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in children))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_forked_children_run_in_parallel_too():
    here = os.path.dirname(os.path.abspath(__file__))
    code = FORKED.format(paths=[os.path.dirname(os.path.dirname(here)), here])
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_an_interrupted_preparation_is_done_again(monkeypatch):
    table, first, last = chain(64, 20)
    with num_threads(2):
        table.run()
    with num_threads(7):
        monkeypatch.setattr(parallel, "_c_function", lambda name: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            table.run()
        monkeypatch.undo()
    with num_threads(2):
        first[:] = 5
        table.run()
        assert_array_equal(last, 25)


AFFINITY = """
import os, sys, threading
sys.path[:0] = {paths!r}
from edgenet.kernels.parallel import set_num_threads
one = {{min(os.sched_getaffinity(0))}}
os.sched_setaffinity(0, one)
from test_parallel import chain
set_num_threads(3)
table, first, last = chain(64, 20)
for run in range(50):
    first[:] = run
    table.run()
    assert (last == run + 20).all()
ids = [t.native_id for t in threading.enumerate() if t.name.startswith("edgenet-")]
assert len(ids) == 2
assert all(os.sched_getaffinity(i) == one for i in ids), [os.sched_getaffinity(i) for i in ids]
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not bind processes to CPUs")
def test_helpers_stay_on_the_cpus_of_the_process():
    here = os.path.dirname(os.path.abspath(__file__))
    code = AFFINITY.format(paths=[os.path.dirname(os.path.dirname(here)), here])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_number_of_threads():
    before = parallel.get_num_threads()
    with num_threads(3):
        assert parallel.get_num_threads() == 3
    assert parallel.get_num_threads() == before
    with pytest.raises(ValueError, match="between 1 and 256, got 0"):
        parallel.set_num_threads(0)


@pytest.mark.parametrize("text", ["0", "many", "-1", "1000"])
def test_a_wrong_environment_variable_is_named(monkeypatch, text):
    monkeypatch.setenv("EDGENET_NUM_THREADS", text)
    with pytest.raises(ValueError, match=f"EDGENET_NUM_THREADS='{text}'"):
        parallel.default_threads()


def test_the_number_of_one_python_thread_is_not_that_of_others():
    seen = []
    before = parallel.get_num_threads()
    with num_threads(before + 3):
        other = threading.Thread(target=lambda: seen.append(parallel.get_num_threads()))
        other.start()
        other.join()
        parallel.set_num_threads(before + 4)
        seen.append(parallel.get_num_threads())
        with num_threads(before + 5):
            seen.append(parallel.get_num_threads())
        seen.append(parallel.get_num_threads())
    seen.append(parallel.get_num_threads())
    assert seen == [before, before + 4, before + 5, before + 4, before]


@pytest.mark.parametrize(("threads", "fast"), [(2, {0, 1}), (3, set())])
def test_more_threads_than_big_cores_may_use_all(monkeypatch, threads, fast):
    monkeypatch.setattr(parallel, "_big_cpus", frozenset({0, 1}))
    table, first, last = chain(64, 20)
    with num_threads(threads):
        first[:] = 3
        table.run()
        assert (last == 23).all()
        assert parallel._pool.preferred == fast
