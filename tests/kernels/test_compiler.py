"""From Python function to machine code, and where it is kept."""

import os
import subprocess
import sys
import warnings

import numba
import numpy as np
import pytest
from elf import global_symbols
from numpy.testing import assert_array_equal

from edgenet.kernels import cache, image, translate
from edgenet.kernels.compiler import In, InI32, InOut, Out, OutI32, f32, i64, kernel
from edgenet.kernels.cpu import conv, depthwise, gemm, movement


@kernel
def scaled_sum(x: In, i: InI32, y: InOut, j: OutI32, factor: f32, shift: i64, lo: i64, hi: i64):
    for t in range(lo, hi):
        y[t] += x[t] * factor
        j[t] = i[t] + shift


def test_all_kinds_of_arguments():
    x, y = np.arange(6, dtype=np.float32), np.ones(6, np.float32)
    i, j = np.arange(6, dtype=np.int32), np.zeros(6, np.int32)
    scaled_sum(x, i, y, j, -2.5, 7, tasks=5)
    assert_array_equal(y, [1, -1.5, -4, -6.5, -9, 1])
    assert_array_equal(j, [7, 8, 9, 10, 11, 0])


@numba.njit
def doubled(x):
    return x + x


@kernel
def with_a_helper(x: In, y: Out, lo: i64, hi: i64):
    for t in range(lo, hi):
        y[t] = doubled(x[t])


def test_a_kernel_may_call_a_function_compiled_by_numba():
    assert doubled(3) == 6  # for its own sake, too
    x, y = np.arange(6, dtype=np.float32), np.ones(6, np.float32)
    with_a_helper(x, y, tasks=6)
    assert_array_equal(y, 2 * x)
    assert doubled(1.5) == 3


def test_wrong_arrays_are_refused():
    x, i = np.zeros(4), np.zeros(4, np.int32)
    with pytest.raises(TypeError, match="x must be a C-contiguous float32 array, got float64"):
        scaled_sum(x, i, x, i, 1.0, 0, tasks=1)
    strided = np.zeros(8, np.float32)[::2]
    with pytest.raises(TypeError, match="strides"):
        scaled_sum(strided, i, strided, i, 1.0, 0, tasks=1)


def test_a_kernel_must_end_with_its_task_range():
    def wrong(x: In, lo: i64, n: i64):
        pass

    with pytest.raises(TypeError, match="lo and hi"):
        kernel(wrong)


KERNELS = [gemm.gemm[1, True], gemm.pack, depthwise.depthwise, conv.pad_images, movement.copy]


@pytest.mark.parametrize("k", KERNELS, ids=repr)
def test_object_code_stands_alone(k):
    """No external symbols: a kernel can be mapped and called without Numba, or on another machine."""
    code = translate.compile_object(k)
    if code[:4] != b"\x7fELF":
        pytest.skip("reads symbols of ELF objects only")
    assert global_symbols(code) == {"entry"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("EDGENET_CACHE_DIR", str(tmp_path / "kernels"))
    cache.folder.cache_clear()
    yield tmp_path / "kernels"
    cache.folder.cache_clear()


def test_code_is_stored_once_and_checked(folder):
    key = cache.key("test", scaled_sum.function)
    assert cache.read(key) is None
    file = image.link(translate.compile_object(scaled_sum))
    cache.write(key, file)
    assert cache.read(key) == file
    assert [p.name for p in folder.iterdir()] == [key]
    (folder / key).write_bytes(b"\0" * 40)
    assert cache.read(key) is None


def test_without_a_folder_there_is_one_warning_and_no_error(monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("EDGENET_CACHE_DIR", str(blocked / "kernels"))
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(blocked))
    cache.folder.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert cache.folder() is None
        cache.write("key", b"code")
        assert cache.read("key") is None
    assert len(caught) == 1
    cache.folder.cache_clear()


def test_an_edit_of_a_kernel_file_changes_the_key(tmp_path):
    """The digest covers every kernel source, not only the file of the kernel."""
    import shutil

    root = tmp_path / "edgenet"
    root.mkdir()
    (root / "__init__.py").write_text("")
    shutil.copytree(
        os.path.dirname(cache.__file__), root / "kernels", ignore=shutil.ignore_patterns("__pycache__", "cuda")
    )
    code = (
        "from edgenet.kernels import cache; from edgenet.kernels.cpu.movement import copy\n"
        "print(cache.key('copy', copy.function))"
    )

    def key():
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout

    before = key()
    assert key() == before
    with open(root / "kernels" / "simd.py", "a") as f:
        f.write("\n# edited\n")
    assert key() != before


def closure_kernel(factor):
    def scale(x: In, y: Out, lo: i64, hi: i64):
        for i in range(lo, hi):
            y[i] = x[i] * factor

    return kernel(scale)


def test_kernels_of_one_function_with_other_constants_are_kept_apart(folder):
    for factor in (2, 3):
        x, y = np.ones(3, np.float32), np.zeros(3, np.float32)
        closure_kernel(np.float32(factor))(x, y, tasks=3)
        assert_array_equal(y, factor)
    assert len(list(folder.iterdir())) == 2


def test_code_that_cannot_be_told_apart_is_not_kept():
    assert cache.key("k", closure_kernel(np.float32(1)).function) is not None
    assert cache.key("k", closure_kernel(object()).function) is None


def test_a_folder_that_others_may_write_is_not_trusted(tmp_path, monkeypatch):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.setenv("EDGENET_CACHE_DIR", str(shared))
    monkeypatch.setattr(cache.tempfile, "gettempdir", lambda: str(tmp_path / "own"))
    cache.folder.cache_clear()
    with pytest.warns(UserWarning, match="cannot be used"):
        assert cache.folder() != shared
    cache.folder.cache_clear()


def test_numbers_beyond_float32_are_infinite():
    x, y = np.ones(1, np.float32), np.zeros(1, np.float32)
    i, j = np.zeros(1, np.int32), np.zeros(1, np.int32)
    scaled_sum(x, i, y, j, 1e39, 0, tasks=1)
    assert np.isposinf(y[0])
