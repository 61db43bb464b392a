"""``edgenet doctor``: what this machine offers, what is wrong with it, and what to do about it.

Facts come from the system (files of Linux, hardware capabilities), never from the name of a processor.  The exit status
is 0 even where problems are found: a board that throttles still works.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import NamedTuple

import edgenet
from edgenet.kernels import cache, machine, memory, target

PACKAGES = ("numpy", "numba", "llvmlite", "onnx", "onnxruntime", "h5py", "tensorboardX", "matplotlib")

#: bits of AT_HWCAP (linux/arch/arm64/include/uapi/asm/hwcap.h) that matter to kernels
ARM_FEATURES = {1: "asimd", 9: "fphp", 10: "asimdhp", 20: "asimddp (dot product)", 22: "sve"}
X86_FEATURES = ("sse4_1", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8")

#: bits of the Raspberry Pi firmware's `get_throttled`
THROTTLED = {
    0: "the supply voltage is too low now",
    1: "the clock rate is capped now",
    2: "it is throttled now",
    3: "it is at its soft temperature limit now",
    16: "the supply voltage was too low since the start",
    17: "the clock rate was capped since the start",
    18: "it was throttled since the start",
    19: "it was at its soft temperature limit since the start",
}


class Problem(NamedTuple):
    """What is wrong and what to do about it."""

    what: str
    remedy: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no options."""


def run(options: argparse.Namespace) -> int:
    """Print all facts, then all problems."""
    problems: list[Problem] = []
    for title, text in facts(problems):
        print(f"{title:<14} {text}")
    print()
    for problem in problems:
        print(f"! {problem.what}\n  → {problem.remedy}")
    if not problems:
        print("nothing wrong found")
    return 0


def facts(problems: list[Problem]) -> Iterator[tuple[str, str]]:
    """Rows of title and text; what is wrong is added to `problems`."""
    yield "edgenet", f"{edgenet.__version__}, Python {platform.python_version()} on {platform.platform()}"
    yield "packages", _packages(problems)
    yield "processor", _processor()
    yield "features", ", ".join(features()) or "unknown"
    yield "kernels", _target(problems)
    yield "caches", _caches()
    yield "cores", _cores()
    yield "threads", _threads(problems)
    yield "clock", _clock(problems)
    yield "memory", _memory(problems)
    yield "kernel cache", _kernel_cache(problems)


def _packages(problems: list[Problem]) -> str:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            if name in ("onnx", "onnxruntime"):
                problems.append(
                    Problem(f"{name} is not installed: no ONNX files", 'pip install "edgenet[onnx]", if you need them')
                )
    return ", ".join(found)


def _processor() -> str:
    name = machine.read("/proc/device-tree/model").rstrip("\0")
    for line in machine.read("/proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        if not name and key.strip() in ("model name", "Hardware"):
            name = value.strip()
    name = name or target.core() or platform.processor() or "unknown"
    return f"{name} ({platform.machine()}, {8 * ctypes.sizeof(ctypes.c_void_p)} bit)"


def features() -> list[str]:
    """What the processor can do besides the plain instruction set, as far as it concerns kernels."""
    if platform.machine().lower() in ("aarch64", "arm64"):
        capabilities = _hardware_capabilities()
        return [name for bit, name in ARM_FEATURES.items() if capabilities >> bit & 1]
    for line in machine.read("/proc/cpuinfo").splitlines():
        if line.startswith("flags"):
            flags = set(line.partition(":")[2].split())
            return [f for f in X86_FEATURES if f in flags]
    return []


def _hardware_capabilities() -> int:
    """AT_HWCAP, what the kernel of the operating system says that programs may use; 0 where it does not say."""
    try:
        ask = ctypes.CDLL(None).getauxval
    except (OSError, AttributeError, TypeError):
        return 0
    ask.restype = ctypes.c_ulong
    return int(ask(ctypes.c_ulong(16)))


def _target(problems: list[Problem]) -> str:
    asked = os.environ.get("EDGENET_TARGET", "")
    try:
        chosen = target.current()
    except ValueError as error:
        problems.append(Problem(str(error), "unset EDGENET_TARGET to use what the machine has"))
        return "unknown"
    if asked and asked != f"neon:{target.core()}":
        problems.append(
            Problem(f"EDGENET_TARGET={asked} overrides what the machine has", "unset it, unless this is a test")
        )
    if sys.maxsize < 2**32:
        problems.append(Problem("Python is a 32-bit program", "install a 64-bit operating system and Python"))
    for_cpu = f", for {chosen.cpu}" if chosen.cpu else ""
    return f"{chosen.name}: {chosen.registers} registers of {chosen.lanes} floats{for_cpu}"


def _caches() -> str:
    found = []
    for i in range(5):
        folder = f"/sys/devices/system/cpu/cpu0/cache/index{i}"
        level, kind, size = (machine.read(f"{folder}/{what}") for what in ("level", "type", "size"))
        if size and kind in ("Data", "Unified"):
            shared = machine.read(f"{folder}/shared_cpu_list")
            found.append(f"L{level} {size}" + (f" (CPUs {shared})" if not shared.isdigit() and shared else ""))
    return ", ".join(found) or f"unknown; L2 is taken to be {target.l2_bytes() // 1024}K"


def _cores() -> str:
    cpus = machine.usable_cpus()
    big = machine.big_cpus(cpus)
    text = f"{len(cpus)} of {os.cpu_count()} for this process"
    if big != cpus:
        text += f": {len(big)} big {sorted(big)}, {len(cpus - big)} little {sorted(cpus - big)}"
    quota = machine.cpu_quota()
    return text if quota is None else f"{text}, time for {quota:g} granted by its control group"


def _threads(problems: list[Problem]) -> str:
    used, best = edgenet.get_num_threads(), machine.default_threads()
    asked = os.environ.get("EDGENET_NUM_THREADS", "")
    if used > len(machine.usable_cpus()):
        problems.append(
            Problem(
                f"{used} threads share {len(machine.usable_cpus())} CPUs",
                f"unset EDGENET_NUM_THREADS, or set it to {best}",
            )
        )
    origin = "EDGENET_NUM_THREADS" if asked else "the cores at hand"
    return f"{used} ({origin}); edgenet's own, no threading layer of Numba is used"


def _clock(problems: list[Problem]) -> str:
    folder = "/sys/devices/system/cpu/cpu0/cpufreq"
    governor = machine.read(f"{folder}/scaling_governor")
    rates = [machine.read(f"{folder}/{what}") for what in ("scaling_cur_freq", "cpuinfo_max_freq")]
    parts = [f"governor {governor}"] if governor else []
    if all(rate.isdigit() for rate in rates):
        parts.append(f"{int(rates[0]) // 1000} of {int(rates[1]) // 1000} MHz")
    if governor == "powersave" and not machine.read(f"{folder}/energy_performance_preference"):
        problems.append(
            Problem("the clock stays at its lowest rate", "sudo cpupower frequency-set -g ondemand (or performance)")
        )
    state = machine.read("/sys/devices/platform/soc/soc:firmware/get_throttled")
    if state:
        bits = int(state, 16) if all(c in "0123456789abcdefxX" for c in state) else 0
        signs = [text for bit, text in THROTTLED.items() if bits >> bit & 1]
        parts.append("; ".join(signs) or "not throttled")
        if signs:
            problems.append(Problem("the board slows itself down", "a stronger power supply, a heat sink or a fan"))
    heat = machine.read("/sys/class/thermal/thermal_zone0/temp")
    if heat.lstrip("-").isdigit():
        parts.append(f"{int(heat) / 1000:.0f} °C")
    return ", ".join(parts) or "unknown"


def _memory(problems: list[Problem]) -> str:
    free_bytes = memory.free_bytes()
    if free_bytes is None:
        return "unknown"
    free = free_bytes / 2**30
    if free < 0.25:
        problems.append(Problem(f"only {free:.2f} GiB of memory are free", "stop other programs, or train elsewhere"))
    total = next((line.split()[1] for line in machine.read("/proc/meminfo").splitlines() if "MemTotal:" in line), "")
    return (f"{int(total) / 2**20:.1f} GiB, " if total.isdigit() else "") + f"{free:.1f} GiB free"


def _kernel_cache(problems: list[Problem]) -> str:
    folder = cache.folder()
    if folder is None:
        problems.append(
            Problem(
                "compiled kernels cannot be kept: each process compiles them anew",
                "set EDGENET_CACHE_DIR to a folder which only you can write",
            )
        )
        return "none"
    files = [entry.stat().st_size for entry in os.scandir(folder) if entry.name.endswith(".o")]
    return f"{folder}: {len(files)} kernels, {sum(files) / 2**20:.1f} MiB"
