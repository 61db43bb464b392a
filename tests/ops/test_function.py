"""sin, cos, tan, asin, acos, atan, sinh, cosh, asinh, acosh, atanh, floor, ceil, round, sign, remainder, prelu."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from ops.pull import check_gradient, pull
from ops.run import run

import edgenet.ops as ops
from edgenet.graph import Graph, ShapeError
from oracle import function as oracle
from tolerance import tolerance

SMOOTH = ["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "asinh", "acosh", "atanh"]
STAIRS = ["floor", "ceil", "round", "sign"]
SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 0.5, -0.5, 1.5, -1.5, 2.5, 1e-30, -1e-40], np.float32)


def inside(name, x):
    """Numbers where the function is defined and its slope is not steep."""
    if name in ("asin", "acos", "atanh"):
        return (0.9 * np.tanh(x)).astype(np.float32)
    return (1.1 + np.abs(x)).astype(np.float32) if name == "acosh" else np.clip(x, -1.2, 1.2)


@pytest.mark.parametrize("name", SMOOTH + STAIRS)
@pytest.mark.parametrize("n", [0, 1, 17, 4097])
def test_forward(name, n):
    x = (5 * np.random.default_rng(n).standard_normal(n)).astype(np.float32)
    y = run(getattr(ops, name), x)
    assert_allclose(y, oracle.unary(name, x).astype(np.float32) if n else y, *tolerance(y.dtype))


@pytest.mark.parametrize("name", SMOOTH + STAIRS)
def test_special_numbers(name):
    y = run(getattr(ops, name), SPECIAL)
    assert_allclose(y, oracle.unary(name, SPECIAL).astype(np.float32), *tolerance(y.dtype))


@pytest.mark.parametrize("name", SMOOTH)
def test_far_numbers_keep_their_digits(name):
    x = np.float32([700.5, -12345.678, 3e4, 20.0, -60.0, 88.0, 1e-3, -2e-6])
    x = x[np.abs(x) < 88] if name in ("sinh", "cosh") else x
    y, want = run(getattr(ops, name), x), oracle.unary(name, x)
    assert_allclose(y, want.astype(np.float32), rtol=2e-7, atol=1e-10)


@pytest.mark.parametrize("name", SMOOTH)
def test_gradient(name):
    x = inside(name, np.random.default_rng(1).standard_normal((9, 17)).astype(np.float32))
    check_gradient(getattr(ops, name), lambda v: oracle.unary(name, v), x, seed=1, k=8, scale=4)


@pytest.mark.parametrize("name", STAIRS)
def test_no_gradient_flows_through_stairs(name):
    x = np.random.default_rng(2).standard_normal((3, 5)).astype(np.float32)
    (dx,) = pull(lambda v: getattr(ops, name)(v) + v * 2.0, x, dy=np.ones((3, 5)))
    assert_array_equal(dx, 2.0)


def test_remainder():
    rng = np.random.default_rng(4)
    a, b = (10 * rng.standard_normal((4, 50))).astype(np.float32), rng.standard_normal((4, 50)).astype(np.float32)
    y = run(ops.remainder, a, b)
    assert_array_equal(y, oracle.remainder(a, b).astype(np.float32))
    far = np.float32([5, -5, 5, 0, np.inf, 3, -3e38, np.nan])
    by = np.float32([np.inf, np.inf, 0, 2, 2, -2, 7e30, 1])
    assert_array_equal(run(ops.remainder, far, by), oracle.remainder(far, by).astype(np.float32))
    (da, db) = pull(ops.remainder, a, b, dy=np.ones_like(a))
    assert_array_equal(da, 1)
    assert_allclose(db, -np.trunc(a.astype(np.float64) / b), rtol=1e-3)


@pytest.mark.parametrize("shape", [(), (4,), (3, 1), (2, 3, 4)])
def test_prelu(shape):
    x, slope = (np.random.default_rng(6).standard_normal(s).astype(np.float32) for s in ((2, 3, 4), shape))
    assert_allclose(run(ops.prelu, x, np.asarray(slope)), oracle.prelu(x, slope).astype(np.float32), rtol=1e-6)
    check_gradient(ops.prelu, oracle.prelu, x, np.asarray(slope), seed=6, k=24)


def test_refusals():
    g = Graph()
    with pytest.raises(ShapeError, match="does not broadcast to x"):
        ops.prelu(g.input((3,)), g.input((2, 3)))
    with pytest.raises(ShapeError, match="float32"):
        ops.sin(g.input((2,), "int32"))
