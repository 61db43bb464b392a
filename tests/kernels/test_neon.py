"""The hot loops as they are compiled for the cores of Raspberry Pi boards, looked at without such a board.

The kernels are compiled for another machine, the innermost loops with the most multiply-adds are cut out of the
assembly and held against what a loop at the limit of the core looks like.  `llvm-mca`, where it is installed,
predicts the cycles of a round.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CORES = ("cortex-a72", "cortex-a76")

COMPILE = """
import sys
from edgenet.kernels.translate import Machine, compile_assembly
from edgenet.kernels.cpu.depthwise import depthwise, depthwise_dw, windows, windows_dw
from edgenet.kernels.cpu.gemm import gemm
kernels = dict(depthwise=depthwise, depthwise_dw=depthwise_dw)
kernels |= {{f"gemm{{nv}}": gemm[nv, True] for nv in (1, 2, 3, 4)}}
kernels |= {{f"windows{{stride}}": windows[stride] for stride in (1, 2)}}
kernels |= {{f"windows{{stride}}_dw": windows_dw[stride] for stride in (1, 2)}}
kernels |= {{f"unpacked{{nv}}": gemm[nv, False] for nv in (1, 2, 3, 4)}}
for cpu in {cores!r}:
    for name, kernel in kernels.items():
        text = compile_assembly(kernel, Machine("aarch64-unknown-linux-gnu", cpu))
        open(f"{folder}/{{name}}-{{cpu}}.s", "w").write(text)
"""

FMA = re.compile(r"^\s+fmla\b")
STACK = re.compile(r"\[sp\b")


@pytest.fixture(scope="module")
def assembly(tmp_path_factory):
    """Folder with the assembly of the kernels that do most of the work, NAME-CORE.s."""
    folder = tmp_path_factory.mktemp("neon")
    environment = os.environ | {"EDGENET_TARGET": "neon"}
    code = COMPILE.format(cores=CORES, folder=folder)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return folder


def loops(text: str) -> list[list[str]]:
    """The innermost loops: from a label to the branch back to it, with no label in between."""
    found = []
    lines = [line for line in text.splitlines() if line.strip() and not re.match(r"\s+\.|\s*//", line)]
    for end, line in enumerate(lines):
        branch = re.match(r"\s+(?:b\.\w+|b|cbn?z\s+\w+,|tbn?z\s+\w+, #\d+,)\s+(\.L\w+)", line)
        if not branch:
            continue
        start = next((i for i in range(end, -1, -1) if re.match(r"\.L\w+:", lines[i])), None)
        if start is not None and lines[start].startswith(branch[1] + ":"):
            found.append([line.split("//")[0] for line in lines[start + 1 : end + 1]])
    return found


def whole_loop(text: str, least: int) -> list[str]:
    """The shortest loop with so many multiply-adds, with the branches inside it."""
    lines = [line for line in text.splitlines() if line.strip() and not re.match(r"\s+\.|\s*//", line)]
    labels = {line.split(":")[0]: i for i, line in enumerate(lines) if line.startswith(".L")}
    found = []
    for end, line in enumerate(lines):
        target = re.search(r"\s(\.L\w+)$", line)
        if target and labels[target[1]] < end:
            inside = [line.split("//")[0] for line in lines[labels[target[1]] : end + 1] if not line.startswith(".L")]
            found.append(inside)
    return min((loop for loop in found if fmas(loop) >= least), key=len)


def fmas(loop: list[str]) -> int:
    return sum(bool(FMA.match(line)) for line in loop)


def main_loop(folder: Path, kernel: str, cpu: str) -> list[str]:
    """The loop with the most multiply-adds: that of the whole tile."""
    return max(loops((folder / f"{kernel}-{cpu}.s").read_text()), key=fmas)


@pytest.mark.parametrize("cpu", CORES)
@pytest.mark.parametrize(("nv", "mr"), [(1, 14), (2, 8), (3, 6), (4, 5)])
def test_the_loop_holds_multiply_adds_and_loads(assembly, nv, mr, cpu):
    loop = main_loop(assembly, f"gemm{nv}", cpu)
    names = [line.split()[0] for line in loop]
    assert fmas(loop) == 4 * mr * nv, "four steps of k of the whole tile"
    assert not [line for line in loop if STACK.search(line)], "nothing is spilled"
    loads = [n for n in names if n.startswith("ld")]
    assert len(loads) <= mr + 4 * nv
    others = set(names) - {"fmla"} - set(loads)
    assert others <= {"add", "sub", "subs", "cmp", "b.ne", "b.lt", "b.gt", "b.ge", "b.hi", "b.lo", "cbnz", "mov"}
    assert len(names) - fmas(loop) - len(loads) <= mr + 8, "a step of each address, and the branch"


@pytest.mark.parametrize("cpu", CORES)
@pytest.mark.parametrize(("nv", "mr"), [(1, 14), (2, 8), (3, 6), (4, 5)])
def test_the_loop_over_a_matrix_that_is_not_packed(assembly, nv, mr, cpu):
    """Weight gradients: one step of k, whose addresses advance by strides."""
    loop = main_loop(assembly, f"unpacked{nv}", cpu)
    names = [line.split()[0] for line in loop]
    assert fmas(loop) == mr * nv
    assert not [line for line in loop if STACK.search(line)], "nothing is spilled"
    assert len([n for n in names if n.startswith("ld")]) <= mr + nv
    assert set(names) <= {"fmla", "ldr", "ldp", "add", "subs", "b.ne"}


@pytest.mark.parametrize("cpu", CORES)
@pytest.mark.parametrize(
    ("kernel", "multiply_adds", "loads"), [("depthwise", 16, 16 + 1 + 2), ("depthwise_dw", 9, 9 + 1)], ids=["y", "dw"]
)
def test_the_loop_of_depthwise_convolutions(assembly, kernel, multiply_adds, loads, cpu):
    """A multiply-add for each pixel (or tap) that is loaded; one vector more, and two offsets of the tap."""
    loop = main_loop(assembly, kernel, cpu)
    names = [line.split()[0] for line in loop]
    assert fmas(loop) == multiply_adds
    assert not [line for line in loop if STACK.search(line)], "nothing is spilled"
    assert sum(n.startswith("ld") for n in names) == loads
    assert set(names) <= {"fmla", "ldr", "lsl", "add", "subs", "b.ne"}


@pytest.mark.parametrize("cpu", CORES)
@pytest.mark.parametrize(
    ("kernel", "loads"), [("windows1", 5), ("windows2", 14), ("windows1_dw", 5 + 3), ("windows2_dw", 14 + 3)]
)
def test_the_loop_of_depthwise_windows(assembly, kernel, loads, cpu):
    """Three sums of nine products for a column of 5 pixels, or with stride 2 for two columns of 7; dw reads dy, too."""
    loop = whole_loop((assembly / f"{kernel}-{cpu}.s").read_text(), 27)
    assert fmas(loop) == 27
    assert not [line for line in loop if STACK.search(line)], "nothing is spilled"
    assert sum(line.split()[0].startswith("ld") for line in loop) == loads


def cycles(loop: list[str]) -> float:
    """Cycles of one round on a Cortex-A72, as llvm-mca predicts them."""
    asked = ["llvm-mca", "-mtriple=aarch64-linux-gnu", "-mcpu=cortex-a72", "-iterations=500", "-instruction-info=0"]
    told = subprocess.run(asked, input="\n".join(loop), capture_output=True, text=True, timeout=60, check=True).stdout
    return int(re.search(r"Total Cycles:\s+(\d+)", told)[1]) / 500


predicted = pytest.mark.skipif(not shutil.which("llvm-mca"), reason="llvm-mca, which predicts cycles, is not installed")


@predicted
@pytest.mark.parametrize("nv", [1, 2, 3, 4])
@pytest.mark.parametrize("kernel", ["gemm", "unpacked"])
def test_the_multiply_adds_of_a_cortex_a72_do_not_wait(assembly, kernel, nv):
    loop = main_loop(assembly, f"{kernel}{nv}", "cortex-a72")
    assert fmas(loop) / cycles(loop) > 0.9, "one multiply-add of 128 bits a cycle is the limit"


@predicted
@pytest.mark.parametrize(("kernel", "share"), [("depthwise", 0.9), ("depthwise_dw", 0.9)])
def test_the_loads_of_a_cortex_a72_hardly_wait(assembly, kernel, share):
    """One load a cycle is the limit."""
    loop = main_loop(assembly, kernel, "cortex-a72")
    assert sum(line.split()[0].startswith("ld") for line in loop) / cycles(loop) > share
