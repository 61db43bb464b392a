"""Dropout and random numbers against Philox in NumPy."""

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


def random_words(n, step, seed):
    """n words: word i is word i mod 4 of counter i div 4."""
    quads = np.arange(-(-n // 4), dtype=np.uint64)
    halves = [np.full_like(quads, h) for h in (step & 0xFFFFFFFF, step >> 32)]
    words = philox4x32(np.stack([quads, quads >> np.uint64(32), *halves], -1), (seed & 0xFFFFFFFF, seed >> 32))
    return words.ravel()[:n]


def kept(n, step, rate, seed):
    """Which of n numbers are kept."""
    return random_words(n, step, seed) >= round(rate * 2**32)


def fractions(n, step, seed):
    return (random_words(n, step, seed) >> 8) / 2.0**24


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


@pytest.mark.parametrize("n", [0, 1, 3, 4, 5, 4095, 4096, 4099, 9001])
def test_uniform(n):
    for step, seed in ((0, 0), (2**40 + 5, 2**64 - 1)):
        y = run(ops.random_uniform, counter(step), shape=(n,), low=-2.0, high=3.0, seed=seed)
        assert_allclose(y, -2 + 5 * fractions(n, step, seed), *tolerance(y.dtype))


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4, 5, 4095, 4096, 4099, 9001])
def test_normal(n):
    y = run(ops.random_normal, counter(3), shape=(n,), mean=0.5, deviation=2.0, seed=11)
    u, v = fractions(n + n % 2, 3, 11).reshape(-1, 2).T
    z = np.stack([np.cos(2 * np.pi * v), np.sin(2 * np.pi * v)], 1) * np.sqrt(-2 * np.log1p(-u))[:, None]
    assert_allclose(y, 0.5 + 2 * z.ravel()[:n], *tolerance(y.dtype, 8))


def test_normal_is_normal():
    y = run(ops.random_normal, counter(3), shape=(200, 1000), seed=5).astype(np.float64)
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3)):
        assert abs((y**power).mean() - moment) < 0.06
    assert abs(np.corrcoef(y[:, :-1].ravel(), y[:, 1:].ravel())[0, 1]) < 0.02


def affine_maps(n, h, w, step, seed, flip, y_shift, x_shift, turn, y_zoom, x_zoom):
    """The maps of `random_affine`, put together of 3 × 3 matrices."""
    maps = []
    for u in fractions(8 * n, step, seed).reshape(n, 8):
        draw = [low + (high - low) * f for (low, high), f in zip((y_shift, x_shift, turn, y_zoom), u[2:6], strict=True)]
        across = 1 + (draw[3] if x_zoom is None else x_zoom[0] + (x_zoom[1] - x_zoom[0]) * u[6])
        angle = 2 * np.pi * draw[2]
        center = np.array([[1, 0, (h - 1) / 2], [0, 1, (w - 1) / 2], [0, 0, 1]])
        shift = np.array([[1, 0, -h * draw[0]], [0, 1, -w * draw[1]], [0, 0, 1]])
        scale = np.diag([-1 if flip[1] and u[1] < 0.5 else 1, -1 if flip[0] and u[0] < 0.5 else 1, 1.0])
        scale = scale @ np.diag([1 + draw[3], across, 1])
        turned = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        maps.append((shift @ center @ scale @ turned @ np.linalg.inv(center))[:2].ravel())
    return np.array(maps)


@pytest.mark.parametrize("x_zoom", [None, (-0.25, 0.5)])
def test_random_affine(x_zoom):
    attrs = {
        "flip": (True, True), "y_shift": (-0.25, 0.125), "x_shift": (0.0, 0.5), "turn": (-0.25, 1.0),
        "y_zoom": (-0.5, 0.5), "x_zoom": x_zoom,
    }  # fmt: skip
    y = run(ops.random_affine, counter(9), image_shape=(50, 11, 8, 3), seed=77, **attrs)
    assert_allclose(y, affine_maps(50, 11, 8, 9, 77, **attrs), rtol=1e-5, atol=2e-5)
    y = run(ops.random_affine, counter(9), image_shape=(5, 11, 8, 3), seed=77)
    assert_array_equal(y, np.tile(np.float32([1, 0, 0, 0, 1, 0]), (5, 1)))


def test_random_numbers_do_not_depend_on_threads():
    for op, attrs in (
        (ops.random_uniform, {"shape": (9001,)}),
        (ops.random_normal, {"shape": (9001,)}),
        (ops.random_affine, {"image_shape": (99, 8, 8, 1), "turn": (0, 1)}),
    ):
        assert bits_equal(*(run(op, counter(4), seed=1, threads=t, **attrs) for t in (1, 2)))
