"""How much memory the machine has left.

The figure is the smaller one of what the system and what the control groups of the process (a container, a batch
system) leave.

Source: Linux, Documentation/filesystems/proc.rst (MemAvailable), Documentation/admin-guide/cgroup-v2.rst (memory.max,
memory.current) and cgroup-v1/memory.rst.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import PurePosixPath

from .machine import read


def free_bytes() -> int | None:
    """Memory that can be had without swapping; all memory where the system does not tell; None where it tells none."""
    told = [*_available(), *_left_in_groups()]
    return min(told) if told else _total_bytes()


def _available() -> Iterator[int]:
    """MemAvailable, which is told in units of 1024 bytes."""
    for line in read("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            yield 1024 * int(line.split()[1])


def _left_in_groups() -> Iterator[int]:
    """What the limits of the process's control groups, and of those around them, leave."""
    for line in read("/proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers == "":  # version 2
            top, names = "/sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            top = "/sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        inner = PurePosixPath(group.lstrip("/"))
        for folder in (inner, *inner.parents):  # in a container perhaps only the top is there
            yield from _left(f"{top}/{folder}", *names)


def _left(folder: str, limit: str, usage: str, cache: str) -> Iterator[int]:
    """Limit minus usage of one group; the cache of files that nobody reads is given back on demand."""
    bound, used = read(f"{folder}/{limit}"), read(f"{folder}/{usage}")
    if bound.isdigit() and used.isdigit():  # otherwise "max", or no such file
        stat = dict(line.split()[:2] for line in read(f"{folder}/memory.stat").splitlines() if line.count(" "))
        yield max(int(bound) - int(used) + int(stat.get(cache, 0)), 0)


def _total_bytes() -> int | None:
    """All memory of a machine without ``/proc``."""
    if sys.platform == "win32":
        return _windows_bytes()
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # no sysconf, or not these names
        return None
    return total if total > 0 else None


def _windows_bytes() -> int | None:
    """Free physical memory, by GlobalMemoryStatusEx."""

    class Status(ctypes.Structure):
        _fields_ = [
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            *((n, ctypes.c_ulonglong) for n in ("all", "free", "all_page", "free_page", "all_own", "free_own", "more")),
        ]

    status = Status(length=ctypes.sizeof(Status))
    kernel: object = getattr(ctypes, "windll").kernel32  # noqa: B009 - mypy knows it on Windows alone
    return int(status.free) if kernel.GlobalMemoryStatusEx(ctypes.byref(status)) else None  # type: ignore[attr-defined]
