"""What the system says of this machine's CPUs: which this process may use, how much of them, and which are fast.

Everything is read from files of Linux (``/proc``, ``/sys``); where there are none, the answer is "all" or "unknown",
never an error.

=====================  =================================================================================================
affinity               the set of CPUs that the scheduler may put this process on (taskset, cpuset)
quota                  CPU time a period that the control groups of this process grant (``docker run --cpus 1.5``)
capacity               relative speed of a core; a *big* core has at least `BIG` of the fastest one's: RK3588 has A76
                       at 1024 and A55 at about 500, recent phones 1024, 850 and 300
=====================  =================================================================================================
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection
from pathlib import Path

#: share of the fastest core's speed from which on a core counts as big
BIG = 0.6

#: root of the file system that is asked; tests put another one in its place
ROOT = Path("/")


def read(path: str) -> str:
    """Contents of a file of the system without the blanks around them; empty where there is none."""
    try:
        return (ROOT / path.lstrip("/")).read_text(errors="replace").strip()
    except OSError:
        return ""


def usable_cpus() -> set[int]:
    """Numbers of the CPUs that this process may run on.

    >>> len(usable_cpus()) >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


def cpu_quota() -> float | None:
    """CPUs' worth of time that the control groups grant this process, the tightest on the way up; None: no limit."""
    quotas = []
    for line in read("/proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        for folder in _upwards(group):
            if controllers:  # version 1
                limit = read(f"/sys/fs/cgroup/cpu{folder}/cpu.cfs_quota_us")
                period = read(f"/sys/fs/cgroup/cpu{folder}/cpu.cfs_period_us")
            else:  # version 2
                limit, _, period = read(f"/sys/fs/cgroup{folder}/cpu.max").partition(" ")
            if limit.isdigit() and period.isdigit() and int(period):
                quotas.append(int(limit) / int(period))
    return min(quotas, default=None)


def _upwards(group: str) -> list[str]:
    """A control group and those around it: /a/b, /a and the root; inside a container only the root may be there."""
    parts = [p for p in group.split("/") if p and p != ".."]
    return ["".join(f"/{p}" for p in parts[:n]) for n in range(len(parts), -1, -1)]


def capacities(cpus: Collection[int]) -> dict[int, int]:
    """Relative speed of each CPU: its capacity, else its highest clock rate in kHz; empty where one is not known."""
    for path in (
        "/sys/devices/system/cpu/cpu{}/cpu_capacity",
        "/sys/devices/system/cpu/cpu{}/cpufreq/cpuinfo_max_freq",
    ):
        known = {cpu: read(path.format(cpu)) for cpu in cpus}
        if all(text.isdigit() and int(text) for text in known.values()):
            return {cpu: int(text) for cpu, text in known.items()}
    return {}


def big_cpus(cpus: Collection[int]) -> set[int]:
    """The fast ones of these CPUs; all, where nothing tells them apart."""
    speed = capacities(cpus)
    return {cpu for cpu in cpus if not speed or speed[cpu] >= BIG * max(speed.values())}


def default_threads() -> int:
    """Threads that can work at once: the big CPUs this process may use, within what its control groups grant.

    >>> 1 <= default_threads() <= 256
    True
    """
    threads = len(big_cpus(usable_cpus()))
    quota = cpu_quota()
    if quota is not None:
        threads = min(threads, max(1, math.ceil(quota)))
    return max(1, min(threads, 256))
