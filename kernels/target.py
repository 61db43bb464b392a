"""What this CPU offers, and the tile table that follows from it.

A register tile keeps ``mr * nv`` vector accumulators of ``lanes`` floats in registers while it multiplies ``mr`` rows
of A with ``nv`` vectors of B.  With V vector registers the tile must leave room for the ``nv`` vectors of B and one
broadcast scalar of A::

    mr * nv + nv + 1 <= V

(NEON multiplies with one lane of a register, so there a vector of each row of A is kept instead of one scalar:
mr * nv + nv + mr <= V; SSE has no multiply-add and keeps products besides), and the larger ``mr * nv`` is, the fewer
loads feed one multiply-add.  Each row of ``TABLE`` gives, for every panel width ``nv`` that a layer may ask for, the
fastest ``mr`` of those measured that obey this.  On x86, which has 16 integer registers, tall tiles lose: each row of A
needs a pointer, and from a dozen on they are reloaded from the stack in every step (14 × 1: 70 GFLOP/s, 8 × 1: 116, on
a core whose peak is 190).

``EDGENET_TARGET`` (avx512, avx2, neon, sse) selects a row by hand: the tiles of every row can so be tested on any
machine, because LLVM splits vectors that the machine does not have.  A row and LLVM's name of a processor
(``neon:cortex-a72``) select the code of that processor, also on a machine of another kind: there it can be compiled and
stored, but not run.  On a board whose cores are all of one kind in `CORES`, that kind is taken by itself: what was
compiled for it elsewhere is found there.
"""

from __future__ import annotations

import functools
import os
import platform
from dataclasses import dataclass, replace
from typing import NamedTuple

from .machine import read


class Shape(NamedTuple):
    """A register tile's height, and what is known of its rows."""

    mr: int
    even: bool = False
    """all rows are stored and lie in one row of the grid, evenly spaced: where they are need not be followed step by
    step, four of them share a pointer, and tiles come in strips, one below the other"""
    adjacent: bool = False
    """they lie side by side in A, as the rows of weight gradients do: one pointer serves all of them"""
    streams: int = 1
    """places from which k is walked at once, each with a sum of its own, for a tile of one row: memory answers several
    readers faster, and the sums do not wait for one another"""
    fetch: bool = False
    """whether what the next tiles need is brought into L2 meanwhile"""


@dataclass(frozen=True)
class Target:
    """One row of the table: vector width, register tiles and the LLVM names of the CPU."""

    name: str
    lanes: int
    """float32 numbers in one vector register"""
    registers: int
    """vector registers"""
    tiles: tuple[int, ...]
    """``tiles[nv - 1]`` is the tile height mr for panels of nv vectors"""
    tall: tuple[int, ...]
    """the same for tiles whose rows are evenly spaced in memory, so that they need fewer pointers"""
    beside: tuple[int, ...]
    """the same for tiles whose rows lie side by side in memory, so that they need one pointer"""
    exact: tuple[int, ...] = ()
    """up to two further heights of tiles of one vector whose rows are evenly spaced: one of them may divide exactly the
    short rows of pixels that narrow layers have"""
    exact_beside: tuple[int, ...] = ()
    """the same for rows side by side"""
    by_lane: bool = False
    """whether a multiply-add can take one lane of a register as its scalar"""
    fused: bool = True
    """whether there is an instruction that multiplies and adds"""
    masks: bool = False
    """whether loads and stores of a part of a vector cost no more than those of all of it"""
    cpu: str = ""
    """LLVM's CPU name; empty: the machine's own"""

    def mr(self, nv: int) -> int:
        """Rows of the tile for panels of `nv` vectors."""
        return self.tiles[nv - 1]

    @property
    def foreign(self) -> bool:
        """Whether the code is for another kind of machine than this one."""
        return bool(self.cpu) and (self.name == "neon") == _is_x86()

    @property
    def widest(self) -> int:
        """The widest panel, in vectors."""
        return len(self.tiles)


#   lanes, V, mr for nv = 1, 2, 3, 4; evenly spaced; side by side; LLVM's name for a machine with no more than this
TABLE = {
    "avx512": Target(
        "avx512", 16, 32, (8, 8, 8, 6), (14, 12, 8, 6), (16, 12, 8, 6), (12, 10), (15,), masks=True, cpu="x86-64-v4"
    ),
    "avx2": Target("avx2", 8, 16, (8, 6, 4), (10, 6, 4), (10, 6, 4), cpu="x86-64-v3"),
    "neon": Target("neon", 4, 32, (14, 8, 6, 5), (14, 8, 6, 5), (14, 8, 6, 5), by_lane=True),
    "sse": Target("sse", 4, 16, (8, 5, 3), (8, 5, 3), (8, 5, 3), fused=False, cpu="x86-64-v2"),
}


@functools.cache
def current() -> Target:
    """The target that kernels are compiled for: `EDGENET_TARGET`, else the best row that this CPU has."""
    asked = os.environ.get("EDGENET_TARGET", "")
    best = _detect()
    row, _, cpu = (asked or (f"{best}:{core()}" if core() else best)).partition(":")
    if row not in TABLE:
        raise ValueError(
            f"EDGENET_TARGET={asked!r} is unknown: expected one of {', '.join(TABLE)}, "
            "which LLVM's name of a processor may follow, as in neon:cortex-a72"
        )
    target = TABLE[row]
    if cpu or (row != best and row in _runnable(best)):
        return replace(target, cpu=cpu or target.cpu)
    return replace(target, cpu="")  # this very machine; or tiles of another, whose vectors LLVM splits


def _runnable(best: str) -> tuple[str, ...]:
    """The x86 rows whose instructions run on a machine whose best row is `best`."""
    order = ("sse", "avx2", "avx512")
    return order[: order.index(best) + 1] if best in order else ()


def _detect() -> str:
    if not _is_x86():
        return "neon"
    features = set(cpu())
    if {"avx512f", "avx512vl", "avx512dq"} <= features:
        return "avx512"
    return "avx2" if {"avx2", "fma"} <= features else "sse"


def architecture() -> str:
    """The architecture that kernels are compiled for."""
    if current().foreign:
        return "aarch64" if current().name == "neon" else "x86_64"
    return machine_architecture()


def machine_architecture() -> str:
    """The architecture of this machine: x86_64, aarch64, or another by its own name."""
    name = platform.machine().lower()
    return {"amd64": "x86_64", "arm64": "aarch64"}.get(name, name)


#: part numbers of ARM (implementer 0x41) and what LLVM calls them: Raspberry Pi 3, 4 and 5, and boards like these
CORES = {
    "0xd03": "cortex-a53",
    "0xd05": "cortex-a55",
    "0xd07": "cortex-a57",
    "0xd08": "cortex-a72",
    "0xd09": "cortex-a73",
    "0xd0a": "cortex-a75",
    "0xd0b": "cortex-a76",
}


@functools.cache
def core() -> str:
    """LLVM's name of this machine's cores, where they are ARM's, all of one kind, and known; else empty."""
    if machine_architecture() != "aarch64":
        return ""
    told: dict[str, set[str]] = {}
    for line in read("/proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        told.setdefault(key.strip(), set()).add(value.strip())
    parts = told.get("CPU part", set())
    return CORES.get(min(parts), "") if told.get("CPU implementer") == {"0x41"} and len(parts) == 1 else ""


def _is_x86() -> bool:
    return platform.machine().lower() in ("x86_64", "amd64", "i686", "x86")


@functools.cache
def cpu() -> tuple[str, ...]:
    """Model and features of this machine's processor, as Linux tells them, else as LLVM does."""
    keys = ("model name", "flags", "CPU implementer", "CPU part", "CPU variant", "CPU revision", "Features")
    told: dict[str, None] = {}  # big and little cores say different things
    for line in read("/proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in keys:
            told.update(dict.fromkeys(value.split() if key.strip() in ("flags", "Features") else [value.strip()]))
    if told:
        return tuple(told)
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    return (llvm.get_host_cpu_name(), *sorted(name for name, there in features.items() if there))


def l2_bytes(default: int = 512 * 1024) -> int:
    """Size of one core's L2 cache in bytes, where the system tells (Linux), else `default`."""
    try:
        with open("/sys/devices/system/cpu/cpu0/cache/index2/size") as f:
            text = f.read().strip()
    except OSError:
        return default
    unit = {"K": 1024, "M": 1024**2}.get(text[-1:], 1)
    digits = text.rstrip("KM")
    return (int(digits) * unit if digits.isdigit() else 0) or default  # some virtual machines say 0
