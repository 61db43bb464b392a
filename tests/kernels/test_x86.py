"""The hot loops as they are compiled for x86 processors with AVX2, and for those with no more than SSE."""

from __future__ import annotations

import re

import pytest
from assembly import compile_hot_kernels, fetching, loops_with, names, whole_loop

from edgenet.kernels.target import TABLE

pytestmark = pytest.mark.slow

VECTOR_ON_STACK = re.compile(r"(?=.*[xyz]mm)(?=.*\(%rsp)")
LOOPS = [
    (row, kernel, nv, steps * mr * nv)
    for row in ("avx2", "sse")
    for kernel, steps in (("packed", 4), ("unpacked", 1))
    for nv in range(1, TABLE[row].widest + 1)
    for mr in sorted({TABLE[row].mr(nv), TABLE[row].tall[nv - 1] if steps > 1 else TABLE[row].mr(nv)})
]


@pytest.fixture(scope="module")
def assembly(tmp_path_factory):
    """Folder with the assembly of the kernels that do most of the work, NAME-CORE.s."""
    folder = tmp_path_factory.mktemp("x86")
    for row in ("avx2", "sse"):
        cpu = TABLE[row].cpu
        compile_hot_kernels(folder, f"{row}:{cpu}", "x86_64-unknown-linux-gnu", [cpu])
    return folder


def check(loop: list[str], row: str, count: int) -> None:
    """No accumulator lives on the stack; integers are reloaded at most once a round."""
    spilled = [line for line in loop if VECTOR_ON_STACK.search(line)]
    # Without an instruction for both, LLVM sometimes parks a product between multiplication and addition.
    assert len(spilled) <= (count // 9 if row == "sse" else 0), spilled
    assert sum("(%rsp" in line for line in loop) - len(spilled) <= 1
    if row == "avx2":
        assert not [name for name in names(loop) if name in ("vmulps", "vaddps")], "multiply and add in one"


@pytest.mark.parametrize(("row", "kernel", "nv", "count"), LOOPS)
def test_the_accumulators_of_a_tile_stay_in_registers(assembly, row, kernel, nv, count):
    for loop in loops_with(assembly / f"{kernel}{nv}-{TABLE[row].cpu}.s", count):
        check(loop, row, count)


@pytest.mark.parametrize("row", ["avx2", "sse"])
@pytest.mark.parametrize(("kernel", "count"), [("depthwise", 8), ("depthwise_dw", 9)])
def test_depthwise_convolutions(assembly, row, kernel, count):
    rounds = 2 if (row, kernel) == ("avx2", "depthwise") else 1  # LLVM unrolls this one
    for loop in loops_with(assembly / f"{kernel}-{TABLE[row].cpu}.s", rounds * count):
        check(loop, row, count)


@pytest.mark.parametrize(("row", "count"), [("avx2", 5), ("sse", 9)])
def test_depthwise_blocks_of_four_pixels(assembly, row, count):
    """Nine products; those that are added to others are fused where there is an instruction for both."""
    loop = whole_loop((assembly / f"windows2_dx-{TABLE[row].cpu}.s").read_text(), count)
    assert not [line for line in loop if VECTOR_ON_STACK.search(line)], "nothing is spilled"
    assert sum("(%rsp" in line for line in loop) <= 3, "three offsets of dy are read again"


@pytest.mark.parametrize("row", ["avx2", "sse"])
@pytest.mark.parametrize(("kernel", "count"), [("normalize", 2), ("products", 4), ("normalize_dx", 6)])
def test_batch_normalisation(assembly, row, kernel, count):
    """Two vectors of a row; tables and sums fill the sixteen registers."""
    for loop in fetching(assembly / f"{kernel}-{TABLE[row].cpu}.s", count):
        assert not [line for line in loop if VECTOR_ON_STACK.search(line)], "nothing is spilled"
