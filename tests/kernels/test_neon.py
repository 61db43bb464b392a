"""The hot loops as they are compiled for the cores of Raspberry Pi boards, looked at without such a board."""

from __future__ import annotations

import re

import pytest
from assembly import compile_hot_kernels, cycles, fetching, loops_with, multiply_adds, names, whole_loop

pytestmark = pytest.mark.slow

CORES = ("cortex-a72", "cortex-a76")
#: LLVM's model of a core: that of the Neoverse N1 stands for the Cortex-A76, of which it was made
MODELS = {"cortex-a72": "cortex-a72", "cortex-a76": "neoverse-n1"}
#: multiply-adds of 128 bits, and loads, that a core can begin in a cycle
WIDTH = {"cortex-a72": 1, "cortex-a76": 2}
TILES = [(1, 14), (2, 8), (3, 6), (4, 5)]

STACK = re.compile(r"\[sp\b")
each_core = pytest.mark.parametrize("cpu", CORES)
each_tile = pytest.mark.parametrize(("nv", "mr"), TILES, ids=[f"{mr}x{nv}" for nv, mr in TILES])


@pytest.fixture(scope="module")
def assembly(tmp_path_factory):
    """Folder with the assembly of the kernels that do most of the work, NAME-CORE.s."""
    folder = tmp_path_factory.mktemp("neon")
    compile_hot_kernels(folder, "neon", "aarch64-unknown-linux-gnu", CORES)
    return folder


def loads(loop: list[str]) -> int:
    return sum(name.startswith("ld") for name in names(loop))


@each_core
@each_tile
def test_the_loop_holds_multiply_adds_and_loads(assembly, nv, mr, cpu):
    """Dense layers, convolutions, their input gradients: four steps of k of a whole tile."""
    for loop in loops_with(assembly / f"packed{nv}-{cpu}.s", 4 * mr * nv):
        assert not [line for line in loop if STACK.search(line)], "nothing is spilled"
        assert loads(loop) <= mr + 4 * nv
        others = [name for name in names(loop) if name != "fmla" and not name.startswith("ld")]
        assert set(others) <= {
            "add",
            "sub",
            "subs",
            "cmp",
            "b.ne",
            "b.lt",
            "b.gt",
            "b.ge",
            "b.hi",
            "b.lo",
            "cbnz",
            "mov",
        }
        assert len(others) <= mr + 8, "a step of each address, and the branch"


@each_core
@each_tile
@pytest.mark.parametrize("kernel", ["packed", "unpacked"])
def test_the_loop_of_one_step(assembly, kernel, nv, mr, cpu):
    """Weight gradients, whose k advances by strides; and the last steps of k where they are no multiple of four."""
    for loop in loops_with(assembly / f"{kernel}{nv}-{cpu}.s", mr * nv):
        assert not [line for line in loop if STACK.search(line)], "nothing is spilled"
        assert loads(loop) <= mr + nv
        others = [name for name in names(loop) if name != "fmla" and not name.startswith("ld")]
        assert len(others) <= 6 and set(others) <= {"add", "subs", "cmp", "b.ne", "b.lt"}, "one step for all rows"


#: depthwise kernels with the multiply-adds and the loads of a round: a multiply-add for each pixel (or tap) that is
#: loaded; one vector more, and in y two offsets of the tap
DEPTHWISE = [("depthwise", 16, 16 + 1 + 2), ("depthwise", 8, 8 + 1 + 2), ("depthwise_dw", 9, 9 + 1)]
each_depthwise = pytest.mark.parametrize(("kernel", "count", "loaded"), DEPTHWISE)


@each_core
@each_depthwise
def test_the_loop_of_depthwise_convolutions(assembly, kernel, count, loaded, cpu):
    for loop in loops_with(assembly / f"{kernel}-{cpu}.s", count):
        assert not [line for line in loop if STACK.search(line)], "nothing is spilled"
        assert loads(loop) == loaded
        assert set(names(loop)) <= {"fmla", "ldr", "lsl", "add", "subs", "b.ne"}
        assert len(loop) <= count + loaded + 4


#: kernels of windows with the multiply-adds and the loads of a round: three sums of nine products for a column of 5
#: pixels, or with stride 2 for two columns of 7; forward with stride 1 three columns; dw reads dy, too
WINDOWS = [("windows1", 81, 15), ("windows2", 27, 14), ("windows1_dw", 27, 5 + 3), ("windows2_dw", 27, 14 + 3)]
each_windows = pytest.mark.parametrize(("kernel", "count", "loaded"), WINDOWS)


@each_core
@each_windows
def test_the_loop_of_depthwise_windows(assembly, kernel, count, loaded, cpu):
    loop = whole_loop((assembly / f"{kernel}-{cpu}.s").read_text(), count)
    assert multiply_adds(loop) == count
    spilled = [line for line in loop if STACK.search(line)]
    if kernel == "windows1":  # strides of three columns may be read again, no number
        spilled = [line for line in spilled if not re.match(r"\s+ldr\s+x", line)]
    assert not spilled
    assert loads([line for line in loop if not STACK.search(line)]) == loaded
    assert "prfm" not in names(loop), "the cores do not read what is written as a whole"


@each_core
def test_the_loop_of_blocks_of_four_pixels(assembly, cpu):
    """Nine products, of which five are added to others; as many numbers are stored as are loaded."""
    loop = whole_loop((assembly / f"windows2_dx-{cpu}.s").read_text(), 5)
    assert [names(loop).count(name) for name in ("fmla", "fmul", "ldr", "str", "prfm")] == [5, 4, 4, 4, 0]
    assert len(loop) <= 21 and not [line for line in loop if STACK.search(line)], "nothing is spilled"
    assert cycles(loop, MODELS[cpu]) < 16 / WIDTH[cpu] + 2, "stores take the most"


@each_core
@each_tile
@pytest.mark.parametrize(("kernel", "steps"), [("packed", 4), ("packed", 1), ("unpacked", 1)])
def test_the_multiply_adds_do_not_wait(assembly, kernel, steps, nv, mr, cpu):
    for loop in loops_with(assembly / f"{kernel}{nv}-{cpu}.s", steps * mr * nv):
        assert multiply_adds(loop) / cycles(loop, MODELS[cpu]) > 0.9 * WIDTH[cpu]


@each_core
@each_depthwise
def test_the_loads_of_depthwise_convolutions_hardly_wait(assembly, kernel, count, loaded, cpu):
    for loop in loops_with(assembly / f"{kernel}-{cpu}.s", count):
        assert loaded / cycles(loop, MODELS[cpu]) > 0.8 * WIDTH[cpu]


#: Share of the multiply-adds.  Forward on a Cortex-A76, stores and, with stride 2, moves of sums from window to window
#: share the vector units with them.
LEAST = {("windows1", "cortex-a72"): 0.9, ("windows1", "cortex-a76"): 0.7, ("windows2", "cortex-a76"): 0.59}


@each_core
@each_windows
def test_the_multiply_adds_of_depthwise_windows_hardly_wait(assembly, kernel, count, loaded, cpu):
    loop = whole_loop((assembly / f"{kernel}-{cpu}.s").read_text(), count)
    assert count / cycles(loop, MODELS[cpu]) > LEAST.get((kernel, cpu), 0.8) * WIDTH[cpu]


@each_core
@pytest.mark.parametrize(
    ("kernel", "count", "reloaded"),
    [("normalize", 4, 0), ("moments", 4, 0), ("products", 8, 2), ("normalize_dx", 12, 3)],
)
def test_batch_normalisation(assembly, kernel, count, reloaded, cpu):
    """Four vectors of a row: their tables and sums stay in registers, but for a few of the 20 tables of dx.

    Of 20 tables and sums beside y, which is written too (the loop that fetches it to be written), more have no place.
    """
    for loop in fetching(assembly / f"{kernel}-{cpu}.s", count):
        with_y = kernel == "products" and any("pst" in line for line in loop)
        assert sum(bool(STACK.search(line)) for line in loop) <= (8 if with_y else reloaded)
