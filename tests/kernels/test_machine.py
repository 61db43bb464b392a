"""What is read of the system's files, held against made-up systems."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from edgenet.kernels import machine, parallel, walk
from edgenet.kernels.compiler import ENTRY


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Write files of a made-up system."""
    monkeypatch.setattr(machine, "ROOT", tmp_path)

    def write(files: dict[str, str]) -> None:
        for path, text in files.items():
            target = tmp_path / path.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text + "\n")

    return write


def cores(capacity: list[int]) -> dict[str, str]:
    return {f"/sys/devices/system/cpu/cpu{i}/cpu_capacity": str(c) for i, c in enumerate(capacity)}


@pytest.mark.parametrize(
    ("capacity", "big"),
    [
        ([1024, 1024, 1024, 1024], {0, 1, 2, 3}),  # Raspberry Pi 4
        ([414, 414, 414, 414, 1024, 1024, 1024, 1024], {4, 5, 6, 7}),  # RK3588
        ([300, 300, 850, 850, 1024], {2, 3, 4}),  # a phone
    ],
)
def test_big_cores_are_those_near_the_fastest(system, capacity, big):
    system(cores(capacity))
    assert machine.big_cpus(range(len(capacity))) == big


def test_only_the_cores_at_hand_are_compared(system):
    system(cores([414, 414, 1024, 1024]))
    assert machine.big_cpus({0, 1}) == {0, 1}


def test_clock_rates_stand_in_for_capacities(system):
    path = "/sys/devices/system/cpu/cpu{}/cpufreq/cpuinfo_max_freq"
    system({path.format(i): str(khz) for i, khz in enumerate([1_800_000, 1_800_000, 800_000])})
    assert machine.big_cpus({0, 1, 2}) == {0, 1}


def test_all_cores_are_big_where_nothing_tells_them_apart(system):
    system(cores([1024]))  # and nothing of core 1
    assert machine.big_cpus({0, 1}) == {0, 1}


@pytest.mark.parametrize(
    ("files", "quota"),
    [
        ({}, None),
        ({"/proc/self/cgroup": "0::/", "/sys/fs/cgroup/cpu.max": "max 100000"}, None),
        ({"/proc/self/cgroup": "0::/", "/sys/fs/cgroup/cpu.max": "150000 100000"}, 1.5),
        (
            {
                "/proc/self/cgroup": "0::/box/inner",
                "/sys/fs/cgroup/box/cpu.max": "200000 100000",
                "/sys/fs/cgroup/box/inner/cpu.max": "300000 100000",
            },
            2.0,
        ),
        (
            {
                "/proc/self/cgroup": "3:cpu,cpuacct:/box\n2:memory:/elsewhere",
                "/sys/fs/cgroup/cpu/box/cpu.cfs_quota_us": "50000",
                "/sys/fs/cgroup/cpu/box/cpu.cfs_period_us": "100000",
            },
            0.5,
        ),
        ({"/proc/self/cgroup": "1:cpu:/", "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1"}, None),
        ({"/proc/self/cgroup": "nonsense\n0::/../..", "/sys/fs/cgroup/cpu.max": "x 0"}, None),
    ],
)
def test_the_tightest_quota_of_the_control_groups_counts(system, files, quota):
    system(files)
    assert machine.cpu_quota() == quota


@pytest.mark.parametrize(("limit", "threads"), [("20000 100000", 1), ("150000 100000", 2), ("900000 100000", 4)])
def test_threads_stay_within_the_quota(system, monkeypatch, limit, threads):
    monkeypatch.setattr(machine, "usable_cpus", lambda: set(range(8)))
    system({"/proc/self/cgroup": "0::/", "/sys/fs/cgroup/cpu.max": limit, **cores([400] * 4 + [1024] * 4)})
    assert machine.default_threads() == threads


@pytest.mark.parametrize(
    ("process", "fast", "here", "expected"),
    [
        ({0, 1, 2, 3, 4, 5, 6, 7}, {4, 5, 6, 7}, 5, {4, 6, 7}),
        ({0, 1, 2, 3, 4, 5, 6, 7}, {4, 5, 6, 7}, 2, {4, 5, 6, 7}),
        ({0, 1, 2, 3, 4, 5, 6, 7}, set(), 5, {0, 1, 2, 3, 4, 6, 7}),
        ({0, 1, 200}, {4, 5, 6, 7}, 0, {1, 200}),
        ({0, 1}, {0}, 0, {1}),
        ({3}, {3}, 3, None),
    ],
)
def test_where_helpers_may_run(process, fast, here, expected):
    """The compiled half, asked on a made-up system: its C functions are Python's."""
    given = []
    number = ctypes.c_int64

    def get(pid, size, address):
        bits = np.packbits(np.isin(np.arange(8 * size), list(process)), bitorder="little")
        ctypes.memmove(address, bits.ctypes.data, size)
        return 0

    def put(thread, size, address):
        bits = np.frombuffer(ctypes.string_at(address, size), np.uint8)
        given.append((thread, set(np.flatnonzero(np.unpackbits(bits, bitorder="little")).tolist())))
        return 0

    three = ctypes.CFUNCTYPE(number, number, number, number)
    functions = [three(lambda *_: here), three(get), three(put)]
    pool = parallel._Pool()
    pool.words[[walk.GET_CPU, walk.GET_AFFINITY, walk.SET_AFFINITY]] = [
        ctypes.cast(f, ctypes.c_void_p).value for f in functions
    ]
    pool.words[walk.SEM_POST] = 0
    pool.words[walk.HELPERS + walk.THREAD] = 77
    pool.prefer(frozenset(fast))
    job = np.array([0, 0, 2, 0, 0], np.int64)
    block = np.array([pool.words.ctypes.data, job.ctypes.data], np.int64)
    for _ in range(2):  # the second time nothing has changed, and nothing is asked
        ENTRY(walk.lead.address)(block.ctypes.data, 0, 0)
    assert given == ([] if expected is None else [(77, expected)])
