"""The hot loops of kernels, as LLVM compiles them for a processor that need not be at hand.

Kernels are compiled to assembly, their innermost loops are cut out, and `llvm-mca`, where it is installed and knows the
processor, predicts the cycles of a round.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

_COMPILE = """
import sys
from edgenet.kernels.cpu.depthwise import depthwise, depthwise_dw, windows, windows2_dx, windows_dw
from edgenet.kernels.cpu.gemm import gemm
from edgenet.kernels.cpu.norm import normalize, products
from edgenet.kernels.cpu.norm_train import moments, normalize_dx
from edgenet.kernels.target import current
from edgenet.kernels.translate import Machine, compile_assembly
folder, triple, *cpus = sys.argv[1:]
kernels = dict(depthwise=depthwise, depthwise_dw=depthwise_dw, windows2_dx=windows2_dx)
kernels |= dict(normalize=normalize, products=products, moments=moments, normalize_dx=normalize_dx)
for stride in (1, 2):
    kernels |= {f"windows{stride}": windows[stride], f"windows{stride}_dw": windows_dw[stride]}
for nv in range(1, current().widest + 1):
    kernels |= {f"packed{nv}": gemm[nv, True], f"unpacked{nv}": gemm[nv, False]}
for cpu in cpus:
    for name, kernel in kernels.items():
        open(f"{folder}/{name}-{cpu}.s", "w").write(compile_assembly(kernel, Machine(triple, cpu)))
"""

_BRANCH = re.compile(r"\s+(?:b\.\w+|b|cbn?z\s+\w+,|tbn?z\s+\w+, #\d+,|j\w+)\s+(\.L\w+)")
_NO_INSTRUCTION = re.compile(r"\s+\.|\s*//|\s*#")
#: multiply-adds of vectors; where there is no instruction for them (SSE), their products
_MULTIPLY_ADD = re.compile(r"fmla|vfn?madd\w+ps|mulps")


def compile_hot_kernels(folder: Path, row: str, triple: str, cpus: Iterable[str]) -> None:
    """Write KERNEL-CPU.s into the folder, for the kernels that do most of the work and a row of the target table."""
    environment = os.environ | {"EDGENET_TARGET": row}
    done = subprocess.run(
        [sys.executable, "-c", _COMPILE, str(folder), triple, *cpus],
        env=environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def loops(text: str) -> list[list[str]]:
    """The innermost loops: from a label to the branch back to it, with no label in between."""
    found = []
    lines = [line for line in text.splitlines() if line.strip() and not _NO_INSTRUCTION.match(line)]
    label = -1
    for end, line in enumerate(lines):
        if re.match(r"\.L\w+:", line):
            label = end
        branch = _BRANCH.match(line)
        if branch and label >= 0 and lines[label].startswith(branch[1] + ":"):
            found.append([line.split("//")[0].split("#APP")[0] for line in lines[label + 1 : end + 1]])
    return found


def whole_loop(text: str, least: int) -> list[str]:
    """The shortest loop with so many multiply-adds, with the branches inside it."""
    lines = [line for line in text.splitlines() if line.strip() and not _NO_INSTRUCTION.match(line)]
    labels = {line.split(":")[0]: i for i, line in enumerate(lines) if line.startswith(".L")}
    found = []
    for end, line in enumerate(lines):
        branch = _BRANCH.match(line)
        if branch and labels[branch[1]] < end:
            inside = [line.split("//")[0] for line in lines[labels[branch[1]] : end + 1] if not line.startswith(".L")]
            found.append(inside)
    return min((loop for loop in found if multiply_adds(loop) >= least), key=len)


def names(loop: list[str]) -> list[str]:
    """The instructions of a loop, without their operands."""
    return [line.split()[0] for line in loop]


def multiply_adds(loop: list[str]) -> int:
    """How many multiply-adds of vectors a round has."""
    return sum(bool(_MULTIPLY_ADD.fullmatch(name)) for name in names(loop))


def loops_with(path: Path, count: int) -> list[list[str]]:
    """The loops with this many multiply-adds, of which there must be some; each once."""
    found = [loop for loop in loops(path.read_text()) if multiply_adds(loop) == count]
    assert found, f"{path.name} has no loop with {count} multiply-adds"
    return [list(loop) for loop in dict.fromkeys(map(tuple, found))]


def fetching(path: Path, count: int) -> list[list[str]]:
    """The loops with this many multiply-adds that fetch what others will read: those over whole strips."""
    found = [loop for loop in loops_with(path, count) if {"prfm", "prefetcht0"} & set(names(loop))]
    assert found, f"{path.name} has no loop with {count} multiply-adds that fetches"
    return found


#: the first version of LLVM whose model of the processor is its own
_KNOWN_SINCE = {"cortex-a72": 14, "neoverse-n1": 16}


@functools.cache
def _mca(cpu: str) -> str | None:
    """The newest program llvm-mca, if it has a model of the processor."""
    programs = {}
    for suffix in ("", *(f"-{number}" for number in range(14, 30))):
        if program := shutil.which(f"llvm-mca{suffix}"):
            told = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=60).stdout
            programs[int(re.search(r"LLVM version (\d+)", told)[1])] = program
    return programs[max(programs)] if programs and max(programs) >= _KNOWN_SINCE[cpu] else None


def cycles(loop: list[str], cpu: str) -> float:
    """Cycles of one round on an arm64 core, as llvm-mca predicts them; the test is skipped where it can't."""
    program = _mca(cpu)
    if program is None:
        pytest.skip(f"no llvm-mca that knows the {cpu} is installed")
    asked = [program, "-mtriple=aarch64-linux-gnu", f"-mcpu={cpu}", "-iterations=500", "-instruction-info=0"]
    told = subprocess.run(asked, input="\n".join(loop), capture_output=True, text=True, timeout=120, check=True).stdout
    return int(re.search(r"Total Cycles:\s+(\d+)", told)[1]) / 500
