"""exp, log and their kin, to 2 units in the last place of float64 truth, over all of float32."""

import math as libm
import re
import shutil
import subprocess

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from edgenet.kernels import math
from edgenet.kernels.compiler import In, Kernel, Out, OutI32, i64
from edgenet.kernels.translate import compile_object


def wide_sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x >= 0, 1, e) / (1 + e)


def wide_softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def kernel(name):
    f = getattr(math, name)

    def loop(x: In, y: Out, n: i64, lo: i64, hi: i64):
        for i in range(lo, min(hi, n)):
            y[i] = f(x[i])

    loop.__qualname__ = f"loop_{name}"
    return Kernel(loop)


TRUTH = {"exp": np.exp, "log": np.log, "tanh": np.tanh, "sigmoid": wide_sigmoid, "softplus": wide_softplus}
TRUTH["erf"] = np.vectorize(libm.erf, otypes=[np.float64])
KERNELS = {name: kernel(name) for name in TRUTH}


def call(name, x):
    y = np.empty_like(x)
    KERNELS[name](x, y, x.size, tasks=x.size)
    return y


def everywhere():
    """Every 4099th float32 of all 2³², NaN and infinities included, and many where the functions bend."""
    bits = np.arange(0, 2**32, 4099, dtype=np.uint64).astype(np.uint32).view(np.float32)
    near = [np.linspace(*ends, 300001, dtype=np.float32) for ends in ((-105, 90), (-1.5, 2.5), (-20, 20), (0, 1e-37))]
    corners = [
        0.0,
        -0.0,
        np.inf,
        -np.inf,
        np.nan,
        -np.nan,
        1000,
        -1000,
        88.72283,
        88.72284,
        -103.97,
        -103.98,
        1e-45,
        -1e-45,
    ]
    return np.concatenate([bits, *near, np.array(corners, np.float32), np.array([2.0**-126, 3.4e38], np.float32)])


@pytest.mark.parametrize("name", TRUTH)
def test_within_two_units_in_the_last_place(name):
    x = everywhere()
    y = call(name, x)
    with np.errstate(all="ignore"):
        truth = TRUTH[name](x.astype(np.float64))
        rounded = truth.astype(np.float32)
        finite = np.isfinite(rounded)
        assert_array_equal(y[~finite], rounded[~finite])
        error = np.abs(y[finite] - truth[finite]) / np.spacing(np.abs(rounded[finite])).astype(np.float64)
    worst = error.argmax()
    assert error[worst] <= 2, f"{name}({x[finite][worst]!r}) is off by {error[worst]:.2f} units"


@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "softplus", "erf"])
def test_grows(name):
    y = call(name, np.linspace(-110, 88, 400001, dtype=np.float32)).astype(np.float64)
    assert (np.diff(y) >= -2 * np.spacing(np.abs(y[1:]).astype(np.float32))).all()


def test_ranges():
    x = np.array([-1e30, -200, -104, -88, 0, 17, 1e30], np.float32)
    assert (call("sigmoid", x) >= 0).all()
    assert (call("sigmoid", x) <= 1).all()
    assert_array_equal(call("sigmoid", x)[[0, 4, -1]], [0, 0.5, 1])
    assert_array_equal(call("tanh", x)[[0, 4, -1]], [-1, 0, 1])
    assert_array_equal(np.signbit(call("tanh", np.array([0.0, -0.0], np.float32))), [False, True])


def test_expm1_is_accurate_near_zero():
    x = -np.geomspace(1e-30, 200, 20001, dtype=np.float32)
    y, truth = np.empty_like(x), np.expm1(x.astype(np.float64))
    expm1_loop(x, y, x.size, tasks=x.size)
    assert (np.abs(y - truth) <= 4 * np.spacing(np.abs(truth.astype(np.float32)))).all()


@Kernel
def expm1_loop(x: In, y: Out, n: i64, lo: i64, hi: i64):
    for i in range(lo, hi):
        y[i] = math.expm1_below(x[i])


@Kernel
def circle_loop(x: In, c: Out, s: Out, lo: i64, hi: i64):
    for i in range(lo, hi):
        c[i], s[i] = math.circle(x[i])


def test_circle():
    turns = np.linspace(-3, 3, 40001, dtype=np.float32)
    c, s = np.empty_like(turns), np.empty_like(turns)
    circle_loop(turns, c, s, tasks=turns.size)
    angle = 2 * np.pi * turns.astype(np.float64)
    assert np.abs(c - np.cos(angle)).max() < 2.0**-22
    assert np.abs(s - np.sin(angle)).max() < 2.0**-22


@Kernel
def rank_and_back(x: In, ranks: OutI32, back: Out, lo: i64, hi: i64):
    for i in range(lo, hi):
        ranks[i] = math.rank(x[i])
        back[i] = math.unrank(ranks[i])


def test_rank_sorts_like_the_numbers():
    x = np.array([-np.inf, -3e38, -1, -1e-45, -0.0, 0.0, 1e-45, 1, 3e38, np.inf], np.float32)
    ranks, back = np.empty(x.size, np.int32), np.empty_like(x)
    rank_and_back(x, ranks, back, tasks=x.size)
    assert (np.diff(ranks.astype(np.int64)) > 0).all()
    assert back.tobytes() == x.tobytes()


@pytest.mark.parametrize("name", TRUTH)
def test_the_loop_is_vectorised(name, tmp_path):
    objdump = shutil.which("objdump")
    if objdump is None:
        pytest.skip("objdump, which shows the instructions, is not installed")
    (tmp_path / "loop.o").write_bytes(compile_object(KERNELS[name]))
    text = subprocess.run([objdump, "-d", tmp_path / "loop.o"], capture_output=True, text=True, check=True).stdout
    assert re.search(r"\bv?(f?n?madd\w*|fma\w*|mul)ps\b|\bfml[as]\s+v\d+\.4s", text), "no multiplication of vectors"
    assert not re.search(r"\bcall\w*\s|\bbl\s", text), "a call stands in the loop"
