"""affine against the oracle."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.pull import bits_equal, check_gradient, pull
from ops.run import run

import edgenet.ops as ops
from edgenet.graph import Graph, ShapeError
from oracle import affine as oracle
from tolerance import tolerance

SHAPE = (3, 5, 7, 2)


def problem(seed, shape=SHAPE):
    rng = np.random.default_rng(seed)
    maps = np.array([1, 0, 0, 0, 1, 0]) + rng.uniform(-0.4, 0.4, (shape[0], 6)) * [1, 1, 8, 1, 1, 8]
    return rng.standard_normal(shape).astype(np.float32), (np.round(maps * 64) / 64).astype(np.float32)


@pytest.mark.parametrize("fill", ["constant", "nearest", "reflect", "wrap"])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_forward_and_gradient(interpolation, fill):
    for seed in range(3):
        x, maps = problem(seed)
        attrs = {"interpolation": interpolation, "fill": fill, "value": 0.5}
        y = run(ops.affine, x, maps, **attrs)
        assert_allclose(y, oracle.affine(x, maps, **attrs), *tolerance(y.dtype, 4), err_msg=f"seed {seed}")
        check_gradient(
            ops.affine, lambda *a, at=attrs: oracle.affine(*a, **at), x, maps, seed=seed, wrt=[0], k=20, **attrs
        )


def test_identity_and_flip_are_exact():
    x, _ = problem(4)
    assert_array_equal(run(ops.affine, x, np.tile(np.float32([1, 0, 0, 0, 1, 0]), (3, 1))), x)
    assert_array_equal(run(ops.affine, x, np.tile(np.float32([1, 0, 0, 0, -1, 6]), (3, 1))), x[:, :, ::-1])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
def test_places_far_away_read_nothing_outside(bad):
    x, maps = problem(5)
    maps[1] = bad
    for fill in ("constant", "nearest", "reflect", "wrap"):
        for interpolation in ("nearest", "bilinear"):
            y = run(ops.affine, x, maps, fill=fill, interpolation=interpolation)
            want = oracle.affine(x[::2], maps[::2], interpolation, fill, 0.0)
            assert_allclose(y[::2], want, *tolerance(y.dtype, 4))
            pull(ops.affine, x, maps, dy=np.ones_like(x), wrt=[0], fill=fill, interpolation=interpolation)


def test_threads_change_no_bit():
    x, maps = problem(6, (8, 40, 40, 8))
    assert bits_equal(*(run(ops.affine, x, maps, threads=t) for t in (1, 2)))
    assert bits_equal(*(pull(ops.affine, x, maps, dy=x, wrt=[0], threads=t)[0] for t in (1, 2)))


def test_refusals():
    graph = Graph()
    x = graph.input((2, 8, 8, 3))
    with pytest.raises(ShapeError, match=r"affine: expected six numbers for each image, shape \(2, 6\), got \(3, 6\)"):
        ops.affine(x, graph.input((3, 6)))
    with pytest.raises(ShapeError, match="affine: expected images"):
        ops.affine(graph.input((2, 8, 8)), graph.input((2, 6)))
    with pytest.raises(ShapeError, match="affine: expected fill of constant"):
        ops.affine(x, graph.input((2, 6)), fill="mirror")
