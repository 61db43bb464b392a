"""Dropout against Philox in NumPy."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.pull import bits_equal, pull
from ops.run import run

import edgenet.ops as ops
from edgenet.graph import Graph, ShapeError
from oracle import update as oracle
from oracle.rng import philox4x32
from tolerance import tolerance


def kept(n, step, rate, seed):
    """Which of n numbers are kept: number i by word i mod 4 of counter i div 4."""
    quads = np.arange(-(-n // 4), dtype=np.uint64)
    halves = [np.full_like(quads, h) for h in (step & 0xFFFFFFFF, step >> 32)]
    words = philox4x32(np.stack([quads, quads >> np.uint64(32), *halves], -1), (seed & 0xFFFFFFFF, seed >> 32))
    return words.ravel()[:n] >= round(rate * 2**32)


def counter(step):
    return np.array([step], np.int64)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 31, 32, 33, 4095, 4096, 4097, 4099, 20002])
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_forward_and_gradient(n, rate):
    rng = np.random.default_rng(n)
    x, dy = (rng.standard_normal(n).astype(np.float32) for _ in range(2))
    for step, seed in ((0, 0), (7, 123456789012345), (2**40 + 5, 2**64 - 1)):
        keep = kept(n, step, rate, seed)
        y = run(ops.dropout, x, counter(step), rate=rate, seed=seed)
        (dx,) = pull(ops.dropout, x, counter(step), dy=dy, wrt=[0], rate=rate, seed=seed)
        assert_allclose(y, oracle.dropout(x, keep, rate), *tolerance(y.dtype))
        assert_allclose(dx, oracle.dropout(dy, keep, rate), *tolerance(y.dtype))


def test_rate_zero_keeps_all():
    x = np.array([1.5, -2, np.nan, np.inf, 0], np.float32)
    assert_array_equal(run(ops.dropout, x, counter(3), rate=0.0, seed=1), x)


def test_share_and_scale():
    y = run(ops.dropout, np.ones(200000, np.float32), counter(1), rate=0.25, seed=5)
    share = (y == 0).mean()
    assert abs(share - 0.25) < 5 * (0.25 * 0.75 / y.size) ** 0.5
    assert_allclose(y[y != 0], 1 / 0.75, *tolerance(y.dtype))


def test_steps_and_seeds_differ_and_repeat():
    x = np.ones(4096, np.float32)

    def mask(step, seed):
        return run(ops.dropout, x, counter(step), rate=0.5, seed=seed) != 0

    assert_array_equal(mask(1, 2), mask(1, 2))
    for other in (mask(2, 2), mask(1, 3), mask(2, 1), mask(1 + 2**32, 2), mask(1, 2 + 2**32)):
        assert 0.4 < (mask(1, 2) == other).mean() < 0.6


def test_threads_change_no_bit():
    x = np.random.default_rng(1).standard_normal((129, 1001)).astype(np.float32)
    one, two, four = (run(ops.dropout, x, counter(9), rate=0.3, seed=4, threads=t) for t in (1, 2, 4))
    assert bits_equal(one, two)
    assert bits_equal(one, four)


def test_refusals():
    graph = Graph()
    x = graph.input(("batch", 3))
    assert ops.dropout(x, counter(0), 0.5, seed=0).shape == ("batch", 3)
    with pytest.raises(ShapeError, match=r"expected 0 <= rate < 1, got rate=1\.0"):
        ops.dropout(x, counter(0), 1, seed=0)
    with pytest.raises(ShapeError, match=r"expected a counter int64\[1\], got int32\[1\]"):
        ops.dropout(x, graph.input((1,), "int32"), 0.5, seed=0)
